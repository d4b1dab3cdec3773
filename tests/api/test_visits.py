"""Visits over HTTP: every outcome that is declared, scope, hostile bodies, and what the phone is told."""

import json
import uuid
from collections.abc import Callable
from datetime import date, timedelta
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


# ------------------------------------------------------------------------------------------- lists and rounds


def test_lists_are_paged_and_narrowed(
    session: Session, phone: TestClient, tree: make.StreetTree, home: Household
) -> None:
    for hours in range(1, 6):
        body = visit_body(home.household_id, now() - timedelta(hours=hours))
        assert phone.put(f"/v1/visits/{make.fixed_uuid(str(hours))}", json=body).status_code == 201
    seen, after = [], None
    while True:
        page = phone.get("/v1/visits", params={"limit": 2, **({"after": after} if after else {})}).json()
        seen += [item["id"] for item in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert seen == [str(make.fixed_uuid(str(hours))) for hours in range(1, 6)]
    assert len(phone.get("/v1/visits", params={"grid": tree.a11.code}).json()["items"]) == 5
    assert phone.get("/v1/visits", params={"grid": tree.a12.code}).status_code == 404
    tomorrow = today() + timedelta(days=1)
    assert phone.get("/v1/visits", params={"from": str(tomorrow)}).json()["items"] == []
    assert phone.get("/v1/visits", params={"to": "x"}).json()["errors"][0]["pointer"] == "/query/to"


def test_two_visits_on_one_day_count_once(phone: TestClient, home: Household) -> None:
    noon = (now() - timedelta(days=1)).replace(hour=4, minute=0)  # 12:00 in China
    for name, hours in (("first", 0), ("second", 8)):
        body = visit_body(home.household_id, noon + timedelta(hours=hours - 1))
        phone.put(f"/v1/visits/{make.fixed_uuid(name)}", json=body)
    items = {item["id"]: item for item in phone.get("/v1/visits").json()["items"]}
    assert items[str(make.fixed_uuid("first"))]["counted"]
    assert items[str(make.fixed_uuid("second"))]["not_counted_reason"]["code"] == "visit-same-day"


def test_the_due_list_says_why_and_when(session: Session, phone: TestClient, home: Household) -> None:
    make_people.tag(session, household=home)
    params = {"near": "118.903,32.105"}
    page = phone.get("/v1/visits/due", params=params).json()
    (line,) = page["items"]
    assert line["state"] == "special_due"
    assert line["special"] is True
    assert line["reason"]["code"] == "due-special"
    assert 90 < line["distance_m"] < 100
    assert page["counts"]["special_due"] == 1
    phone.put(URL, json=visit_body(home.household_id, AN_HOUR_AGO))
    assert phone.get("/v1/visits/due").json()["items"][0]["state"] == "due"


@pytest.mark.parametrize(
    ("path", "params", "status", "code"),
    [
        pytest.param("due", {"grid": "nowhere"}, 404, "grid-unknown", id="grid"),
        pytest.param("due", {"on": "today"}, 422, "invalid", id="day"),
        pytest.param("due", {"after": "x"}, 422, "invalid", id="cursor"),
        pytest.param("due", {"near": "1,2"}, 422, "invalid", id="not in China"),
        pytest.param("due", {"near": "118.9,32.1", "datum": "EPSG:1"}, 422, "unknown-datum", id="datum"),
        pytest.param("route", {}, 422, "invalid", id="no start"),
        pytest.param("route", {"start": "118.9"}, 422, "invalid", id="half a start"),
        pytest.param("route", {"start": "118.9,32.1", "limit": 201}, 422, "invalid", id="too many"),
        pytest.param("route", {"start": "118.9,32.1", "grid": "nowhere"}, 404, "grid-unknown", id="nowhere"),
    ],
)
def test_bad_questions(phone: TestClient, path: str, params: dict[str, str], status: int, code: str) -> None:
    reply = phone.get(f"/v1/visits/{path}", params=params)
    assert (reply.status_code, reply.json()["code"]) == (status, code), reply.text


def test_a_round_goes_to_pressing_doors_and_those_near_them(
    session: Session, phone: TestClient, tree: make.StreetTree
) -> None:
    for number, lon in enumerate((118.9010, 118.9020, 118.9030, 118.9040)):
        made = make_people.household(session, code=f"H{number}", lon=lon)
        if number == 3:
            make_people.tag(session, household=made)
    route = phone.get("/v1/visits/route", params={"start": "118.9008,32.105", "limit": 3}).json()
    assert [round(stop["position"][0], 4) for stop in route["stops"]] == [118.901, 118.903, 118.904]
    assert route["households"] == 3
    assert 295 < route["length_m"] < 305


# ---------------------------------------------------------------------------------------------------- forms


def test_forms_are_offered_in_their_newest_version(phone: TestClient) -> None:
    reply = phone.get("/v1/visit-forms").json()
    assert [form["code"] for form in reply["items"]] == ["employment", "hardship", "needs", "safety"]
    fields = reply["items"][1]["definition"]["properties"]
    assert (fields["degree"]["zh"], fields["degree"]["oneOf"][0]["zh"]) == ("困难程度", "一般")


def test_forms_are_kept_by_those_who_keep_policies(
    session: Session, client: Client, phone: TestClient
) -> None:
    form = {
        "theme": "routine",
        "zh": "表",
        "en": "form",
        "clause": "",
        "valid_from": str(date(2026, 1, 1)),
        "definition": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"a": {"type": "string", "maxLength": 5, "zh": "甲", "en": "a"}},
        },
    }
    address = "/v1/visit-forms/local/1"
    assert phone.put(address, json=form).json()["code"] == "forbidden"
    admin = client(make.actor(session, role=Role.ADMIN, area=""))
    assert admin.put(address, json=form).status_code == 201
    assert admin.put(address, json=form | {"zh": "另一张"}).json()["code"] == "visit-form-taken"
    wrong = form | {"definition": {"type": "string"}}
    reply = admin.put("/v1/visit-forms/local/2", json=wrong)
    assert (reply.status_code, reply.json()["code"]) == (422, "visit-form-invalid")
    assert admin.put("/v1/visit-forms/Not a code/1", json=form).status_code == 422
