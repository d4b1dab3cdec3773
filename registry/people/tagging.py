"""Tags are set on households: from a list that is data, with days, never as free text."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from access.roles import Action
from access.scope import Actor, scope_of
from core.clock import today
from core.errors import FieldError, Invalid
from registry.keeping import change
from registry.people.changes import Field, Subject, lock_street, record_change
from registry.people.drafts import TagDraft
from registry.people.keeping import require_revision
from registry.people.models import Household, HouseholdTag, Resident, TagKind
from registry.people.problems import HouseholdRetired
from registry.people.rights import is_inside, require_household
from registry.people.tags import kind_holds_on, tag_stands_on

RESTRICTED = "restricted"  # what a tag of 7.5.5 is called towards those who need not know
_AHEAD = timedelta(days=366)
_BACK = timedelta(days=366 * 30)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A tag as it is to stand."""

    tag: str
    resident_id: uuid.UUID | None
    valid_from: date | None  # today for a new one; a standing one keeps its own
    valid_to: date | None

    @property
    def key(self) -> tuple[str, uuid.UUID | None]:
        return (self.tag, self.resident_id)


def set_tags(
    session: Session,
    actor: Actor,
    household_id: uuid.UUID,
    drafts: Sequence[TagDraft],
    *,
    revision: int | None,
) -> Household:
    """These tags stand on the household; others end today. The same again changes nothing.

    Restricted tags that the actor is not shown stay. Raises: Invalid, Forbidden, NotFound, HouseholdRetired,
    Unguarded, Outdated.
    """
    seen = require_household(session, actor, Action.WRITE_HOUSEHOLDS, household_id)
    lock_street(session, seen.street_code)
    household = require_household(session, actor, Action.WRITE_HOUSEHOLDS, household_id, lock=True)
    kinds = kinds_on(session, today())
    knows = is_inside(session, scope_of(actor, Action.REVEAL_PERSONAL), household_id)
    wanted = _checked(session, household, drafts, kinds, knows_restricted=knows)
    standing = [
        tag for tag in standing_tags(session, household_id) if knows or not _is_restricted(tag.tag, kinds)
    ]
    changes = _Changes.between(standing, wanted)
    if changes.is_empty:
        return household
    if household.retired_on is not None:
        raise HouseholdRetired
    require_revision(household, revision)
    fields = _told(changes, kinds)
    _apply(session, actor, household, changes)
    change(household, {}, actor)
    session.flush()
    record_change(session, actor, Subject(household, "tags"), "changed", fields)
    return household


def standing_tags(session: Session, household_id: uuid.UUID) -> list[HouseholdTag]:
    """The tags that stand on the household today, and those that are to begin."""
    day = today()
    return list(
        session.scalars(
            select(HouseholdTag)
            .where(
                HouseholdTag.household_id == household_id,
                tag_stands_on(day) | (HouseholdTag.valid_from > day),
            )
            .order_by(HouseholdTag.valid_from, HouseholdTag.tag, HouseholdTag.household_tag_id)
        )
    )


def kinds_on(session: Session, day: date) -> dict[str, TagKind]:
    """The list of tags on a day, by code."""
    found = session.scalars(select(TagKind).where(kind_holds_on(day)).order_by(TagKind.tag_kind_id))
    return {kind.code: kind for kind in found}


# --------------------------------------------------------------------------------------------- parts


@dataclass(frozen=True, slots=True)
class _Changes:
    """What has to happen to the standing tags."""

    new: tuple[_Wanted, ...]
    ended: tuple[HouseholdTag, ...]
    dated: tuple[tuple[HouseholdTag, _Wanted], ...]

    @classmethod
    def between(cls, standing: Sequence[HouseholdTag], wanted: Sequence[_Wanted]) -> "_Changes":
        kept = {(tag.tag, tag.resident_id): tag for tag in standing}
        asked = {one.key: one for one in wanted}
        return cls(
            new=tuple(one for one in wanted if one.key not in kept),
            ended=tuple(tag for key, tag in kept.items() if key not in asked),
            dated=tuple(
                (tag, asked[key]) for key, tag in kept.items() if key in asked and _differs(tag, asked[key])
            ),
        )

    @property
    def is_empty(self) -> bool:
        return not (self.new or self.ended or self.dated)


def _differs(tag: HouseholdTag, wanted: _Wanted) -> bool:
    begins = wanted.valid_from or tag.valid_from
    return (tag.valid_from, tag.valid_to) != (begins, wanted.valid_to)


def _checked(
    session: Session,
    household: Household,
    drafts: Sequence[TagDraft],
    kinds: Mapping[str, TagKind],
    *,
    knows_restricted: bool,
) -> list[_Wanted]:
    """Raises: Invalid, with every tag that is wrong."""
    residents = set(
        session.scalars(
            select(Resident.resident_id).where(
                Resident.household_id == household.household_id,
                Resident.left_on.is_(None),
                Resident.erased_at.is_(None),
            )
        )
    )
    errors: list[FieldError] = []
    seen: set[tuple[str, uuid.UUID | None]] = set()
    wanted = [_Wanted(draft.tag, draft.resident, draft.valid_from, draft.valid_to) for draft in drafts]
    for index, one in enumerate(wanted):
        kind = kinds.get(one.tag)
        if kind is None or (kind.is_restricted and not knows_restricted):
            errors.append(_unknown_tag(index, kinds))
        if one.resident_id is not None and one.resident_id not in residents:
            told = "此人不在本户 / this person does not live in the household"
            errors.append(FieldError(f"/tags/{index}/resident", "resident-unknown", told))
        if one.key in seen:
            errors.append(FieldError(f"/tags/{index}", "tag-twice", "标签重复 / this tag is listed twice"))
        seen.add(one.key)
        errors += _impossible_days(index, one)
    if errors:
        raise Invalid(errors=errors)
    return wanted


def _unknown_tag(index: int, kinds: Mapping[str, TagKind]) -> FieldError:
    known = "、".join(f"{code} {kind.zh}" for code, kind in kinds.items() if not kind.is_restricted)
    return FieldError(
        f"/tags/{index}/tag", "unknown-tag", f"没有这个标签；可用：{known} / no such tag on the list"
    )


def _impossible_days(index: int, one: _Wanted) -> list[FieldError]:
    day = today()
    begins = one.valid_from or day
    if not day - _BACK <= begins <= day + _AHEAD:
        told = "日期不可能 / this day cannot be"
        return [FieldError(f"/tags/{index}/valid_from", "impossible-day", told)]
    if one.valid_to is not None and one.valid_to <= begins:
        told = "结束日期应晚于开始日期 / it has to end after it begins"
        return [FieldError(f"/tags/{index}/valid_to", "ends-before-beginning", told)]
    return []


def _apply(session: Session, actor: Actor, household: Household, changes: _Changes) -> None:
    day = today()
    for tag in changes.ended:
        if tag.valid_from >= day:
            session.delete(tag)
        else:
            tag.valid_to = day
            tag.changed_by = actor.name
    for tag, wanted in changes.dated:
        tag.valid_from = wanted.valid_from or tag.valid_from
        tag.valid_to = wanted.valid_to
        tag.changed_by = actor.name
    for one in changes.new:
        session.add(
            HouseholdTag(
                household_tag_id=uuid.uuid4(),
                household_id=household.household_id,
                resident_id=one.resident_id,
                tag=one.tag,
                valid_from=one.valid_from or day,
                valid_to=one.valid_to,
                changed_by=actor.name,
            )
        )


def _told(changes: _Changes, kinds: Mapping[str, TagKind]) -> list[Field]:
    """Which tags came and went; a restricted one is only said to have."""

    def name(code: str) -> str:
        return RESTRICTED if _is_restricted(code, kinds) else code

    return [
        *({"field": "tag", "before": None, "after": name(one.tag)} for one in changes.new),
        *({"field": "tag", "before": name(tag.tag), "after": None} for tag in changes.ended),
        *({"field": "tag", "before": name(tag.tag), "after": name(tag.tag)} for tag, _ in changes.dated),
    ]


def _is_restricted(code: str, kinds: Mapping[str, TagKind]) -> bool:
    """A tag that is no longer on the list may have been one."""
    kind = kinds.get(code)
    return kind is None or kind.is_restricted
