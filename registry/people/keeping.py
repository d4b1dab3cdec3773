"""Households are kept: put, changed, retired; each change with its right, its revision and its two records.

A household is made under an id that the phone made, and putting the same again changes nothing, however late
it comes. Changes need the revision that they were made from. What is refused is not kept aside: the phone has
it still, and personal data shall not pile up in a second place.
"""

import uuid
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from access.roles import Action
from access.scope import Actor, scope_of
from core.clock import today
from core.errors import FieldError, Invalid, NotFound, Outdated, Unguarded
from core.secrecy import KeyRing
from registry.keeping import Kept, change, is_same, stored
from registry.people.changes import (
    Subject,
    changed_fields,
    field,
    is_repeated,
    lock_street,
    mark_of,
    record_change,
)
from registry.people.drafts import HouseholdDraft
from registry.people.models import Household, Resident
from registry.people.problems import HouseholdCodeTaken, HouseholdOutside, HouseholdRetired
from registry.people.rights import is_inside, require_household, require_somewhere
from registry.people.settling import doors_of, settle_household
from registry.settling import Settled, Unsettled

WRITE = Action.WRITE_HOUSEHOLDS
# Who files what came before its household: higher layers add themselves, this one does not know them.
ARRIVED: list[Callable[[Session, uuid.UUID], None]] = []


def put_household(
    session: Session,
    actor: Actor,
    household_id: uuid.UUID,
    draft: HouseholdDraft,
    *,
    keys: KeyRing,
    revision: int | None,
) -> Kept:
    """The household is as the draft says. `revision` is the one it was read in; None for a new one.

    Raises: Invalid, UnknownDatum, Forbidden, NotFound, HouseholdOutside, HouseholdCodeTaken,
    HouseholdRetired, Unguarded, Outdated.
    """
    require_somewhere(actor, WRITE)
    settled = _settled(session, draft)
    lock_street(session, settled.street_code)
    marks = mark_of(keys, settled.columns)
    if session.get(Household, household_id) is None:
        return _make(session, actor, household_id, settled, marks[0])
    household = require_household(session, actor, WRITE, household_id, lock=True)
    if is_same(household, settled.columns):
        return Kept(household_id, is_new=False)
    if revision != household.revision and is_repeated(session, household_id, marks):
        return Kept(household_id, is_new=False)
    _require_standing(household, revision)
    if household.street_code != settled.street_code:
        raise refused(
            "/position", "household-street", "户不能改到另一街道", "a household stays in its street"
        )
    _refuse_taken(session, household_id, settled)
    fields = changed_fields(columns_of(household, settled.columns), settled.columns)
    change(household, settled.columns, actor)
    session.flush()
    _require_inside(session, actor, household_id)
    record_change(session, actor, Subject(household, "household"), "changed", fields, mark=marks[0])
    return Kept(household_id, is_new=False)


def retire_household(
    session: Session, actor: Actor, household_id: uuid.UUID, *, reason: str, on: date | None = None
) -> Household:
    """The household stands no more from the day on; it stays readable. Again changes nothing.

    Raises: Invalid, Forbidden, NotFound.
    """
    seen = require_household(session, actor, WRITE, household_id)
    lock_street(session, seen.street_code)
    household = require_household(session, actor, WRITE, household_id, lock=True)
    if household.retired_on is None:
        day = on or today()
        if day > today():
            raise refused("/on", "day-in-future", "日期不能在今天之后", "the day is in the future")
        change(household, {"retired_on": day}, actor)
        session.flush()
        told = [field("retired_on", None, day), field("reason", None, reason)]
        record_change(session, actor, Subject(household, "household"), "retired", told)
    return household


def require_revision(row: Household | Resident, revision: int | None) -> None:
    """Return when the change was made from the state that stands. Raises: Unguarded, Outdated."""
    if revision is None:
        raise Unguarded
    if revision != row.revision:
        raise Outdated(changed_by=row.changed_by, changed_at=row.changed_at.isoformat())


def columns_of(row: object, names: Mapping[str, Any]) -> dict[str, Any]:
    """What the row holds in these columns."""
    return {name: getattr(row, name) for name in names}


# ----------------------------------------------------------------------------------------------- parts


def _settled(session: Session, draft: HouseholdDraft) -> Settled:
    around, doors = doors_of(session, [draft], draft.datum, today())
    try:
        return settle_household(draft, 0, around, doors)
    except Unsettled as fault:
        raise refused(fault.pointer, fault.reason.code, fault.reason.zh, fault.reason.en) from None


def _make(session: Session, actor: Actor, household_id: uuid.UUID, settled: Settled, mark: bytes) -> Kept:
    _refuse_taken(session, household_id, settled)
    whole = {"household_id": household_id, "attributes": {}, "revision": 1, "changed_by": actor.name}
    columns = {name: stored(name, value) for name, value in settled.columns.items()}
    household = Household(**columns, **whole)
    session.add(household)
    session.flush()  # a constraint must speak before the trail does
    _require_inside(session, actor, household_id)
    fields = changed_fields({}, {name: value for name, value in settled.columns.items() if value is not None})
    record_change(session, actor, Subject(household, "household"), "created", fields, mark=mark)
    for file_waiting in ARRIVED:
        file_waiting(session, household_id)
    return Kept(household_id, is_new=True)


def _require_inside(session: Session, actor: Actor, household_id: uuid.UUID) -> None:
    """What was just written lies where the actor may write; else nothing of it is kept."""
    if is_inside(session, scope_of(actor, WRITE), household_id):
        return
    if is_inside(session, scope_of(actor, Action.READ_GRIDS), household_id):
        raise HouseholdOutside
    raise NotFound


def _require_standing(household: Household, revision: int | None) -> None:
    if household.retired_on is not None:
        raise HouseholdRetired
    require_revision(household, revision)


def _refuse_taken(session: Session, household_id: uuid.UUID, settled: Settled) -> None:
    code = settled.columns["code"]
    if code is None:
        return
    holders = select(func.count()).where(
        Household.street_code == settled.street_code,
        Household.code == code,
        Household.household_id != household_id,
    )
    if session.scalar(holders):
        raise HouseholdCodeTaken(f"户编码 {code} 已被使用 / the code {code} is taken")


def refused(pointer: str, code: str, zh: str, en: str) -> Invalid:
    """The error that points at one field."""
    return Invalid(f"{zh} / {en}", errors=[FieldError(pointer, code, f"{zh} / {en}")])
