"""Whether two patrols are one walk: where each walker was every half minute, laid over the other's way.

Two people who walk a street do not keep together step by step for half an hour; two telephones in one pocket
do, and so does a track that was recorded once and played again, with a little noise or at another hour.
Being alike proves nothing: people also walk together. It sends both to somebody who can ask.
"""

import math
import struct
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from geo.area import metres_per_degree
from patrol.fixes import Float64, Int64
from patrol.judging.cleaning import CleanTrack

TICK_S = 30
MAX_TICKS = 960  # eight hours
# Over fewer moving ticks (ten minutes) two walks may agree by chance.
MIN_MOVING_TICKS = 20
_MOVING_M = 10.0  # in one tick
# How far apart two walkers are the same: beside each other, played again by another, or by oneself.
TOGETHER_M, COPIED_M, OWN_COPY_M = 20.0, 12.0, 8.0
_TOGETHER_TICKS = 4  # clocks may differ by two minutes
_COPIED_TICKS = 20  # the start of a copy may be cut off by ten minutes
_KNOWN_WITHIN_S = 60.0
_REACH = np.arange(-2 * _COPIED_TICKS, 2 * _COPIED_TICKS + 1)  # in half ticks
_SAMPLED = 3
NOTHING = -1.0  # any part of the way is more
_SHORTEST_DEGREE_M = 110_000.0  # a little less than any degree of latitude
_UNIT = 1e-5  # of a degree, about a metre: finer than any fix
_ABSENT = np.iinfo(np.int16).min
_HEAD = struct.Struct("<qdd")
_Way = tuple[Float64, Float64, NDArray[np.bool_]]  # east, north, whether moving


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """Positions at whole ticks since 1970, nan where unknown."""

    first_tick: int
    lon: Float64
    lat: Float64

    def __len__(self) -> int:
        return len(self.lon)


@dataclass(frozen=True, slots=True)
class Likeness:
    """How much of the way two walkers were at the same places, how far apart, and at what shift in time."""

    ratio: float
    distance_m: float
    shift_s: int
    minutes: float  # of moving compared


@lru_cache(maxsize=2)  # asked for by the comparison and by the stored row
def trace_of(track: CleanTrack) -> Trace | None:
    """The trace of the believed fixes; None for a walk too short to be compared."""
    kept = track.kept
    if len(kept) < MIN_MOVING_TICKS:
        return None
    at_s = track.fixes.at_ms[kept] / 1000.0
    first = int(np.ceil(at_s[0] / TICK_S))
    last = min(int(np.floor(at_s[-1] / TICK_S)), first + MAX_TICKS - 1)
    ticks = np.arange(first, last + 1)
    if len(ticks) < MIN_MOVING_TICKS:
        return None
    tick_s = ticks * float(TICK_S)
    after = np.clip(np.searchsorted(at_s, tick_s), 1, len(at_s) - 1)
    known = (at_s[after] - at_s[after - 1] <= _KNOWN_WITHIN_S) & (track.leg_s[after - 1] > 0)
    lon, lat = (np.interp(tick_s, at_s, column[kept]) for column in (track.fixes.lon, track.fixes.lat))
    lon[~known] = lat[~known] = np.nan
    trace = unpacked(packed(Trace(first, lon, lat)))  # what is compared is what is stored
    return trace if int(_moving(*_metres(trace, trace)).sum()) >= MIN_MOVING_TICKS else None


def packed(trace: Trace) -> bytes:
    """The trace as stored: metres from its first known position, two bytes each."""
    known = np.flatnonzero(~np.isnan(trace.lon))
    lon_0, lat_0 = (float(axis[known[0]]) if len(known) else 0.0 for axis in (trace.lon, trace.lat))
    steps = np.stack(((trace.lon - lon_0) / _UNIT, (trace.lat - lat_0) / _UNIT))
    absent = np.isnan(steps[0]) | (np.abs(steps) > np.iinfo(np.int16).max).any(axis=0)
    steps[:, absent] = _ABSENT
    return _HEAD.pack(trace.first_tick, lon_0, lat_0) + np.rint(steps).astype("<i2").tobytes()


@lru_cache(maxsize=1024)  # a trace is compared with several others
def unpacked(stored: bytes) -> Trace:
    """The trace of a stored one."""
    first_tick, lon_0, lat_0 = _HEAD.unpack_from(stored)
    steps = np.frombuffer(stored, "<i2", offset=_HEAD.size).reshape(2, -1).astype(np.float64)
    steps[steps == _ABSENT] = np.nan
    return Trace(first_tick, lon_0 + steps[0] * _UNIT, lat_0 + steps[1] * _UNIT)


@lru_cache(maxsize=1024)  # asked for by the search and by the stored row
def middle_of(trace: Trace) -> tuple[float, float, float]:
    """Mean position and the day (since 1970) on which it begins: copies lie close together here."""
    known = ~np.isnan(trace.lon)
    lon, lat = (float(axis[known].mean()) for axis in (trace.lon, trace.lat))
    return lon, lat, trace.first_tick * TICK_S / 86_400


def together(one: Trace, other: Trace, *, above: float = NOTHING) -> Likeness | None:
    """How alike two walks are that were made at the same time; None where too little can be compared, or
    where they are alike in no larger part than `above`.
    """
    if _apart(one, other, TOGETHER_M, above):
        return None
    shifts = np.arange(-2 * _TOGETHER_TICKS, 2 * _TOGETHER_TICKS + 1)
    return _best(one, other, shifts, TOGETHER_M, above)


def copied(one: Trace, other: Trace, *, is_own: bool, above: float = NOTHING) -> Likeness | None:
    """The same of two walks whatever their times."""
    within_m = OWN_COPY_M if is_own else COPIED_M
    if _apart(one, other, within_m, above):
        return None
    middle = 2 * (other.first_tick - one.first_tick)
    at_ends = middle + 2 * (len(other) - len(one))
    shifts = middle + _REACH if at_ends == middle else np.union1d(middle + _REACH, at_ends + _REACH)
    return _best(one, other, shifts, within_m, above)


def _apart(one: Trace, other: Trace, within_m: float, above: float) -> bool:
    """Whether so few ticks of one lie in the box around the other that no shift can make them alike.

    That is most neighbours, and costs a tenth of laying them over each other.
    """
    west, south, east, north = _box(other)
    lat_reach = within_m / _SHORTEST_DEGREE_M
    lon_reach = lat_reach / math.cos(math.radians(max(abs(south), abs(north))))
    lon, lat = one.lon, one.lat
    inside = (lon >= west - lon_reach) & (lon <= east + lon_reach)
    inside &= (lat >= south - lat_reach) & (lat <= north + lat_reach)
    return int(np.count_nonzero(inside)) < above * MIN_MOVING_TICKS


@lru_cache(maxsize=1024)
def _box(trace: Trace) -> tuple[float, float, float, float]:
    """West, south, east, north of what is known."""
    low, high = (
        [float(by(axis)) for axis in (trace.lon, trace.lat)] for by in (np.fmin.reduce, np.fmax.reduce)
    )
    return low[0], low[1], high[0], high[1]


def _best(one: Trace, other: Trace, shifts: Int64, within_m: float, above: float) -> Likeness | None:
    """The best agreement over shifts of the second walk, in half ticks."""
    x, y = _metres(one, one)
    tick_x, tick_y = _metres(other, one)
    moving, other_moving = _moving(x, y), np.repeat(_moving(tick_x, tick_y), 2)[: 2 * len(other) - 1]
    needed = max(MIN_MOVING_TICKS, min(int(moving.sum()), int(other_moving.sum()) // 2) // 2)
    other_x, other_y = _halved(tick_x), _halved(tick_y)
    # Row by row another shift: which half tick of the other walk lies over each tick of the first.
    start = 2 * (one.first_tick - other.first_tick) + shifts
    if above >= 0:
        hopeful = _hopeful((x, y, moving), (other_x, other_y, other_moving), start, (within_m, above))
        shifts, start = shifts[hopeful], start[hopeful]
        if not len(shifts):
            return None
    place = 2 * np.arange(len(one)) + start[:, None]
    inside = (place >= 0) & (place < len(other_x))
    place[~inside] = 0
    distance = np.hypot(other_x[place] - x, other_y[place] - y)
    compared = inside & ~np.isnan(distance) & (moving | other_moving[place])
    count = compared.sum(axis=1)
    close = (compared & (distance <= within_m)).sum(axis=1)
    ratio = np.where(count >= needed, close / np.maximum(count, 1), -1.0)
    mean_m = np.where(compared, distance, 0.0).sum(axis=1) / np.maximum(count, 1)
    best = int(np.lexsort((mean_m, -ratio))[0])
    if ratio[best] <= above:
        return None
    shift_s = round(int(shifts[best]) * TICK_S / 2)
    median_m = float(np.median(distance[best][compared[best]]))
    return Likeness(float(ratio[best]), median_m, shift_s, int(count[best]) * TICK_S / 60)


def _hopeful(one: _Way, other: _Way, start: Int64, limits: tuple[float, float]) -> NDArray[np.bool_]:
    """Shifts at which the ratio may be above the limit, by every third tick alone; none is missed.

    Of `room` ticks over each other at most as many are compared, and close are no more than those not seen
    far apart: ratio = close / compared <= 1 - far / compared <= 1 - far / room.
    """
    (x, y, moving), (other_x, other_y, other_moving), (within_m, above) = one, other, limits
    end = len(other_x)
    first, last = np.maximum(-(start // 2), 0), np.minimum((end - 1 - start) // 2, len(x) - 1)
    room = np.maximum(last - first + 1, 0)
    place = np.arange(0, 2 * len(x), 2 * _SAMPLED) + (start[:, None] + 1)
    # What lies outside falls on an unknown position at either end; nan is not far.
    east = _bordered(other_x).take(place, mode="clip") - x[::_SAMPLED]
    north = _bordered(other_y).take(place, mode="clip") - y[::_SAMPLED]
    far = east * east + north * north > within_m * within_m * (1 + 1e-9)
    far &= moving[::_SAMPLED] | np.pad(other_moving, 1).take(place, mode="clip")
    hopeful: NDArray[np.bool_] = far.sum(axis=1) < (1 - above) * room + 1e-6
    return hopeful


def _metres(trace: Trace, origin: Trace) -> tuple[Float64, Float64]:
    """East and north in metres of the first known position of another trace."""
    known = int(np.flatnonzero(~np.isnan(origin.lon))[0])
    per_lon, per_lat = metres_per_degree(origin.lat[known])
    return (trace.lon - origin.lon[known]) * per_lon, (trace.lat - origin.lat[known]) * per_lat


def _moving(x: Float64, y: Float64) -> NDArray[np.bool_]:
    moving = np.zeros(len(x), np.bool_)
    moving[1:] = np.hypot(x[1:] - x[:-1], y[1:] - y[:-1]) >= _MOVING_M  # nan: not moving
    return moving


def _halved(axis: Float64) -> Float64:
    """The same with a value between each two."""
    fine = np.empty(2 * len(axis) - 1)
    fine[::2] = axis
    fine[1::2] = (axis[1:] + axis[:-1]) / 2
    return fine


def _bordered(axis: Float64) -> Float64:
    bordered = np.full(len(axis) + 2, np.nan)
    bordered[1:-1] = axis
    return bordered
