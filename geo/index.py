"""Which grid is a position in? Answered in memory, exactly, for whole tracks at a time.

Positions are looked up on the deepest level that has polygons and climb from there by parent, where the child
was found to lie inside its parent; other positions are looked up on each level by themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.geometry.base import BaseGeometry

from geo.area import distances_m
from geo.raster import CellRaster

LEVELS = 5
_PLANE_LEVELS = (3, 2, 1)  # levels 4 and 5 are floors and counters: no polygon of their own (clause 5.2.5)

# A child may stick out of its parent this far (1 mm) before its positions stop climbing by parent.
_CLIMB_TOLERANCE_DEG = 1e-8

Degrees = NDArray[np.float64]
Positions = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class IndexedGrid:
    """One grid as the index needs it."""

    grid_id: int
    level: int
    parent_id: int | None
    polygon: BaseGeometry


class _Level:
    """The grids of one level, sorted by id so that the first hit is the lowest id."""

    def __init__(self, grids: Sequence[IndexedGrid]) -> None:
        ordered = sorted(grids, key=lambda grid: grid.grid_id)
        self.grids = ordered
        self.ids = np.array([grid.grid_id for grid in ordered], dtype=np.int32)
        self.polygons = np.array([grid.polygon for grid in ordered], dtype=object)
        self.raster = CellRaster(self.polygons)
        self.parent_positions = np.full(len(ordered), -1)  # in the level above; -1: cannot climb

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
        self._polygon_of = {
            grid.grid_id: grid.polygon for here in self._levels.values() for grid in here.grids
        }

    def __len__(self) -> int:
        return len(self._polygon_of)

    def locate(self, lon: ArrayLike, lat: ArrayLike) -> NDArray[np.int32]:
        """Grid ids at each position, column n-1 for level n, 0 where there is none.

        A position on a boundary belongs to the lowest id of the deepest level that has one there, and to that
        grid's ancestors, so that every position gets one line of responsibility.
        """
        x, y = np.asarray(lon, dtype=np.float64).ravel(), np.asarray(lat, dtype=np.float64).ravel()
        found = np.zeros((x.size, LEVELS), dtype=np.int32)
        handed_up: Positions | None = None
        for level, here in self._levels.items():
            positions = _completed(here, handed_up, x, y)
            held = positions >= 0
            found[held, level - 1] = here.ids[positions[held]]
            handed_up = np.where(held, here.parent_positions[positions], -1)
        return found

    def distance_to_boundary_m(self, lon: ArrayLike, lat: ArrayLike, grid_ids: ArrayLike) -> Degrees:
        """Metres from each position to the boundary of its grid, inside or out; NaN for unknown grids."""
        x, y = np.asarray(lon, dtype=np.float64).ravel(), np.asarray(lat, dtype=np.float64).ravel()
        ids = np.broadcast_to(np.asarray(grid_ids, dtype=np.int64), x.shape)
        distances = np.full(x.size, np.nan)
        for grid_id in np.unique(ids).tolist():
            if grid_id in self._polygon_of:
                here = ids == grid_id
                distances[here] = metres_to_boundary(self._polygon_of[grid_id], x[here], y[here])
        return distances


def metres_to_boundary(polygon: BaseGeometry, lon: Degrees, lat: Degrees) -> Degrees:
    """Metres from positions to the boundary of one polygon, by the metric of the polygon's middle.

    Error: below 0.1 % within 10 km of the middle.
    """
    middle = np.array([polygon.centroid.x, polygon.centroid.y])
    scale = _metres_per_degree(middle)
    boundary = shapely.transform(polygon, lambda xy: (xy - middle) * scale).boundary
    shapely.prepare(boundary)
    points = shapely.points((np.column_stack((lon, lat)) - middle) * scale)
    return np.asarray(shapely.distance(boundary, points), dtype=np.float64)


def _completed(here: _Level, handed_up: Positions | None, x: Degrees, y: Degrees) -> Positions:
    """Where each position lies on this level; looked up only where the level below gave no answer."""
    if handed_up is None:
        return here.raster.locate(x, y)
    open_ = np.flatnonzero(handed_up < 0)
    if open_.size:
        handed_up[open_] = here.raster.locate(x[open_], y[open_])
    return handed_up


def _metres_per_degree(middle: Degrees) -> Degrees:
    """Length of a degree of longitude and of latitude around a position."""
    step = 0.001
    x, y = middle[:1], middle[1:]
    east, north = distances_m(x, y, x + step, y), distances_m(x, y - step / 2, x, y + step / 2)
    return np.concatenate((east, north)) / step
