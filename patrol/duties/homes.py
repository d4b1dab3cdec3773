"""Households with the grid whose people visit them, on a day: near one grid by its index, of streets at once.

Finding the grid of one household takes about 0.1 ms (docs/decisions/0010): of some grids that is nothing, of
a street it is seconds. There all positions go through an index in memory, which finds the same.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.orm import Session

from access.scope import Scope
from core.clock import day_begins
from geo.locating.level_index import level_index
from geo.models import Grid
from geo.queries import standing_on
from patrol.duties.rules import DutyRow
from patrol.weeks.roll_up import ids_in
from patrol.weeks.standing import StandingGrid
from registry.people.models import Household
from registry.people.placing import OF_HOUSEHOLDS, at_their_doors
from registry.people.queries import households_in, standing
from registry.people.tags import special_on

_FEW_GRIDS = 8
_FEW = 2000  # households that are named one by one


@dataclass(frozen=True, slots=True)
class Home:
    """A household as a duty sees it; `was_special` on the first day of the period, `came_at` if after it."""

    household_id: uuid.UUID
    grid_id: int
    kind: str
    came_at: datetime | None
    was_special: bool


def homes_in(
    session: Session,
    duty: DutyRow,
    grids: Mapping[int, StandingGrid],
    *,
    first: date,
    day: date,
    only: Collection[uuid.UUID] | None = None,
) -> list[Home]:
    """The households that lie in these grids on the day; only special ones where the duty asks for them."""
    came_at = case((Household.created_at >= day_begins(first + timedelta(days=1)), Household.created_at))
    more = [Household.kind, came_at.label("came_at"), special_on(first).label("was_special")]
    narrowed: list[ColumnElement[bool]] = [special_on(day)] if duty.options.special_only else []
    if only is not None and len(only) <= _FEW:
        narrowed.append(Household.household_id.in_(only))
    if len(grids) <= _FEW_GRIDS:
        scope = Scope.reduced(grid.path for grid in grids.values())
        if scope.is_empty:
            return []
        rows = list(session.execute(households_in(scope, day).add_columns(*more).where(*narrowed)))
        found = [responsible(row.grid_path, grids, duty.options.level) for row in rows]
    else:
        rows, found = _at_once(session, duty.options.level, grids, day, more=more, narrowed=narrowed)
    return [
        Home(row.household_id, grid_id, row.kind, row.came_at, row.was_special)
        for row, grid_id in zip(rows, found, strict=True)
        if grid_id is not None
    ]


def responsible(path: str | None, grids: Mapping[int, StandingGrid], level: int) -> int | None:
    """The grid of the level that a household lies in, or the deepest there is above that level."""
    ids = [] if path is None else ids_in(path)[:level]
    return next((grid_id for grid_id in reversed(ids) if grid_id in grids), None)


def _at_once(
    session: Session,
    level: int,
    grids: Mapping[int, StandingGrid],
    day: date,
    *,
    more: list[Any],
    narrowed: list[ColumnElement[bool]],
) -> tuple[list[Any], list[int | None]]:
    rows: list[Any] = []
    found: list[int | None] = []
    for street_code in sorted({grid.path.partition("/")[0] for grid in grids.values()}):
        here = session.execute(_with_positions(street_code, day, more).where(*narrowed)).all()
        rows += here
        found += _located(session, here, street_code, grids, level=level, day=day)
    return rows, found


def _with_positions(street_code: str, day: date, more: list[Any]) -> Select[Any]:
    by_hand = select(Grid.path).where(Grid.grid_id == OF_HOUSEHOLDS.manual_grid_id, standing_on(day))
    statement: Select[Any] = select(
        Household.household_id,
        func.ST_X(OF_HOUSEHOLDS.point).label("lon"),
        func.ST_Y(OF_HOUSEHOLDS.point).label("lat"),
        by_hand.scalar_subquery().label("by_hand"),
        *more,
    )
    return at_their_doors(statement).where(Household.street_code == street_code, standing(day))


def _located(
    session: Session,
    rows: Sequence[Any],
    street_code: str,
    grids: Mapping[int, StandingGrid],
    *,
    level: int,
    day: date,
) -> list[int | None]:
    """The grid of each row, from the level up: who lies in none of it is visited by the people above."""
    lon, lat = (np.array([getattr(row, name) for row in rows], np.float64) for name in ("lon", "lat"))
    found = np.zeros(len(rows), np.int64)
    for each in range(level, 0, -1):
        index = level_index(session, street_code, each, day)
        if len(index) and len(rows):
            ids = index.locate(lon, lat)[:, each - 1]
            found = np.where(found == 0, ids, found)
    return [
        responsible(row.by_hand, grids, level) if row.by_hand else (grid_id if grid_id in grids else None)
        for row, grid_id in zip(rows, found.tolist(), strict=True)
    ]
