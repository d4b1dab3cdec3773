"""The grids of thousands of positions at once, from the index in memory; each is answered by itself."""

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.codes import Reason
from geo.datums import to_cgcs2000
from geo.locating.index import Degrees, Neighbourhood, Positions
from geo.locating.locate import PLANE_LEVELS, is_in_china
from geo.locating.located_index import DatedIndex
from geo.queries import PathScope

MAX_ACCURACY_M = 1000.0
_LEVELS = len(PLANE_LEVELS)
_NONE = 0  # no grid has this id


@dataclass(frozen=True, slots=True)
class PointRejection:
    """Why one point is not answered."""

    index: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Points:
    """Positions in CGCS2000 with their accuracy; those of `rejections` are not a number."""

    lon: Degrees
    lat: Degrees
    accuracy_m: Degrees
    rejections: tuple[PointRejection, ...]


@dataclass(frozen=True, slots=True)
class PointsAt:
    """One row for each point, one column for each level with polygons.

    `grid_id` is 0 where the scope has no grid. `boundary_m` is the distance to the boundary of that grid, or
    where there is none to the nearest one, NaN when none is within the accuracy. `is_ambiguous`: within the
    accuracy another grid, or none, may be meant.
    """

    grid_id: Positions
    boundary_m: Degrees
    is_ambiguous: NDArray[np.bool_]


def read_points(listed: Sequence[Any], datum: str, accuracy_m: float) -> Points:
    """Points as [lon, lat] or [lon, lat, accuracy_m]; what is none is rejected by itself.

    Raises: UnknownDatum.
    """
    numbers = np.array([_numbers(point, accuracy_m) for point in listed], dtype=np.float64).reshape(-1, 3)
    accuracy = numbers[:, 2]
    readable = np.isfinite(numbers[:, :2]).all(axis=1)
    bad_accuracy = readable & ~((accuracy >= 0) & (accuracy <= MAX_ACCURACY_M))
    sound = readable & ~bad_accuracy
    lon, lat = np.full(len(numbers), np.nan), np.full(len(numbers), np.nan)
    lon[sound], lat[sound] = to_cgcs2000(numbers[sound, 0], numbers[sound, 1], datum)
    outside = sound & ~is_in_china(lon, lat)
    lon[outside] = lat[outside] = np.nan
    rejections = [
        PointRejection(index, reason)
        for mask, reason in ((~readable, _NO_POINT), (bad_accuracy, _BAD_ACCURACY), (outside, _OUTSIDE))
        for index in np.flatnonzero(mask).tolist()
    ]
    rejections.sort(key=lambda rejection: rejection.index)
    return Points(lon, lat, accuracy, tuple(rejections))


_NO_POINT = Reason(
    "not-a-position",
    "应为 [经度, 纬度] 或 [经度, 纬度, 精度（米）]，均为有限数值",
    "a point is [lon, lat] or [lon, lat, accuracy in metres], all finite numbers",
)
_BAD_ACCURACY = Reason(
    "accuracy-range",
    f"精度应为 0–{MAX_ACCURACY_M:.0f} 米",
    f"the accuracy is 0 to {MAX_ACCURACY_M:.0f} metres",
)
_OUTSIDE = Reason(
    "outside-china",
    "位置不在中国范围内：请检查经纬度顺序与坐标系",
    "this position is not in China: check the order lon, lat and the datum",
)


def _numbers(point: Any, accuracy_m: float) -> tuple[float, float, float]:
    """Longitude, latitude and accuracy; not numbers when the point is none."""
    if isinstance(point, list) and len(point) in {2, 3} and all(_is_number(value) for value in point):
        with suppress(OverflowError):  # JSON knows no largest whole number
            lon, lat, accuracy = (float(value) for value in (*point, accuracy_m)[:3])
            return lon, lat, accuracy
    return math.nan, math.nan, accuracy_m


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def locate_points(dated: DatedIndex, scope: PathScope, points: Points) -> PointsAt:
    """The grids of the scope at each point, as for a single position; nothing for rejected points."""
    count = len(points.lon)
    grid_id = np.zeros((count, _LEVELS), dtype=np.int64)
    boundary_m = np.full((count, _LEVELS), np.nan)
    is_ambiguous = np.zeros((count, _LEVELS), dtype=np.bool_)
    asked = np.flatnonzero(np.isfinite(points.lon))
    lon, lat, accuracy_m = points.lon[asked], points.lat[asked], points.accuracy_m[asked]
    with dated.asking:
        found = dated.index.locate(lon, lat)
        for column, level in enumerate(PLANE_LEVELS):
            ids = _within(dated, scope, found[:, level - 1].astype(np.int64))
            distance_m = dated.index.distance_to_boundary_m(lon, lat, ids)
            lost = np.flatnonzero(ids == _NONE)
            near = dated.index.near(level, lon[lost], lat[lost], accuracy_m[lost])
            _add_nearest(_of_scope(dated, scope, near), lost, ids, distance_m)
            grid_id[asked, column], boundary_m[asked, column] = ids, distance_m
            is_ambiguous[asked, column] = distance_m <= accuracy_m
    return PointsAt(grid_id, boundary_m, is_ambiguous)


def _within(dated: DatedIndex, scope: PathScope, ids: Positions) -> Positions:
    """The ids with those of grids outside the scope made 0."""
    unique, places = np.unique(ids, return_inverse=True)
    seen = [grid_id != _NONE and scope.covers(dated.names[grid_id].path) for grid_id in unique.tolist()]
    return np.where(np.array(seen, dtype=np.bool_)[places], ids, _NONE)


def _add_nearest(near: Neighbourhood, lost: Positions, ids: Positions, distance_m: Degrees) -> None:
    """Where no grid was found, one of the scope may still hold the point (on a boundary) or be near it."""
    for held in (False, True):  # the last word has a grid that holds the point, the first of several
        chosen = near.is_inside == held
        order = np.lexsort((-near.grid_id[chosen], -near.boundary_m[chosen]))
        point = lost[near.point[chosen][order]]
        distance_m[point] = near.boundary_m[chosen][order]
        if held:
            ids[point] = near.grid_id[chosen][order]


def _of_scope(dated: DatedIndex, scope: PathScope, near: Neighbourhood) -> Neighbourhood:
    kept = np.flatnonzero(_within(dated, scope, near.grid_id.astype(np.int64)) != _NONE)
    return Neighbourhood(near.point[kept], near.grid_id[kept], near.boundary_m[kept], near.is_inside[kept])
