"""Collection rate and accuracy of the register (annex A 15: at least 90 % and 95 %), with their denominators.

Collected is a household whose data somebody filled in or confirmed at the door within some months. Expected
are the households of the frame: for each building the figure of the building list, or what stands there in
the register where that is more or there is no figure; and each household that is in no building.
"""

import math
import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from access.roles import Action
from access.scope import Actor, Scope, require, scope_of
from core.errors import NotFound
from geo.models import Division, Grid
from registry.models import Building
from registry.people.models import Household
from registry.people.placing import OF_HOUSEHOLDS, at_their_doors, building_id
from registry.people.queries import standing
from registry.people.rights import not_allowed
from registry.placing import OF_BUILDINGS, with_grids

COLLECTION_GOAL, ACCURACY_GOAL = 0.90, 0.95  # annex A 15
SMALL = 30  # checks; below, an interval says little
_Z = 1.959964  # 95 %
_MONTHS = 12


@dataclass(frozen=True, slots=True)
class Area:
    """A street or a grid that figures are asked for."""

    path: str
    street_code: str
    grid_code: str | None
    name: str | None


@dataclass(frozen=True, slots=True)
class Collection:
    """The collection rate with what it is made of."""

    collected: int
    stored: int  # households in the register
    expected: int
    buildings: int
    without_figure: int  # buildings whose figure nobody knows
    in_no_building: int  # households
    confirmed_since: date

    @property
    def rate(self) -> float | None:
        return self.collected / self.expected if self.expected else None


@dataclass(frozen=True, slots=True)
class Interval:
    """A share with its 95 % interval after Wilson."""

    share: float
    low: float
    high: float


def area_of(session: Session, actor: Actor, street: str | None, grid: str | None) -> Area:
    """The area, if the actor reads compliance in all of it. Raises: NotFound, Forbidden."""
    if Action.READ_COMPLIANCE not in actor.actions:
        raise not_allowed(Action.READ_COMPLIANCE)
    if grid is not None:
        scope = scope_of(actor, Action.READ_COMPLIANCE)
        found = session.scalars(select(Grid).where(Grid.code == grid, scope.clause(Grid.path))).first()
        if found is None or street not in (None, found.street_code):
            raise NotFound
        return Area(found.path, found.street_code, found.code, None)
    require(actor, Action.READ_COMPLIANCE, f"{street}/")
    division = session.get(Division, street)
    if division is None:
        raise NotFound
    return Area(f"{street}/", division.code, None, division.name)


def months_before(day: date, months: int) -> date:
    """The same day so many months ago, or the last one of that month."""
    year, month = divmod(day.year * _MONTHS + day.month - 1 - months, _MONTHS)
    for number in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, number)
        except ValueError:
            continue
    raise AssertionError


def collection_of(session: Session, area: Area, day: date, *, months: int) -> Collection:
    """How many households of the area are collected, and how many there should be."""
    since = months_before(day, months)
    here = homes_of(area, day).subquery()
    is_collected = func.count().filter(here.c.collected_on >= since)
    by_building: dict[uuid.UUID | None, tuple[int, int]] = {
        home: (stored, collected)
        for home, stored, collected in session.execute(
            select(here.c.building_id, func.count(), is_collected).group_by(here.c.building_id)
        )
    }
    buildings = {row.building_id: row.households for row in session.execute(_buildings_of(area, day))}
    standing_in = {home: stored for home, (stored, _) in by_building.items()}
    elsewhere = sum(stored for home, stored in standing_in.items() if home not in buildings)
    expected = sum(max(figure or 0, standing_in.get(home, 0)) for home, figure in buildings.items())
    return Collection(
        collected=sum(collected for _, collected in by_building.values()),
        stored=sum(standing_in.values()),
        expected=expected + elsewhere,
        buildings=len(buildings),
        without_figure=sum(figure is None for figure in buildings.values()),
        in_no_building=elsewhere,
        confirmed_since=since,
    )


def homes_of(area: Area, day: date) -> Select[*tuple[Any, ...]]:
    """Households that stand in the area on the day: household_id, revision, building_id, collected_on."""
    collected_on = func.date(func.timezone("Asia/Shanghai", Household.collected_at))
    statement = select(
        Household.household_id,
        Household.revision,
        building_id().label("building_id"),
        collected_on.label("collected_on"),
    ).where(standing(day))
    doors = at_their_doors(statement)
    # Places lie in grids of their own street: all of a street needs no grid of each, which takes 0.2 ms.
    if area.grid_code is None:
        return doors.where(Household.street_code == area.street_code)
    return with_grids(doors, OF_HOUSEHOLDS, Scope((area.path,)), day)


def _buildings_of(area: Area, day: date) -> Select[*tuple[Any, ...]]:
    stands = Building.retired_on.is_(None) | (Building.retired_on > day)
    statement = select(Building.building_id, Building.households).where(stands)
    if area.grid_code is None:
        return statement.where(Building.street_code == area.street_code)
    return with_grids(statement, OF_BUILDINGS, Scope((area.path,)), day)


def wilson(right: int, checked: int) -> Interval | None:
    """The share of right ones, and where that of all lies with a certainty of 95 %."""
    if not checked:
        return None
    share, z2 = right / checked, _Z * _Z
    middle = (share + z2 / (2 * checked)) / (1 + z2 / checked)
    half = _Z / (1 + z2 / checked) * math.sqrt(share * (1 - share) / checked + z2 / (4 * checked**2))
    return Interval(share, max(0.0, middle - half), min(1.0, middle + half))
