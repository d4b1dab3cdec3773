"""A worker's diary, put together when it is read; who may read whose, and which of its facts."""

import uuid
from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

import patrol.diary.absences
import patrol.diary.findings
import patrol.diary.patrols
import patrol.diary.visits
from access.models import Assignment, Person
from access.queries import street_code_of
from access.roles import Action
from access.scope import Actor, Scope, scope_of
from core.errors import NotFound
from geo.models import Division, Grid, GridVersion
from geo.queries import version_on
from patrol.diary.entries import PROVIDERS, DiaryDay, Entry, Span, added_up, in_order
from patrol.diary.models import DiaryRemark
from patrol.models import Patrol

# Importing a module of facts registers its provider; naming them here keeps the import in use.
BUILT_IN = (patrol.diary.patrols, patrol.diary.findings, patrol.diary.visits, patrol.diary.absences)


@dataclass(frozen=True, slots=True)
class Diary:
    """Somebody's days in which something was done or remarked, as the reader may see them."""

    person_id: uuid.UUID
    person_name: str
    street_code: str | None
    street_name: str | None
    grids: tuple[str, ...]  # names of the grids held in these days
    span: Span
    days: tuple[DiaryDay, ...]

    @property
    def figures(self) -> dict[str, int]:
        return added_up(entry for day in self.days for entry in day.entries)


@dataclass(frozen=True, slots=True)
class _Owner:
    name: str
    street_code: str | None
    grids: tuple[str, ...]


def read_diary(session: Session, actor: Actor, person_id: uuid.UUID, span: Span) -> Diary:
    """The person's diary: one's own whole, somebody else's as far as one may see the facts.

    Raises: NotFound.
    """
    owner = _readable_owner(session, actor, person_id, span)
    entries: dict[date, list[Entry]] = defaultdict(list)
    for provider in PROVIDERS.values():
        for entry in provider(session, person_id, span):
            if person_id == actor.person_id or _may_see(actor, entry):
                entries[entry.day].append(entry)
    remarks = _remarks(session, person_id, span)
    days = [
        DiaryDay(day, tuple(in_order(entries[day])), remarks.get(day, ""))
        for day in span.days
        if entries[day] or remarks.get(day) or span.first == span.last
    ]
    street = owner.street_code and session.scalar(
        select(Division.name).where(Division.code == owner.street_code)
    )
    return Diary(person_id, owner.name, owner.street_code, street, owner.grids, span, tuple(days))


def _may_see(actor: Actor, entry: Entry) -> bool:
    return entry.path is None or scope_of(actor, entry.seen_by).covers(entry.path)


def _remarks(session: Session, person_id: uuid.UUID, span: Span) -> dict[date, str]:
    rows = session.execute(
        select(DiaryRemark.day, DiaryRemark.remark).where(
            DiaryRemark.person_id == person_id, DiaryRemark.day.between(span.first, span.last)
        )
    )
    return {row.day: row.remark for row in rows}


def _readable_owner(session: Session, actor: Actor, person_id: uuid.UUID, span: Span) -> _Owner:
    """Somebody who held something, or patrolled, inside what the actor may read. Raises: NotFound."""
    person = session.get(Person, person_id)
    if person is None:
        raise NotFound
    held = session.execute(
        select(Assignment.path, Assignment.grid_id)
        .where(
            Assignment.person_id == person_id,
            Assignment.valid_from <= span.last,
            or_(Assignment.valid_to.is_(None), Assignment.valid_to > span.first),
        )
        .order_by(Assignment.path)
    ).all()
    if person_id != actor.person_id:
        scope = scope_of(actor, Action.READ_PATROLS)
        if not any(scope.covers(one.path) for one in held) and not _patrolled(
            session, person_id, span, scope
        ):
            raise NotFound
    street = next((code for one in held if (code := street_code_of(one.path))), person.street_code)
    return _Owner(person.name, street, _names(session, [one.grid_id for one in held if one.grid_id], span))


def _patrolled(session: Session, person_id: uuid.UUID, span: Span, scope: Scope) -> bool:
    """Whether the person patrolled inside the scope, as a substitute from elsewhere does."""
    statement = (
        select(Patrol.patrol_id)
        .join(Grid, Grid.grid_id == Patrol.grid_id)
        .where(
            Patrol.person_id == person_id,
            Patrol.started_at >= span.starts_at,
            Patrol.started_at < span.ends_at,
            scope.clause(Grid.path),
        )
    )
    return session.scalar(statement.limit(1)) is not None


def _names(session: Session, grid_ids: list[int], span: Span) -> tuple[str, ...]:
    rows = session.execute(
        select(Grid.code, func.coalesce(GridVersion.name, Grid.code))
        .outerjoin(GridVersion, (GridVersion.grid_id == Grid.grid_id) & version_on(span.last))
        .where(Grid.grid_id.in_(grid_ids))
        .order_by(Grid.code)
    )
    return tuple(name for _, name in rows)
