"""Read-only SQL about a grid through time: its versions, what it came from and what it went over into."""

import uuid
from dataclasses import dataclass, fields
from datetime import date, datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from core.errors import NotFound
from geo.models import Grid, GridSuccession, GridVersion
from geo.queries import PathScope


@dataclass(frozen=True, slots=True)
class GridPeriod:
    """What a grid was called and how large it was for some days, and who made it so."""

    version: int
    name: str
    kind: str
    households: int | None
    area_m2: float | None
    source_datum: str
    valid_from: date
    valid_to: date | None
    created_at: datetime
    changed_by: str
    plan_id: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class GridHistory:
    """Every version of a grid, oldest first; those to come too."""

    grid_id: int
    path: str
    retired_on: date | None
    periods: tuple[GridPeriod, ...]


@dataclass(frozen=True, slots=True)
class Successor:
    """A grid that took over ground and duties from another, or gave them up to it."""

    code: str
    name: str
    since: date


@dataclass(frozen=True, slots=True)
class Successions:
    """Where a grid's ground and duties came from, and where they went."""

    predecessors: tuple[Successor, ...]
    successors: tuple[Successor, ...]


def history_of(session: Session, scope: PathScope, code: str) -> GridHistory:
    """The grid through time. Raises: NotFound, also for a grid outside the scope."""
    columns = [getattr(GridVersion, field.name) for field in fields(GridPeriod)]
    rows = session.execute(
        select(Grid.grid_id, Grid.path, Grid.retired_on, *columns)
        .join(Grid, Grid.grid_id == GridVersion.grid_id)
        .where(Grid.code == code, scope.clause(Grid.path))
        .order_by(GridVersion.valid_from)
    ).all()
    if not rows:
        raise NotFound
    periods = tuple(GridPeriod(*row[3:]) for row in rows)
    return GridHistory(rows[0].grid_id, rows[0].path, rows[0].retired_on, periods)


def successions_of(session: Session, grid_id: int) -> Successions:
    """Both sides of the grid's successions, by day and code.

    Like ancestors they are not narrowed to a scope: one may know whose ground the own grid was or is now, and
    codes and names of grids are posted on notice boards (clause 4.4).
    """
    came_from, went_into = GridSuccession.predecessor_id, GridSuccession.successor_id
    before = GridVersion.valid_from < GridSuccession.since  # a predecessor is called what it was until then
    by_then = GridVersion.valid_from <= GridSuccession.since
    return Successions(
        predecessors=_side(session, went_into == grid_id, came_from, before),
        successors=_side(session, came_from == grid_id, went_into, by_then),
    )


def _side(
    session: Session,
    which: ColumnElement[bool],
    other_id: InstrumentedAttribute[int],
    then: ColumnElement[bool],
) -> tuple[Successor, ...]:
    name = (
        select(GridVersion.name)
        .where(GridVersion.grid_id == Grid.grid_id, then)
        .order_by(GridVersion.valid_from.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Grid.code, func.coalesce(name, Grid.code), GridSuccession.since)
        .join(Grid, Grid.grid_id == other_id)
        .where(which)
        .order_by(GridSuccession.since, Grid.code)
    )
    return tuple(Successor(*row) for row in rows)
