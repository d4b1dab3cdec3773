"""Patrols over HTTP: every answer, every problem, and what is kept."""

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine, event, func, select
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from core.clock import Week, now
from core.models import QuarantinedItem
from geo.models import Grid
from patrol.models import Segment
from tests import make
from tests.patrol.deliveries import Round, body_of, moment, plot, recent
from tests.patrol.walks import patrol

ClientOf = Callable[[Actor], TestClient]


@pytest.fixture
def grid(session: Session) -> Grid:
    return plot(session)


@pytest.fixture
def member(session: Session, grid: Grid) -> Actor:
    return make.actor(session, role=Role.MEMBER, grid=grid)


@pytest.fixture
def phone(client: ClientOf, member: Actor) -> TestClient:
    return client(member)


@pytest.fixture
def walk(grid: Grid) -> Round:
    return Round.of(grid)


def begin(phone: TestClient, walk: Round, **changes: Any) -> Response:
    body = {"grid_code": walk.grid_code, "started_at": walk.start.started_at.isoformat(), **changes}
    return phone.put(f"/v1/patrols/{walk.patrol_id}", json=body)


def send(phone: TestClient, walk: Round, body: bytes | None = None, name: str = "0") -> Response:
    address = f"/v1/patrols/{walk.patrol_id}/segments/{walk.key(name).segment_id}"
    return phone.put(address, content=body_of(walk.fixes) if body is None else body)


def finish(phone: TestClient, walk: Round, **changes: Any) -> Response:
    body = {"finished_at": walk.finish.finished_at.isoformat(), **changes}
    return phone.post(f"/v1/patrols/{walk.patrol_id}/finish", json=body)


def assert_problem(reply: Response, status: int, code: str) -> dict[str, Any]:
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = reply.json()
    assert (problem["code"], problem["status"]) == (code, status)
    return problem


def kept(session: Session) -> list[QuarantinedItem]:
    return list(session.scalars(select(QuarantinedItem)))


def test_a_patrol_that_has_begun(phone: TestClient, walk: Round) -> None:
    begun = begin(phone, walk)
    assert begun.status_code == 201
    assert begun.json() == {
        "id": str(walk.patrol_id),
        "grid_code": walk.grid_code,
        "grid_name": "格10",
        "person": {"id": str(make.fixed_uuid("person 某member")), "name": "某member"},
        "source": "app",
        "started_at": walk.start.started_at.isoformat().replace("+00:00", "Z"),
        "finished_at": None,
        "state": "open",
        "segments": 0,
        "fixes": 0,
        "verdict": None,
    }


def test_a_patrol_from_beginning_to_verdict(session: Session, phone: TestClient, walk: Round) -> None:
    begin(phone, walk)
    sent = send(phone, walk)
    assert sent.status_code == 201
    assert sent.json() == {
        "segment_id": str(walk.key("0").segment_id),
        "stored": True,
        "fixes": 361,
        "repeated": False,
    }
    ended = finish(phone, walk).json()
    assert (ended["state"], ended["segments"], ended["fixes"]) == ("judging", 1, 361)

    walk.judge(session)
    seen = phone.get(f"/v1/patrols/{walk.patrol_id}").json()

    assert seen["state"] == "judged"
    verdict = seen["verdict"]
    assert (verdict["status"], verdict["counted"], verdict["not_counted_reason"]) == ("valid", True, None)
    assert (verdict["observed_s"], verdict["in_grid_s"], verdict["flags"]) == (1800, 1800, {})
    assert isinstance(verdict["policy_version"], int)
    assert verdict["results"][0] == {
        "check": "minutes_in_grid",
        "measured": 30.0,
        "required": 20.0,
        "unit": "min",
        "passed": True,
        "code": "minutes-in-grid-met",
        "kind": "check",
        "evidence": {},
        "zh": "在本网格内巡查 30 分钟，达到至少 20 分钟的要求。",
        "en": "30 minutes inside the grid; at least 20 are asked for.",
    }


def test_each_write_may_be_repeated(phone: TestClient, walk: Round) -> None:
    assert [begin(phone, walk).status_code for _ in range(2)] == [201, 200]
    assert [send(phone, walk).status_code for _ in range(2)] == [201, 200]
    assert [finish(phone, walk).status_code for _ in range(2)] == [200, 200]
    again = send(phone, walk)
    assert (again.status_code, again.json()["repeated"], again.json()["fixes"]) == (200, True, 361)


def test_what_is_wrong_with_a_segment_is_named_and_the_body_kept(
    session: Session, phone: TestClient, walk: Round
) -> None:
    begin(phone, walk)
    segment = json.loads(body_of(walk.fixes))
    segment["fixes"][3]["lat"], segment["fixes"][3]["lon"] = segment["fixes"][3]["lon"], 32.1
    del segment["fixes"][5]["accuracy_m"]
    body = json.dumps(segment).encode()

    problem = assert_problem(send(phone, walk, body), 422, "segment-invalid")

    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [
        ("/fixes/5/accuracy_m", "missing")
    ]
    (item,) = kept(session)
    assert (problem["kept_aside"], item.body) == (str(item.quarantine_id), body)


def test_a_body_above_the_cap_is_refused_and_not_kept(
    session: Session, phone: TestClient, walk: Round
) -> None:
    begin(phone, walk)
    body = body_of(walk.fixes) + b" " * 1024 * 1024
    assert_problem(send(phone, walk, body), 413, "too-large")
    assert_problem(send(phone, walk, body * 3), 413, "too-large")
    assert not kept(session)


def test_another_body_under_one_id_is_a_conflict_and_kept(
    session: Session, phone: TestClient, walk: Round
) -> None:
    begin(phone, walk)
    send(phone, walk)
    other = body_of(walk.fixes.take(np.arange(7)))

    problem = assert_problem(send(phone, walk, other), 409, "segment-conflict")

    assert kept(session)[0].body == other
    assert problem["kept_aside"] == str(kept(session)[0].quarantine_id)
    assert send(phone, walk).json()["repeated"]


def test_a_segment_before_its_patrol_is_kept_and_filed_later(
    session: Session, phone: TestClient, walk: Round
) -> None:
    assert_problem(send(phone, walk), 404, "patrol-unknown")
    assert_problem(finish(phone, walk), 404, "patrol-unknown")
    begun = begin(phone, walk).json()
    assert (begun["segments"], begun["fixes"], begun["state"]) == (1, 361, "judging")
    assert send(phone, walk).json()["repeated"]


def test_problems_of_beginning(session: Session, phone: TestClient, walk: Round, client: ClientOf) -> None:
    assert_problem(begin(phone, walk, grid_code="nothing"), 404, "grid-unknown")
    assert_problem(begin(phone, walk, started_at="2026-11-16T01:00:00"), 422, "invalid")
    assert_problem(begin(phone, walk, started_at=(now() + timedelta(hours=1)).isoformat()), 422, "invalid")
    leader = client(make.actor(session, role=Role.LEADER))
    assert_problem(begin(leader, walk), 403, "forbidden")
    begin(phone, walk)
    other = (walk.start.started_at + timedelta(seconds=1)).isoformat()
    assert_problem(begin(phone, walk, started_at=other), 409, "patrol-conflict")
    assert len(kept(session)) == 1


def test_problems_of_finishing(phone: TestClient, walk: Round) -> None:
    begin(phone, walk)
    before = (walk.start.started_at - timedelta(seconds=1)).isoformat()
    problem = assert_problem(finish(phone, walk, finished_at=before), 422, "invalid")
    assert problem["errors"][0]["code"] == "before-start"
    finish(phone, walk)
    other = (walk.finish.finished_at - timedelta(seconds=1)).isoformat()
    problem = assert_problem(finish(phone, walk, finished_at=other), 409, "patrol-finished")
    assert problem["finished_at"] == walk.finish.finished_at.isoformat()
    whole = recent(patrol(30), ended_ago=timedelta(seconds=0))
    late = body_of(whole.take(np.arange(340, 361)))
    assert_problem(send(phone, walk, late, "late"), 409, "patrol-finished")


def test_the_patrol_of_another_is_not_mine(
    session: Session, phone: TestClient, walk: Round, client: ClientOf, grid: Grid
) -> None:
    begin(phone, walk)
    other = client(make.actor(session, role=Role.MEMBER, grid=grid, username="other"))
    problem = assert_problem(send(other, walk), 404, "patrol-of-another")
    assert "kept_aside" in problem
    assert_problem(finish(other, walk), 404, "patrol-of-another")
    assert session.scalars(select(func.count()).select_from(Segment)).one() == 0


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/v1/patrols/{}"),
        ("PUT", "/v1/patrols/{}/segments/{}"),
        ("POST", "/v1/patrols/{}/finish"),
        ("GET", "/v1/patrols/{}"),
        ("GET", "/v1/patrols"),
        ("POST", "/v1/patrols/import"),
    ],
)
def test_nobody_unknown_is_answered(anonymous: TestClient, method: str, path: str, session: Session) -> None:
    reply = anonymous.request(
        method,
        path.format(uuid.uuid4(), uuid.uuid4()),
        json={"grid_code": "x", "started_at": "2026-01-01T00:00Z"},
    )
    assert reply.status_code in {401, 422}
    assert not kept(session)


def test_an_address_that_is_no_uuid(phone: TestClient) -> None:
    assert_problem(phone.put("/v1/patrols/1/segments/2", content=b"{}"), 422, "invalid")


# ----------------------------------------------------------------------------------------------- reading


def test_who_may_see_a_patrol(session: Session, phone: TestClient, walk: Round, client: ClientOf) -> None:
    begin(phone, walk)
    address = f"/v1/patrols/{walk.patrol_id}"
    for role, area, status in (
        (Role.LEADER, None, 200),
        (Role.OPERATOR, None, 200),
        (Role.AUDITOR, "", 200),
        (Role.UNIT, None, 404),
        (Role.ADMIN, f"{make.OTHER_STREET}/", 404),
    ):
        reader = client(make.actor(session, role=role, area=area, username=f"{role}-{status}"))
        assert reader.get(address).status_code == status, role
        assert len(reader.get("/v1/patrols").json()["items"]) == (status == 200)


def test_patrols_are_listed_newest_first_in_pages(
    session: Session, phone: TestClient, grid: Grid, member: Actor
) -> None:
    walks = [
        Round.of(grid, recent(patrol(1), ended_ago=timedelta(hours=hours)), f"walk {hours}")
        for hours in range(1, 6)
    ]
    for one in walks:
        one.begin(session, member)
    session.flush()

    found, after = [], None
    while True:
        query = {"limit": 2} | ({"after": after} if after else {})
        page = phone.get("/v1/patrols", params=query).json()
        found += [item["id"] for item in page["items"]]
        after = page["next"]
        if after is None:
            break

    assert found == [str(one.patrol_id) for one in walks]
    assert_problem(phone.get("/v1/patrols", params={"after": "x"}), 422, "invalid")


def test_patrols_are_found_by_grid_week_and_person(
    session: Session, phone: TestClient, grid: Grid, member: Actor, client: ClientOf
) -> None:
    old = Round.of(grid, recent(patrol(30), ended_ago=timedelta(days=8)), "old")
    new = Round.of(grid, name="new")
    for one in (old, new):
        one.deliver(session, member)
    leader = client(make.actor(session, role=Role.LEADER))

    def found(**query: str) -> list[str]:
        return [item["id"] for item in leader.get("/v1/patrols", params=query).json()["items"]]

    week = str(Week.of(moment(old.fixes, 0)))
    assert found(week=week) == [str(old.patrol_id)]
    assert found(grid=grid.code) == [str(new.patrol_id), str(old.patrol_id)]
    assert found(grid="nothing") == []
    assert found(person=str(member.person_id), grid=grid.code, week=week) == [str(old.patrol_id)]
    assert found(person=str(uuid.uuid4())) == []
    assert_problem(leader.get("/v1/patrols", params={"week": "2026-47"}), 422, "invalid")
    listed = leader.get("/v1/patrols", params={"week": week}).json()["items"][0]
    assert "flags" not in listed["verdict"]
    assert listed["verdict"]["results"][0]["zh"]


def test_a_patrol_that_does_not_count_says_why(
    session: Session, phone: TestClient, grid: Grid, member: Actor
) -> None:
    first = Round.of(grid, recent(patrol(35), ended_ago=timedelta(hours=1)), "first")
    second = Round.of(grid, recent(patrol(30, speed_mps=1.0)), "second")
    for one in (first, second):
        one.deliver(session, member)
    verdict = phone.get(f"/v1/patrols/{second.patrol_id}").json()["verdict"]
    if Week.of(moment(first.fixes, 0)) == Week.of(moment(second.fixes, 0)):
        assert verdict["counted"] is False
        assert verdict["not_counted_reason"]["code"] == "gap-too-short"


def test_a_segment_costs_few_statements(
    session: Session, phone: TestClient, walk: Round, engine: Engine
) -> None:
    begin(phone, walk)
    statements: list[str] = []

    def note(*arguments: Any) -> None:
        statements.append(arguments[2])

    event.listen(engine, "before_cursor_execute", note)
    try:
        send(phone, walk)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    own = [one for one in statements if "SAVEPOINT" not in one.upper()]
    assert len(own) == 2, own  # who is it, and one that decides and files


# ------------------------------------------------------------------------------------------------ import


def gpx_of(walk: Round) -> bytes:
    points = "".join(
        f'<trkpt lon="{walk.fixes.lon[index]:.7f}" lat="{walk.fixes.lat[index]:.7f}">'
        f"<time>{moment(walk.fixes, index).isoformat()}</time></trkpt>"
        for index in range(len(walk.fixes))
    )
    return f'<gpx version="1.1" creator="t"><trk><trkseg>{points}</trkseg></trk></gpx>'.encode()


def upload(phone: TestClient, content: bytes, grid_code: str, **form: str) -> Response:
    files = {"file": ("track.gpx", content, "application/gpx+xml")}
    return phone.post("/v1/patrols/import", data={"grid_code": grid_code, **form}, files=files)


def test_a_gpx_file_is_a_finished_patrol(session: Session, phone: TestClient, walk: Round) -> None:
    first, second = (upload(phone, gpx_of(walk), walk.grid_code) for _ in range(2))

    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    made = first.json()
    assert (made["state"], made["segments"], made["fixes"]) == ("judging", 1, 361)
    imported = Round(walk.grid_code, walk.fixes, uuid.UUID(made["id"]))
    assert imported.judge(session).status == "valid"


def test_problems_of_a_gpx_file(phone: TestClient, walk: Round) -> None:
    broken = assert_problem(upload(phone, b"<gpx>", walk.grid_code), 422, "gpx-invalid")
    assert broken["errors"][0] | {"detail": ""} == {"pointer": "/file", "code": "not-xml", "detail": ""}
    swapped = gpx_of(walk).replace(b"lon=", b"x=").replace(b"lat=", b"lon=").replace(b"x=", b"lat=")
    problem = assert_problem(upload(phone, swapped, walk.grid_code), 422, "gpx-invalid")
    assert problem["errors"][0]["pointer"] == "/points/0/lon"
    assert problem["errors"][0]["code"] == "lon-lat-swapped"
    assert_problem(upload(phone, gpx_of(walk), "nothing"), 404, "grid-unknown")
    assert_problem(upload(phone, gpx_of(walk), walk.grid_code, datum="WGS"), 422, "invalid")
