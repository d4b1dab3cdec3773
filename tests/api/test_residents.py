"""Residents over HTTP: checked, masked, sealed, moved and let go."""

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from access.roles import Role
from core.clock import today
from core.secrecy import key_ring
from core.settings import Settings
from registry.people.models import HouseholdTag, Residency, Resident
from tests import make, make_people
from tests.api.register import (
    HOUSEHOLD,
    IN_A12,
    OTHER_HOUSEHOLD,
    OTHER_RESIDENT,
    RESIDENT,
    ClientOf,
    household_body,
    member,
    resident_body,
)

ADDRESS = f"/v1/residents/{RESIDENT}"
NUMBER, PHONE = make_people.id_number(), "13800138000"  # born 1980-01-01, a woman


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return make.street_tree(session)


@pytest.fixture
def signed_in(client: ClientOf, session: Session, tree: make.StreetTree) -> TestClient:
    """A member of A11 with two households there."""
    signed_in = client(member(session, tree))
    signed_in.put(f"/v1/households/{HOUSEHOLD}", json=household_body())
    signed_in.put(f"/v1/households/{OTHER_HOUSEHOLD}", json=household_body(code="H2"))
    return signed_in


def stored(session: Session) -> Resident:
    return session.get_one(Resident, uuid.UUID(RESIDENT), populate_existing=True)


def test_a_resident_is_stored_sealed_and_shown_masked(
    signed_in: TestClient, session: Session, settings: Settings
) -> None:
    body = resident_body(id_number=f" {NUMBER.lower()} ", phone="+86 138-0013-8000")
    first, again = (signed_in.put(ADDRESS, json=body) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200), first.text
    assert first.json() == again.json() == signed_in.get(ADDRESS).json()
    shown = first.json()
    assert (shown["name"], shown["phone"]) == ("张**", "138****8000")
    assert shown["id_number"] == f"{NUMBER[:4]}{'*' * 10}{NUMBER[-4:]}"
    assert (shown["sex"], shown["birth_year"]) == ("female", 1980)
    row, keys = stored(session), key_ring(settings)
    assert row.id_number_sealed is not None
    assert row.phone_sealed is not None
    assert keys.open(row.id_number_sealed, f"residents:id_number:{RESIDENT}") == NUMBER
    assert keys.open(row.phone_sealed, f"residents:phone:{RESIDENT}") == PHONE
    inside = signed_in.get(f"/v1/households/{HOUSEHOLD}").json()
    assert (inside["residents"], inside["household"]["residents"]) == ([shown], 1)


def test_what_replies_hide_stays_unless_it_is_said(signed_in: TestClient, session: Session) -> None:
    signed_in.put(ADDRESS, json=resident_body(id_number=NUMBER, phone=PHONE))
    body = {"household": HOUSEHOLD, "relation": "spouse", "sex": "female"}
    done = signed_in.put(ADDRESS, json=body, headers={"If-Match": '"1"'})
    assert (done.status_code, done.json()["relation"], done.json()["name"]) == (200, "spouse", "张**")
    assert (done.json()["birth_year"], done.json()["phone"]) == (1980, "138****8000")
    gone = signed_in.put(ADDRESS, json={**body, "phone": None}, headers={"If-Match": '"2"'}).json()
    assert (gone["phone"], gone["id_number"][:4]) == (None, NUMBER[:4])
    assert stored(session).phone_index is None
    other = signed_in.put(ADDRESS, json={**body, "born_on": "1981-01-01"}, headers={"If-Match": '"3"'})
    assert other.json()["errors"] == [
        {
            "pointer": "/born_on",
            "code": "contradicts-id-number",
            "detail": "与身份证号不一致 / the ID number says otherwise",
        }
    ]


WRONG_CHECK = NUMBER[:-1] + ("0" if NUMBER[-1] != "0" else "1")


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"id_number": WRONG_CHECK}, "/id_number", "id-number-check-digit"),
        ({"id_number": NUMBER[:-1]}, "/id_number", "id-number-length"),
        ({"id_number": "A" + NUMBER[1:]}, "/id_number", "id-number-form"),
        ({"id_number": "٣" * 17 + "0"}, "/id_number", "id-number-form"),
        ({"id_number": make_people.id_number(born="19800230")}, "/id_number", "id-number-birth-date"),
        ({"id_number": make_people.id_number(born="20990101")}, "/id_number", "id-number-birth-date"),
        ({"id_number": make_people.id_number(born="18000101")}, "/id_number", "id-number-birth-date"),
        ({"id_number": make_people.id_number(born="00000101")}, "/id_number", "id-number-birth-date"),
        ({"id_number": f"{NUMBER[:4]}{'*' * 10}{NUMBER[-4:]}"}, "/id_number", "masked-number"),
        ({"id_number": NUMBER, "sex": "male"}, "/sex", "contradicts-id-number"),
        ({"id_number": NUMBER, "born_on": "1980-01-02"}, "/born_on", "contradicts-id-number"),
        ({"phone": "1380013800"}, "/phone", "phone-form"),
        ({"phone": "12800138000"}, "/phone", "phone-form"),
        ({"phone": "88886666"}, "/phone", "phone-form"),
        ({"phone": "138****8000"}, "/phone", "masked-number"),
        ({"phone": "call me"}, "/phone", "phone-form"),
        ({"name": "张**"}, "/name", "string-pattern-mismatch"),
        ({"name": "  "}, "/name", "string-too-short"),
        ({"name": None}, "/name", "missing"),
        ({"name": "张\ud800"}, "/name", "unstorable"),
        ({"born_on": "2026-02-30"}, "/born_on", "date-from-datetime-parsing"),
        ({"born_on": (today() + timedelta(days=1)).isoformat()}, "/born_on", "day-in-future"),
        ({"joined_on": (today() + timedelta(days=1)).isoformat()}, "/joined_on", "day-in-future"),
        ({"born_on": "1990-01-01", "joined_on": "1989-01-01"}, "/joined_on", "before-birth"),
        ({"relation": "boss"}, "/relation", "literal-error"),
        ({"note": "drinks"}, "/note", "extra-forbidden"),
    ],
)
def test_what_cannot_be_is_refused_by_field(
    signed_in: TestClient, session: Session, changes: dict[str, Any], pointer: str, code: str
) -> None:
    content = json.dumps(resident_body(**changes))
    reply = signed_in.put(ADDRESS, content=content, headers={"Content-Type": "application/json"})
    assert reply.status_code == 422, reply.text
    assert (pointer, code) in [(error["pointer"], error["code"]) for error in reply.json()["errors"]]
    assert changes.get("id_number", "x" * 18) not in reply.text
    assert session.get(Resident, uuid.UUID(RESIDENT)) is None


def test_every_wrong_field_is_named_at_once(signed_in: TestClient) -> None:
    reply = signed_in.put(ADDRESS, json=resident_body(id_number=WRONG_CHECK, phone="1"))
    assert {error["pointer"] for error in reply.json()["errors"]} == {"/id_number", "/phone"}


@pytest.mark.parametrize(
    ("written", "stored_as"),
    [
        ("１３８ ００１３ ８０００", "13800138000"),
        ("0086-13800138000", "13800138000"),
        ("0571-88886666", "057188886666"),
        ("(025) 8888 6666", "02588886666"),
        ("+86 25 8888 6666", None),
    ],
)
def test_phones_are_kept_in_one_form(
    signed_in: TestClient, session: Session, settings: Settings, written: str, stored_as: str | None
) -> None:
    reply = signed_in.put(ADDRESS, json=resident_body(phone=written))
    assert reply.status_code == (422 if stored_as is None else 201), reply.text
    if stored_as is not None:
        sealed = stored(session).phone_sealed or b""
        assert key_ring(settings).open(sealed, f"residents:phone:{RESIDENT}") == stored_as


def test_a_person_is_kept_once_in_a_street(
    client: ClientOf, signed_in: TestClient, session: Session, tree: make.StreetTree
) -> None:
    signed_in.put(ADDRESS, json=resident_body(id_number=NUMBER))
    second = resident_body(household=OTHER_HOUSEHOLD, id_number=NUMBER)
    reply = signed_in.put(f"/v1/residents/{OTHER_RESIDENT}", json=second)
    assert (reply.status_code, reply.json()["code"], reply.json()["resident"]) == (
        409,
        "resident-known",
        RESIDENT,
    )
    neighbour = client(make.actor(session, role=Role.MEMBER, grid=tree.a12, username="neighbour"))
    there = "01920000-0000-7000-8000-0000000000c1"
    neighbour.put(f"/v1/households/{there}", json=household_body(position=IN_A12, code=None))
    reply = neighbour.put(f"/v1/residents/{OTHER_RESIDENT}", json={**second, "household": there})
    assert (reply.status_code, "household" in reply.json()) == (409, False), "where is not theirs to know"
    signed_in.post(f"{ADDRESS}/departure", json={"reason": "moved_away"})
    assert signed_in.put(f"/v1/residents/{OTHER_RESIDENT}", json=second).status_code == 201


def test_moving_takes_tags_along_and_is_remembered(
    signed_in: TestClient, session: Session, tree: make.StreetTree
) -> None:
    signed_in.put(ADDRESS, json=resident_body(joined_on="2020-01-01"))
    tags = {"tags": [{"tag": "disabled", "resident": RESIDENT, "valid_from": "2026-01-01"}, {"tag": "elder"}]}
    signed_in.put(f"/v1/households/{HOUSEHOLD}/tags", json=tags, headers={"If-Match": '"1"'})
    elsewhere = signed_in.put(
        ADDRESS, json=resident_body(household=OTHER_HOUSEHOLD), headers={"If-Match": '"1"'}
    )
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (409, "resident-elsewhere")
    body = {"household": OTHER_HOUSEHOLD, "on": "2026-03-01"}
    for _ in range(2):
        reply = signed_in.post(f"{ADDRESS}/move", json=body)
        assert (reply.status_code, reply.json()["household"]) == (200, OTHER_HOUSEHOLD), reply.text
    stays = session.execute(
        select(Residency.household_id, Residency.valid_from, Residency.valid_to).order_by(
            Residency.valid_from
        )
    )
    assert [(str(stay[0]), str(stay[1]), str(stay[2])) for stay in stays] == [
        (HOUSEHOLD, "2020-01-01", "2026-03-01"),
        (OTHER_HOUSEHOLD, "2026-03-01", "None"),
    ]
    left, right = (
        signed_in.get(f"/v1/households/{one}").json()["household"] for one in (HOUSEHOLD, OTHER_HOUSEHOLD)
    )
    assert [tag["tag"] for tag in left["tags"]] == ["elder"]
    assert [(tag["tag"], tag["valid_from"]) for tag in right["tags"]] == [("disabled", "2026-03-01")]
    assert (left["special"], right["special"]) == (False, True)
    assert signed_in.put(ADDRESS, json=resident_body(joined_on="2020-01-01")).status_code == 200, (
        "a repetition"
    )


def test_departing_ends_stay_and_tags(signed_in: TestClient, session: Session) -> None:
    signed_in.put(ADDRESS, json=resident_body(joined_on="2020-01-01"))
    tags = {"tags": [{"tag": "disabled", "resident": RESIDENT}]}
    signed_in.put(f"/v1/households/{HOUSEHOLD}/tags", json=tags, headers={"If-Match": '"1"'})
    early = signed_in.post(f"{ADDRESS}/departure", json={"reason": "moved_away", "on": "2019-01-01"})
    assert early.json()["errors"][0]["code"] == "before-joining"
    late = {"reason": "moved_away", "on": (today() + timedelta(days=1)).isoformat()}
    assert signed_in.post(f"{ADDRESS}/departure", json=late).json()["errors"][0]["code"] == "day-in-future"
    for _ in range(2):
        reply = signed_in.post(f"{ADDRESS}/departure", json={"reason": "deceased"})
        assert (reply.status_code, reply.json()["left_on"]) == (200, today().isoformat())
    assert session.scalars(select(HouseholdTag)).all() == [], "it was to begin on the day on which it ended"
    now_inside = signed_in.get(f"/v1/households/{HOUSEHOLD}").json()
    assert (now_inside["residents"], now_inside["household"]["special"]) == ([], False)
    former = signed_in.get(f"/v1/households/{HOUSEHOLD}?former=true").json()["residents"]
    assert [one["id"] for one in former] == [RESIDENT]
    back = signed_in.post(f"{ADDRESS}/move", json={"household": HOUSEHOLD})
    assert (back.status_code, back.json()["left_on"]) == (200, None)


def test_people_of_other_grids_are_not_there(
    client: ClientOf, signed_in: TestClient, session: Session, tree: make.StreetTree
) -> None:
    signed_in.put(ADDRESS, json=resident_body())
    there = "01920000-0000-7000-8000-0000000000c1"
    neighbour = client(make.actor(session, role=Role.MEMBER, grid=tree.a12, username="neighbour"))
    neighbour.put(f"/v1/households/{there}", json=household_body(position=IN_A12, code=None))
    unit = client(make.actor(session, role=Role.UNIT))
    for method, path, body in (
        ("GET", ADDRESS, None),
        ("PUT", ADDRESS, resident_body()),
        ("PUT", ADDRESS, resident_body(household=there)),
        ("POST", f"{ADDRESS}/move", {"household": there}),
        ("POST", f"{ADDRESS}/departure", {"reason": "mistake"}),
    ):
        reply = neighbour.request(method, path, json=body)
        assert (reply.status_code, reply.json()["code"]) == (404, "not-found"), (method, path)
        assert unit.request(method, path, json=body).status_code == (404 if method == "GET" else 403)
    # And nobody is carried into a household that one does not see.
    assert signed_in.post(f"{ADDRESS}/move", json={"household": there}).status_code == 404
