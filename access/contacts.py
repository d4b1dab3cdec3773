"""Who stands in the teams around somebody's grids: what the notice boards of the grids show (clause 4.4)."""

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Date, Select, and_, bindparam, select
from sqlalchemy.orm import Session, aliased

from access.models import Absence, Assignment, Person
from access.positions import POSITIONS, Position
from access.queries import away_on, held_on
from access.roles import LABELS, Label, Role
from access.scope import Actor
from geo.models import Grid, GridVersion
from geo.queries import standing_on, version_on


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody in the team of a grid, and who stands in for them today; no number, for none is posted."""

    assignment_id: uuid.UUID
    grid_code: str
    grid_name: str
    level: int
    name: str
    role: Label
    position: Label | None
    substitute: str | None


def contacts_of(session: Session, actor: Actor, day: date) -> list[Contact]:
    """The teams of the actor's own grids and of those above them, from the top downwards."""
    paths = [held.path for held in actor.assignments if held.grid_id is not None]
    grid_ids = sorted({int(part) for path in paths for part in path.split("/")[1:-1]})
    rows = session.execute(_STANDING, {"grid_ids": grid_ids, "day": day}) if grid_ids else ()
    return [
        Contact(
            assignment_id=row.assignment_id,
            grid_code=row.code,
            grid_name=row.grid_name,
            level=row.level,
            name=row.name,
            role=LABELS[Role(row.role)],
            position=POSITIONS[Position(row.position)] if row.position else None,
            substitute=row.substitute,
        )
        for row in rows
    ]


def _standing() -> Select[Any]:
    day, substitute = bindparam("day", type_=Date), aliased(Person)
    columns: list[Any] = [
        Assignment.assignment_id,
        Grid.code,
        GridVersion.name.label("grid_name"),
        Grid.level,
        Person.name,
        Assignment.role,
        Assignment.position,
        substitute.name.label("substitute"),
    ]
    statement: Select[Any] = (
        select(*columns)
        .select_from(Assignment)
        .join(Grid, Grid.grid_id == Assignment.grid_id)
        .join(GridVersion, and_(GridVersion.grid_id == Grid.grid_id, version_on(day)))
        .join(Person, Person.person_id == Assignment.person_id)
        .outerjoin(Absence, and_(Absence.person_id == Person.person_id, away_on(day)))
        .outerjoin(substitute, substitute.person_id == Absence.substitute_id)
        .where(Assignment.grid_id.in_(bindparam("grid_ids", expanding=True)), held_on(day), standing_on(day))
        .order_by(Grid.level, Grid.code, Assignment.role, Person.name, Assignment.assignment_id)
    )
    return statement


_STANDING = _standing()  # built once: phones ask for it all day
