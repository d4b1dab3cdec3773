"""After an erasure no table holds a word that was written at the person's door; what counts still counts."""

import json
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from access.roles import Role
from core.clock import now
from core.models import PhotoUse, QuarantinedItem
from patrol.visits.models import Need, Visit
from tests import make
from tests.api.register import (
    HOUSEHOLD,
    OTHER_HOUSEHOLD,
    RESIDENT,
    ClientOf,
    household_body,
    member,
    resident_body,
    some_id,
)

WORD = "患糖尿病"  # what must be gone
LATER = now() + timedelta(minutes=2)
VISIT, LATE, OTHER = (str(make.fixed_uuid(name)) for name in ("visit", "late visit", "other visit"))
ASKED = {"form": {"code": "hardship", "version": 1}, "theme": "hardship"}
ANSWERS = {
    "types": ["illness"],
    "degree": "serious",
    "cause": WORD,
    "needs": [{"kind": "medical", "detail": WORD, "urgency": "soon"}],
}


def visit_body(at: datetime, household: str = HOUSEHOLD, **more: Any) -> dict[str, Any]:
    said = {"household_id": household, "at": at.isoformat(), "outcome": "met", "note": WORD}
    return {**said, **ASKED, "answers": ANSWERS, "photos": [make.fixed_uuid("p").hex * 2], **more}


def holding(session: Session, word: str) -> list[str]:
    """The tables that hold the word, readable or as bytes."""
    session.commit()
    tables = session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
    found = []
    for table in tables:
        rows = session.execute(text(f'SELECT t::text FROM "{table}" t')).scalars().all()
        held = "\n".join(map(str, rows))
        if word in held or word.encode().hex() in held or json.dumps(word).strip('"') in held:
            found.append(table)
    return found


@pytest.fixture
def phone(client: ClientOf, session: Session) -> TestClient:
    """A member who has visited a household with one resident, and another household."""
    phone = client(member(session, make.street_tree(session)))
    assert phone.put(f"/v1/households/{HOUSEHOLD}", json=household_body()).status_code == 201
    other = household_body(code="H2", room="402")
    assert phone.put(f"/v1/households/{OTHER_HOUSEHOLD}", json=other).status_code == 201
    assert phone.put(f"/v1/residents/{RESIDENT}", json=resident_body()).status_code == 201
    before = now() - timedelta(hours=2)
    assert phone.put(f"/v1/visits/{VISIT}", json=visit_body(before)).status_code == 201
    forked = visit_body(before, outcome="by_phone")
    assert phone.put(f"/v1/visits/{VISIT}", json=forked).status_code == 409  # and kept aside
    words = {"reason": WORD, "note": WORD, **ASKED, "answers": ANSWERS}
    correction = {"id": some_id(1), "made_at": now().isoformat(), "outcome": "met", **words}
    corrected = phone.post(f"/v1/visits/{VISIT}/corrections", json=correction)
    assert corrected.status_code in {200, 201}, corrected.text
    return phone


def erase(client: ClientOf, session: Session) -> None:
    admin = client(make.actor(session, role=Role.ADMIN))
    assert admin.post(f"/v1/residents/{RESIDENT}/erasure", json={"reason": "依申请"}).status_code == 200


def test_no_word_is_left_and_the_visit_counts(client: ClientOf, phone: TestClient, session: Session) -> None:
    assert set(holding(session, WORD)) >= {"visits", "visit_versions", "needs", "quarantined_items"}
    erase(client, session)
    assert holding(session, WORD) == []
    shown = phone.get(f"/v1/visits/{VISIT}").json()
    assert (shown["outcome"], shown["counted"], shown["note"], shown["answers"]) == ("met", True, "", {})
    assert session.scalars(select(Need.kind)).all() == ["medical"]
    assert session.scalars(select(PhotoUse.kind)).all() == []


def test_what_comes_later_of_that_time_is_filed_without_words(
    client: ClientOf, phone: TestClient, session: Session
) -> None:
    """Also the same once more, a fork of it, and the record of the person by the batch."""
    erase(client, session)
    said = visit_body(now() - timedelta(hours=1, minutes=59))  # of the same day, but for one minute a day
    assert [phone.put(f"/v1/visits/{LATE}", json=said).status_code for _ in range(2)] == [201, 200]
    item = {"kind": "resident", "id": RESIDENT, "body": {**resident_body(), "relation": "spouse"}}
    fork = visit_body(now() - timedelta(hours=2), outcome="by_phone", note=f"{WORD}，下次再来")
    assert phone.put(f"/v1/visits/{VISIT}", json=fork).status_code == 409
    words = {"reason": WORD, "note": WORD, **ASKED, "answers": ANSWERS}
    forked = {"id": some_id(1), "made_at": now().isoformat(), "outcome": "met", **words}
    assert phone.post(f"/v1/visits/{VISIT}/corrections", json=forked).status_code == 409
    (answer,) = phone.post("/v1/sync", json={"items": [item]}).json()["items"]
    assert (answer["outcome"], answer["problem"]["code"]) == ("conflict", "resident-erased")
    assert holding(session, WORD) == []
    bodies = session.scalars(select(QuarantinedItem.body).where(QuarantinedItem.is_sealed)).all()
    assert bodies
    assert max(map(len, bodies)) < 64, "nothing, or nothing sealed"
    kept = session.scalars(select(QuarantinedItem.body).where(~QuarantinedItem.is_sealed)).all()
    assert {json.loads(body)["outcome"] for body in kept if body} == {"by_phone", "met"}
    assert phone.get(f"/v1/visits/{LATE}").json()["counted"] is False  # two on one day count once


def test_other_doors_and_later_visits_keep_their_words(
    client: ClientOf, phone: TestClient, session: Session
) -> None:
    before = now() - timedelta(hours=2)
    assert phone.put(f"/v1/visits/{OTHER}", json=visit_body(before, OTHER_HOUSEHOLD)).status_code == 201
    erase(client, session)
    after = visit_body(now() + timedelta(seconds=1))
    assert phone.put(f"/v1/visits/{LATE}", json=after).status_code == 201
    notes = select(Visit.note).where(Visit.visit_id.in_([uuid.UUID(LATE), uuid.UUID(OTHER)]))
    assert session.scalars(notes).all() == [WORD, WORD]
