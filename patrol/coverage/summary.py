"""Which share of each grid was reached: its cells, checkpoints, buildings and households. Read-only."""

from dataclasses import dataclass

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from access.scope import Scope
from geo.cells import COVERAGE_RESOLUTION, Cells, unpacked
from geo.locating.level_index import level_index
from geo.models import Grid, GridVersion
from geo.queries import standing_on, version_on
from patrol.coverage.days import Days
from patrol.coverage.ground import Area, Ground
from patrol.coverage.objects import (
    Bool,
    Placed,
    Placing,
    buildings,
    checkpoints,
    households,
    near,
    visited_checkpoints,
)
from patrol.coverage.queries import heat_on
from patrol.coverage.sums import Heat, Int64, places_in
from patrol.judging.evidence import area_of


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    reached: int
    total: int


@dataclass(frozen=True, slots=True)
class GridShares:
    """What of a grid was reached in some days."""

    code: str
    name: str
    level: int
    path: str
    cells: Share
    cells_unknown: int
    checkpoints: Share
    buildings: Share
    households: Share  # as entered with the buildings
    buildings_without_households: int
    registered_households: Share


@dataclass(frozen=True, slots=True, eq=False)
class _Grid:
    grid_id: int
    code: str
    name: str
    path: str
    cells: Cells


def summary_of(session: Session, area: Area, days: Days, level: int) -> list[GridShares]:
    """The grids of the level in the area, by code."""
    grids = _grids(session, area.scope, days, level)
    street_code = area.scope.prefixes[0].partition("/")[0]
    if not grids:
        return []
    ground = np.unique(np.concatenate([grid.cells for grid in grids]))
    heat = heat_on(session, [Ground(street_code, ground, None)], days, COVERAGE_RESOLUTION)
    placing = Placing(
        street_code, level, days.ground_day, level_index(session, street_code, level, days.ground_day)
    )
    counted = _Counted.of(session, placing, days, heat.cells[heat.visits > 0])
    return [_shares(grid, level, heat, counted) for grid in grids]


@dataclass(frozen=True, slots=True, eq=False)
class _Counted:
    """Numbers by grid id."""

    checkpoints: dict[int, Share]
    buildings: dict[int, Share]
    households: dict[int, Share]
    without: dict[int, Share]
    registered: dict[int, Share]

    @classmethod
    def of(cls, session: Session, placing: Placing, days: Days, covered: Cells) -> "_Counted":
        points, seen = checkpoints(session, placing), visited_checkpoints(session, placing.street_code, days)
        shown = np.array([str(row.checkpoint_id) in seen for row in points.rows], np.bool_)
        houses = buildings(session, placing)
        close = near(houses.cells, covered)
        known = np.array([row.households or 0 for row in houses.rows], np.int64)
        unknown = np.array([row.households is None for row in houses.rows], np.int64)
        homes = households(session, placing, days)
        visited = np.array([row.is_visited for row in homes.rows], np.bool_)
        return cls(
            checkpoints=_by_grid(points, shown),
            buildings=_by_grid(houses, close),
            households=_by_grid(houses, close, known),
            without=_by_grid(houses, close, unknown),
            registered=_by_grid(homes, visited),
        )


def _by_grid(placed: Placed, reached: Bool, weights: Int64 | None = None) -> dict[int, Share]:
    each = np.ones(len(placed.rows), np.int64) if weights is None else weights
    ids, number = np.unique(placed.grid_ids, return_inverse=True)
    total = np.bincount(number, each, len(ids))
    got = np.bincount(number, each * reached, len(ids))
    rows = zip(ids.tolist(), got.tolist(), total.tolist(), strict=True)
    return {grid_id: Share(int(part), int(whole)) for grid_id, part, whole in rows}


def _shares(grid: _Grid, level: int, heat: Heat, counted: _Counted) -> GridShares:
    nothing, place = Share(0, 0), places_in(heat.cells, grid.cells)
    covered = heat.visits[place] > 0
    unknown = ~covered & (heat.unknown[place] > 0)
    return GridShares(
        code=grid.code,
        name=grid.name,
        level=level,
        path=grid.path,
        cells=Share(int(covered.sum()), len(grid.cells)),
        cells_unknown=int(unknown.sum()),
        checkpoints=counted.checkpoints.get(grid.grid_id, nothing),
        buildings=counted.buildings.get(grid.grid_id, nothing),
        households=counted.households.get(grid.grid_id, nothing),
        buildings_without_households=counted.without.get(grid.grid_id, nothing).total,
        registered_households=counted.registered.get(grid.grid_id, nothing),
    )


def _grids(session: Session, scope: Scope, days: Days, level: int) -> list[_Grid]:
    day = days.ground_day
    rows = session.execute(
        select(
            Grid.grid_id,
            Grid.code,
            GridVersion.name,
            Grid.path,
            GridVersion.cells,
            func.ST_AsBinary(GridVersion.geom),
        )
        .join(GridVersion, GridVersion.grid_id == Grid.grid_id)
        .where(scope.clause(Grid.path), Grid.level == level, standing_on(day), version_on(day))
        .where(GridVersion.geom.is_not(None))
        .order_by(Grid.code)
    )
    return [
        _Grid(grid_id, code, name, path, unpacked(cells) if cells else area_of(bytes(wkb), b"", 0.0).cells)
        for grid_id, code, name, path, cells, wkb in rows
    ]
