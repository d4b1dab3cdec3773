"""Households, tags and visits for duties."""

import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from access.scope import Actor
from patrol.visits.models import Visit
from registry.people.models import Household, HouseholdTag
from tests import make

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
IN_A11, IN_A12, IN_A21 = 118.902, 118.907, 118.915


def household(
    session: Session,
    name: str,
    *,
    lon: float = IN_A11,
    kind: str = "registered",
    created_at: datetime = LONG_AGO - timedelta(days=400),
    **columns: Any,
) -> uuid.UUID:
    """A household of the street, in A11 unless told otherwise, known for long."""
    household_id = make.fixed_uuid(f"household {name}")
    plain: dict[str, Any] = {"street_code": make.STREET, "room": name, "geom": make.point(lon, 32.105)}
    common = {
        "source_datum": "EPSG:4490",
        "source": "test",
        "attributes": {},
        "revision": 1,
        "changed_by": "测试",
    }
    session.add(
        Household(
            household_id=household_id,
            **{
                **common,
                **plain,
                "kind": kind,
                "created_at": created_at,
                "changed_at": created_at,
                **columns,
            },
        )
    )
    session.flush()
    return household_id


def tagged(
    session: Session,
    household_id: uuid.UUID,
    *,
    tag: str = "disabled",
    since: date = date(2025, 1, 1),
    until: date | None = None,
) -> None:
    session.add(
        HouseholdTag(
            household_tag_id=make.fixed_uuid(f"tag {household_id} {tag} {since}"),
            household_id=household_id,
            tag=tag,
            valid_from=since,
            valid_to=until,
            changed_by="测试",
        )
    )
    session.flush()


def visited(
    session: Session, actor: Actor, household_id: uuid.UUID, at: datetime, outcome: str = "met"
) -> None:
    session.add(
        Visit(
            visit_id=make.fixed_uuid(f"visit {household_id} {at} {actor.username}"),
            household_id=household_id,
            person_id=actor.person_id,
            at=at,
            received_at=at,
            outcome=outcome,
            theme="routine",
            answers={},
            note="",
            photos=[],
            body_hash=b"",
        )
    )
    session.flush()
