"""Limits of what one patrol and one person may fill: said in so many words, and nothing is lost."""

import uuid
from collections.abc import Callable

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from core.database import QUARANTINE_BYTES, Sessions
from core.models import QuarantinedItem
from geo.models import Grid
from patrol.models import Segment
from tests import make
from tests.patrol.deliveries import Round, body_of, plot

ClientOf = Callable[[Actor], TestClient]


@pytest.fixture
def grid(session: Session) -> Grid:
    return plot(session)


@pytest.fixture
def member(session: Session, grid: Grid) -> Actor:
    return make.actor(session, role=Role.MEMBER, grid=grid)


def kept(session: Session) -> int:
    return session.scalars(select(func.count()).select_from(QuarantinedItem)).one()


def test_what_a_full_patrol_cannot_take_is_kept_and_filed_when_it_can(
    app: FastAPI, client: ClientOf, session: Session, member: Actor, grid: Grid
) -> None:
    walk, phone = Round.of(grid), client(member)
    walk.begin(session, member)
    given = app.state.settings
    small = given.patrol.model_copy(update={"max_fixes": len(walk.fixes)})
    app.state.settings = given.model_copy(update={"patrol": small})
    address = f"/v1/patrols/{walk.patrol_id}/segments"
    body, first, second = body_of(walk.fixes), uuid.uuid4(), uuid.uuid4()
    assert phone.put(f"{address}/{first}", content=body).status_code == 201
    full = phone.put(f"{address}/{second}", content=body)
    assert (full.status_code, full.json()["code"], full.json()["limit"]) == (
        409,
        "patrol-full",
        len(walk.fixes),
    )
    assert phone.put(f"{address}/{first}", content=body).status_code == 200, "what is there stays there"
    app.state.settings = given
    assert phone.post(f"/v1/quarantine/{full.json()['kept_aside']}/refile").status_code == 200
    assert session.scalars(select(func.count()).select_from(Segment)).one() == 2


def test_a_full_quarantine_tells_the_phone_to_keep_it(
    client: ClientOf, sessions: Sessions, session: Session, member: Actor
) -> None:
    phone = client(member)
    sessions.configure(info={QUARANTINE_BYTES: 100})
    address = f"/v1/patrols/{make.fixed_uuid('round')}/segments"
    once = phone.put(f"{address}/{make.fixed_uuid('a')}", content=b"{}" + b" " * 50)
    assert once.json()["kept_aside"]
    more = phone.put(f"{address}/{make.fixed_uuid('b')}", content=b"{}" + b" " * 60)
    assert (more.status_code, more.json()["code"]) == (429, "quarantine-full")
    assert int(more.headers["retry-after"]) > 60
    assert kept(session) == 1
    again = phone.put(f"{address}/{make.fixed_uuid('a')}", content=b"{}" + b" " * 50)
    assert again.json()["kept_aside"] == once.json()["kept_aside"]


def test_a_full_quarantine_does_not_hold_up_a_batch(
    client: ClientOf, sessions: Sessions, session: Session, member: Actor, grid: Grid
) -> None:
    walk = Round.of(grid)
    sessions.configure(info={QUARANTINE_BYTES: 10})
    start = {"grid_code": grid.code, "started_at": walk.start.started_at.isoformat()}
    items = [
        {"kind": "household", "id": str(make.fixed_uuid("home")), "body": {"x": "y" * 50}},
        {"kind": "patrol", "id": str(walk.patrol_id), "body": start},
    ]
    reply = client(member).post("/v1/sync", json={"items": items})
    assert reply.status_code == 200, reply.text
    refused, stored = reply.json()["items"]
    assert (refused["outcome"], refused["problem"]["code"]) == ("refused", "quarantine-full")
    assert (stored["outcome"], refused["kept_aside"], kept(session)) == ("stored", None, 0)
