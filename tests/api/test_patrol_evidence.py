"""Check-ins, gaps and progress over HTTP: every answer, every problem, hostile input, and who sees what."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from core.clock import Week
from core.settings import Settings
from geo.models import Grid
from registry.models import Checkpoint
from registry.plates import Plate, plate_keys
from registry.throttle import MISSES_PER_MINUTE
from tests import make
from tests.patrol.deliveries import Round, moment, plot, recent
from tests.patrol.judging.test_likeness import noisy
from tests.patrol.presence_proofs import checkpoint, some_building
from tests.patrol.walks import patrol

ClientOf = Callable[[Actor], TestClient]


@pytest.fixture
def community(session: Session) -> Grid:
    return make.grid(session, code=make.grid_code(sequence="00"), geom=make.box(118.89, 32.09, 118.92, 32.12))


@pytest.fixture
def grid(session: Session, community: Grid) -> Grid:
    return plot(session, parent=community)


@pytest.fixture
def member(session: Session, grid: Grid) -> Actor:
    return make.actor(session, role=Role.MEMBER, grid=grid)


@pytest.fixture
def phone(client: ClientOf, member: Actor) -> TestClient:
    return client(member)


@pytest.fixture
def walk(session: Session, grid: Grid, member: Actor) -> Round:
    begun = Round.of(grid)
    begun.begin(session, member)
    return begun


@pytest.fixture
def stairs(session: Session) -> Checkpoint:
    building = some_building(session)
    return checkpoint(session, "6楼", 200, 200, kind="vertical", building_id=building, floor="6")


def token_of(settings: Settings, one: Checkpoint) -> str:
    return plate_keys(settings).token(Plate(one.checkpoint_id, one.short_code, one.generation))


def put(phone: TestClient, walk: Round, what: str, name: str = "x", **body: Any) -> Response:
    item_id = make.fixed_uuid(f"{what} {name}")
    return phone.put(f"/v1/patrols/{walk.patrol_id}/{what}/{item_id}", json=body)


def at(walk: Round, index: int = 50) -> str:
    return moment(walk.fixes, index).isoformat()


def assert_problem(reply: Response, status: int, code: str) -> dict[str, Any]:
    assert reply.status_code == status, reply.text
    problem: dict[str, Any] = reply.json()
    assert problem["code"] == code
    return problem


def test_a_check_in_and_its_repeat(
    phone: TestClient, walk: Round, stairs: Checkpoint, settings: Settings
) -> None:
    body = {"at": at(walk), "token": token_of(settings, stairs)}
    first, again = (put(phone, walk, "check-ins", **body) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    stored = {
        "check_in_id": str(make.fixed_uuid("check-ins x")),
        "stored": True,
        "repeated": False,
        "checkpoint_id": str(stairs.checkpoint_id),
        "proof": "token",
    }
    assert first.json() == stored
    assert again.json() == {**stored, "repeated": True}


def test_a_gap_and_its_repeat(phone: TestClient, walk: Round) -> None:
    body = {"from_at": at(walk, 50), "to_at": at(walk, 90), "reason": "permission_lost"}
    first, again = (put(phone, walk, "gaps", **body) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == {"gap_id": str(make.fixed_uuid("gaps x")), "stored": True, "repeated": True}


def test_every_declared_problem(
    *, session: Session, client: ClientOf, phone: TestClient, grid: Grid, walk: Round, stairs: Checkpoint
) -> None:
    good = {"at": at(walk), "checkpoint_id": str(stairs.checkpoint_id)}
    put(phone, walk, "check-ins", **good)
    conflict = put(phone, walk, "check-ins", **{**good, "at": at(walk, 51)})
    assert "kept_aside" in assert_problem(conflict, 409, "check-in-conflict")
    nobody = {"at": at(walk), "checkpoint_id": str(make.fixed_uuid("nobody"))}
    assert_problem(put(phone, walk, "check-ins", "y", **nobody), 404, "checkpoint-unknown")
    assert_problem(put(phone, walk, "check-ins", "z", at=at(walk), token="none"), 404, "plate-unknown")
    early = Round.of(grid, name="not begun")
    assert_problem(put(phone, early, "check-ins", "e", **good), 404, "patrol-unknown")
    other = client(make.actor(session, role=Role.MEMBER, grid=grid, username="other"))
    assert_problem(put(other, walk, "check-ins", "o", **good), 404, "patrol-of-another")
    span = {"from_at": at(walk), "to_at": at(walk)}
    put(phone, walk, "gaps", **span, reason="killed")
    assert_problem(put(phone, walk, "gaps", **span, reason="paused"), 409, "gap-conflict")
    assert_problem(put(phone, early, "gaps", "e", **span, reason="paused"), 404, "patrol-unknown")
    assert_problem(put(other, walk, "gaps", "o", **span, reason="paused"), 404, "patrol-of-another")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"at": "yesterday", "token": "x"},
        {"at": "2026-11-22T08:00:00", "token": "x"},
        {"at": "2026-11-22T08:00:00Z"},
        {"at": "2026-11-22T08:00:00Z", "token": "x", "short_code": "y"},
        {"at": "2026-11-22T08:00:00Z", "token": ""},
        {"at": "2026-11-22T08:00:00Z", "token": "x" * 401},
        {"at": "2026-11-22T08:00:00Z", "token": "x\u0000"},
        {"at": "2026-11-22T08:00:00Z", "token": "x", "more": 1},
        {"at": "2026-11-22T08:00:00Z", "token": "x", "position": {"lon": 32.1, "lat": 118.9}},
        {"at": "2026-11-22T08:00:00Z", "checkpoint_id": "1; DROP TABLE patrols"},
        {"at": 1e300, "token": "x"},
    ],
)
def test_bad_check_ins_are_explained(phone: TestClient, walk: Round, body: dict[str, Any]) -> None:
    problem = assert_problem(put(phone, walk, "check-ins", **body), 422, "invalid")
    assert problem["errors"]


@pytest.mark.parametrize(
    "changes",
    [
        {"reason": "bored"},
        {"from_at": None},
        {"to_at": "9999-12-31T23:59:59Z"},
        {"from_at": "0001-01-01T00:00:00Z"},
        {"sent_at": "0001-01-01T00:00:00+14:00"},
        {"to_at": "2020-01-01T00:00:00Z"},
    ],
)
def test_bad_gaps_are_explained(phone: TestClient, walk: Round, changes: dict[str, Any]) -> None:
    body = {"from_at": at(walk, 50), "to_at": at(walk, 90), "reason": "killed", **changes}
    assert assert_problem(put(phone, walk, "gaps", **body), 422, "invalid")["errors"]


def test_whoever_guesses_codes_has_to_wait(phone: TestClient, walk: Round, stairs: Checkpoint) -> None:
    for number in range(MISSES_PER_MINUTE):
        put(phone, walk, "check-ins", str(number), at=at(walk), short_code="K7QF-2M9X")
    waiting = put(phone, walk, "check-ins", "more", at=at(walk), short_code=stairs.short_code)
    assert_problem(waiting, 429, "too-many-requests")
    assert int(waiting.headers["Retry-After"]) > 0
    looked = phone.post("/v1/checkpoints/resolve", json={"short_code": stairs.short_code})
    assert_problem(looked, 429, "too-many-requests")


# -------------------------------------------------------------------------------------------- progress


def progress(phone: TestClient, walk: Round) -> dict[str, Any]:
    reply = phone.get(f"/v1/patrols/{walk.patrol_id}/progress")
    assert reply.status_code == 200, reply.text
    answer: dict[str, Any] = reply.json()
    return answer


def test_what_is_still_missing(
    session: Session, phone: TestClient, member: Actor, walk: Round, stairs: Checkpoint
) -> None:
    at_first = progress(phone, walk)
    assert (at_first["would_be"], at_first["last_fix_at"]) == ("invalid", None)
    walk.send(session, member, walk.fixes.take(np.arange(61)))
    early = progress(phone, walk)
    checks = {one["check"]: one for one in early["checks"]}
    assert (checks["minutes_in_grid"]["measured"], checks["minutes_in_grid"]["missing"]) == (5, 15)
    assert checks["minutes_in_grid"]["kind"] == "check"
    assert checks["checkpoints"]["missing"] == 1
    assert early["zh"].startswith("还差：在本网格内再巡查 15 分钟；")
    assert "，或者再到访 1 个点位。" in early["zh"] or checks["coverage_ratio"]["passed"]
    (left,) = early["checkpoints_left"]
    assert (left["name"], left["building"], left["floor"]) == ("6楼", "3幢", "6")
    assert left["proved_by"] == ["token", "short_code"]
    walk.send(session, member, walk.fixes.take(np.arange(61, 361)), "rest")
    late = progress(phone, walk)
    assert (late["would_be"], late["zh"]) == ("valid", "各项都已达到要求，可以结束巡查。")
    assert all(one["missing"] == 0 for one in late["checks"])
    assert phone.get(f"/v1/patrols/{walk.patrol_id}").json()["verdict"] is None  # nothing was stored


def test_the_week_says_whether_it_needs_the_patrol(
    session: Session, phone: TestClient, grid: Grid, member: Actor
) -> None:
    first = Round.of(grid, recent(patrol(30, speed_mps=1.0), ended_ago=timedelta(hours=1)), "first")
    second = Round.of(grid, recent(patrol(30)), "second")
    first.deliver(session, member)
    second.begin(session, member)
    week = progress(phone, second)["week"]
    if Week.of(moment(first.fixes, 0)) == Week.of(moment(second.fixes, 0)):
        assert (week["counted"], week["required"], week["would_count"]) == (1, 2, False)
        assert week["reason"]["code"] == "gap-too-short"
        assert "这次不再计入" in week["zh"]
        assert "本周还差 1 次" in week["zh"]


def test_a_needed_patrol_is_told_so(phone: TestClient, walk: Round) -> None:
    week = progress(phone, walk)["week"]
    assert (week["counted"], week["would_count"], week["reason"]) == (0, True, None)
    assert week["zh"] == "本周要求 2 次，其他已计入 0 次；这次达标后计入。"


def test_whoever_is_not_responsible_is_told_so(
    session: Session, client: ClientOf, community: Grid, grid: Grid
) -> None:
    head = make.actor(session, role=Role.HEAD, grid=community)
    walk = Round.of(grid)
    walk.begin(session, head)
    week = progress(client(head), walk)["week"]
    assert (week["would_count"], week["reason"]["code"]) == (False, "not-assigned")


def test_progress_is_for_those_who_may_read_the_patrol(
    session: Session, client: ClientOf, walk: Round, community: Grid
) -> None:
    head = client(make.actor(session, role=Role.HEAD, grid=community))
    assert head.get(f"/v1/patrols/{walk.patrol_id}/progress").status_code == 200
    elsewhere = make.grid(session, code=make.grid_code(community="002"))
    stranger = client(make.actor(session, role=Role.MEMBER, grid=elsewhere, username="stranger"))
    assert_problem(stranger.get(f"/v1/patrols/{walk.patrol_id}/progress"), 404, "not-found")
    nobody = make.fixed_uuid("nobody")
    assert_problem(stranger.get(f"/v1/patrols/{nobody}/progress"), 404, "not-found")
    assert_problem(stranger.get("/v1/patrols/x/progress"), 422, "invalid")


def test_progress_takes_few_queries(
    *, session: Session, phone: TestClient, engine: Engine, member: Actor, walk: Round, stairs: Checkpoint
) -> None:
    walk.send(session, member, walk.fixes)
    statements: list[str] = []

    def note(*args: Any) -> None:
        statements.append(args[2])

    event.listen(engine, "before_cursor_execute", note)
    progress(phone, walk)
    event.remove(engine, "before_cursor_execute", note)
    assert len(statements) < 25


# ---------------------------------------------------------------------------------------------- doubts


def test_who_sees_which_patrol_a_doubt_names(
    *, session: Session, client: ClientOf, phone: TestClient, community: Grid, grid: Grid, member: Actor
) -> None:
    colleague = make.actor(session, role=Role.MEMBER, grid=grid, username="colleague")
    whole = recent(patrol(30), ended_ago=timedelta(hours=1))
    other = Round.of(grid, whole, "other")
    other.deliver(session, colleague)
    own = Round.of(grid, noisy(whole, 3), "own")
    own.deliver(session, member)

    def doubt(reader: TestClient) -> dict[str, Any]:
        results = reader.get(f"/v1/patrols/{own.patrol_id}").json()["verdict"]["results"]
        found: dict[str, Any] = next(one for one in results if one["kind"] == "doubt")
        return found

    head = doubt(client(make.actor(session, role=Role.HEAD, grid=community)))
    (named,) = head["evidence"]["patrols"]
    assert (named["id"], named["person"]) == (str(other.patrol_id), "某colleague")
    assert named["ratio"] > 0.8
    worker = doubt(phone)
    assert worker["evidence"] == {"patrols": [], "unseen_patrols": 1}
    assert "colleague" not in str(worker)
    assert "结伴巡查请说明" in worker["zh"]


def test_a_verdict_shows_visits_gaps_and_useless_check_ins(
    *,
    session: Session,
    phone: TestClient,
    settings: Settings,
    member: Actor,
    walk: Round,
    stairs: Checkpoint,
) -> None:
    walk.send(session, member, walk.fixes)
    walk.end(session, member)
    put(phone, walk, "check-ins", "good", at=at(walk), token=token_of(settings, stairs))
    put(phone, walk, "check-ins", "claim", at=at(walk), checkpoint_id=str(stairs.checkpoint_id))
    put(phone, walk, "gaps", from_at=at(walk, 50), to_at=at(walk, 90), reason="battery")
    assert phone.get(f"/v1/patrols/{walk.patrol_id}").json()["state"] == "judging"
    walk.judge(session)
    verdict = phone.get(f"/v1/patrols/{walk.patrol_id}").json()["verdict"]
    assert (verdict["checkpoints_visited"], verdict["checkpoints_total"]) == (1, 1)
    assert [one["proof"] for one in verdict["visits"]] == ["token"]
    (useless,) = verdict["useless_check_ins"]
    assert useless["code"] == "plate-needed"
    assert useless["zh"]
    assert [(one["reason"], one["unknown_s"]) for one in verdict["gaps"]] == [("battery", 0)]


def test_a_patrol_says_its_device_and_when_it_was_sent(phone: TestClient, grid: Grid) -> None:
    walk = Round.of(grid)
    body = {
        "grid_code": grid.code,
        "started_at": at(walk, 0),
        "sent_at": at(walk, 360),
        "device_id": str(make.fixed_uuid("phone")),
    }
    begun = phone.put(f"/v1/patrols/{walk.patrol_id}", json=body)
    assert begun.status_code == 201
    assert begun.json()["started_at"] > at(walk, 0)  # it was sent ten minutes ago by the phone's clock
    assert phone.put(f"/v1/patrols/{walk.patrol_id}", json=body).status_code == 200
    bad = {**body, "sent_at": "0001-01-01T00:00:00Z"}
    other = make.fixed_uuid("other")
    assert_problem(phone.put(f"/v1/patrols/{other}", json=bad), 422, "invalid")
    assert_problem(phone.put(f"/v1/patrols/{other}", json={**body, "device_id": "x"}), 422, "invalid")
