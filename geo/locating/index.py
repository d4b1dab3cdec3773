"""Which grid is a position in? Answered in memory, exactly, for whole tracks at a time.

Positions are looked up on the deepest level that has polygons and climb from there by parent, where the child
was found to lie inside its parent; other positions are looked up on each level by themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.geometry.base import BaseGeometry

from geo.area import metres_per_degree
from geo.locating.raster import CellRaster

LEVELS = 5
_PLANE_LEVELS = (3, 2, 1)  # levels 4 and 5 are floors and counters: no polygon of their own (clause 5.2.5)

# A child may stick out of its parent this far (1 mm) before its positions stop climbing by parent.
_CLIMB_TOLERANCE_DEG = 1e-8
_METRES_PER_DEGREE_AT_54N = 65_000.0  # of longitude, at the northern end of China: the shortest degree

Degrees = NDArray[np.float64]
Positions = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class IndexedGrid:
    """One grid as the index needs it."""

    grid_id: int
    level: int
    parent_id: int | None
    polygon: BaseGeometry


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Pairs of a position (by its place in what was asked) and a grid that holds it or is near it."""

    point: Positions
    grid_id: Positions
    boundary_m: Degrees
    is_inside: NDArray[np.bool_]


class _Level:
    """The grids of one level, sorted by id so that the first hit is the lowest id."""

    def __init__(self, grids: Sequence[IndexedGrid]) -> None:
        ordered = sorted(grids, key=lambda grid: grid.grid_id)
        self.grids = ordered
        self.ids = np.array([grid.grid_id for grid in ordered], dtype=np.int32)
        self.polygons = np.array([grid.polygon for grid in ordered], dtype=object)
        self.raster = CellRaster(self.polygons)
        # One more at the end of both, so that position -1 (nowhere) finds "none" without being told apart.
        self.ids_or_none = np.append(self.ids, np.int32(0))
        self.parent_positions = np.full(len(ordered) + 1, -1)  # in the level above; -1: cannot climb

    @cached_property
    def boundaries(self) -> "_Boundaries":
        return _Boundaries(self.polygons)

    @cached_property
    def tree(self) -> shapely.STRtree:
        return shapely.STRtree(self.polygons)

    def positions_of(self, grid_ids: Positions) -> Positions:
        """Where grids stand on this level, -1 for those that do not."""
        place = np.minimum(np.searchsorted(self.ids, grid_ids), len(self.ids) - 1)
        return np.where(self.ids[place] == grid_ids, place, -1)

    def connect(self, above: "_Level") -> None:
        """Remember the parent of each grid that lies in its parent."""
        position_of = {grid.grid_id: position for position, grid in enumerate(above.grids)}
        parents = np.array([position_of.get(grid.parent_id or 0, -1) for grid in self.grids])
        known = np.flatnonzero(parents >= 0)
        # Containment in a widened parent asks for no common boundary, which exact tests are slow at.
        widened = shapely.buffer(above.polygons, _CLIMB_TOLERANCE_DEG, quad_segs=1)
        shapely.prepare(widened)
        inside = known[shapely.contains_properly(widened[parents[known]], self.polygons[known])]
        self.parent_positions[inside] = parents[inside]


class GridIndex:
    """The grids valid on one day, ready to be asked."""

    def __init__(self, grids: Sequence[IndexedGrid]) -> None:
        self._levels: dict[int, _Level] = {}  # deepest first
        for level in _PLANE_LEVELS:
            members = [grid for grid in grids if grid.level == level and not grid.polygon.is_empty]
            if members:
                self._levels[level] = _Level(members)
        for level, here in self._levels.items():
            if level - 1 in self._levels:
                here.connect(self._levels[level - 1])

    def __len__(self) -> int:
        return sum(len(here.grids) for here in self._levels.values())

    def locate(self, lon: ArrayLike, lat: ArrayLike) -> NDArray[np.int32]:
        """Grid ids at each position, column n-1 for level n, 0 where there is none.

        A position on a boundary belongs to the lowest id of the deepest level that has one there, and to that
        grid's ancestors, so that every position gets one line of responsibility.
        """
        x, y = _flat(lon), _flat(lat)
        found = np.zeros((x.size, LEVELS), dtype=np.int32)
        handed_up: Positions | None = None
        for level, here in self._levels.items():
            positions = _completed(here, handed_up, x, y)
            found[:, level - 1] = here.ids_or_none[positions]
            handed_up = here.parent_positions[positions]
        return found

    def distance_to_boundary_m(self, lon: ArrayLike, lat: ArrayLike, grid_ids: ArrayLike) -> Degrees:
        """Metres from each position to the boundary of its grid, inside or out; NaN for unknown grids."""
        x, y = _flat(lon), _flat(lat)
        ids = np.broadcast_to(np.asarray(grid_ids, dtype=np.int64), x.shape)
        distances = np.full(x.size, np.nan)
        for here in self._levels.values():
            positions = here.positions_of(ids)
            held = np.flatnonzero(positions >= 0)
            if held.size:
                distances[held] = here.boundaries.distance_m(positions[held], x[held], y[held])
        return distances

    def near(self, level: int, lon: ArrayLike, lat: ArrayLike, reach_m: ArrayLike) -> Neighbourhood:
        """The grids of a level that hold each position or whose boundary is within its reach."""
        x, y = _flat(lon), _flat(lat)
        reach = np.broadcast_to(np.asarray(reach_m, dtype=np.float64), x.shape)
        here = self._levels.get(level)
        if here is None:
            nothing = np.empty(0, dtype=np.int64)
            return Neighbourhood(nothing, nothing, np.empty(0), np.empty(0, dtype=np.bool_))
        margin = reach / _METRES_PER_DEGREE_AT_54N
        point, position = here.tree.query(shapely.box(x - margin, y - margin, x + margin, y + margin))
        boundary_m = here.boundaries.distance_m(position, x[point], y[point])
        inside = shapely.intersects_xy(here.polygons[position], x[point], y[point])
        kept = np.flatnonzero(inside | (boundary_m <= reach[point]))
        kept = kept[np.lexsort((position[kept], point[kept]))]
        return Neighbourhood(point[kept], here.ids[position[kept]], boundary_m[kept], inside[kept])


class _Boundaries:
    """The boundaries of polygons in metres, each by the metric of its own polygon's middle.

    Error of a distance: below 0.1 % within 10 km of the middle.
    """

    def __init__(self, polygons: NDArray[np.object_]) -> None:
        bounds = shapely.bounds(polygons)
        self._middles = (bounds[:, :2] + bounds[:, 2:]) / 2
        self._scales = np.column_stack(metres_per_degree(self._middles[:, 1]))
        lines = shapely.boundary(polygons)
        xy, owner = shapely.get_coordinates(lines, return_index=True)
        self._lines = shapely.set_coordinates(lines, (xy - self._middles[owner]) * self._scales[owner])

    def distance_m(self, position: Positions, lon: Degrees, lat: Degrees) -> Degrees:
        """Metres from each point to the boundary of the polygon at the same place of `position`."""
        xy = (np.column_stack((lon, lat)) - self._middles[position]) * self._scales[position]
        return np.asarray(shapely.distance(self._lines[position], shapely.points(xy)), dtype=np.float64)


def _completed(here: _Level, handed_up: Positions | None, x: Degrees, y: Degrees) -> Positions:
    """Where each position lies on this level; looked up only where the level below gave no answer."""
    if handed_up is None:
        return here.raster.locate(x, y)
    open_ = np.flatnonzero(handed_up < 0)
    if open_.size:
        handed_up[open_] = here.raster.locate(x[open_], y[open_])
    return handed_up


def _flat(values: ArrayLike) -> Degrees:
    return np.asarray(values, dtype=np.float64).ravel()
