"""Erasure: everything that names a person is gone; the row stays, so that counts of the past stay true."""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import Session

from access.roles import Action
from access.scope import Actor, scope_of
from core.clock import LOCAL_ZONE, now, today
from core.errors import NotFound
from core.logs import mask
from registry.people.changes import Subject, lock_street, record_change
from registry.people.models import Household, HouseholdTag, RegistryChange, Residency, Resident
from registry.people.residents import end_tags
from registry.people.rights import is_inside, not_allowed, require_somewhere

# What says who somebody is; kind of residence and days of the stays are for counting.
_NAMING = (
    *("relation", "sex", "born_on", "id_number_sealed", "id_number_index", "phone_sealed", "phone_index"),
)

# Who else holds what was written of a resident: higher layers add themselves, this one does not know them.
ERASED: list[Callable[[Session, uuid.UUID], None]] = []


def erase_resident(session: Session, actor: Actor, resident_id: uuid.UUID, reason: str) -> Resident:
    """Nothing names the person any more: not the row, not the list of changes, nothing written at their door.

    Their tags have ended.

    The trail says who erased, when and why; it never held who the person was. Again changes nothing.
    Raises: Forbidden, NotFound.
    """
    require_somewhere(actor, Action.ERASE_PERSONAL)
    street_code = session.scalar(select(Resident.street_code).where(Resident.resident_id == resident_id))
    if street_code is None or not _may(session, actor, resident_id, street_code):
        raise NotFound
    lock_street(session, street_code)
    resident = session.get_one(Resident, resident_id, with_for_update=True, populate_existing=True)
    if resident.erased_at is not None:
        return resident
    resident.name = ""
    for column in _NAMING:
        setattr(resident, column, None)
    resident.attributes = {}
    resident.erased_at = now()
    resident.revision += 1
    resident.changed_at, resident.changed_by = now(), actor.name
    end_tags(session, resident_id, today())
    session.flush()
    session.execute(
        update(HouseholdTag).where(HouseholdTag.resident_id == resident_id).values(resident_id=None)
    )
    _blank_changes(session, resident_id)
    for forget in ERASED:
        forget(session, resident_id)
    household = session.get_one(Household, resident.household_id)
    detail = {"reason": mask(reason)}
    record_change(session, actor, Subject(household, "resident", resident_id), "erased", (), detail=detail)
    return resident


def household_days(
    session: Session, resident_id: uuid.UUID, household_id: Any, at: Any
) -> tuple[set[uuid.UUID], ColumnElement[bool]]:
    """The households the resident lived in, and whether a row with these columns is of one of them then."""
    during = select(Residency.residency_id).where(
        Residency.resident_id == resident_id, Residency.household_id == household_id, _lived_there(at)
    )
    lived_in = select(Residency.household_id).where(Residency.resident_id == resident_id)
    return set(session.scalars(lived_in)), during.exists()


def is_of_one_erased(session: Session, household_id: uuid.UUID, at: datetime) -> bool:
    """Whether somebody lived in the household at that moment who was erased since."""
    found = (
        select(Residency.residency_id)
        .join(Resident, Resident.resident_id == Residency.resident_id)
        .where(Residency.household_id == household_id, Resident.erased_at > at, _lived_there(at))
    )
    return session.scalar(found.limit(1)) is not None


def _lived_there(at: Any) -> ColumnElement[bool]:
    """The last day counts: who calls on the day of a removal still meets them. Unknown days are open."""
    day = func.date(func.timezone(LOCAL_ZONE.key, at))
    return and_(
        or_(Residency.valid_from.is_(None), Residency.valid_from <= day),
        or_(Residency.valid_to.is_(None), Residency.valid_to >= day),
    )


def _may(session: Session, actor: Actor, resident_id: uuid.UUID, street_code: str) -> bool:
    """Whoever sees the whole street, or the grid of the household. Raises: Forbidden."""
    scope = scope_of(actor, Action.ERASE_PERSONAL)
    household_id = session.scalars(
        select(Resident.household_id).where(Resident.resident_id == resident_id)
    ).one()
    if scope.covers(f"{street_code}/") or is_inside(session, scope, household_id):
        return True
    if is_inside(session, scope_of(actor, Action.READ_HOUSEHOLDS), household_id):
        raise not_allowed(Action.ERASE_PERSONAL)
    return False


def _blank_changes(session: Session, resident_id: uuid.UUID) -> None:
    """The list of changes still says that something changed, of whom nobody can tell."""
    mine = select(RegistryChange).where(RegistryChange.resident_id == resident_id)
    for change in session.scalars(mine):
        change.fields = [{"field": one["field"], "before": None, "after": None} for one in change.fields]
        change.content_mark = None
    session.flush()
