"""Small tracks with known figures: positions are given in metres east and north of a corner of the grid."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.area import GridArea, distances_m
from patrol.fixes import Fixes, Float64
from patrol.judging.cleaning import CleanTrack, clean
from patrol.judging.verdicts import Verdict, judge
from patrol.policies import Policy

START = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)  # a Monday, 09:00 in Nanjing
START_MS = int(START.timestamp() * 1000)
WEST, SOUTH = 118.90, 32.10
POLICY = Policy()
_PER_LON = float(distances_m(*np.array([[WEST], [SOUTH], [WEST + 1e-3], [SOUTH]]))[0]) * 1e3
_PER_LAT = float(distances_m(*np.array([[WEST], [SOUTH], [WEST], [SOUTH + 1e-3]]))[0]) * 1e3


def lon_lat(east_m: Any, north_m: Any) -> tuple[Float64, Float64]:
    return WEST + np.asarray(east_m) / _PER_LON, SOUTH + np.asarray(north_m) / _PER_LAT


def track(
    east_m: Sequence[float] | NDArray[np.floating[Any]],
    north_m: Sequence[float] | NDArray[np.floating[Any]] | float = 100.0,
    *,
    step_s: float = 5.0,
    start_s: float = 0.0,
    accuracy_m: float = 5.0,
) -> Fixes:
    """Fixes every `step_s` seconds at these metres, rounded as the wire rounds them."""
    count = len(east_m)
    lon, lat = lon_lat(east_m, np.broadcast_to(north_m, count))
    nan = np.full(count, np.nan)
    return Fixes(
        at_ms=START_MS + np.rint((start_s + np.arange(count) * step_s) * 1000).astype(np.int64),
        lon=np.rint(lon * 1e7) / 1e7,
        lat=np.rint(lat * 1e7) / 1e7,
        accuracy_m=np.full(count, accuracy_m),
        speed_mps=nan,
        heading_deg=nan,
        altitude_m=nan,
        mock=np.zeros(count, np.bool_),
    )


def patrol(minutes: float = 30, *, speed_mps: float = 1.2, step_s: float = 5.0) -> Fixes:
    """An honest patrol: lanes of 380 m, 40 m apart, through the grid of `square`, drifting by a metre."""
    count = int(minutes * 60 / step_s) + 1
    along = np.arange(count) * step_s * speed_mps
    lane, way = np.divmod(along, 420.0)
    east = np.where(lane % 2 == 0, np.minimum(way, 380.0), 380.0 - np.minimum(way, 380.0))
    north = lane * 40.0 + np.maximum(way - 380.0, 0.0)
    drift = np.random.default_rng(7).normal(0, 1, (2, count))
    return track(10 + east + drift[0], 10 + north + drift[1], step_s=step_s)


def square(side_m: float = 400.0, tolerance_m: float = 15.0) -> GridArea:
    """A square grid whose south-west corner is where the metres are counted from."""
    east, north = lon_lat(side_m, side_m)
    return GridArea(
        shapely.to_wkb(shapely.box(WEST, SOUTH, float(east), float(north))), tolerance_m=tolerance_m
    )


def cleaned(
    fixes: Fixes, policy: Policy = POLICY, *, from_s: float = -60, to_s: float = 86_400
) -> CleanTrack:
    return clean(
        fixes,
        policy,
        started_ms=START_MS + int(from_s * 1000),
        finished_ms=START_MS + int(to_s * 1000),
    )


def judged(fixes: Fixes, policy: Policy = POLICY, area: GridArea | None = None) -> Verdict:
    return judge(cleaned(fixes, policy), area or square(), policy)


def check(verdict: Verdict, name: str) -> Any:
    return next(result for result in verdict.results if result.check == name)


def shifted(fixes: Fixes, seconds: float) -> Fixes:
    return replace(fixes, at_ms=fixes.at_ms + round(seconds * 1000))
