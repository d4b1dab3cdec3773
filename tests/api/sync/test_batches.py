"""Batches from phones: an outcome for each item, nothing lost, nothing doubled."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from access.models import DeviceUse
from access.roles import Role
from access.scope import Actor
from api.sync import kinds
from api.sync.tokens import without_token
from core.clock import now
from core.models import QuarantinedItem
from core.quarantine import body_of as kept_body
from core.secrecy import key_ring
from core.settings import Settings
from geo.models import Grid
from patrol.models import Patrol, Segment
from patrol.presence.models import CheckIn
from registry.plates import Plate, plate_keys
from tests import make
from tests.api.sync.phone import (
    Phone,
    finish_item,
    items_of,
    outcomes,
    patrol_item,
    segment_item,
)
from tests.patrol.deliveries import Round, jobs_of, plot

ClientOf = Callable[[Actor], TestClient]
STRANGE = make.fixed_uuid("strange")


@pytest.fixture
def grid(session: Session) -> Grid:
    return plot(session)


@pytest.fixture
def member(session: Session, grid: Grid) -> Actor:
    return make.actor(session, role=Role.MEMBER, grid=grid)


@pytest.fixture
def phone(client: ClientOf, member: Actor) -> Phone:
    return Phone(client(member))


@pytest.fixture
def walk(grid: Grid) -> Round:
    return Round.of(grid)


def count(session: Session, table: type) -> int:
    return session.scalars(select(func.count()).select_from(table)).one()


def kept(session: Session) -> list[QuarantinedItem]:
    return list(session.scalars(select(QuarantinedItem).order_by(QuarantinedItem.received_at)))


def test_a_patrol_in_one_batch_in_any_order(session: Session, phone: Phone, walk: Round) -> None:
    receipt = phone.push(*reversed(items_of(walk)))

    assert outcomes(receipt) == ["stored"] * 3
    assert [item["kind"] for item in receipt["items"]] == ["finish", "segment", "patrol"]
    assert walk.judge(session).status == "valid"
    assert count(session, QuarantinedItem) == 0, "what belongs together is filed in the right order"
    assert receipt["high_water"] == {"patrol": 1, "segment": 1, "finish": 1}


def test_sent_again_after_a_lost_reply_nothing_changes(session: Session, phone: Phone, walk: Round) -> None:
    phone.push(*items_of(walk))
    again = phone.push(*items_of(walk))
    assert outcomes(again) == ["duplicate"] * 3
    assert (count(session, Patrol), count(session, Segment)) == (1, 1)
    assert again["high_water"] == {"patrol": 1, "segment": 1, "finish": 1}
    assert len(jobs_of(session, "patrol.judge")) == 1


def test_a_bad_item_harms_no_other(session: Session, phone: Phone, walk: Round) -> None:
    start, segment, finish = items_of(walk)
    bad: list[Any] = [
        {"kind": "patrol", "id": str(STRANGE), "body": {"grid_code": "nowhere", "started_at": "yesterday"}},
        {"kind": "patrol", "id": str(STRANGE), "body": {**start["body"], "grid_code": "9" * 20}},
        {"kind": "segment", "id": str(STRANGE), "body": segment["body"]},
        {"kind": "weather", "id": str(STRANGE), "body": {"sunny": True}},
        {"kind": "finish", "id": str(STRANGE), "body": None},
        {"id": str(STRANGE)},
        "nonsense",
        None,
    ]
    receipt = phone.push(start, *bad, segment, finish)

    told = receipt["items"]
    assert [told[place]["outcome"] for place in (0, -2, -1)] == ["stored"] * 3
    assert [one["problem"]["code"] for one in told[1:-2]] == [
        "item-invalid",
        "grid-unknown",
        "item-invalid",
        "kind-unknown",
        "item-invalid",
        "item-invalid",
        "item-invalid",
        "item-invalid",
    ]
    assert {one["outcome"] for one in told[1:-2]} == {"quarantined"}
    assert all(one["kept_aside"] for one in told[1:-2])
    assert count(session, QuarantinedItem) == len(bad)


def test_what_the_door_keeps_is_sealed_and_comes_out_as_it_was(
    session: Session, phone: Phone, settings: Settings
) -> None:
    phone.push(
        {"kind": "resident_of_tomorrow", "id": str(STRANGE), "body": {"id_number": "320113199001011234"}}
    )
    (item,) = kept(session)
    assert (item.kind, item.is_sealed) == ("sync-unknown", True)
    assert b"320113199001011234" not in item.body
    assert json.loads(kept_body(item, key_ring(settings)))["body"] == {"id_number": "320113199001011234"}
    phone.push(
        {"kind": "resident_of_tomorrow", "id": str(STRANGE), "body": {"id_number": "320113199001011234"}}
    )
    assert count(session, QuarantinedItem) == 1, "sent again, it is kept once"


def test_no_token_of_a_plate_is_kept_and_trying_again_proves_its_short_code(
    session: Session, phone: Phone, walk: Round, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = make.checkpoint(session)
    token = plate_keys(settings).token(Plate(gate.checkpoint_id, gate.short_code, gate.generation))
    seal = token[len(gate.short_code) :]
    at = walk.start.started_at + timedelta(minutes=5)

    def shown(name: str, **body: Any) -> dict[str, Any]:
        body = {"at": at.isoformat(), "token": f"https://x/c/{token.upper()}", **body}
        item_id = str(make.fixed_uuid(name))
        return {"kind": "check_in", "id": item_id, "parent": str(walk.patrol_id), "body": body}

    def fails(*_: Any) -> Any:
        raise ZeroDivisionError

    phone.push(patrol_item(walk))
    check_in = kinds.BY_NAME["check_in"]
    monkeypatch.setitem(kinds.BY_NAME, "check_in", replace(check_in, file=fails))
    failed = phone.push(shown("failed"))["items"][0]
    monkeypatch.undo()
    unknown = {"kind": "check_in_of_tomorrow", "id": str(STRANGE), "body": {"scanned": [token]}}
    answers = phone.push(shown("wrong", at="yesterday"), unknown, {"kind": 1, "token": token})["items"]
    assert {one["outcome"] for one in answers} == {"quarantined"}
    phone.http.post("/v1/sync", content=json.dumps({"items": 1, "seen": token}))

    bodies = [kept_body(item, key_ring(settings)).decode() for item in kept(session)]
    assert len(bodies) == 5
    assert all(seal not in body.lower() for body in bodies)
    assert all(gate.short_code.lower() in body.lower() for body in bodies)
    refiled = phone.http.post(f"/v1/quarantine/{failed['kept_aside']}/refile")
    assert refiled.json() == {"repeated": False}
    assert session.scalars(select(CheckIn.proof)).all() == ["short_code"]


def test_what_only_looks_like_a_token_stays() -> None:
    body = b'{"note": "0123456789012345678901234567890123", "sha": "%s"}' % (b"ab" * 32)
    assert without_token("visit", body) == body


def test_same_id_other_content_is_a_conflict_and_both_are_kept(
    session: Session, phone: Phone, walk: Round
) -> None:
    phone.push(*items_of(walk))
    forked = segment_item(walk, walk.fixes, seq=7)
    moved = patrol_item(walk)
    moved["body"]["started_at"] = (walk.start.started_at - timedelta(minutes=1)).isoformat()
    receipt = phone.push(forked, moved)
    assert outcomes(receipt) == ["conflict", "conflict"]
    assert [one["problem"]["code"] for one in receipt["items"]] == ["segment-conflict", "patrol-conflict"]
    assert len(kept(session)) == 2
    assert session.get_one(Patrol, walk.patrol_id).started_at == walk.start.started_at


def test_what_comes_before_its_patrol_is_filed_by_a_later_batch(
    session: Session, phone: Phone, walk: Round
) -> None:
    start, segment, finish = items_of(walk)
    early = phone.push(segment, finish)
    assert outcomes(early) == ["quarantined"] * 2
    assert outcomes(phone.push(start)) == ["stored"]
    assert walk.judge(session).status == "valid"
    assert outcomes(phone.push(segment, finish)) == ["duplicate"] * 2


@pytest.mark.parametrize("shift", [timedelta(days=2), timedelta(hours=8), timedelta(days=-2)])
def test_a_wrong_clock_is_put_right_by_the_moment_of_sending(
    session: Session, phone: Phone, walk: Round, shift: timedelta
) -> None:
    receipt = phone.push(*shifted_items(walk, shift), sent_at=(now() + shift).isoformat())
    assert outcomes(receipt) == ["stored"] * 3
    assert receipt["clock_offset_s"] == pytest.approx(-shift.total_seconds(), abs=60)
    stored = session.get_one(Patrol, walk.patrol_id).started_at
    assert abs(stored - walk.start.started_at) < timedelta(seconds=60)
    again = phone.push(*shifted_items(walk, shift), sent_at=(now() + shift).isoformat())
    assert outcomes(again) == ["duplicate"] * 3


@pytest.mark.parametrize("sends_at", [True, False])
def test_a_phone_in_1970_loses_nothing(
    session: Session, phone: Phone, walk: Round, grid: Grid, sends_at: bool
) -> None:
    shift = timedelta(days=-20_000)
    told = {"sent_at": (now() + shift).isoformat()} if sends_at else {}
    receipt = phone.push(*shifted_items(walk, shift), **told)
    assert set(outcomes(receipt)) <= {"stored", "quarantined"}
    assert len(kept(session)) == outcomes(receipt).count("quarantined")
    mended = Round.of(grid, name="after the clock was set")
    assert outcomes(phone.push(*items_of(mended))) == ["stored"] * 3


def shifted_items(walk: Round, shift: timedelta) -> list[dict[str, Any]]:
    """The walk by a clock that is wrong by so much."""
    fixes = replace(walk.fixes, at_ms=walk.fixes.at_ms + round(shift.total_seconds() * 1000))
    return items_of(replace(walk, fixes=fixes))


def test_two_people_on_one_phone_keep_apart(
    session: Session, client: ClientOf, phone: Phone, grid: Grid, walk: Round
) -> None:
    """Signed in as somebody else, the queue of the first is not mixed up with that of the second."""
    other = Phone(client(make.actor(session, role=Role.MEMBER, grid=grid, username="second")))
    others = Round.of(grid, name="of the second")
    phone.http.put(f"/v1/devices/{phone.device_id}", json={"platform": "android"})

    assert outcomes(phone.push(*items_of(walk))) == ["stored"] * 3
    assert outcomes(other.push(*items_of(others))) == ["stored"] * 3
    stolen = other.push(*items_of(walk))
    assert {one["outcome"] for one in stolen["items"]} <= {"conflict", "quarantined"}
    assert outcomes(phone.push(*items_of(walk))) == ["duplicate"] * 3
    assert count(session, DeviceUse) == 2


def test_a_mistake_of_ours_keeps_the_item_and_goes_on(
    session: Session, phone: Phone, walk: Round, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise ZeroDivisionError

    segment = kinds.BY_NAME["segment"]
    monkeypatch.setitem(kinds.BY_NAME, "segment", kinds.Kind("segment", fails, segment.stored))  # type: ignore[arg-type]
    receipt = phone.push(*items_of(walk))
    assert outcomes(receipt) == ["stored", "quarantined", "stored"]
    monkeypatch.undo()
    again = phone.http.post(f"/v1/quarantine/{receipt['items'][1]['kept_aside']}/refile")
    assert again.json() == {"repeated": False}
    assert walk.judge(session).status == "valid"


def test_trying_again_asks_the_use_case_of_the_kind(
    session: Session, phone: Phone, walk: Round, grid: Grid
) -> None:
    unseen = patrol_item(walk)
    unseen["body"]["grid_code"] = make.grid_code(community="077")
    (answer,) = phone.push(unseen)["items"]
    address = f"/v1/quarantine/{answer['kept_aside']}/refile"
    assert phone.http.post(address).json()["code"] == "grid-unknown"
    make.grid(
        session, code=unseen["body"]["grid_code"], parent=grid, geom=make.box(118.9, 32.1, 118.91, 32.11)
    )
    assert phone.http.post(address).json() == {"repeated": False}
    assert phone.http.post(address).json() == {"repeated": True}
    (strange,) = phone.push({"kind": "weather", "id": str(STRANGE), "body": {}})["items"]
    assert phone.http.post(f"/v1/quarantine/{strange['kept_aside']}/refile").json()["code"] == "kind-unknown"


@pytest.mark.parametrize("body", [b"", b"{", b'{"items": 1}', b"[" * 5000, b'{"items": [{]}', b"\xff\xfe{}"])
def test_a_batch_that_cannot_be_taken_apart_is_kept_whole(
    session: Session, phone: Phone, body: bytes, settings: Settings
) -> None:
    reply = phone.http.post("/v1/sync", content=body)
    assert (reply.status_code, reply.json()["code"]) == (422, "batch-invalid")
    (item,) = kept(session)
    assert reply.json()["kept_aside"] == str(item.quarantine_id)
    assert kept_body(item, key_ring(settings)) == body


def test_at_most_five_hundred(session: Session, phone: Phone) -> None:
    body = json.dumps({"items": [{"kind": "weather", "id": str(STRANGE)}] * 501})
    reply = phone.http.post("/v1/sync", content=body)
    assert (reply.status_code, reply.json()["code"], reply.json()["limit"]) == (422, "too-many-items", 500)
    assert kept(session) == []


@pytest.mark.parametrize("text", ["\\u0000", "\\ud800", "1e999", "9" * 400])
def test_hostile_values_are_answered_item_by_item(session: Session, phone: Phone, text: str) -> None:
    one = f'{{"kind": "visit", "id": "{STRANGE}", "body": {{"household_id": "{text}", "note": "{text}"}}}}'
    two = f'{{"kind": "{text}", "id": "{STRANGE}", "body": {{}}}}'
    three = f'{{"kind": "patrol", "id": "{STRANGE}", "body": {{"grid_code": "{text}", "started_at": 1}}}}'
    reply = phone.http.post("/v1/sync", content=f'{{"items": [{one}, {two}, {three}]}}')
    assert reply.status_code == 200, reply.text
    assert {item["outcome"] for item in reply.json()["items"]} == {"quarantined"}


def test_known_items(session: Session, client: ClientOf, phone: Phone, walk: Round, grid: Grid) -> None:
    start, segment, finish = items_of(walk)
    phone.push(start, segment)
    phone.push({"kind": "weather", "id": str(STRANGE), "body": {}})
    asked = [{"kind": item["kind"], "id": item["id"]} for item in (start, segment, finish)]
    asked += [{"kind": "weather", "id": str(STRANGE)}, {"kind": "visit", "id": str(STRANGE)}]

    def states(http: TestClient) -> list[str]:
        reply = http.post("/v1/sync/known", json={"items": asked})
        return [one["state"] for one in reply.json()["items"]]

    assert states(phone.http) == ["stored", "stored", "missing", "kept", "kept"]
    other = client(make.actor(session, role=Role.HEAD, grid=grid))
    assert states(other) == ["missing"] * 5, "nobody learns what others sent"
    assert phone.http.post("/v1/sync/known", json={"items": [{"kind": "visit"}]}).status_code == 422


def test_a_batch_of_an_older_app_is_taken(session: Session, phone: Phone, walk: Round) -> None:
    """Without device and sent_at, and with members that this server does not know."""
    golden = [{**item, "attempt": 3} for item in items_of(walk)]
    reply = phone.http.post("/v1/sync", json={"items": golden, "app": "0.1"})
    assert outcomes(reply.json()) == ["stored"] * 3


def test_finish_names_its_patrol_by_parent_too(session: Session, phone: Phone, walk: Round) -> None:
    finish = {**finish_item(walk), "id": str(STRANGE), "parent": str(walk.patrol_id)}
    assert outcomes(phone.push(patrol_item(walk), finish)) == ["stored"] * 2
