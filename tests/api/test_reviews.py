"""Reviews of doubts over HTTP, and what a decision does to them."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy.orm import Session

from access.roles import Role
from core.clock import Week, now
from patrol.appeals.asking import Claim, put_appeal
from patrol.appeals.deciding import Ruling, decide_appeal
from patrol.judging.verdicts import Decision
from patrol.models import PatrolVerdict
from patrol.queries import read_patrol
from patrol.weeks.freezing import freeze_week
from tests import make
from tests.api.appealing import (
    APPEAL_ID,
    DAY,
    ClientOf,
    World,
    ask,
    assert_problem,
    decide,
    lines,
    review,
    unrecorded,
    walked,
    world_of,
)
from tests.patrol.deliveries import LIMITS


@pytest.fixture
def world(session: Session) -> World:
    return world_of(session)


@pytest.fixture
def short(session: Session, world: World) -> uuid.UUID:
    """A patrol that was too short."""
    return walked(session, world.member, world.grid, minutes=5)


@pytest.fixture
def doubted(session: Session, world: World) -> uuid.UUID:
    """A patrol with simulated positions."""
    return walked(session, world.member, world.grid, mocked=True)


# --------------------------------------------------------------------------------------------------- reviews


def test_doubted_patrols_wait_for_those_above_the_oldest_first(
    session: Session, client: ClientOf, world: World, doubted: uuid.UUID
) -> None:
    older = walked(session, world.member, world.grid, "older", mocked=True, ago=DAY)
    walked(session, world.head1, world.grid, "own", mocked=True, ago=2 * DAY)
    items = client(world.head1).get("/v1/reviews").json()["items"]
    assert [item["patrol"]["id"] for item in items] == [str(older), str(doubted)]
    assert "mock-positions" in {doubt["code"] for doubt in items[0]["doubts"]}
    assert "外接定位设备" in str(items[0]["doubts"])
    assert (items[0]["decided"], items[0]["changed_since"]) == (None, False)
    page = client(world.head1).get("/v1/reviews", params={"limit": 1}).json()
    rest = client(world.head1).get("/v1/reviews", params={"limit": 1, "after": page["next"]}).json()
    assert rest["items"][0]["patrol"]["id"] == str(doubted)
    assert client(world.member).get("/v1/reviews").json()["items"] == []
    assert client(world.head1).get("/v1/reviews", params={"grid": world.tree.b.code}).json()["items"] == []


def test_a_review(session: Session, client: ClientOf, world: World, doubted: uuid.UUID) -> None:
    desk = client(world.head1)
    reviewed = review(desk, doubted)
    assert reviewed.status_code == 200, reviewed.text
    assert reviewed.json()["patrol"]["verdict"]["status"] == "accepted_by_supervisor"
    assert reviewed.json()["decided"]["computed_status"] == "pending_review"
    assert review(desk, doubted).status_code == 200
    assert_problem(review(client(world.head), doubted, "rejected"), 409, "already-decided")
    assert_problem(review(desk, doubted, "rejected"), 409, "already-decided")
    assert desk.get("/v1/reviews").json()["items"] == []
    assert len(desk.get("/v1/reviews", params={"state": "decided"}).json()["items"]) == 1
    (line,) = lines(session, "patrol.reviewed")
    assert line.detail == {"decision": "accepted", "computed": "pending_review"}


def test_a_verdict_that_changed_since_is_shown_and_may_be_decided_anew(
    session: Session, client: ClientOf, world: World, doubted: uuid.UUID
) -> None:
    desk = client(world.head1)
    review(desk, doubted, "rejected")
    session.get_one(PatrolVerdict, doubted, populate_existing=True).status = "valid"  # late data
    session.flush()
    (item,) = desk.get("/v1/reviews").json()["items"]
    assert item["changed_since"] is True
    assert (item["decided"]["decision"], item["decided"]["computed_status"]) == ("rejected", "pending_review")
    assert (item["patrol"]["verdict"]["status"], item["patrol"]["verdict"]["computed_status"]) == (
        "invalid",
        "valid",
    )
    assert review(desk, doubted, "rejected", note="仍不成立").status_code == 200
    assert desk.get("/v1/reviews").json()["items"] == []
    decisions = desk.get(f"/v1/patrols/{doubted}/decisions").json()["items"]
    assert [one["computed_status"] for one in decisions] == ["valid", "pending_review"]


def test_only_what_waits_is_reviewed(
    client: ClientOf, world: World, short: uuid.UUID, session: Session
) -> None:
    desk = client(world.head1)
    assert_problem(review(desk, short), 409, "nothing-to-review")
    unknown = make.fixed_uuid("unknown patrol")
    assert_problem(review(desk, unknown), 404, "not-found")
    assert_problem(review(client(world.member), short), 403, "own-patrol")
    elsewhere = make.actor(session, role=Role.HEAD, grid=world.tree.b, username="other")
    assert_problem(review(client(elsewhere), short), 404, "not-found")
    operator = make.actor(session, role=Role.OPERATOR)
    assert_problem(review(client(operator), short), 403, "forbidden")
    assert client(elsewhere).get(f"/v1/patrols/{short}/decisions").status_code == 404


def test_a_doubted_patrol_with_an_appeal_is_decided_there(
    client: ClientOf, world: World, doubted: uuid.UUID
) -> None:
    ask(client(world.member), doubted)
    desk = client(world.head1)
    assert desk.get("/v1/reviews").json()["items"][0]["open_appeal_id"] == str(APPEAL_ID)
    problem = assert_problem(review(desk, doubted), 409, "appeal-open")
    assert problem["appeal_id"] == str(APPEAL_ID)
    decide(desk, "rejected", note="不成立")
    assert client(world.member).get(f"/v1/patrols/{doubted}").json()["verdict"]["status"] == "invalid"


def test_after_a_rejected_review_the_worker_appeals(
    client: ClientOf, world: World, doubted: uuid.UUID
) -> None:
    review(client(world.head1), doubted, "rejected")
    ask(client(world.member), doubted)
    verdict = decide(client(world.head)).json()["patrol"]["verdict"]
    assert (verdict["status"], verdict["computed_status"]) == ("accepted_by_supervisor", "pending_review")


def test_an_appeal_about_a_closed_week_counts_in_it(session: Session, world: World, short: uuid.UUID) -> None:
    week = Week.of(now() - timedelta(minutes=20))
    with time_machine.travel(week.ends_at + 5 * DAY, tick=False):
        freeze_week(session, make.STREET, str(week))
        put_appeal(session, world.member, APPEAL_ID, Claim("没电了", patrol_id=short), LIMITS)
        decide_appeal(session, world.head1, APPEAL_ID, Ruling(Decision.ACCEPTED, ""))
        view = read_patrol(session, world.member, short)
    assert view.verdict is not None
    assert (view.verdict.status, view.verdict.counted) == ("accepted_by_supervisor", True)


def test_lists_of_appeals_by_grid_state_and_week(
    session: Session, client: ClientOf, world: World, short: uuid.UUID
) -> None:
    phone, desk = client(world.member), client(world.head)
    ask(phone, short)
    old = make.fixed_uuid("older appeal")
    started_at = now() - 9 * DAY
    times: dict[str, Any] = {
        "started_at": started_at.isoformat(),
        "finished_at": (started_at + timedelta(hours=1)).isoformat(),
    }
    unrecorded(phone, world, appeal_id=old, **times)

    def found(**query: str) -> set[str]:
        return {item["id"] for item in desk.get("/v1/appeals", params=query).json()["items"]}

    both = {str(APPEAL_ID), str(old)}
    assert found() == both == found(grid=world.tree.a.code) == found(state="open")
    assert found(state="decided") == set() == found(grid=world.tree.a2.code)
    assert found(week=str(Week.of(started_at))) == {str(old)}
    decide(client(world.head1))
    assert found(state="open") == {str(old)}
    assert found(state="decided") == {str(APPEAL_ID)}
    assert found(person=str(world.head.person_id)) == set()
    first = desk.get("/v1/appeals", params={"limit": 1}).json()
    second = desk.get("/v1/appeals", params={"limit": 1, "after": first["next"]}).json()
    assert {first["items"][0]["id"], second["items"][0]["id"]} == both
    assert second["next"] is None
    for query in ({"state": "all"}, {"week": "2026-11"}, {"after": "!"}, {"limit": 0}):
        assert desk.get("/v1/appeals", params=query).status_code == 422
