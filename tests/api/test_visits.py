"""Visits over HTTP: every outcome that is declared, scope, hostile bodies, and what the phone is told."""

import json
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from core.clock import now, today
from core.models import AuditEntry, QuarantinedItem
from patrol.visits.models import Need, Visit
from patrol.visits.recording import file_waiting_visits
from registry.people.models import Household
from tests import make, make_people
from tests.make_visits import visit_body

Client = Callable[[Actor], TestClient]
VISIT_ID = str(make.fixed_uuid("visit"))
URL = f"/v1/visits/{VISIT_ID}"
AN_HOUR_AGO = now() - timedelta(hours=1)


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return make.street_tree(session)


@pytest.fixture
def home(session: Session, tree: make.StreetTree) -> Household:
    made = make_people.household(session)
    make_people.resident(session, household=made, name="张小红", relation="head")
    return made


@pytest.fixture
def member(session: Session, tree: make.StreetTree) -> Actor:
    return make.actor(session, role=Role.MEMBER, grid=tree.a11)


@pytest.fixture
def phone(client: Client, member: Actor) -> TestClient:
    return client(member)


def hardship(**answers: Any) -> dict[str, Any]:
    return {
        "theme": "hardship",
        "form": {"code": "hardship", "version": 1},
        "answers": {"types": ["illness"], "degree": "serious", "cause": "大病", **answers},
    }


# ------------------------------------------------------------------------------------------------ recording


def test_a_visit_is_stored_once_and_shown_without_a_second_call(
    session: Session, phone: TestClient, home: Household
) -> None:
    body = visit_body(home.household_id, AN_HOUR_AGO, note="老人身体好")
    first = phone.put(URL, json=body)
    assert first.status_code == 201, first.text
    again = phone.put(URL, json=body)
    assert again.status_code == 200
    assert again.json() == first.json()
    told = first.json()
    assert told["household"]["names"] == ["张**"]
    assert told["household"]["room"] == "101"
    assert (told["counted"], told["not_counted_reason"]) == (True, None)
    assert told["grid"]["code"].endswith("00103")
    assert "张小红" not in first.text
    lines = session.scalars(select(AuditEntry.action).where(AuditEntry.subject == f"visit:{VISIT_ID}")).all()
    assert lines == ["visit.recorded"]


def test_the_same_in_another_zone_or_order_is_the_same(phone: TestClient, home: Household) -> None:
    body = visit_body(home.household_id, AN_HOUR_AGO)
    assert phone.put(URL, json=body).status_code == 201
    other = dict(reversed(body.items())) | {"at": (AN_HOUR_AGO).isoformat().replace("+00:00", "Z")}
    assert phone.put(URL, content=json.dumps(other, indent=3)).status_code == 200


def test_other_contents_under_the_same_id_are_kept_beside(
    session: Session, phone: TestClient, home: Household
) -> None:
    phone.put(URL, json=visit_body(home.household_id, AN_HOUR_AGO))
    reply = phone.put(URL, json=visit_body(home.household_id, AN_HOUR_AGO, outcome="refused"))
    assert (reply.status_code, reply.json()["code"]) == (409, "visit-conflict")
    kept = session.get_one(QuarantinedItem, uuid.UUID(reply.json()["kept_aside"]))
    assert json.loads(kept.body)["outcome"] == "refused"
    assert session.get_one(Visit, uuid.UUID(VISIT_ID)).outcome == "met"


def test_a_visit_waits_for_its_household_and_is_filed_when_that_arrives(
    session: Session, phone: TestClient, tree: make.StreetTree
) -> None:
    home_id = make.fixed_uuid("household H1")
    body = visit_body(home_id, AN_HOUR_AGO, **hardship(needs=[{"kind": "medical", "detail": "轮椅"}]))
    reply = phone.put(URL, json=body)
    assert (reply.status_code, reply.json()["code"]) == (404, "household-unknown")
    make_people.household(session)
    file_waiting_visits(session, home_id)
    session.flush()
    assert phone.get(URL).json()["needs"][0]["kind_zh"] == "医疗"
    assert phone.put(URL, json=body).status_code == 200
    assert phone.get("/v1/quarantine").json()["items"] == []


def test_a_form_that_is_not_known_yet_is_waited_for(
    session: Session, phone: TestClient, client: Client, home: Household
) -> None:
    newer = hardship() | {"form": {"code": "hardship", "version": 2}}
    reply = phone.put(URL, json=visit_body(home.household_id, AN_HOUR_AGO, **newer))
    assert (reply.status_code, reply.json()["code"]) == (422, "visit-form-unknown")
    operator = client(make.actor(session, role=Role.OPERATOR))
    forms = operator.get("/v1/visit-forms").json()["items"]
    form = next(one for one in forms if one["code"] == "hardship")
    fields = {name: form[name] for name in ("theme", "zh", "en", "clause", "definition", "valid_from")}
    put = operator.put("/v1/visit-forms/hardship/2", json=fields)
    assert put.status_code == 201, put.text
    assert operator.put("/v1/visit-forms/hardship/2", json=fields).status_code == 200
    assert phone.get(URL).json()["form"]["version"] == 2


def test_answers_that_do_not_fit_are_kept_with_a_reason_for_each_field(
    session: Session, phone: TestClient, home: Household
) -> None:
    wrong = hardship(degree="awful", plan={"measures": "x", "follow_up_on": "tomorrow"}, extra=1)
    reply = phone.put(URL, json=visit_body(home.household_id, AN_HOUR_AGO, **wrong))
    assert (reply.status_code, reply.json()["code"]) == (422, "answers-invalid")
    found = {(error["pointer"], error["code"]) for error in reply.json()["errors"]}
    assert found == {
        ("/answers/degree", "one-of"),
        ("/answers/plan/follow_up_on", "format"),
        ("/answers/extra", "additional-properties"),
    }
    assert session.get(Visit, uuid.UUID(VISIT_ID)) is None
    assert phone.get("/v1/quarantine").json()["items"][0]["reason"] == "answers-invalid"


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        pytest.param({"outcome": "withdrawn"}, "/outcome", "literal-error", id="outcome"),
        pytest.param({"household_id": "x"}, "/household_id", "uuid-parsing", id="id"),
        pytest.param({"at": "2026-11-20T10:00:00"}, "/at", "timezone-aware", id="zone"),
        pytest.param({"note": "a\0b"}, "/note", "unstorable", id="nul"),
        pytest.param({"a\0b": 1}, "", "unstorable", id="nul in a name"),
        pytest.param({"note": "x" * 2001}, "/note", "string-too-long", id="long note"),
        pytest.param({"answers": {"a": 1}}, "/form", "form-missing", id="answers without a form"),
        pytest.param({"photos": ["x"]}, "/photos/0", "string-pattern-mismatch", id="photo"),
        pytest.param(
            {"position": {"lon": 32.1, "lat": 118.9, "accuracy_m": 5}},
            "/position/lon",
            "greater-than-equal",
            id="swapped",
        ),
        pytest.param({"proof": {}}, "/proof", "proof-empty", id="proof"),
        pytest.param({"at": (now() + timedelta(days=1)).isoformat()}, "/at", "in-the-future", id="tomorrow"),
        pytest.param({"at": (now() - timedelta(days=90)).isoformat()}, "/at", "too-old", id="old"),
    ],
)
def test_each_wrong_field_is_named_and_the_body_kept(
    phone: TestClient, home: Household, change: dict[str, Any], pointer: str, code: str
) -> None:
    body = visit_body(home.household_id, AN_HOUR_AGO) | change
    reply = phone.put(URL, content=json.dumps(body))
    assert (reply.status_code, reply.json()["code"]) == (422, "visit-invalid"), reply.text
    assert (pointer, code) in {(error["pointer"], error["code"]) for error in reply.json()["errors"]}
    assert reply.json()["kept_aside"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(b'{"answers": ' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}", id="deep"),
        pytest.param(b'{"answers": {"a": NaN}}', id="nan"),
        pytest.param(b'{"note": "\\ud800"}', id="half a pair"),
        pytest.param(b"[" * 60_000, id="brackets"),
        pytest.param(b'{"answers": {"a": ' + b"9" * 5000 + b"}}", id="large number"),
    ],
)
def test_hostile_bodies_are_answered_with_a_reason(phone: TestClient, home: Household, body: bytes) -> None:
    reply = phone.put(URL, content=body)
    assert (reply.status_code, reply.json()["code"]) == (422, "visit-invalid"), reply.text
    assert reply.json()["kept_aside"]


def test_a_body_over_the_cap_is_refused(phone: TestClient, home: Household) -> None:
    reply = phone.put(URL, content=b"x" * (128 * 1024 + 1))
    assert (reply.status_code, reply.json()["code"]) == (413, "too-large")


# ---------------------------------------------------------------------------------------------------- scope


def test_whoever_was_responsible_on_the_day_may_still_deliver(
    session: Session, client: Client, tree: make.StreetTree, home: Household
) -> None:
    moved = make.actor(session, role=Role.MEMBER, grid=tree.a11, username="moved", valid_to=today())
    make.assignment(session, person_id=moved.person_id, role=Role.MEMBER, grid=tree.b11, valid_from=today())
    yesterday = visit_body(home.household_id, now() - timedelta(days=1))
    assert client(moved).put(URL, json=yesterday).status_code == 201
    late = client(moved).put(f"/v1/visits/{uuid.uuid4()}", json=visit_body(home.household_id, now()))
    assert (late.status_code, late.json()["code"]) == (403, "visit-out-of-scope")
    assert late.json()["kept_aside"]


def test_to_a_stranger_the_household_does_not_exist(
    session: Session, client: Client, tree: make.StreetTree, home: Household
) -> None:
    stranger = client(make.actor(session, role=Role.MEMBER, grid=tree.b11, username="stranger"))
    reply = stranger.put(URL, json=visit_body(home.household_id, AN_HOUR_AGO))
    assert (reply.status_code, reply.json()["code"]) == (404, "household-unknown")
    assert stranger.get("/v1/visits", params={"household": str(home.household_id)}).json()["items"] == []
    for path in ("/v1/visits", "/v1/visits/due", "/v1/needs"):
        assert stranger.get(path, params={"grid": tree.a11.code}).json()["code"] == "grid-unknown"


def test_others_see_a_visit_only_inside_their_scope(
    session: Session, client: Client, phone: TestClient, tree: make.StreetTree, home: Household
) -> None:
    phone.put(URL, json=visit_body(home.household_id, AN_HOUR_AGO))
    head = client(make.actor(session, role=Role.HEAD, grid=tree.a1))
    assert head.get(URL).status_code == 200
    stranger = client(make.actor(session, role=Role.MEMBER, grid=tree.b11, username="stranger"))
    assert stranger.get(URL).status_code == 404
    unit = client(make.actor(session, role=Role.UNIT, username="unit"))
    assert unit.get(URL).status_code == 404
    assert unit.get("/v1/visits/due").status_code == 403


# ---------------------------------------------------------------------------------------------- corrections


def correction(name: str, *, minutes: int = 10, **fields: Any) -> dict[str, Any]:
    plain = {
        "id": str(make.fixed_uuid(name)),
        "made_at": (AN_HOUR_AGO + timedelta(minutes=minutes)).isoformat(),
        "reason": "点错了",
        "outcome": "not_home",
    }
    return {**plain, **fields}


def test_a_correction_keeps_both_and_the_latest_holds_in_any_order(
    session: Session, phone: TestClient, home: Household
) -> None:
    phone.put(URL, json=visit_body(home.household_id, AN_HOUR_AGO))
    later, sooner = correction("later", minutes=20, outcome="by_phone"), correction("sooner")
    for body in (later, sooner, later):
        assert phone.post(f"{URL}/corrections", json=body).status_code in (200, 201)
    told = phone.get(URL).json()
    assert (told["outcome"], told["revision"], told["counted"]) == ("by_phone", 3, False)
    assert [version["outcome"] for version in told["versions"]] == ["met", "not_home", "by_phone"]
    assert datetime.fromisoformat(told["correctable_until"]) == AN_HOUR_AGO + timedelta(days=7)
    assert phone.put(URL, json=visit_body(home.household_id, AN_HOUR_AGO)).status_code == 200
    actions = session.scalars(select(AuditEntry.action).where(AuditEntry.subject == f"visit:{VISIT_ID}"))
    assert sorted(actions) == ["visit.corrected", "visit.corrected", "visit.recorded"]


def test_a_correction_may_come_before_its_visit(phone: TestClient, home: Household) -> None:
    reply = phone.post(f"{URL}/corrections", json=correction("first"))
    assert (reply.status_code, reply.json()["code"]) == (404, "visit-unknown")
    phone.put(URL, json=visit_body(home.household_id, AN_HOUR_AGO))
    assert phone.get(URL).json()["outcome"] == "not_home"


def test_needs_follow_corrections(session: Session, phone: TestClient, home: Household) -> None:
    first = hardship(needs=[{"kind": "medical", "detail": "轮椅"}, {"kind": "care"}])
    phone.put(URL, json=visit_body(home.household_id, AN_HOUR_AGO, **first))
    second = hardship(needs=[{"kind": "medical", "detail": "轮椅", "urgency": "urgent"}])
    reply = phone.post(f"{URL}/corrections", json=correction("needs", outcome="met", **second))
    assert reply.status_code == 201, reply.text
    needs = {need.kind: (need.status, need.urgency) for need in session.scalars(select(Need))}
    assert needs == {"medical": ("open", "urgent"), "care": ("withdrawn", "normal")}
    listed = phone.get("/v1/needs", params={"status": "open"}).json()["items"]
    assert [(one["kind"], one["household"]["room"]) for one in listed] == [("medical", "101")]


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        pytest.param({"minutes": -20}, 422, "visit-invalid", id="before the visit"),
        pytest.param({"reason": ""}, 422, "visit-invalid", id="no reason"),
        pytest.param({"form": {"code": "none", "version": 1}}, 422, "visit-form-unknown", id="form"),
        pytest.param(
            {"form": {"code": "safety", "version": 1}, "theme": "safety"},
            422,
            "answers-invalid",
            id="answers",
        ),
        pytest.param({"id": VISIT_ID}, 409, "visit-conflict", id="the visit's own id"),
    ],
)
def test_corrections_that_cannot_be_filed_are_kept(
    phone: TestClient, home: Household, fields: dict[str, Any], status: int, code: str
) -> None:
    phone.put(URL, json=visit_body(home.household_id, AN_HOUR_AGO))
    reply = phone.post(f"{URL}/corrections", json=correction("wrong", **fields))
    assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert reply.json()["kept_aside"]


def test_a_correction_after_the_days_for_it_is_too_late(phone: TestClient, home: Household) -> None:
    phone.put(URL, json=visit_body(home.household_id, now() - timedelta(days=9)))
    reply = phone.post(f"{URL}/corrections", json=correction("late"))
    assert (reply.status_code, reply.json()["code"]) == (409, "correction-too-late")


def test_only_the_own_visit_is_corrected(
    session: Session, client: Client, phone: TestClient, tree: make.StreetTree, home: Household
) -> None:
    phone.put(URL, json=visit_body(home.household_id, AN_HOUR_AGO))
    colleague = client(make.actor(session, role=Role.MEMBER, grid=tree.a11, username="colleague"))
    reply = colleague.post(f"{URL}/corrections", json=correction("other"))
    assert (reply.status_code, reply.json()["code"]) == (404, "visit-of-another")


def test_a_household_that_the_same_phone_made_brings_its_visits(
    session: Session, phone: TestClient, tree: make.StreetTree
) -> None:
    home_id = uuid.uuid4()
    body = visit_body(home_id, AN_HOUR_AGO)
    assert phone.put(URL, json=body).json()["code"] == "household-unknown"
    made = phone.put(f"/v1/households/{home_id}", json={"position": [118.902, 32.105], "room": "201"})
    assert made.status_code == 201, made.text
    assert phone.get(URL).json()["household"]["room"] == "201"
    assert phone.get("/v1/quarantine").json()["items"] == []
    assert phone.get("/v1/visits/due").json()["items"][0]["done_full"] == 1
