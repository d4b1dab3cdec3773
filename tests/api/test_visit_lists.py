"""Lists of visits, due lists, rounds and forms over HTTP."""

import json
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from core.clock import now, today
from patrol.visits.models import VisitForm
from registry.people.models import Household
from seeds.visit_form_files import load_visit_forms
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


def test_fields_are_shown_in_the_order_in_which_the_form_was_written(
    session: Session, client: Client, phone: TestClient
) -> None:
    """Long names before short ones, z before a: what jsonb would turn round."""
    fields = ["household_income", "zeal", "age", "b"]
    named = {name: {"type": "string", "zh": name, "en": name} for name in fields}
    form = {
        "theme": "routine",
        "zh": "表",
        "en": "form",
        "clause": "",
        "valid_from": str(date(2026, 1, 1)),
        "definition": {"type": "object", "additionalProperties": False, "properties": named},
    }
    admin = client(make.actor(session, role=Role.ADMIN, area=""))
    assert admin.put("/v1/visit-forms/local/1", json=form).status_code == 201
    session.expire_all()
    offered = {one["code"]: one for one in phone.get("/v1/visit-forms").json()["items"]}
    carried = {one["code"]: one for one in phone.get("/v1/sync").json()["changed"]["forms"]}
    for found in (offered["local"], carried["local"]):
        assert list(found["definition"]["properties"]) == fields


def test_a_shipped_form_whose_order_was_lost_gets_it_back(session: Session) -> None:
    form = session.scalars(select(VisitForm).where(VisitForm.code == "hardship")).one()
    written = json.dumps(form.definition)
    lost = json.loads(json.dumps(form.definition, sort_keys=True))
    session.execute(update(VisitForm).where(VisitForm.code == "hardship").values(definition=lost))
    session.expire_all()
    load_visit_forms(session, changed_by="seeds")
    session.flush()
    session.expire_all()
    assert json.dumps(form.definition) == written


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
