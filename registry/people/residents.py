"""Residents are kept: put, moved, departed; their numbers sealed, their stays remembered."""

import uuid
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from access.roles import Action
from access.scope import Actor, scope_of
from core.clock import today
from core.errors import NotFound
from core.secrecy import KeyRing
from registry.keeping import Kept, change, is_same
from registry.people.changes import Field, Subject, field, is_repeated, lock_street, mark_of, record_change
from registry.people.checking import ID_NUMBER, PHONE, Said, beside_stored_number, checked
from registry.people.drafts import ResidentDraft
from registry.people.keeping import refused, require_revision
from registry.people.masking import mask_id_number, mask_name, mask_phone
from registry.people.models import Household, HouseholdTag, Residency, Resident
from registry.people.problems import HouseholdRetired, ResidentElsewhere, ResidentErased, ResidentKnown
from registry.people.rights import is_inside, require_household, require_resident
from registry.people.tags import tag_stands_on

WRITE = Action.WRITE_HOUSEHOLDS
_MASKS: dict[str, Callable[[str], str]] = {ID_NUMBER: mask_id_number, PHONE: mask_phone}


def aad_of(resident_id: uuid.UUID, name: str) -> str:
    """What a number of a resident is bound to."""
    return f"residents:{name}:{resident_id}"


def put_resident(
    session: Session,
    actor: Actor,
    resident_id: uuid.UUID,
    draft: ResidentDraft,
    *,
    keys: KeyRing,
    revision: int | None,
) -> Kept:
    """The resident is as the draft says; name and numbers that it leaves out stay as they are.

    Raises: Invalid, Forbidden, NotFound, HouseholdRetired, ResidentElsewhere, ResidentKnown, ResidentErased,
    Unguarded, Outdated.
    """
    household, said = _locked(session, actor, draft.household), checked(draft, today())
    marks = mark_of(keys, {"household": draft.household, **said.columns, "numbers": said.numbers})
    if session.get(Resident, resident_id) is None:
        return _make(session, actor, resident_id, household, said, keys=keys, mark=marks[0])
    resident, kept_in = require_resident(session, actor, WRITE, resident_id)
    said = beside_stored_number(said, resident)
    changes = changes_of(resident, said, keys)
    is_elsewhere = kept_in.household_id != household.household_id
    if not is_elsewhere and not changes:
        return Kept(resident_id, is_new=False)
    if revision != resident.revision and is_repeated(session, resident_id, marks):
        return Kept(resident_id, is_new=False)
    if is_elsewhere:
        raise ResidentElsewhere(household=str(kept_in.household_id))
    if resident.erased_at is not None:
        raise ResidentErased
    require_revision(resident, revision)
    _refuse_known(session, actor, resident_id, household.street_code, _indexes(said, keys))
    fields = list(told_of(resident, said, changes, keys))
    change(resident, columns_of_said(resident_id, said, keys, only=changes), actor)
    session.flush()
    subject = Subject(household, "resident", resident_id)
    record_change(session, actor, subject, "changed", fields, mark=marks[0])
    return Kept(resident_id, is_new=False)


def move_resident(
    session: Session,
    actor: Actor,
    resident_id: uuid.UUID,
    household_id: uuid.UUID,
    *,
    keys: KeyRing,
    on: date | None,
) -> Resident:
    """The resident lives in that household from the day on; tags that stand because of them come along.

    Again changes nothing. Somebody who had departed is back. Raises: Invalid, Forbidden, NotFound,
    HouseholdRetired, ResidentErased, ResidentKnown.
    """
    target = require_household(session, actor, WRITE, household_id)
    for street in sorted({target.street_code, _street_of(session, resident_id)}):
        lock_street(session, street)
    resident, source = require_resident(session, actor, WRITE, resident_id)
    if source.household_id == household_id and resident.left_on is None:
        return resident
    if resident.erased_at is not None:
        raise ResidentErased
    if target.retired_on is not None:
        raise HouseholdRetired
    day = _day(on, resident)
    _refuse_known(session, actor, resident_id, target.street_code, _stored_indexes(resident, keys))
    _end_stay(session, resident, day)
    _move_tags(session, actor, resident, target, day)
    lives_there = {"household_id": household_id, "street_code": target.street_code}
    change(resident, {**lives_there, "joined_on": day, "left_on": None}, actor)
    session.add(_stay(resident_id, household_id, day))
    session.flush()
    told = [field("household", source.household_id, household_id), field("joined_on", None, day)]
    for household in {source.household_id: source, household_id: target}.values():
        record_change(session, actor, Subject(household, "resident", resident_id), "moved", told)
    return resident


def depart_resident(
    session: Session, actor: Actor, resident_id: uuid.UUID, *, reason: str, on: date | None
) -> Resident:
    """The resident no longer lives there from the day on; their tags end with it. Again changes nothing.

    Raises: Invalid, Forbidden, NotFound, ResidentErased.
    """
    lock_street(session, _street_of(session, resident_id))
    resident, household = require_resident(session, actor, WRITE, resident_id)
    if resident.left_on is not None:
        return resident
    if resident.erased_at is not None:
        raise ResidentErased
    day = _day(on, resident)
    _end_stay(session, resident, day)
    end_tags(session, resident_id, day)
    change(resident, {"left_on": day}, actor)
    session.flush()
    told = [field("left_on", None, day), field("reason", None, reason)]
    record_change(session, actor, Subject(household, "resident", resident_id), "departed", told)
    return resident


def end_tags(session: Session, resident_id: uuid.UUID, day: date) -> list[HouseholdTag]:
    """Tags that stand because of the resident end on the day; those that would begin later never do."""
    standing = session.scalars(
        select(HouseholdTag).where(
            HouseholdTag.resident_id == resident_id,
            tag_stands_on(day) | (HouseholdTag.valid_from > day),
        )
    ).all()
    for tag in standing:
        if tag.valid_from >= day:
            session.delete(tag)
        else:
            tag.valid_to = day
    return list(standing)


def _locked(session: Session, actor: Actor, household_id: uuid.UUID) -> Household:
    seen = require_household(session, actor, WRITE, household_id)
    lock_street(session, seen.street_code)
    return require_household(session, actor, WRITE, household_id, lock=True)


def _day(on: date | None, resident: Resident) -> date:
    day = on or today()
    if day > today():
        raise refused("/on", "day-in-future", "日期不能在今天之后", "the day is in the future")
    if resident.joined_on is not None and day < resident.joined_on:
        raise refused("/on", "before-joining", "早于迁入日期", "this is before the day of moving in")
    return day


def _indexes(said: Said, keys: KeyRing) -> tuple[bytes, ...]:
    number = said.numbers.get(ID_NUMBER)
    return keys.indexes(number, ID_NUMBER) if number else ()


def _stored_indexes(resident: Resident, keys: KeyRing) -> tuple[bytes, ...]:
    if resident.id_number_sealed is None:
        return ()
    number = keys.open(resident.id_number_sealed, aad_of(resident.resident_id, ID_NUMBER))
    return keys.indexes(number, ID_NUMBER)


def _refuse_known(
    session: Session, actor: Actor, resident_id: uuid.UUID, street_code: str, indexes: tuple[bytes, ...]
) -> None:
    """Raises: ResidentKnown, when somebody else who lives in the street has this number."""
    taken = session.scalars(
        select(Resident).where(
            Resident.street_code == street_code,
            Resident.id_number_index.in_(indexes),
            Resident.resident_id != resident_id,
            Resident.left_on.is_(None),
            Resident.erased_at.is_(None),
        )
    ).first()
    if taken is None:
        return
    if is_inside(session, scope_of(actor, Action.READ_HOUSEHOLDS), taken.household_id):
        raise ResidentKnown(resident=str(taken.resident_id), household=str(taken.household_id))
    raise ResidentKnown  # where is not for this actor to know


# ------------------------------------------------------------------------------------------------- rows


def _make(
    session: Session,
    actor: Actor,
    resident_id: uuid.UUID,
    household: Household,
    said: Said,
    *,
    keys: KeyRing,
    mark: bytes,
) -> Kept:
    if "name" not in said.columns:
        raise refused("/name", "missing", "请填写姓名", "a name is needed")
    if household.retired_on is not None:
        raise HouseholdRetired
    _refuse_known(session, actor, resident_id, household.street_code, _indexes(said, keys))
    columns = columns_of_said(resident_id, said, keys, only={*said.columns, *said.numbers})
    resident = Resident(
        resident_id=resident_id,
        household_id=household.household_id,
        street_code=household.street_code,
        **columns,
        attributes={},
        revision=1,
        changed_by=actor.name,
    )
    session.add(resident)
    session.flush()
    session.add(_stay(resident_id, household.household_id, said.columns.get("joined_on")))
    names = [name for name, value in {**said.columns, **said.numbers}.items() if value is not None]
    fields = list(told_of(None, said, set(names), keys))
    record_change(session, actor, Subject(household, "resident", resident_id), "created", fields, mark=mark)
    return Kept(resident_id, is_new=True)


def columns_of_said(resident_id: uuid.UUID, said: Said, keys: KeyRing, *, only: set[str]) -> dict[str, Any]:
    """What the table holds of these fields: numbers sealed, and their indexes."""
    columns = {name: value for name, value in said.columns.items() if name in only}
    for name, number in said.numbers.items():
        if name in only:
            sealed = None if number is None else keys.seal(number, aad_of(resident_id, name))
            columns[f"{name}_sealed"] = sealed
            columns[f"{name}_index"] = None if number is None else keys.index(number, name)
    return columns


def changes_of(resident: Resident, said: Said, keys: KeyRing) -> set[str]:
    """The fields that would change. A sealed number is compared by its index, under any key."""
    changed = {name for name, value in said.columns.items() if not is_same(resident, {name: value})}
    for name, number in said.numbers.items():
        index = getattr(resident, f"{name}_index")
        same = index is None if number is None else index in keys.indexes(number, name)
        if not same:
            changed.add(name)
    return changed


def told_of(resident: Resident | None, said: Said, changed: set[str], keys: KeyRing) -> Iterator[Field]:
    """What the centre learns of the change: names of fields; of name and numbers what masks leave."""
    for name in sorted(changed):
        if name == "name":
            before = None if resident is None else mask_name(resident.name)
            yield field(name, before, mask_name(said.columns[name]))
        elif name in _MASKS:
            after = said.numbers[name]
            yield field(name, _masked(resident, name, keys), _MASKS[name](after) if after else None)
        else:
            yield field(name, None, None)


def _masked(resident: Resident | None, name: str, keys: KeyRing) -> str | None:
    sealed = None if resident is None else getattr(resident, f"{name}_sealed")
    if resident is None or sealed is None:
        return None
    return _MASKS[name](keys.open(sealed, aad_of(resident.resident_id, name)))


def _stay(resident_id: uuid.UUID, household_id: uuid.UUID, day: date | None) -> Residency:
    return Residency(
        residency_id=uuid.uuid4(), resident_id=resident_id, household_id=household_id, valid_from=day
    )


def _end_stay(session: Session, resident: Resident, day: date) -> None:
    stays = update(Residency).where(
        Residency.resident_id == resident.resident_id, Residency.valid_to.is_(None)
    )
    session.execute(stays.values(valid_to=day))


def _move_tags(session: Session, actor: Actor, resident: Resident, target: Household, day: date) -> None:
    standing = select(HouseholdTag.tag, HouseholdTag.valid_from, HouseholdTag.valid_to).where(
        HouseholdTag.resident_id == resident.resident_id, tag_stands_on(day) | (HouseholdTag.valid_from > day)
    )
    moved = session.execute(standing).all()
    end_tags(session, resident.resident_id, day)
    for tag in moved:
        session.add(
            HouseholdTag(
                household_tag_id=uuid.uuid4(),
                household_id=target.household_id,
                resident_id=resident.resident_id,
                tag=tag.tag,
                valid_from=max(day, tag.valid_from),
                valid_to=tag.valid_to,
                changed_by=actor.name,
            )
        )


def _street_of(session: Session, resident_id: uuid.UUID) -> str:
    street_code = session.scalar(select(Resident.street_code).where(Resident.resident_id == resident_id))
    if street_code is None:
        raise NotFound
    return street_code
