"""Builders of visits: keyword-only, with fixed defaults and nothing random; each flushes what it made."""

import json
import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from core.clock import LOCAL_ZONE
from patrol.visits.models import Visit
from registry.people.models import Household
from tests.make import fixed_uuid


def local(day: date, hour: int = 10, minute: int = 0) -> datetime:
    """A moment by the clock on the wall in China."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=LOCAL_ZONE).astimezone(UTC)


def visit(
    session: Session,
    *,
    household: Household,
    person_id: uuid.UUID,
    at: datetime,
    outcome: str = "met",
    **columns: Any,
) -> Visit:
    """A stored visit without answers."""
    plain: dict[str, Any] = {
        "visit_id": fixed_uuid(f"visit {household.household_id} {at.isoformat()} {outcome}"),
        "theme": "routine",
        "answers": {},
        "note": "",
        "photos": [],
        "body_hash": b"",
    }
    made = Visit(
        household_id=household.household_id,
        person_id=person_id,
        at=at,
        received_at=at + timedelta(minutes=1),
        outcome=outcome,
        **{**plain, **columns},
    )
    session.add(made)
    session.flush()
    return made


def visit_body(household_id: uuid.UUID, at: datetime, **fields: Any) -> dict[str, Any]:
    """What a phone sends; JSON values only."""
    plain = {"household_id": str(household_id), "at": at.isoformat(), "outcome": "met"}
    return {**plain, **fields}


def as_bytes(body: dict[str, Any]) -> bytes:
    """The body as it travels."""
    return json.dumps(body, ensure_ascii=False).encode()
