"""The households of some grids that are to be visited; those that came during the period stand apart."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from access.scope import EVERYWHERE, Scope
from core.clock import local_date
from core.periods import Period
from geo.models import Grid, GridVersion
from patrol.compliance import ids_in
from patrol.duties.rules import DutyRow, prorated
from patrol.standing import StandingGrid
from registry.people.models import Household
from registry.people.queries import households_in
from registry.people.tags import special_on

_FEW = 2000


class Arrival(StrEnum):
    """Why a household is due in this period and was not on its first day."""

    REGISTERED = "registered"
    TAGGED = "tagged"
    MOVED = "moved"  # by a change of the division


@dataclass(frozen=True, slots=True)
class DueHousehold:
    """A household that is to be visited in the period, and the grid whose people do it."""

    household_id: uuid.UUID
    grid_id: int
    required: int
    arrival: Arrival | None


@dataclass(frozen=True, slots=True)
class Households:
    """The households of some grids: those due, and how many of each grid there are and are not due."""

    due: tuple[DueHousehold, ...]
    totals: Mapping[int, int]
    left_out: Mapping[int, int]  # of a kind that nobody visits


def due_households(
    session: Session, duty: DutyRow, grids: Mapping[int, StandingGrid], period: Period, day: date
) -> Households:
    """The households in these grids on the day, as the duty sees them."""
    rows = _rows(session, grids, period.first, day)
    before = _grids_before(session, rows, grids, (period.first, day), level=duty.options.level)
    due: list[DueHousehold] = []
    totals: dict[int, int] = {}
    left_out: dict[int, int] = {}
    for row in rows:
        grid_id = _responsible(row.grid_path, grids, duty.options.level)
        if grid_id is None or (duty.options.special_only and not row.is_special):
            continue
        totals[grid_id] = totals.get(grid_id, 0) + 1
        if row.kind not in duty.options.kinds:
            left_out[grid_id] = left_out.get(grid_id, 0) + 1
            continue
        arrival = _arrival(row, duty, period, before.get(row.household_id, grid_id) != grid_id)
        due.append(DueHousehold(row.household_id, grid_id, _required(row, duty, period, arrival), arrival))
    return Households(tuple(due), totals, left_out)


def _rows(session: Session, grids: Mapping[int, StandingGrid], first: date, day: date) -> list[Any]:
    scope = Scope.reduced(grid.path for grid in grids.values())
    if scope.is_empty:
        return []
    was_special = special_on(first).label("was_special")
    statement = households_in(scope, day).add_columns(Household.kind, Household.created_at, was_special)
    return list(session.execute(statement.order_by(Household.household_id)))


def _responsible(path: str | None, grids: Mapping[int, StandingGrid], level: int) -> int | None:
    """The grid of the duty's level that a household lies in, or the deepest there is above that level."""
    if path is None:
        return None
    ids = ids_in(path)[:level]
    return next((grid_id for grid_id in reversed(ids) if grid_id in grids), None)


def _arrival(row: Any, duty: DutyRow, period: Period, has_moved: bool) -> Arrival | None:
    if local_date(row.created_at) > period.first:
        return Arrival.REGISTERED
    if duty.options.special_only and not row.was_special:
        return Arrival.TAGGED
    return Arrival.MOVED if has_moved else None


def _required(row: Any, duty: DutyRow, period: Period, arrival: Arrival | None) -> int:
    """A household that was registered late is asked for its share of the period; at least once."""
    if arrival is not Arrival.REGISTERED:
        return duty.count
    left = (period.last - local_date(row.created_at)).days + 1
    return prorated(duty.count, left, (period.last - period.first).days + 1)


def _grids_before(
    session: Session,
    rows: list[Any],
    grids: Mapping[int, StandingGrid],
    changed: tuple[date, date],
    *,
    level: int,
) -> dict[uuid.UUID, int | None]:
    """The grid of each household on the first of two days; nothing where the division did not change."""
    first, day = changed
    streets = {grid.path.partition("/")[0] for grid in grids.values()}
    if not rows or not session.scalar(select(_changed_within(streets, first, day))):
        return {}
    statement = households_in(Scope((EVERYWHERE,)), first)
    wanted: ColumnElement[bool] = Household.street_code.in_(streets)
    if len(rows) <= _FEW:
        wanted = Household.household_id.in_([row.household_id for row in rows])
    return {
        row.household_id: _responsible(row.grid_path, grids, level)
        for row in session.execute(statement.where(wanted))
    }


def _changed_within(streets: set[str], first: date, day: date) -> ColumnElement[bool]:
    """Whether a grid of these streets began, ended or got another shape after `first`, until the day."""
    began = and_(GridVersion.valid_from > first, GridVersion.valid_from <= day)
    ended = and_(Grid.retired_on.is_not(None), Grid.retired_on > first, Grid.retired_on <= day)
    return (
        select(Grid.grid_id)
        .join(GridVersion, GridVersion.grid_id == Grid.grid_id)
        .where(Grid.street_code.in_(streets), or_(began, ended))
        .exists()
    )
