"""Duties as a street keeps them: new rows from a day on; what has begun to hold is never changed.

A period is measured by the row that holds on its first day, so a row made today cannot touch a period that
has begun, and closed ones say for ever what was asked of them.
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from access.queries import street_code_of
from access.roles import Action
from access.scope import Actor, Scope, scope_of
from core import audit
from core.clock import today
from core.errors import Conflict, FieldError, Invalid, NotFound, Outdated, Unguarded
from core.models import AuditEntry
from core.periods import Period
from geo.models import Grid
from patrol.duties.facts import kind_of
from patrol.duties.models import Duty
from patrol.duties.queries import names_of, stored_duties
from patrol.duties.rules import DutyRow, Options
from patrol.parts import meets, parts_seen, path_of, require_managed

_PATROLS = "patrols"  # how many is asked for stands in the policy, beside what makes one count
_OUTCOMES = frozenset({"met", "by_phone", "not_home", "refused", "moved_away"})
_KINDS = frozenset({"registered", "floating", "collective", "vacant"})
_LEVELS = range(1, 6)
_MOST = 366
_NOBODY = uuid.UUID(int=0)
_CREATED, _DELETED = "duty.created", "duty.deleted"


class DutyUnknown(NotFound):
    """There is no such duty, or it does not concern you."""

    code = "duty-unknown"


class DutyConflict(Conflict):
    """Another row of this duty begins here on this day; delete that one first."""

    code = "duty-conflict"


class DutyHolds(Conflict):
    """This row of a duty has begun to hold; add one that follows it."""

    code = "duty-holds"


@dataclass(frozen=True, slots=True)
class DutyDraft:
    """A row as it is asked for; what is None is as in the row that it follows, or in the general one."""

    code: str
    street_code: str | None
    grid_code: str | None
    kind: str
    valid_from: date
    valid_to: date | None
    count: int | None
    is_on: bool | None
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Made:
    """Who made a row, and when."""

    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class DutyView:
    """A stored row, with where it holds by name, who made it, and what somebody may do with it."""

    row: DutyRow
    street_code: str | None
    grid_code: str | None
    measured_from: date  # first day of the first period that it measures
    has_begun: bool
    may_delete: bool
    made: Made | None  # None: it came with the product


def put_duty(session: Session, actor: Actor, draft: DutyDraft, *, seen: int | None) -> tuple[int, bool]:
    """The duty is so in this part from its day on; gives the row's id, and whether it is new.

    `seen` names the newest row of the same part and kind of grid, as the editor knows it.
    Raises: DutyUnknown, Forbidden, GridUnknown, Invalid, DutyConflict, Outdated, Unguarded.
    """
    path = path_of(session, actor, draft.street_code, draft.grid_code)
    rows = [row for row in stored_duties(session) if row.code == draft.code]
    if not rows:
        raise DutyUnknown
    here = [row for row in rows if (row.path, row.kind) == (path, draft.kind)]
    base = max(here or rows[:1], key=lambda row: row.valid_from)
    key = {"code": draft.code, "path": path, "kind": draft.kind, "valid_from": draft.valid_from}
    values = {**key, **_inherited(base), **_asked(base, draft)}
    same = next((row for row in here if row.valid_from == draft.valid_from), None)
    if same is not None:
        if _contents(same) != {name: values[name] for name in _contents(same)}:
            raise DutyConflict(duty_id=same.duty_id)
        return same.duty_id, False
    if here:
        _require_seen(session, max(here, key=lambda row: row.duty_id), seen)
    duty_id = session.scalar(insert(Duty).values(values).on_conflict_do_nothing().returning(Duty.duty_id))
    if duty_id is None:
        raise DutyConflict  # somebody was faster
    _record(session, actor, _CREATED, duty_id, values)
    return duty_id, True


def delete_duty(session: Session, actor: Actor, duty_id: int) -> None:
    """The row, which had not begun to hold, is gone. Raises: DutyUnknown, Forbidden, DutyHolds."""
    row = read_duty(session, actor, duty_id).row
    require_managed(actor, row.path)
    ahead = (Duty.duty_id == duty_id, Duty.valid_from > today())
    if session.scalar(delete(Duty).where(*ahead).returning(Duty.duty_id)) is None:
        raise DutyHolds
    _record(session, actor, _DELETED, duty_id, {"path": row.path, "code": row.code, **_contents(row)})


def list_duties(session: Session, actor: Actor, code: str | None) -> list[DutyView]:
    """Rows that concern what the actor may see: of it, around it and below it; by duty, part, day."""
    parts = parts_seen(actor)
    rows = [row for row in stored_duties(session) if meets(row.path, parts) and code in (None, row.code)]
    return _views(
        session, actor, sorted(rows, key=lambda row: (row.code, row.path, row.kind, row.valid_from))
    )


def read_duty(session: Session, actor: Actor, duty_id: int) -> DutyView:
    """One row that concerns what the actor may see. Raises: DutyUnknown."""
    rows = [row for row in stored_duties(session) if row.duty_id == duty_id]
    if not rows or not meets(rows[0].path, parts_seen(actor)):
        raise DutyUnknown
    return _views(session, actor, rows)[0]


# -------------------------------------------------------------------------------------------------- asked for


def _asked(base: DutyRow, draft: DutyDraft) -> dict[str, Any]:
    """What the draft changes. Raises: Invalid, naming every wrong field."""
    errors = []
    if draft.valid_from <= today():
        told = "最早从明天起生效 / it begins tomorrow at the earliest"
        errors.append(FieldError("/valid_from", "too-early", told))
    if draft.valid_to is not None and draft.valid_to <= draft.valid_from:
        told = "须晚于生效日期 / must be after valid_from"
        errors.append(FieldError("/valid_to", "dates", told))
    if base.fact == _PATROLS and draft.count not in (None, base.count):
        told = "巡查次数由巡查规则规定 / how many patrols stands in the patrol policy"
        errors.append(FieldError("/count", "set-by-policy", told))
    is_on = base.is_on if draft.is_on is None else draft.is_on
    if is_on and kind_of(base.fact) is None:
        told = "系统尚未记录此类工作 / nothing of this kind is recorded yet"
        errors.append(FieldError("/is_on", "not-recorded", told))
    options = base.options
    try:
        options = _checked(Options.of({**base.options.stored(), **draft.options}))
    except ValueError as error:
        errors.append(FieldError("/options", "bad-option", f"选项不对 / {error}"))
    if errors:
        raise Invalid(errors=errors)
    count = base.count if draft.count is None else draft.count
    return {"count": count, "is_on": is_on, "options": options.stored(), "valid_to": draft.valid_to}


def _checked(options: Options) -> Options:
    """The options, when something can meet them. Raises ValueError."""
    if not options.outcomes or not _OUTCOMES.issuperset(options.outcomes):
        raise ValueError(f"outcomes are some of {', '.join(sorted(_OUTCOMES))}")
    if not options.kinds or not _KINDS.issuperset(options.kinds):
        raise ValueError(f"kinds are some of {', '.join(sorted(_KINDS))}")
    if (
        options.level not in _LEVELS
        or not 1 <= options.per_day <= _MOST
        or not 1 <= options.min_gap_days <= _MOST
    ):
        raise ValueError(f"level is from 1 to 5, per_day and min_gap_days from 1 to {_MOST}")
    return options


def _inherited(base: DutyRow) -> dict[str, Any]:
    told = {name: getattr(base, name) for name in ("zh", "en", "fact", "clause")}
    return {**told, "subject": base.subject.value, "period": base.period.value}


def _contents(row: DutyRow) -> dict[str, Any]:
    told = {name: getattr(row, name) for name in ("count", "is_on", "valid_from", "valid_to")}
    return {**told, "options": row.options.stored()}


def _require_seen(session: Session, newest: DutyRow, seen: int | None) -> None:
    if seen is None:
        raise Unguarded
    if seen != newest.duty_id:
        made = _makers(session, [newest.duty_id]).get(newest.duty_id)
        by, at = (made.by, made.at.isoformat()) if made else ("?", "?")
        detail = f"{by} 已于 {at} 修改 / {by} changed it at {at}"
        raise Outdated(detail, changed_by=by, changed_at=at, duty_id=newest.duty_id)


# ------------------------------------------------------------------------------------------------------ shown


def _views(session: Session, actor: Actor, rows: Iterable[DutyRow]) -> list[DutyView]:
    found = list(rows)
    named = select(Grid.path, Grid.code).where(Grid.path.in_({row.path for row in found}))
    codes = {one.path: one.code for one in session.execute(named)}
    made = _makers(session, [row.duty_id for row in found])
    managed, day = scope_of(actor, Action.MANAGE_POLICIES), today()
    return [_view(row, codes.get(row.path), made.get(row.duty_id), managed, day) for row in found]


def _view(row: DutyRow, grid_code: str | None, made: Made | None, managed: Scope, day: date) -> DutyView:
    return DutyView(
        row=row,
        street_code=street_code_of(row.path),
        grid_code=grid_code,
        measured_from=_measured_from(row),
        has_begun=row.valid_from <= day,
        may_delete=row.valid_from > day and managed.covers(row.path),
        made=made,
    )


def _measured_from(row: DutyRow) -> date:
    period = Period.of(row.period, row.valid_from)
    return period.first if period.first == row.valid_from else period.shifted(1).first


def _makers(session: Session, duty_ids: Iterable[int]) -> dict[int, Made]:
    """Who made these rows and when, by the trail."""
    subjects = {f"duty:{duty_id}": duty_id for duty_id in duty_ids}
    entries = session.scalars(
        select(AuditEntry).where(AuditEntry.subject.in_(subjects), AuditEntry.action == _CREATED)
    ).all()
    people = {entry.actor: _person_in(entry.actor) for entry in entries}
    names = names_of(session, {person_id for person_id in people.values() if person_id is not None})
    return {
        subjects[entry.subject]: Made(names.get(people[entry.actor] or _NOBODY, entry.actor), entry.at)
        for entry in entries
    }


def _person_in(label: str) -> uuid.UUID | None:
    kind, _, person_id = label.partition(":")
    return uuid.UUID(person_id) if kind == "person" else None


def _record(session: Session, actor: Actor, action: str, duty_id: int, detail: Mapping[str, Any]) -> None:
    dated = {name: str(value) if isinstance(value, date) else value for name, value in detail.items()}
    chain = street_code_of(detail["path"]) or ""
    audit.record(
        session, chain=chain, actor=actor.label, action=action, subject=f"duty:{duty_id}", detail=dated
    )
