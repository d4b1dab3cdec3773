"""Footsteps of the demo workers: lanes inside a grid, a round along them, and what a phone records of it.

Everything is drawn from the generator passed in; nothing here knows what a valid patrol is.
"""

import math
import random
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from patrol.fixes import Fixes, Int64
from seeds.demo.plan import CENTRE_LAT, CENTRE_LON, METRES_PER_LAT, METRES_PER_LON, bend

Metres = NDArray[np.float64]

_LANE_GAP_M = 72.0
_KERB_M = 20.0  # lanes keep this far inside, beyond the noise of a phone
_MEMORY = np.power(0.93, np.arange(60))  # an error lasts: half of it is left after ten fixes
_NOISE_MEMORY = _MEMORY / np.sqrt((_MEMORY**2).sum())


@dataclass(frozen=True, slots=True)
class Lanes:
    """The lanes of one grid: corners in local metres and, per corner, where one can go."""

    corners: tuple[tuple[float, float], ...]
    ways: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Phone:
    """How one worker's phone reports positions."""

    interval_s: float
    noise_m: float
    accuracy_m: float
    tells_motion: bool  # speed and heading
    tells_altitude: bool


@dataclass(frozen=True, slots=True)
class Pace:
    """How a round is walked."""

    speed_mps: float = 1.2
    pauses: int = 4  # a word with a resident, a look at a fire door
    corners: int | None = None  # keep to this many corners of the grid; None: see as much as possible


def lay_lanes(ground: Polygon, rng: np.random.Generator) -> Lanes:
    """A lattice of lanes along the plan's roads, each corner a little off; one connected net."""
    inner = _largest(ground.buffer(-_KERB_M))
    west, south, east, north = inner.bounds
    us = _ticks(west, east, rng)
    vs = _ticks(south, north, rng)
    columns, rows = np.meshgrid(np.arange(len(us)), np.arange(len(vs)), indexing="ij")
    flat = np.column_stack((us[columns.ravel()], vs[rows.ravel()]))
    flat += rng.uniform(-5, 5, flat.shape)
    inside = shapely.contains_xy(inner, flat[:, 0], flat[:, 1])
    kept = _connected(_lattice_ways(inside.reshape(columns.shape)))
    position = {corner: index for index, corner in enumerate(kept)}
    ways = tuple(tuple(position[other] for other in kept[corner]) for corner in kept)
    return Lanes(tuple(map(tuple, to_metres(bend(flat[list(kept)])).tolist())), ways)


def to_metres(lon_lat: Metres) -> Metres:
    """Local plane metres around the demo's centre, x east and y north."""
    return (lon_lat - (CENTRE_LON, CENTRE_LAT)) * (METRES_PER_LON, METRES_PER_LAT)


def walk(
    lanes: Lanes, phone: Phone, pace: Pace, rng: np.random.Generator, *, started_at: datetime, minutes: float
) -> Fixes:
    """What the phone records of a round that starts at `started_at`."""
    count = max(3, int(minutes * 60 / phone.interval_s))
    speed = np.clip(pace.speed_mps + 0.25 * _lasting_noise(count, rng), 0.3, None)
    for _ in range(pace.pauses):
        begin, length = rng.integers(0, count), rng.integers(4, 16)
        speed[begin : begin + length] = 0.0
    since_s = np.cumsum(np.round(phone.interval_s + rng.normal(0, 0.12, count), 3))
    since_s -= since_s[0]
    walked_m = np.concatenate(([0.0], np.cumsum(speed[1:] * np.diff(since_s))))
    line = _round(lanes, float(walked_m[-1]), pace.corners, rng)
    at_ms = int(started_at.timestamp() * 1000) + np.rint(since_s * 1000).astype(np.int64)
    return _recorded(_along(line, walked_m), at_ms, speed, phone, rng)


def _along(line: Metres, walked_m: Metres) -> Metres:
    """East, north and heading in degrees at each distance along the line."""
    legs = np.diff(line, axis=0)
    corners_m = np.concatenate(([0.0], np.cumsum(np.hypot(legs[:, 0], legs[:, 1]))))
    leg = np.clip(np.searchsorted(corners_m, walked_m, side="right") - 1, 0, len(legs) - 1)
    heading = np.degrees(np.arctan2(legs[leg, 0], legs[leg, 1]))
    return np.vstack(
        (np.interp(walked_m, corners_m, line[:, 0]), np.interp(walked_m, corners_m, line[:, 1]), heading)
    )


def _recorded(true: Metres, at_ms: Int64, speed: Metres, phone: Phone, rng: np.random.Generator) -> Fixes:
    """The positions with the errors of the phone."""
    count = len(at_ms)
    east = true[0] + phone.noise_m * _lasting_noise(count, rng)
    north = true[1] + phone.noise_m * _lasting_noise(count, rng)
    unsaid = np.full(count, np.nan)
    return Fixes(
        at_ms=at_ms,
        lon=CENTRE_LON + east / METRES_PER_LON,
        lat=CENTRE_LAT + north / METRES_PER_LAT,
        accuracy_m=np.clip(phone.accuracy_m + 2 * _lasting_noise(count, rng), 3, None),
        speed_mps=np.clip(speed + rng.normal(0, 0.1, count), 0, None) if phone.tells_motion else unsaid,
        heading_deg=(true[2] + rng.normal(0, 6, count)) % 360 if phone.tells_motion else unsaid,
        altitude_m=18 + 3 * _lasting_noise(count, rng) if phone.tells_altitude else unsaid,
        mock=np.zeros(count, np.bool_),
    )


def _round(lanes: Lanes, length_m: float, corners: int | None, rng: np.random.Generator) -> Metres:
    """A line of at least this length along the lanes, always into the lane walked least."""
    at = int(rng.integers(len(lanes.corners)))
    allowed = _nearest_corners(lanes, at, corners) if corners else None
    luck = random.Random(int(rng.integers(2**63)))  # one number at a time it is ten times as fast as numpy
    visits: defaultdict[tuple[int, int], int] = defaultdict(int)
    line, left_m, before = [at], length_m, -1
    while left_m > 0:
        ways = [way for way in lanes.ways[at] if allowed is None or way in allowed] or lanes.ways[at]
        ranked = [(visits[_lane(at, way)] + (way == before), luck.random(), way) for way in ways]
        chosen = min(ranked)[-1]
        visits[_lane(at, chosen)] += 1
        left_m -= math.dist(lanes.corners[chosen], lanes.corners[at])
        before, at = at, chosen
        line.append(at)
    return np.array([lanes.corners[corner] for corner in line])


def _lane(one: int, other: int) -> tuple[int, int]:
    return (one, other) if one < other else (other, one)


def _nearest_corners(lanes: Lanes, start: int, count: int) -> set[int]:
    """The first corners one comes to from the start."""
    found = [start]
    for corner in found:
        found += [way for way in lanes.ways[corner] if way not in found]
        if len(found) >= count:
            break
    return set(found[:count])


def _lasting_noise(count: int, rng: np.random.Generator) -> Metres:
    """Noise of variance one that drifts as errors of positions and moods do."""
    white = rng.normal(size=count + len(_NOISE_MEMORY) - 1)
    return np.convolve(white, _NOISE_MEMORY, "valid")


# ---------------------------------------------------------------------------------------- the lattice


def _largest(ground: BaseGeometry) -> Polygon:
    parts = [part for part in shapely.get_parts(ground) if isinstance(part, Polygon)]
    return max(parts, key=lambda part: part.area)


def _ticks(low: float, high: float, rng: np.random.Generator) -> Metres:
    """Where lanes cross the ground, about evenly spread, at least two."""
    count = max(2, round((high - low) / _LANE_GAP_M) + 1)
    gap = (high - low) / count
    return low + gap * (np.arange(count) + 0.5) + rng.uniform(-0.12, 0.12, count) * gap


def _lattice_ways(inside: NDArray[np.bool_]) -> dict[int, list[int]]:
    """Neighbours of each corner that lies inside; corners are numbered column by column."""
    columns, rows = inside.shape
    ways: dict[int, list[int]] = {}
    for column, row in np.argwhere(inside).tolist():
        around = ((column - 1, row), (column + 1, row), (column, row - 1), (column, row + 1))
        ways[column * rows + row] = [
            c * rows + r for c, r in around if 0 <= c < columns and 0 <= r < rows and inside[c, r]
        ]
    return ways


def _connected(ways: dict[int, list[int]]) -> dict[int, list[int]]:
    """The largest part of the net in which every corner can be reached."""
    unseen, best = set(ways), set[int]()
    while unseen:
        part = {unseen.pop()}
        edge = part
        while edge:
            edge = {other for corner in edge for other in ways[corner]} - part
            part |= edge
        unseen -= part
        best = max(best, part, key=len)
    return {corner: ways[corner] for corner in ways if corner in best}
