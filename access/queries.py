"""Read-only SQL about people: who holds what where, and how far an actor's part of the map reaches."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, union
from sqlalchemy.orm import Session, aliased

from access.models import Absence, Assignment, Person
from access.roles import PATROL_ROLES, Role
from access.scope import HeldRole, Scope
from geo.models import Division, Grid, GridVersion
from geo.queries import BBox, standing_on, version_on


@dataclass(frozen=True, slots=True)
class Place:
    """What an assignment is on, by name; None where it reaches further than one grid or one street."""

    grid_code: str | None
    grid_name: str | None
    street_code: str | None
    street_name: str | None


@dataclass(frozen=True, slots=True)
class GridPerson:
    """Someone responsible for a grid, and since when; or who stands in for somebody who is away."""

    person_id: uuid.UUID
    name: str
    role: Role
    since: date
    stands_in_for: str | None = None


def held_on(day: date | ColumnElement[date]) -> ColumnElement[bool]:
    """Assignments that count on this day."""
    return and_(Assignment.valid_from <= day, or_(Assignment.valid_to.is_(None), Assignment.valid_to > day))


def away_on(day: date | ColumnElement[date]) -> ColumnElement[bool]:
    """Absences that count on this day."""
    return away_between(day, day)


def away_between(first: date | ColumnElement[date], last: date | ColumnElement[date]) -> ColumnElement[bool]:
    """Absences that count on some day from `first` to `last`; one cancelled on its first day never does."""
    return and_(
        Absence.valid_from <= last,
        or_(Absence.valid_to.is_(None), Absence.valid_to > first),
        or_(
            Absence.cancelled_on.is_(None),
            and_(Absence.cancelled_on > first, Absence.cancelled_on > Absence.valid_from),
        ),
    )


def people_within(scope: Scope, day: date) -> Select[uuid.UUID]:
    """Ids of the people with an assignment inside the scope on this day, or who stand in for one of them.

    Use it as a subquery.
    """
    own = select(Assignment.person_id).where(scope.clause(Assignment.path), held_on(day))
    stand_in = (
        select(Absence.substitute_id)
        .join(Assignment, Assignment.person_id == Absence.person_id)
        .where(away_on(day), held_on(day), Assignment.grid_id.is_not(None), scope.clause(Assignment.path))
    )
    both = union(own, stand_in).subquery()
    return select(both.c.person_id)


def people_of_grid(session: Session, grid_id: int, day: date) -> list[GridPerson]:
    """Members and heads of exactly this grid on this day, heads first, each before their substitute.

    A substitute's `since` is the first day of standing in.
    """
    substitute = aliased(Person)
    rows = session.execute(
        select(
            Person.person_id,
            Person.name,
            Assignment.role,
            Assignment.valid_from,
            substitute.person_id,
            substitute.name,
            func.greatest(Absence.valid_from, Assignment.valid_from),
        )
        .join(Assignment, Assignment.person_id == Person.person_id)
        .outerjoin(Absence, and_(Absence.person_id == Person.person_id, away_on(day)))
        .outerjoin(substitute, substitute.person_id == Absence.substitute_id)
        .where(
            Assignment.grid_id == grid_id,
            Assignment.role.in_([role.value for role in PATROL_ROLES]),
            held_on(day),
        )
        .order_by(Assignment.role, Person.name, Person.person_id)
    )
    people = []
    for person_id, name, role, since, substitute_id, substitute_name, stands_since in rows:
        people.append(GridPerson(person_id, name, Role(role), since))
        if substitute_id is not None:
            people.append(GridPerson(substitute_id, substitute_name, Role(role), stands_since, name))
    return people


def places_of(session: Session, held: Sequence[HeldRole], day: date) -> dict[uuid.UUID, Place]:
    """Code and name of grid and street of each assignment, by assignment id."""
    streets = {one.assignment_id: street_code_of(one.path) for one in held}
    named = select(Division.code, Division.name).where(Division.code.in_(set(streets.values()) - {None}))
    names = {row.code: row.name for row in session.execute(named)}
    grids = {
        grid_id: (code, name)
        for grid_id, code, name in session.execute(
            select(Grid.grid_id, Grid.code, GridVersion.name)
            .outerjoin(GridVersion, and_(GridVersion.grid_id == Grid.grid_id, version_on(day)))
            .where(Grid.grid_id.in_({one.grid_id for one in held} - {None}))
        )
    }
    places = {}
    for one in held:
        grid_code, grid_name = (None, None) if one.grid_id is None else grids[one.grid_id]
        street_code = streets[one.assignment_id]
        places[one.assignment_id] = Place(grid_code, grid_name, street_code, names.get(street_code or ""))
    return places


def extent_of(session: Session, scope: Scope, day: date) -> BBox | None:
    """The box around the current shapes inside the scope; None when there is no shape."""
    box = func.ST_Extent(GridVersion.geom)
    west, south, east, north = session.execute(
        select(func.ST_XMin(box), func.ST_YMin(box), func.ST_XMax(box), func.ST_YMax(box))
        .join(Grid, Grid.grid_id == GridVersion.grid_id)
        .where(scope.clause(Grid.path), standing_on(day), version_on(day))
    ).one()
    return None if west is None else (west, south, east, north)


def street_code_of(path: str) -> str | None:
    """The street a path lies in; None for a path that spans several."""
    street, slash, _ = path.partition("/")
    return street if slash else None
