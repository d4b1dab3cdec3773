"""Full values, searches and erasure: with a reason, by right, counted, in the trail; and nowhere else."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Text, cast, select, text
from sqlalchemy.orm import Session

from access.roles import Role
from core.models import AuditEntry
from core.settings import PrivacySettings, Settings
from registry.people.models import HouseholdTag, PersonalLook, RegistryChange, Resident
from tests import make, make_people
from tests.api.register import HOUSEHOLD, RESIDENT, ClientOf, household_body, member, resident_body

NUMBER, PHONE, NAME = make_people.id_number(sequence="468"), "13812345678", "欧阳测试"
ADDRESS = f"/v1/residents/{RESIDENT}"
WHY = {"reason": "visit"}


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return make.street_tree(session)


@pytest.fixture
def signed_in(client: ClientOf, session: Session, tree: make.StreetTree) -> TestClient:
    """A member of A11 with somebody in a household there."""
    signed_in = client(member(session, tree))
    signed_in.put(f"/v1/households/{HOUSEHOLD}", json=household_body())
    made = signed_in.put(ADDRESS, json=resident_body(name=NAME, id_number=NUMBER, phone=PHONE))
    assert made.status_code == 201
    return signed_in


def trail(session: Session, action: str) -> list[AuditEntry]:
    return list(session.scalars(select(AuditEntry).where(AuditEntry.action == action)))


# ------------------------------------------------------------------------------------------------ reveal


def test_full_values_are_shown_for_a_reason_and_the_look_is_in_the_trail(
    signed_in: TestClient, session: Session
) -> None:
    body = {"fields": ["phone", "id_number", "name", "born_on"], "reason": "other", "note": f"问 {PHONE}"}
    reply = signed_in.post(f"{ADDRESS}/reveal", json=body)
    assert reply.status_code == 200, reply.text
    assert reply.json()["values"] == {
        "phone": PHONE,
        "id_number": NUMBER,
        "name": NAME,
        "born_on": "1980-01-01",
    }
    assert reply.headers["Cache-Control"] == "private, no-store"
    (line,) = trail(session, "personal.revealed")
    assert line.subject == f"resident:{RESIDENT}"
    assert line.detail["fields"] == ["born_on", "id_number", "name", "phone"]
    assert (line.detail["reason"], PHONE in line.detail["note"]) == ("other", False)


@pytest.mark.parametrize(
    "body",
    [
        {"fields": ["phone"]},
        {"fields": ["phone"], "reason": "curious"},
        {"fields": ["phone"], "reason": "other"},
        {"fields": ["phone"], "reason": "other", "note": "  "},
        {"fields": [], "reason": "visit"},
        {"fields": ["attributes"], "reason": "visit"},
        {"fields": ["phone"], "reason": "visit", "note": "x" * 101},
    ],
)
def test_without_a_reason_nothing_is_shown(
    signed_in: TestClient, session: Session, body: dict[str, Any]
) -> None:
    assert signed_in.post(f"{ADDRESS}/reveal", json=body).status_code == 422
    assert trail(session, "personal.revealed") == []


@pytest.mark.parametrize(
    ("role", "codes"),
    [
        (Role.OPERATOR, (200, 403)),
        (Role.LEADER, (403, 403)),
        (Role.UNIT, (403, 403)),
        (Role.AUDITOR, (403, 403)),
        (Role.ADMIN, (403, 200)),
    ],
)
def test_each_role_does_what_it_is_for(
    client: ClientOf, signed_in: TestClient, session: Session, role: Role, codes: tuple[int, int]
) -> None:
    (reveal, erase), other = codes, client(make.actor(session, role=role))
    assert other.post(f"{ADDRESS}/reveal", json={"fields": ["phone"], **WHY}).status_code == reveal
    assert other.post("/v1/residents/search", json={"phone": PHONE, **WHY}).status_code == reveal
    assert other.post(f"{ADDRESS}/erasure", json={"reason": "依申请"}).status_code == erase


def test_people_of_other_grids_are_not_there(
    client: ClientOf, signed_in: TestClient, session: Session, tree: make.StreetTree
) -> None:
    neighbour = client(make.actor(session, role=Role.MEMBER, grid=tree.a12, username="neighbour"))
    assert neighbour.post(f"{ADDRESS}/reveal", json={"fields": ["phone"], **WHY}).status_code == 404
    found = neighbour.post("/v1/residents/search", json={"phone": PHONE, **WHY})
    assert (found.status_code, found.json()["items"]) == (200, [])
    far = client(make.actor(session, role=Role.ADMIN, area=f"{make.OTHER_STREET}/", username="far"))
    assert far.post(f"{ADDRESS}/erasure", json={"reason": "依申请"}).status_code == 404
    nobody = f"/v1/residents/{uuid.UUID(int=5)}"
    assert signed_in.post(f"{nobody}/reveal", json={"fields": ["phone"], **WHY}).status_code == 404


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, privacy=PrivacySettings(reveals_per_hour=2, searches_per_hour=2))


def test_looks_are_counted_by_person(client: ClientOf, signed_in: TestClient, session: Session) -> None:
    body = {"fields": ["phone"], **WHY}
    codes = [signed_in.post(f"{ADDRESS}/reveal", json=body).status_code for _ in range(3)]
    assert codes == [200, 200, 429]
    refused = signed_in.post(f"{ADDRESS}/reveal", json=body)
    assert refused.json()["code"] == "too-many-looks"
    assert 0 < int(refused.headers["Retry-After"]) <= 3600
    # Searches have a count of their own, and another person has theirs.
    assert signed_in.post("/v1/residents/search", json={"phone": PHONE, **WHY}).status_code == 200
    operator = client(make.actor(session, role=Role.OPERATOR))
    assert operator.post(f"{ADDRESS}/reveal", json=body).status_code == 200
    session.execute(text("UPDATE personal_looks SET at = at - interval '61 minutes'"))
    session.commit()
    assert signed_in.post(f"{ADDRESS}/reveal", json=body).status_code == 200


# ------------------------------------------------------------------------------------------------ search


def test_a_search_finds_exactly_one_number_and_tells_the_trail_no_number(
    signed_in: TestClient, session: Session
) -> None:
    by_id = signed_in.post("/v1/residents/search", json={"id_number": NUMBER.lower(), **WHY})
    by_phone = signed_in.post("/v1/residents/search", json={"phone": "+86 138 1234 5678", **WHY})
    assert [one["id"] for one in by_id.json()["items"]] == [RESIDENT]
    assert by_phone.json() == by_id.json()
    assert NUMBER not in by_id.text
    lines = trail(session, "personal.searched")
    assert [(line.subject, line.detail["found"]) for line in lines] == [
        ("search:id_number", [RESIDENT]),
        ("search:phone", [RESIDENT]),
    ]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"phone": PHONE}, "missing"),
        ({**WHY}, "one-of-two"),
        ({"phone": PHONE, "id_number": NUMBER, **WHY}, "one-of-two"),
        ({"phone": "5678", **WHY}, "phone-form"),
        ({"id_number": NUMBER[:6], **WHY}, "id-number-length"),
    ],
)
def test_parts_of_numbers_find_nobody(signed_in: TestClient, body: dict[str, Any], code: str) -> None:
    reply = signed_in.post("/v1/residents/search", json=body)
    assert reply.status_code == 422
    assert code in [error["code"] for error in reply.json()["errors"]]


# ----------------------------------------------------------------------------------------------- erasure


def test_erased_nothing_names_them_and_counts_stay(
    client: ClientOf, signed_in: TestClient, session: Session
) -> None:
    tags = {"tags": [{"tag": "disabled", "resident": RESIDENT, "valid_from": "2026-01-01"}]}
    signed_in.put(f"/v1/households/{HOUSEHOLD}/tags", json=tags, headers={"If-Match": '"1"'})
    admin = client(make.actor(session, role=Role.ADMIN))
    for _ in range(2):
        reply = admin.post(f"{ADDRESS}/erasure", json={"reason": f"依申请 {NUMBER}"})
        assert (reply.status_code, reply.json()["erased"], reply.json()["name"]) == (200, True, "")
    row = session.get_one(Resident, uuid.UUID(RESIDENT), populate_existing=True)
    named = (row.name, row.sex, row.born_on, row.relation, row.id_number_sealed, row.id_number_index)
    assert named == ("", None, None, None, None, None)
    assert (row.phone_sealed, row.phone_index) == (None, None)
    (tag,) = session.scalars(select(HouseholdTag).execution_options(populate_existing=True))
    assert (tag.resident_id, tag.valid_to is not None) == (None, True)
    changes = session.scalars(
        select(RegistryChange)
        .where(RegistryChange.resident_id == row.resident_id)
        .execution_options(populate_existing=True)
    ).all()
    assert {one["after"] for change in changes for one in change.fields} == {None}
    assert {change.content_mark for change in changes} == {None}
    (line,) = trail(session, "resident.erased")
    assert NUMBER not in json.dumps(line.detail)
    assert signed_in.get(f"/v1/households/{HOUSEHOLD}").json()["household"]["residents"] == 1
    # The phone that made the record says it again: it does not come back.
    again = signed_in.put(ADDRESS, json=resident_body(name=NAME, id_number=NUMBER, phone=PHONE))
    assert (again.status_code, again.json()["code"]) == (409, "resident-erased")
    for path, body in (
        ("reveal", {"fields": ["name"], **WHY}),
        ("move", {"household": "01920000-0000-7000-8000-0000000000a2"}),
        ("departure", {"reason": "mistake"}),
    ):
        assert signed_in.post(f"{ADDRESS}/{path}", json=body).status_code in {404, 409}
    assert signed_in.post("/v1/residents/search", json={"phone": PHONE, **WHY}).json()["items"] == []


# ------------------------------------------------------------------------------------------------ canary


def test_numbers_are_nowhere_but_sealed(
    signed_in: TestClient,
    session: Session,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Everything that can be done with a number is done, rightly and wrongly; then each table is read."""
    clumsy = resident_body(name=NAME, id_number=NUMBER, phone=PHONE)
    signed_in.put(ADDRESS, json={**clumsy, "relation": "spouse"})
    signed_in.put(ADDRESS, json={**clumsy, "relation": "spouse"}, headers={"If-Match": '"9"'})
    signed_in.put(ADDRESS, json={**clumsy, "sex": "male"}, headers={"If-Match": '"1"'})
    signed_in.put(f"/v1/residents/{uuid.UUID(int=7)}", json=clumsy)
    signed_in.put(f"/v1/residents/{uuid.UUID(int=8)}", json={**clumsy, "note": NUMBER})
    signed_in.post("/v1/residents/search", json={"id_number": NUMBER, **WHY})
    signed_in.post(f"{ADDRESS}/reveal", json={"fields": ["id_number", "phone"], **WHY})
    signed_in.put(f"/v1/households/{NUMBER}", json=household_body())
    signed_in.post(f"{ADDRESS}/departure", json={"reason": "moved_away"})
    session.commit()
    tables = session.scalars(
        text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
    ).all()
    assert {"audit_entries", "quarantined_items", "registry_changes", "procrastinate_jobs"} <= set(tables)
    for table in tables:
        rows = session.execute(text(f'SELECT t::text FROM "{table}" t')).scalars().all()
        held = "\n".join(map(str, rows))
        for canary in (NUMBER, PHONE, NUMBER.encode().hex(), PHONE.encode().hex()):
            assert canary not in held, table
        assert table == "residents" or NAME not in held, table
    said = capsys.readouterr()
    for line in (said.out, said.err, caplog.text):
        assert NUMBER not in line
        assert PHONE not in line


def test_looks_name_nobody(signed_in: TestClient, session: Session) -> None:
    signed_in.post(f"{ADDRESS}/reveal", json={"fields": ["phone"], **WHY})
    look = session.scalars(select(cast(PersonalLook.kind, Text))).all()
    assert look == ["reveal"]
