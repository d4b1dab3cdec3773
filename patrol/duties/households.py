"""The households of some grids that are to be visited; those that came during the period stand apart."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from core.clock import Week, local_date
from core.periods import Period
from geo.models import Grid, GridVersion
from patrol.duties.homes import Home, homes_in
from patrol.duties.rules import DutyRow, prorated
from patrol.weeks.standing import StandingGrid, grids_in_week


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
    homes = homes_in(session, duty, grids, first=period.first, day=day)
    before = _grids_before(session, duty, homes, grids, (period.first, day))
    due: list[DueHousehold] = []
    totals: dict[int, int] = {}
    left_out: dict[int, int] = {}
    for home in homes:
        totals[home.grid_id] = totals.get(home.grid_id, 0) + 1
        if home.kind not in duty.options.kinds:
            left_out[home.grid_id] = left_out.get(home.grid_id, 0) + 1
            continue
        has_moved = before is not None and before.get(home.household_id) != home.grid_id
        arrival = _arrival(home, duty, has_moved)
        due.append(DueHousehold(home.household_id, home.grid_id, _required(home, duty, period), arrival))
    return Households(tuple(due), totals, left_out)


def _arrival(home: Home, duty: DutyRow, has_moved: bool) -> Arrival | None:
    if home.came_at is not None:
        return Arrival.REGISTERED
    if duty.options.special_only and not home.was_special:
        return Arrival.TAGGED
    return Arrival.MOVED if has_moved else None


def _required(home: Home, duty: DutyRow, period: Period) -> int:
    """A household that was registered late is asked for its share of the period; at least once."""
    if home.came_at is None:
        return duty.count
    left = (period.last - local_date(home.came_at)).days + 1
    return prorated(duty.count, left, (period.last - period.first).days + 1)


def _grids_before(
    session: Session,
    duty: DutyRow,
    homes: Collection[Home],
    grids: Mapping[int, StandingGrid],
    days: tuple[date, date],
) -> dict[uuid.UUID, int] | None:
    """The grid of each of these homes on the first of two days; None where the division did not change."""
    first, day = days
    streets = {grid.path.partition("/")[0] for grid in grids.values()}
    if not session.scalar(select(_changed_within(streets, first, day))):
        return None
    stood = grids_in_week(session, Grid.street_code.in_(streets), Week.of_day(first))
    then = {grid.grid_id: grid for grid in stood}
    everybody = replace(duty, options=replace(duty.options, special_only=False))
    named = {home.household_id for home in homes}
    earlier = homes_in(session, everybody, then, first=first, day=first, only=named)
    return {home.household_id: home.grid_id for home in earlier}


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
