"""Duties, what is due, reminders and the work calendar over HTTP."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from core.work_calendar import Day, DayKind, load_calendar, put_day
from patrol.duties.reminding import remind_street
from tests import make
from tests.patrol.duties.doors import household, tagged
from tests.patrol.weeks.test_roll_up import MONDAY_9, World, judged, world

ClientOf = Callable[[Actor], TestClient]
__all__ = ["world"]  # the fixture


@pytest.fixture(autouse=True)
def wednesday() -> Iterator[None]:
    """Tokens of these tests are made and used at one frozen moment."""
    with time_machine.travel(MONDAY_9 + timedelta(days=2), tick=False):
        yield


@pytest.fixture
def leader(client: ClientOf, world: World) -> TestClient:
    return client(world.leader)


def test_a_week_of_duties(session: Session, world: World, leader: TestClient) -> None:
    judged(session, world.wang, world.tree.a11, 0)
    reply = leader.get("/v1/duties", params={"period": "2026-W47", "grid": world.tree.a11.code})
    assert reply.status_code == 200, reply.text
    found = reply.json()
    (total,) = found["totals"]
    assert (total["items"], total["by_status"]) == (2, {"on_track": 1, "at_risk": 1})
    wang = next(item for item in found["items"] if item["person"]["name"] == "某wang")
    assert wang["duty"] == {
        "code": "patrols",
        "zh": "每周巡查",
        "en": "weekly patrols",
        "subject": "pair",
        "clause": "11.2.1",
    }
    assert wang["period"] == {
        "iso": "2026-W47",
        "kind": "week",
        "starts_on": "2026-11-16",
        "ends_on": "2026-11-22",
    }
    shown = tuple(wang[name] for name in ("required", "done", "credited", "status", "total"))
    assert shown == (2, 1, 1, "on_track", 1)
    assert wang["exempted"]["required"] == 2
    assert wang["explained"] == {
        "zh": "本周应完成 2 次巡查，已计入 1，还差 1：进度正常。",
        "en": "2 patrols are asked for this week; 1 counted, 1 to go: on track.",
    }
    assert wang["credits"] == [
        {
            "person": {"id": str(world.wang.person_id), "name": "某wang"},
            "own": 1,
            "as_substitute": 0,
            "otherwise": 0,
        }
    ]


def test_without_a_period_every_duty_is_in_its_running_one(
    session: Session, world: World, client: ClientOf
) -> None:
    tagged(session, household(session, "101"))
    found = client(world.wang).get("/v1/duties", params={"person": str(world.wang.person_id)}).json()
    assert [(item["duty"]["code"], item["period"]["iso"]) for item in found["items"]] == [
        ("patrols", "2026-W47"),
        ("full-visits", "2026"),
        ("special-visits", "2026-Q4"),
    ]


@pytest.mark.parametrize("address", ["/v1/duties", "/v1/duties/due"])
def test_pages_hold_every_item_once(session: Session, world: World, client: ClientOf, address: str) -> None:
    for number in range(3):
        tagged(session, household(session, f"10{number}"))
    head = client(world.head)

    def walk(limit: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        query = {"limit": str(limit)}
        while True:
            page = head.get(address, params=query).json()
            found += page["items"]
            if page["next"] is None:
                return found
            query["after"] = page["next"]

    assert walk(1) == walk(200)
    assert len(walk(200)) == (5 if address == "/v1/duties" else 9)


@pytest.mark.parametrize("address", ["/v1/duties", "/v1/duties/due"])
def test_scope(session: Session, world: World, client: ClientOf, address: str) -> None:
    mine = client(world.wang)
    missing = mine.get(address, params={"grid": make.grid_code(community="599")})
    outside = mine.get(address, params={"grid": world.tree.b11.code})
    assert missing.status_code == outside.status_code == 404
    assert missing.json()["code"] == outside.json()["code"] == "grid-unknown"
    unit = client(make.actor(session, role=Role.UNIT))
    assert unit.get(address, params={"grid": world.tree.a11.code}).status_code == 403
    assert unit.get(address).json()["items"] == []


@pytest.mark.parametrize(
    "address", ["/v1/duties", "/v1/duties/due", "/v1/compliance", "/v1/compliance/export"]
)
@pytest.mark.parametrize(
    "query",
    [
        {"period": "2026-13"},
        {"period": "9999"},
        {"period": "2026-W60"},
        {"period": "'; drop table duties"},
        {"period": "2" * 300},
        {"period": "2026-Q4\0"},
    ],
    ids=str,
)
def test_hostile_periods_are_refused(leader: TestClient, address: str, query: dict[str, str]) -> None:
    reply = leader.get(address, params=query)
    assert reply.status_code == 422, reply.text
    assert reply.json()["code"] in {"invalid", "unstorable"}


@pytest.mark.parametrize(
    ("address", "query"),
    [
        ("/v1/duties", {"after": "nonsense"}),
        ("/v1/duties", {"after": "1.2"}),
        ("/v1/duties", {"after": "²." + "x."}),
        ("/v1/duties/due", {"after": "2026-01-01.x"}),
        ("/v1/duties", {"person": "me"}),
        ("/v1/duties", {"limit": "0"}),
        ("/v1/duties", {"grid": "x" * 41}),
        ("/v1/reminders", {"after": "nonsense"}),
        ("/v1/compliance", {"by": "rank"}),
        ("/v1/compliance", {"by": "grid", "week": "2026-W47"}),
        ("/v1/compliance", {"period": "2026-11", "week": "2026-W47"}),
        ("/v1/compliance", {"period": "2026-11", "after": "nonsense"}),
        ("/v1/compliance/export", {"format": "exe"}),
        ("/v1/calendar", {"from": "2026-10-02", "to": "2026-10-01"}),
        ("/v1/calendar", {"from": "2020-01-01", "to": "2026-10-01"}),
        ("/v1/calendar", {"from": "0001-01-01", "to": "0001-01-02"}),
        ("/v1/calendar", {"from": "soon", "to": "later"}),
        ("/v1/calendar", {}),
    ],
)
def test_bad_parameters_are_named(
    session: Session, world: World, leader: TestClient, address: str, query: dict[str, str]
) -> None:
    judged(session, world.wang, world.tree.a11, 0)
    reply = leader.get(address, params=query)
    assert reply.status_code == 422, reply.text
    assert reply.json()["errors"]


@pytest.mark.parametrize(
    "nothing", [{"duty": "nothing"}, {"person": str(make.fixed_uuid("nobody"))}, {"period": "2999"}]
)
def test_what_is_not_due_is_an_empty_page(leader: TestClient, nothing: dict[str, str]) -> None:
    reply = leader.get("/v1/duties", params=nothing)
    assert (reply.status_code, reply.json()["items"]) == (200, [])


# ----------------------------------------------------------------------------------------------- reminders


def test_reminders_are_read_and_seen_by_their_owner(
    session: Session, world: World, client: ClientOf, leader: TestClient
) -> None:
    remind_street(session, make.STREET)
    li = client(world.li)
    (item,) = li.get("/v1/reminders").json()["items"]
    assert (item["duty"], item["period"], item["step"], item["subject"]) == (
        "patrols",
        "2026-W47",
        "wednesday",
        "own",
    )
    assert item["text"]["zh"].startswith("【每周巡查】A11：本周应完成 2 次巡查")
    assert item["seen_at"] is None
    address = f"/v1/reminders/{item['id']}/seen"
    assert leader.post(address).status_code == 404
    first = li.post(address).json()
    assert first["seen_at"] is not None
    assert li.post(address).json() == first
    assert li.get("/v1/reminders", params={"unseen": "true"}).json()["items"] == []
    assert li.post(f"/v1/reminders/{make.fixed_uuid('no')}/seen").status_code == 404
    assert li.post("/v1/reminders/x/seen").status_code == 422


def test_pages_of_reminders(session: Session, world: World, client: ClientOf) -> None:
    remind_street(session, make.STREET)
    with time_machine.travel(MONDAY_9 + timedelta(days=4), tick=False):
        remind_street(session, make.STREET)
    head, found = client(world.head), []
    query = {"limit": "1"}
    while True:
        page = head.get("/v1/reminders", params=query).json()
        found += [item["step"] for item in page["items"]]
        if page["next"] is None:
            break
        query["after"] = page["next"]
    assert sorted(found) == ["friday", "summary-friday", "summary-wednesday", "wednesday"]


# ------------------------------------------------------------------------------------------------ calendar


def test_the_calendar_shows_published_and_derived_days(leader: TestClient) -> None:
    found = leader.get("/v1/calendar", params={"from": "2026-10-01", "to": "2026-10-10"}).json()
    assert (found["workdays"], found["is_provisional"], len(found["items"])) == (3, False, 10)
    assert found["items"][0] == {
        "day": "2026-10-01",
        "kind": "holiday",
        "name": "国庆节",
        "source": "chinesecalendar",
        "is_provisional": False,
    }
    found = leader.get("/v1/calendar", params={"from": "2027-10-01", "to": "2027-10-01"}).json()
    assert (found["items"][0]["source"], found["is_provisional"]) == ("derived", True)


def test_whoever_answers_for_everything_sets_days(session: Session, world: World, client: ClientOf) -> None:
    body = {"kind": "holiday", "name": "春节", "is_provisional": True}
    operator = client(make.actor(session, role=Role.OPERATOR))
    for someone in (operator, client(world.wang)):
        assert someone.put("/v1/calendar/2027-02-08", json=body).status_code == 403
    admin = client(make.actor(session, role=Role.ADMIN, area=""))
    for _ in range(2):
        reply = admin.put("/v1/calendar/2027-02-08", json=body)
        assert (reply.status_code, reply.json()["source"]) == (200, "manual")
    assert not load_calendar(session).is_workday(date(2027, 2, 8))
    for address, wrong in (
        ("/v1/calendar/2027-02-30", body),
        ("/v1/calendar/0900-02-08", body),
        ("/v1/calendar/2027-02-08", {"kind": "feast"}),
        ("/v1/calendar/2027-02-08", {"kind": "rest", "name": "x" * 61}),
        ("/v1/calendar/2027-02-08", {"kind": "rest", "name": "\0"}),
        ("/v1/calendar/2027-02-08", {"kind": "rest", "more": 1}),
    ):
        assert admin.put(address, json=wrong).status_code == 422


def test_a_day_that_is_set_changes_what_would_be_excused(
    session: Session, world: World, leader: TestClient
) -> None:
    for number in range(5):
        day = date(2026, 11, 16) + timedelta(days=number)
        put_day(session, Day(day, DayKind.HOLIDAY, "", "person:x", is_provisional=False), actor="person:x")
    found = leader.get("/v1/duties", params={"period": "2026-W47"}).json()
    assert {(item["required"], item["exempted"]["required"]) for item in found["items"]} == {(2, 1)}
    assert {item["status"] for item in found["items"]} == {"will_miss"}


# ---------------------------------------------------------------------------------------------- compliance


def test_a_month_by_each_way_of_adding_up(session: Session, world: World, leader: TestClient) -> None:
    for start in (0, 24):
        judged(session, world.wang, world.tree.a11, start)
    found = leader.get("/v1/compliance", params={"period": "2026-11", "grid": world.tree.a.code}).json()
    assert [week["state"] for week in found["weeks"]] == ["closed", "grace", "running"]
    assert (found["by"], found["weeks_to_come"], found["grid"]["name"]) == ("member", 1, "A")
    wang = next(item for item in found["items"] if item["person"]["name"] == "某wang")
    assert (wang["status"], wang["totals"]["pairs_met"], wang["totals"]["pairs_due"]) == ("partial", 1, 3)
    assert wang["weeks"][2] == {
        "iso": "2026-W47",
        "pairs_due": 1,
        "pairs_met": 1,
        "patrols_counted": 2,
        "patrols_needed": 2,
    }
    assert "3 个 ISO 周" in found["explained"]["zh"]
    for by in ("grid", "community", "street"):
        other = leader.get(
            "/v1/compliance", params={"period": "2026-11", "by": by, "grid": world.tree.a.code}
        ).json()
        assert other["totals"] == found["totals"]
    page = leader.get("/v1/compliance", params={"by": "grid", "limit": "1"}).json()
    assert page["period"]["iso"] == "2026-W47"
    following = leader.get("/v1/compliance", params={"by": "grid", "after": page["next"]}).json()
    assert [line["name"] for line in page["items"] + following["items"]] == ["A1", "A11", "B11"]


@pytest.mark.parametrize(("form", "begins"), [("csv", b"\xef\xbb\xbf"), ("xlsx", b"PK")])
def test_the_export(world: World, leader: TestClient, client: ClientOf, form: str, begins: bytes) -> None:
    reply = leader.get("/v1/compliance/export", params={"period": "2026-Q4", "format": form, "by": "grid"})
    assert reply.status_code == 200, reply.text
    assert reply.content.startswith(begins)
    assert "2026-Q4" in reply.headers["content-disposition"]
    assert reply.headers["cache-control"] == "private, no-store"
    elsewhere = client(world.wang).get("/v1/compliance/export", params={"grid": world.tree.b11.code})
    assert elsewhere.status_code == 404
