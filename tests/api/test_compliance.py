"""The weekly count over HTTP."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import time_machine
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from core.clock import Week
from tests import make
from tests.patrol.weeks.test_roll_up import MONDAY_9, World, a_week, world

ClientOf = Callable[[Actor], TestClient]
__all__ = ["world"]  # the fixture


@pytest.fixture
def leader(client: ClientOf, world: World) -> TestClient:
    return client(world.leader)


def test_a_week_of_a_street(session: Session, world: World, leader: TestClient) -> None:
    a_week(session, world)

    found = leader.get("/v1/compliance", params={"week": "2026-W47", "grid": world.tree.a.code}).json()

    assert found["week"] | {"state": ""} == {
        "iso": "2026-W47",
        "starts_on": "2026-11-16",
        "ends_on": "2026-11-22",
        "state": "",
    }
    assert found["grid"] == {"code": world.tree.a.code, "name": "A", "level": 1}
    assert found["totals"] == {"pairs_due": 3, "pairs_met": 1, "patrols_counted": 3, "patrols_needed": 6}
    assert found["next"] is None
    wang = next(item for item in found["items"] if item["person"]["name"] == "某wang")
    assert {name: wang[name] for name in wang if name != "patrols"} == {
        "grid_code": world.tree.a11.code,
        "grid_name": "A11",
        "level": 3,
        "person": {"id": str(world.wang.person_id), "name": "某wang"},
        "required": 2,
        "counted": 3,
        "frozen_counted": None,
        "corrected": False,
        "valid": 4,
        "invalid": 0,
        "pending": 0,
        "met": True,
        "status": "met",
    }
    assert [patrol["counted"] for patrol in wang["patrols"]] == [True, False, True, True]
    assert wang["patrols"][1]["reason"] == {
        "code": "gap-too-short",
        "zh": "距上一次计入的巡查开始只有 5 小时，要求至少 12 小时。",
        "en": "It began 5 hours after the last one that counts; at least 12 are asked for.",
    }
    li = next(item for item in found["items"] if item["person"]["name"] == "某li")
    assert (li["counted"], li["valid"], li["pending"], li["status"]) == (1, 1, 1, "partial")


def test_pages_hold_every_pair_once(world: World, leader: TestClient) -> None:
    found, query = [], {"week": "2026-W47", "limit": "1"}
    while True:
        page = leader.get("/v1/compliance", params=query).json()
        assert page["totals"]["pairs_due"] == 4
        found += [item["person"]["name"] for item in page["items"]]
        if page["next"] is None:
            break
        query["after"] = page["next"]
    assert sorted(found) == ["某head", "某li", "某wang", "某zhao"]


@pytest.mark.parametrize(
    ("moment", "state"),
    [
        (MONDAY_9, "running"),
        (datetime(2026, 11, 24, 1, tzinfo=UTC), "grace"),
        (datetime(2026, 11, 26, 1, tzinfo=UTC), "closed"),
    ],
)
def test_the_state_of_the_week(session: Session, client: ClientOf, moment: datetime, state: str) -> None:
    with time_machine.travel(moment, tick=False):
        reader = client(make.actor(session, role=Role.LEADER))
        assert reader.get("/v1/compliance?week=2026-W47").json()["week"]["state"] == state
        running = reader.get("/v1/compliance").json()["week"]["iso"]
        assert running == str(Week.of(moment))


def test_problems(world: World, leader: TestClient, client: ClientOf, anonymous: TestClient) -> None:
    def code(reader: TestClient, **query: str) -> tuple[int, str]:
        reply = reader.get("/v1/compliance", params=query)
        return reply.status_code, reply.json()["code"]

    assert code(leader, grid="nothing") == (404, "grid-unknown")
    assert code(leader, week="last") == (422, "invalid")
    assert code(leader, after="x") == (422, "invalid")
    assert code(leader, level="6") == (422, "invalid")
    assert code(client(world.wang), grid=world.tree.b.code) == (404, "grid-unknown")
    assert code(anonymous) == (401, "unauthenticated")
    assert leader.get(f"/v1/compliance?grid={world.tree.c.code}").status_code == 404
