"""Read-only SQL for duties: their rows, the grids asked about, and who held them."""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from access.models import Assignment, Person
from access.roles import PATROL_ROLES, Action, Role
from access.scope import Actor, require, scope_of
from core.clock import Week
from core.periods import Period, PeriodKind
from geo.models import Grid
from patrol.duties.models import Duty
from patrol.duties.rules import DutyRow, Options, SubjectKind
from patrol.rights import GridUnknown
from patrol.weeks.standing import StandingGrid, grids_in_week


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who held a grid as member or head; `end` is the first day no longer."""

    grid_id: int
    person_id: uuid.UUID
    name: str
    role: Role
    first: date
    end: date | None

    def holds_on(self, day: date) -> bool:
        return self.first <= day and (self.end is None or day < self.end)


def stored_duties(session: Session) -> list[DutyRow]:
    """Every row of every duty, also those that are off, in the order in which they were made."""
    return [
        DutyRow(
            duty_id=row.duty_id,
            code=row.code,
            zh=row.zh,
            en=row.en,
            fact=row.fact,
            subject=SubjectKind(row.subject),
            count=row.count,
            period=PeriodKind(row.period),
            path=row.path,
            kind=row.kind,
            options=Options.of(row.options),
            clause=row.clause,
            is_on=row.is_on,
            valid_from=row.valid_from,
            valid_to=row.valid_to,
        )
        for row in session.scalars(select(Duty).order_by(Duty.duty_id))
    ]


def readable_grids(
    session: Session, actor: Actor, grid_code: str | None, week: Week, action: Action
) -> list[StandingGrid]:
    """The grids at and below the one named, or all the actor may read, as they stand in the week; by code.

    Raises: GridUnknown, Forbidden.
    """
    within: ColumnElement[bool] = scope_of(actor, action).clause(Grid.path)
    if grid_code is not None:
        path = session.scalar(select(Grid.path).where(Grid.code == grid_code))
        if path is None:
            raise GridUnknown
        require(actor, action, path, missing=GridUnknown)
        within = func.starts_with(Grid.path, path)
    return grids_in_week(session, within, week)


def holders_in(session: Session, grid_ids: Collection[int], period: Period) -> list[Holder]:
    """Members and heads of exactly these grids on some day of the period, by grid, name and day."""
    rows = session.execute(
        select(
            Assignment.grid_id,
            Person.person_id,
            Person.name,
            Assignment.role,
            Assignment.valid_from,
            Assignment.valid_to,
        )
        .join(Person, Person.person_id == Assignment.person_id)
        .where(
            Assignment.grid_id.in_(grid_ids),
            Assignment.role.in_([role.value for role in PATROL_ROLES]),
            Assignment.valid_from <= period.last,
            or_(Assignment.valid_to.is_(None), Assignment.valid_to > period.first),
        )
        .order_by(Assignment.grid_id, Person.name, Person.person_id, Assignment.valid_from)
    )
    return [
        Holder(grid_id, person_id, name, Role(role), first, end)
        for grid_id, person_id, name, role, first, end in rows
        if grid_id is not None
    ]


def names_of(session: Session, people: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """What these people are called."""
    statement = select(Person.person_id, Person.name).where(Person.person_id.in_(set(people)))
    return {row.person_id: row.name for row in session.execute(statement)}


def heads_above(session: Session, paths: Iterable[str], day: date) -> list[tuple[uuid.UUID, str]]:
    """Person and path of everybody who heads a grid that ends one of these paths, on this day."""
    rows = session.execute(
        select(Assignment.person_id, Assignment.path)
        .where(
            Assignment.role == Role.HEAD.value,
            Assignment.grid_id.is_not(None),
            Assignment.path.in_(set(paths)),
            and_(
                Assignment.valid_from <= day,
                or_(Assignment.valid_to.is_(None), Assignment.valid_to > day),
            ),
        )
        .order_by(Assignment.person_id, Assignment.path)
    )
    return [(person_id, path) for person_id, path in rows]
