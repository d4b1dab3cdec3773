"""The AB post: while A is away, B holds A's grids (S0 7.3 c, S4 三(一)1).

B gets what A holds in grids and nothing else. Substitution goes one step only: nobody stands in while away
themselves, and nobody who stands in goes away before somebody else is named. So a grid's substitute is always
somebody who is there, and there are no chains and no circles.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from access.accounts import lock_people, require_visible, wrong_field
from access.models import Absence, Account, Assignment, Person
from access.queries import away_between, away_on, street_code_of
from access.roles import PATROL_ROLES, Action
from access.scope import Actor, Scope, person_label, scope_of
from core import audit
from core.clock import now, today
from core.errors import Conflict, Forbidden, NotFound
from core.signals import ACCESS, announce

# Entered later than this, an absence would change weeks that have long been reported. A local setting.
ENTERED_WITHIN = timedelta(days=31)
_FOR_EVER = date.max


class AbsenceReason(StrEnum):
    """Why somebody is away; stored by value in `absences.reason`."""

    LEAVE = "leave"
    SICK = "sick"
    TRAINING = "training"
    BUSINESS = "business"
    OTHER = "other"


class AbsenceConflict(Conflict):
    """An absence with this id says something else."""

    code = "absence-conflict"


class AbsenceOverlaps(Conflict):
    """This person is away already on one of these days."""

    code = "absence-overlaps"


class SubstituteAway(Conflict):
    """The substitute is away on one of these days; name somebody else."""

    code = "substitute-away"


class StandsIn(Conflict):
    """This person stands in for somebody on one of these days; name another substitute there first."""

    code = "stands-in"


class SubstituteWithoutAccount(Conflict):
    """The substitute cannot sign in, and so cannot record the patrols."""

    code = "substitute-without-account"


@dataclass(frozen=True, slots=True)
class Leave:
    """Who is away, when, and who stands in, as it is asked for."""

    person_id: uuid.UUID
    substitute_id: uuid.UUID
    valid_from: date
    valid_to: date | None
    reason: AbsenceReason
    note: str


@dataclass(frozen=True, slots=True)
class AbsenceView:
    """An absence as one of those it concerns sees it: reason and note are for the person and the managers."""

    absence_id: uuid.UUID
    person_id: uuid.UUID
    person_name: str
    substitute_id: uuid.UUID
    substitute_name: str
    valid_from: date
    valid_to: date | None
    cancelled_on: date | None
    reason: AbsenceReason | None
    note: str | None


@dataclass(frozen=True, slots=True)
class AbsenceFilter:
    """What a list of absences is narrowed to."""

    street_code: str | None = None
    person_id: uuid.UUID | None = None
    on: date | None = None


def put_absence(session: Session, actor: Actor, absence_id: uuid.UUID, leave: Leave) -> bool:
    """The substitute holds the person's grids on these days; False when that was known under this id before.

    Raises: NotFound, Forbidden, Invalid, AbsenceConflict, AbsenceOverlaps, SubstituteAway, StandsIn,
    SubstituteWithoutAccount.
    """
    _refuse_fields(leave)
    lock_people(session, leave.person_id, leave.substitute_id)
    held = _grids_held(session, leave.person_id, leave.valid_from, leave.valid_to)
    _require_managed(session, actor, leave.person_id, [one.path for one in held])
    require_visible(session, actor, leave.substitute_id)
    stored = session.get(Absence, absence_id)
    if stored is not None:
        if not _says_the_same(stored, leave):
            raise AbsenceConflict
        return False
    if not held:
        detail = "此人在这些日期没有网格 / this person holds no grid on these days"
        raise wrong_field("/person_id", "holds-no-grid", detail)
    if leave.valid_from < today() - ENTERED_WITHIN:
        detail = f"只能补登 {ENTERED_WITHIN.days} 天以内的请假 / at most {ENTERED_WITHIN.days} days back"
        raise wrong_field("/valid_from", "too-long-ago", detail)
    _refuse_clashes(session, leave)
    if any(one.role in PATROL_ROLES for one in held):
        _require_account(session, leave.substitute_id)
    session.add(
        Absence(
            absence_id=absence_id,
            person_id=leave.person_id,
            substitute_id=leave.substitute_id,
            valid_from=leave.valid_from,
            valid_to=leave.valid_to,
            reason=leave.reason.value,
            note=leave.note,
            created_by=actor.label,
        )
    )
    session.flush()  # readers of this transaction count it
    _record(session, actor, session.get_one(Absence, absence_id), "absence.created", held[0].path)
    return True


def cancel_absence(session: Session, actor: Actor, absence_id: uuid.UUID, on: date | None = None) -> None:
    """The absence no longer holds from the day `on` (today, or its first day if that lies ahead).

    Days before that stay: what the substitute did on them counts. Said again, it stays as it was.
    Raises: NotFound, Forbidden, Invalid.
    """
    absence = session.get(Absence, absence_id)
    if absence is None:
        raise NotFound
    lock_people(session, absence.person_id, absence.substitute_id)
    session.refresh(absence)
    held = _grids_held(session, absence.person_id, absence.valid_from, absence.valid_to)
    _require_managed(session, actor, absence.person_id, [one.path for one in held])
    if absence.cancelled_on is not None:
        return
    day = on or max(today(), absence.valid_from)
    if day < absence.valid_from or (absence.valid_to is not None and day >= absence.valid_to):
        detail = "须在请假日期之内 / must be one of the days of the absence"
        raise wrong_field("/on", "not-in-absence", detail)
    absence.cancelled_on, absence.cancelled_at = day, now()
    session.flush()  # readers of this transaction count it
    _record(session, actor, absence, "absence.cancelled", held[0].path if held else "")


def read_absence(session: Session, actor: Actor, absence_id: uuid.UUID) -> AbsenceView:
    """One absence that concerns the actor. Raises: NotFound."""
    found = _views(session, actor, Absence.absence_id == absence_id, limit=1)
    if not found:
        raise NotFound
    return found[0]


def list_absences(
    session: Session,
    actor: Actor,
    wanted: AbsenceFilter,
    *,
    after: tuple[date, uuid.UUID] | None,
    limit: int,
) -> list[AbsenceView]:
    """The actor's own absences, those the actor stands in for, and those in managed teams; latest first."""
    narrowed = []
    if wanted.person_id is not None:
        narrowed.append(or_(Absence.person_id == wanted.person_id, Absence.substitute_id == wanted.person_id))
    if wanted.on is not None:
        narrowed.append(away_on(wanted.on))
    if wanted.street_code is not None:
        narrowed.append(_in_grids_of(Scope((f"{wanted.street_code}/",))))
    if after is not None:
        narrowed.append(tuple_(Absence.valid_from, Absence.absence_id) < after)
    return _views(session, actor, *narrowed, limit=limit)


def _views(session: Session, actor: Actor, *narrowed: ColumnElement[bool], limit: int) -> list[AbsenceView]:
    away, substitute = aliased(Person), aliased(Person)
    managed = _in_grids_of(scope_of(actor, Action.MANAGE_TEAMS))
    own = Absence.person_id == actor.person_id
    rows = session.execute(
        select(Absence, away.name, substitute.name, or_(managed, own))
        .join(away, away.person_id == Absence.person_id)
        .join(substitute, substitute.person_id == Absence.substitute_id)
        .where(or_(managed, own, Absence.substitute_id == actor.person_id), *narrowed)
        .order_by(Absence.valid_from.desc(), Absence.absence_id.desc())
        .limit(limit)
    )
    return [
        AbsenceView(
            absence_id=one.absence_id,
            person_id=one.person_id,
            person_name=name,
            substitute_id=one.substitute_id,
            substitute_name=substitute_name,
            valid_from=one.valid_from,
            valid_to=one.valid_to,
            cancelled_on=one.cancelled_on,
            reason=AbsenceReason(one.reason) if may_know else None,
            note=one.note if may_know else None,
        )
        for one, name, substitute_name, may_know in rows
    ]


def _in_grids_of(scope: Scope) -> ColumnElement[bool]:
    """Absences of people who hold a grid in this part of the tree while they are away."""
    return (
        select(Assignment.assignment_id)
        .where(
            Assignment.person_id == Absence.person_id,
            Assignment.grid_id.is_not(None),
            scope.clause(Assignment.path),
            or_(Absence.valid_to.is_(None), Assignment.valid_from < Absence.valid_to),
            or_(Assignment.valid_to.is_(None), Assignment.valid_to > Absence.valid_from),
        )
        .exists()
    )


def _refuse_fields(leave: Leave) -> None:
    if leave.valid_to is not None and leave.valid_to <= leave.valid_from:
        raise wrong_field("/valid_to", "not-after-start", "结束日期须晚于开始日期 / must be after valid_from")
    if leave.substitute_id == leave.person_id:
        detail = "不能由本人顶岗 / nobody stands in for themselves"
        raise wrong_field("/substitute_id", "same-person", detail)


def _grids_held(
    session: Session, person_id: uuid.UUID, first: date, end: date | None
) -> Sequence[Assignment]:
    """What the person holds in grids on some of these days."""
    return session.scalars(
        select(Assignment)
        .where(
            Assignment.person_id == person_id,
            Assignment.grid_id.is_not(None),
            Assignment.valid_from < (end or _FOR_EVER),
            or_(Assignment.valid_to.is_(None), Assignment.valid_to > first),
        )
        .order_by(Assignment.path)
    ).all()


def _require_managed(session: Session, actor: Actor, person_id: uuid.UUID, paths: Sequence[str]) -> None:
    """All that would change hands lies within what the actor staffs: nobody gives away another's grids."""
    visible = require_visible(session, actor, person_id)
    scope = scope_of(actor, Action.MANAGE_TEAMS)
    if scope.is_empty or not all(scope.covers(path) for path in paths or visible):
        raise Forbidden(action=Action.MANAGE_TEAMS.value)


def _says_the_same(stored: Absence, leave: Leave) -> bool:
    fields = ("person_id", "substitute_id", "valid_from", "valid_to", "reason", "note")
    return all(getattr(stored, name) == getattr(leave, name) for name in fields)


def _refuse_clashes(session: Session, leave: Leave) -> None:
    last = _FOR_EVER if leave.valid_to is None else leave.valid_to - timedelta(days=1)
    refusals: Sequence[tuple[ColumnElement[bool], type[Conflict]]] = (
        (Absence.person_id == leave.person_id, AbsenceOverlaps),
        (Absence.person_id == leave.substitute_id, SubstituteAway),
        (Absence.substitute_id == leave.person_id, StandsIn),
    )
    for concerned, refusal in refusals:
        found = session.scalar(
            select(Absence.absence_id).where(and_(concerned, away_between(leave.valid_from, last))).limit(1)
        )
        if found is not None:
            raise refusal(absence=str(found))


def _require_account(session: Session, person_id: uuid.UUID) -> None:
    usable = select(Account.person_id).where(Account.person_id == person_id, Account.disabled_at.is_(None))
    if session.scalar(usable) is None:
        raise SubstituteWithoutAccount


def _record(session: Session, actor: Actor, absence: Absence, action: str, path: str) -> None:
    """The reason stays out of the trail: it may be about somebody's health."""
    for person_id in (absence.person_id, absence.substitute_id):
        announce(session, ACCESS, str(person_id))
    dates = {"from": absence.valid_from, "to": absence.valid_to, "cancelled_on": absence.cancelled_on}
    audit.record(
        session,
        chain=street_code_of(path) or "",
        actor=actor.label,
        action=action,
        subject=person_label(absence.person_id),
        detail={
            "absence": str(absence.absence_id),
            "substitute": str(absence.substitute_id),
            **{name: day and day.isoformat() for name, day in dates.items()},
        },
    )
