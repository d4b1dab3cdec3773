"""What the tests of appeals and reviews share: a small street, doubtful patrols, requests."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from core.clock import now
from core.models import AuditEntry
from geo.models import Grid
from tests import make
from tests.patrol.deliveries import Round, plot, recent
from tests.patrol.walks import patrol

ClientOf = Callable[[Actor], TestClient]
PHOTO = "ab" * 32
APPEAL_ID = make.fixed_uuid("appeal")
DAY = timedelta(days=1)


@dataclass(frozen=True)
class World:
    """A member's grid below A1 below A, a head for each of the two, and a leader of the street."""

    tree: make.StreetTree
    grid: Grid
    member: Actor
    head1: Actor
    head: Actor
    leader: Actor


def world_of(session: Session) -> World:
    tree = make.street_tree(session)
    grid = plot(session, parent=tree.a1)
    return World(
        tree=tree,
        grid=grid,
        member=make.actor(session, role=Role.MEMBER, grid=grid),
        head1=make.actor(session, role=Role.HEAD, grid=tree.a1, username="head1"),
        head=make.actor(session, role=Role.HEAD, grid=tree.a, username="head"),
        leader=make.actor(session, role=Role.LEADER),
    )


def walked(
    session: Session,
    actor: Actor,
    grid: Grid,
    name: str = "round",
    *,
    minutes: float = 30,
    ago: timedelta = timedelta(minutes=10),
    mocked: bool = False,
) -> uuid.UUID:
    fixes = recent(patrol(minutes), ended_ago=ago)
    if mocked:
        fixes = replace(fixes, mock=np.ones(len(fixes), np.bool_))
    one = Round.of(grid, fixes, name)
    one.deliver(session, actor)
    return one.patrol_id


def ask(phone: TestClient, patrol_id: uuid.UUID, **changes: Any) -> Response:
    body = {"id": str(APPEAL_ID), "note": "手机没电了", "photos": [PHOTO], **changes}
    return phone.post(f"/v1/patrols/{patrol_id}/appeals", json=body)


def unrecorded(
    phone: TestClient, world: World, *, appeal_id: uuid.UUID = APPEAL_ID, **changes: Any
) -> Response:
    body = {
        "grid_code": world.grid.code,
        "started_at": (now() - DAY).isoformat(),
        "finished_at": (now() - DAY + timedelta(hours=1)).isoformat(),
        "note": "手机坏了，没有记录",
        **changes,
    }
    return phone.put(f"/v1/appeals/{appeal_id}", json={k: v for k, v in body.items() if v is not None})


def decide(desk: TestClient, decision: str = "accepted", note: str = "属实", **changes: Any) -> Response:
    return desk.post(
        f"/v1/appeals/{APPEAL_ID}/decision", json={"decision": decision, "note": note, **changes}
    )


def review(
    desk: TestClient, patrol_id: uuid.UUID, decision: str = "accepted", note: str = "已核实"
) -> Response:
    return desk.post(f"/v1/patrols/{patrol_id}/review", json={"decision": decision, "note": note})


def assert_problem(reply: Response, status: int, code: str) -> dict[str, Any]:
    assert reply.status_code == status, reply.text
    problem: dict[str, Any] = reply.json()
    assert problem["code"] == code
    return problem


def lines(session: Session, action: str) -> list[AuditEntry]:
    return list(session.scalars(select(AuditEntry).where(AuditEntry.action == action)))
