"""How even the grids of a level are: ground, households, what else there is to look after, and who does it
(clauses 5.1.2, 5.1.3, 5.2.4).

Coefficients compare a grid with all of its level in the street, whatever part of them the reader sees.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from access.models import Assignment
from access.queries import held_on
from access.roles import Action
from access.scope import Actor, Scope, require, scope_of
from core.errors import NotFound
from geo.codes import Reason
from geo.models import Division, Grid, GridVersion
from geo.norms import SizeNorm, is_scattered, size_finding, size_norm
from geo.queries import standing_on, version_on, why_missing
from registry.difficulty import difficulties, staffing_finding, staffing_ratios
from registry.inventory import NOTHING, Figures, inventory_of, paths_down_to

# Of the census of 2020 for the whole country (第七次全国人口普查): used where a grid declares no population.
PERSONS_PER_HOUSEHOLD = 2.62
_M2_PER_KM2 = 1e6
_NOTEWORTHY = 0.10  # of difference between declared and counted households


@dataclass(frozen=True, slots=True)
class GridBalance:
    """A grid with its figures; densities are None where there is nothing to divide by."""

    code: str
    name: str
    kind: str
    level: int
    is_scattered: bool
    area_m2: float | None
    figures: Figures
    households_declared: int | None
    households: int  # the number that counts: see `_households`
    population: int
    population_is_estimated: bool
    population_per_km2: float | None
    difficulty: float
    staff: int
    staff_per_km2: float | None
    households_per_staff: float | None
    staffing_ratio: float | None
    norm: SizeNorm | None  # of households; None where the standards give none
    findings: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the grids shown; people in several grids count once."""

    grids: int
    area_m2: float
    figures: Figures
    households: int
    population: int
    staff: int


@dataclass(frozen=True, slots=True)
class Medians:
    """The middle of the grids shown."""

    area_m2: float | None
    households: float | None
    difficulty: float | None
    staff: float | None
    households_per_staff: float | None


@dataclass(frozen=True, slots=True)
class Balance:
    """The report on one level of a street, or of what lies in one of its grids."""

    street_code: str
    street_name: str
    grids: tuple[GridBalance, ...]  # in the order of their codes
    totals: Totals
    medians: Medians


@dataclass(frozen=True, slots=True)
class _Standing:
    code: str
    path: str
    level: int
    name: str
    kind: str
    households: int | None
    area_m2: float | None
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Counted:
    """A grid with what was counted on its ground, before it is compared with others."""

    grid: _Standing
    figures: Figures
    people: frozenset[uuid.UUID]
    households: int
    scattered: bool
    norm: SizeNorm | None
    size: Reason | None

    @property
    def factors(self) -> dict[str, float]:
        return {
            "households": self.households,
            "shops": self.figures.shops,
            "organisations": self.figures.organisations,
            "households_per_km2": _per_km2(self.households, self.grid.area_m2) or 0.0,
            "area_m2": self.grid.area_m2 or 0.0,
        }


def balance_of_street(session: Session, actor: Actor, street_code: str, level: int, day: date) -> Balance:
    """The grids of this level in the street, as far as the actor reads places there.

    Raises: NotFound, Forbidden.
    """
    path = f"{street_code}/"
    scope = scope_of(actor, Action.READ_PLACES)
    if not any(prefix.startswith(path) for prefix in scope.prefixes):
        require(actor, Action.READ_PLACES, path)
    return _balance(session, street_code, scope, level, day)


def balance_of_grid(session: Session, actor: Actor, code: str, level: int, day: date) -> Balance:
    """The grids of this level in the grid, itself included. Raises: NotFound, NotOnThatDay, Forbidden."""
    row = session.execute(
        select(Grid.path, Grid.street_code)
        .join(GridVersion, GridVersion.grid_id == Grid.grid_id)
        .where(Grid.code == code, standing_on(day), version_on(day))
    ).one_or_none()
    if row is None:
        raise why_missing(session, scope_of(actor, Action.READ_GRIDS), code)
    require(actor, Action.READ_PLACES, row.path)
    return _balance(session, row.street_code, Scope((row.path,)), level, day)


def _balance(session: Session, street_code: str, scope: Scope, level: int, day: date) -> Balance:
    division = session.get(Division, street_code)
    if division is None:
        raise NotFound
    counted = _counted(session, street_code, level, day)
    difficulty = difficulties([one.factors for one in counted])
    ratios = staffing_ratios(difficulty, [len(one.people) for one in counted])
    shown = [
        (one, _grid_balance(one, hard, ratio))
        for one, hard, ratio in zip(counted, difficulty, ratios, strict=True)
        if scope.covers(one.grid.path)
    ]
    people = frozenset[uuid.UUID]().union(*(one.people for one, _ in shown))
    grids = tuple(grid for _, grid in shown)
    return Balance(street_code, division.name, grids, _totals(grids, len(people)), _medians(grids))


# ----------------------------------------------------------------------------------------------- counting


def _counted(session: Session, street_code: str, level: int, day: date) -> list[_Counted]:
    standing = _standing(session, street_code, day)
    figures = inventory_of(session, street_code, day).by_subtree()
    people = _people(session, street_code, day)
    below: dict[str, set[str]] = {}
    for grid in standing:
        parent = grid.path[: grid.path.rstrip("/").rfind("/") + 1]
        below.setdefault(parent, set()).add(grid.kind)
    counted = []
    for grid in standing:
        if grid.level == level:
            here = figures.get(grid.path, NOTHING)
            scattered = is_scattered(grid.kind, grid.attributes)
            households = _households(here, grid.households)
            known = None if not here.buildings and grid.households is None else households
            kinds = below.get(grid.path, ())
            norm = size_norm(level, grid.kind, scattered=scattered, kinds_below=kinds)
            size = size_finding(level, grid.kind, known, scattered, kinds_below=kinds)
            at_work = frozenset(people.get(grid.path, ()))
            counted.append(_Counted(grid, here, at_work, households, scattered, norm, size))
    return counted


def _standing(session: Session, street_code: str, day: date) -> list[_Standing]:
    rows = session.execute(
        select(
            Grid.code,
            Grid.path,
            Grid.level,
            GridVersion.name,
            GridVersion.kind,
            GridVersion.households,
            GridVersion.area_m2,
            GridVersion.attributes,
        )
        .join(GridVersion, GridVersion.grid_id == Grid.grid_id)
        .where(Grid.street_code == street_code, standing_on(day), version_on(day))
        .order_by(Grid.code)
    )
    return [_Standing(*row) for row in rows]


def _people(session: Session, street_code: str, day: date) -> dict[str, set[uuid.UUID]]:
    """For each grid's path who has a post in it or below on the day."""
    within = Scope((f"{street_code}/",)).clause(Assignment.path)
    rows = session.execute(
        select(Assignment.path, Assignment.person_id)
        .where(Assignment.grid_id.is_not(None), within, held_on(day))
        .distinct()
    )
    people: dict[str, set[uuid.UUID]] = {}
    for path, person_id in rows:
        for above in paths_down_to(path):
            people.setdefault(above, set()).add(person_id)
    return people


def _households(figures: Figures, declared: int | None) -> int:
    """Those of the buildings when each building tells its number, else the grid's own."""
    if declared is None or (figures.buildings and not figures.without_households):
        return figures.households
    return declared


# ---------------------------------------------------------------------------------------------- comparing


def _grid_balance(counted: _Counted, difficulty: float, ratio: float | None) -> GridBalance:
    grid, figures, staff = counted.grid, counted.figures, len(counted.people)
    population = _declared_population(grid.attributes)
    people = round(counted.households * PERSONS_PER_HOUSEHOLD) if population is None else population
    findings = (counted.size, _count_finding(grid, figures), staffing_finding(staff, ratio))
    return GridBalance(
        code=grid.code,
        name=grid.name,
        kind=grid.kind,
        level=grid.level,
        is_scattered=counted.scattered,
        area_m2=grid.area_m2,
        figures=figures,
        households_declared=grid.households,
        households=counted.households,
        population=people,
        population_is_estimated=population is None,
        population_per_km2=_per_km2(people, grid.area_m2),
        difficulty=difficulty,
        staff=staff,
        staff_per_km2=_per_km2(staff, grid.area_m2),
        households_per_staff=counted.households / staff if staff else None,
        staffing_ratio=ratio,
        norm=counted.norm,
        findings=tuple(finding for finding in findings if finding is not None),
    )


def _count_finding(grid: _Standing, figures: Figures) -> Reason | None:
    """Whether the grid's own number of households is far from that of its buildings."""
    if not figures.buildings or not grid.households:
        return None
    if abs(figures.households - grid.households) <= _NOTEWORTHY * grid.households:
        return None
    return Reason(
        "households-differ",
        f"网格登记 {grid.households} 户，楼栋合计 {figures.households} 户",
        f"the grid declares {grid.households} households, its buildings hold {figures.households}",
    )


def _declared_population(attributes: Mapping[str, Any]) -> int | None:
    value = attributes.get("population")
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _per_km2(number: float, area_m2: float | None) -> float | None:
    return number * _M2_PER_KM2 / area_m2 if area_m2 else None


def _totals(grids: Sequence[GridBalance], staff: int) -> Totals:
    return Totals(
        grids=len(grids),
        area_m2=sum(grid.area_m2 or 0.0 for grid in grids),
        figures=sum((grid.figures for grid in grids), NOTHING),
        households=sum(grid.households for grid in grids),
        population=sum(grid.population for grid in grids),
        staff=staff,
    )


def _medians(grids: Sequence[GridBalance]) -> Medians:
    def middle(values: Sequence[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return median(known) if known else None

    return Medians(
        area_m2=middle([grid.area_m2 for grid in grids]),
        households=middle([grid.households for grid in grids]),
        difficulty=middle([grid.difficulty for grid in grids]),
        staff=middle([grid.staff for grid in grids]),
        households_per_staff=middle([grid.households_per_staff for grid in grids]),
    )
