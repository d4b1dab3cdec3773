"""Who may patrol which grid, judged by the day of the patrol and not by the day of the upload."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, literal, or_, select
from sqlalchemy.orm import Session

from access.models import Absence, Assignment
from access.queries import away_on, held_on
from access.roles import ACTIONS, Action
from access.scope import Actor, require, scope_of
from core.clock import local_date
from core.errors import NotFound
from geo.models import Grid

_PATROLLING = [role.value for role, actions in ACTIONS.items() if Action.RECORD_PATROL in actions]


class GridUnknown(NotFound):
    """There is no such grid, or you may not see it."""

    code = "grid-unknown"


@dataclass(frozen=True, slots=True)
class PatrolledGrid:
    """The grid of a patrol."""

    grid_id: int
    path: str
    street_code: str


def grid_to_patrol(session: Session, actor: Actor, grid_code: str, started_at: datetime) -> PatrolledGrid:
    """The grid, if the actor may patrol it now or could when the patrol began.

    A phone may deliver a patrol days after its owner was moved to another grid; it was walked in this one.
    Raises: GridUnknown, Forbidden.
    """
    row = session.execute(
        select(Grid.grid_id, Grid.path, Grid.street_code).where(Grid.code == grid_code)
    ).one_or_none()
    if row is None:
        raise GridUnknown
    grid = PatrolledGrid(*row)
    may_now = scope_of(actor, Action.RECORD_PATROL).covers(grid.path)
    if not may_now and not _could_then(session, actor.person_id, grid.path, started_at):
        require(actor, Action.RECORD_PATROL, grid.path, missing=GridUnknown)
    return grid


def _could_then(session: Session, person_id: uuid.UUID, path: str, started_at: datetime) -> bool:
    """Whether the person, or somebody for whom the person stood in, could patrol there on that day."""
    day = local_date(started_at)
    stood_in_for = select(Absence.person_id).where(Absence.substitute_id == person_id, away_on(day))
    held = select(Assignment.assignment_id).where(
        # One list of people and not an OR of two conditions, so that their index serves.
        Assignment.person_id.in_(select(literal(person_id)).union_all(stood_in_for)),
        or_(Assignment.person_id == person_id, Assignment.grid_id.is_not(None)),
        Assignment.role.in_(_PATROLLING),
        func.starts_with(path, Assignment.path),
        held_on(day),
    )
    return session.scalars(held.limit(1)).one_or_none() is not None
