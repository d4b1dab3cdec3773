"""What a diary tells of being away and of standing in; why stays between the person and the managers."""

import uuid
from collections.abc import Iterator
from datetime import date

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, aliased

from access.models import Absence, Person
from access.queries import away_between
from patrol.diary.entries import PROVIDERS, Entry, Span


def tell_absences(session: Session, person_id: uuid.UUID, span: Span) -> Iterator[Entry]:
    """Each day on which the person was away or stood in for somebody."""
    away, substitute = aliased(Person), aliased(Person)
    rows = session.execute(
        select(Absence, away.name.label("away_name"), substitute.name.label("substitute_name"))
        .join(away, away.person_id == Absence.person_id)
        .join(substitute, substitute.person_id == Absence.substitute_id)
        .where(
            or_(Absence.person_id == person_id, Absence.substitute_id == person_id),
            away_between(span.first, span.last),
        )
        .order_by(Absence.valid_from)
    )
    for absence, away_name, substitute_name in rows:
        ends = [day for day in (absence.valid_to, absence.cancelled_on) if day is not None]
        for day in span.days:
            if absence.valid_from <= day < min(ends, default=date.max):
                is_own = absence.person_id == person_id
                yield _entry(day, absence.absence_id, substitute_name if is_own else away_name, is_own)


def _entry(day: date, absence_id: uuid.UUID, other: str, is_own: bool) -> Entry:
    zh = f"请假，由{other}顶岗。" if is_own else f"为{other}顶岗。"
    en = f"Away; {other} stands in." if is_own else f"Stands in for {other}."
    return Entry(
        kind="absence" if is_own else "substitute",
        day=day,
        at=None,
        until=None,
        zh=zh,
        en=en,
        path=None,
        item_id=absence_id,
    )


PROVIDERS["absence"] = tell_absences
