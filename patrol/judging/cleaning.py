"""From everything a phone sent to what can be believed: flags per fix, never deletion, and the walked legs.

The result depends on the set of fixes alone: they are put in order of time, exact repeats collapse, and every
choice between fixes is made by their content. So arrival order, batching and repetition cannot change it.
"""

from dataclasses import dataclass
from enum import IntFlag

import numpy as np

from geo.area import plane_m, segment_lengths_m
from patrol.fixes import Bool, Fixes, Float64, Int64
from patrol.judging.chains import Points, longest_chain, second_trail, too_fast
from patrol.policies import Policy

# A position that does not change by a centimetre for this long is a repeated answer, not a new fix.
STALE_AFTER_MS = 60_000


class Flag(IntFlag):
    """What is doubtful about a fix; several may hold."""

    INACCURATE = 1
    JUMP = 2  # nobody on foot or bicycle gets there in that time
    MOCK = 4  # the phone says the position was simulated
    STALE = 8
    CLOCK_SKEW = 16  # part of a second trail at the same time: the clock was moved, or two phones recorded
    DUPLICATE = 32  # another fix with the same time was better
    OUT_OF_GRID = 64
    OUTSIDE_PATROL = 128  # before the start or after the finish


# What proves nothing about where the worker was. STALE and MOCK count, and a person looks at them.
UNUSABLE = int(Flag.INACCURATE | Flag.DUPLICATE | Flag.OUTSIDE_PATROL)  # an enum is slow to combine
_JUMP_OR_SKEW = int(Flag.JUMP | Flag.CLOCK_SKEW)


@dataclass(frozen=True, slots=True, eq=False)
class CleanTrack:
    """All fixes in order of time with their flags, and the legs between the believed ones."""

    fixes: Fixes
    flags: Int64  # Flag bits
    kept: Int64  # indices of the believed fixes
    leg_s: Float64  # between neighbours in `kept`
    leg_m: Float64
    walked: Bool  # which legs were walked; the others are gaps or rides
    has_second_trail: bool


def clean(fixes: Fixes, policy: Policy, *, started_ms: int, finished_ms: int) -> CleanTrack:
    """Flag every doubtful fix and keep the longest chain of fixes that one walker can have made.

    Shape: any order, repeats allowed; the result is strictly increasing in time but for DUPLICATE fixes.
    """
    fixes, duplicate = _in_order(fixes)
    flags = np.zeros(len(fixes), np.int64)
    flags[duplicate] |= Flag.DUPLICATE
    flags[fixes.mock] |= Flag.MOCK
    flags[fixes.accuracy_m > policy.max_accuracy_m] |= Flag.INACCURATE
    flags[(fixes.at_ms < started_ms) | (fixes.at_ms > finished_ms)] |= Flag.OUTSIDE_PATROL
    usable = np.flatnonzero((flags & UNUSABLE) == 0)
    points = _points(fixes, usable)
    chain = longest_chain(points, policy)
    off_chain = np.ones(len(usable), np.bool_)
    off_chain[chain] = False
    trail = second_trail(points, chain, policy)
    flags[usable[off_chain]] |= Flag.JUMP
    flags[usable[trail]] ^= _JUMP_OR_SKEW
    kept = usable[chain]
    ridden = too_fast(points.take(chain), policy)
    at_ms, lon, lat = fixes.at_ms[kept], fixes.lon[kept], fixes.lat[kept]
    flags[kept[_stale(at_ms, lon, lat)]] |= Flag.STALE
    flags[kept[1:-1][ridden[:-1] & ridden[1:]]] |= Flag.JUMP
    leg_s = np.diff(at_ms) / 1000.0
    return CleanTrack(
        fixes=fixes,
        flags=flags,
        kept=kept,
        leg_s=leg_s,
        leg_m=segment_lengths_m(lon, lat),
        walked=(leg_s <= policy.max_gap_s) & ~ridden,
        has_second_trail=len(trail) > 0,
    )


def _points(fixes: Fixes, usable: Int64) -> Points:
    x_m, y_m = plane_m(fixes.lon[usable], fixes.lat[usable])
    return Points(fixes.at_ms[usable] / 1000.0, x_m, y_m, fixes.accuracy_m[usable])


def _in_order(fixes: Fixes) -> tuple[Fixes, Bool]:
    """The fixes by time, exact repeats collapsed, and which of them lost to a better one of the same time."""
    none = np.zeros(len(fixes), np.bool_)
    if np.all(fixes.at_ms[1:] > fixes.at_ms[:-1]):
        return fixes, none
    ordered = fixes.take(np.argsort(fixes.at_ms, kind="stable"))
    if np.all(ordered.at_ms[1:] > ordered.at_ms[:-1]):
        return ordered, none
    # By time, then mock last, then the most accurate first (nan sorts last), then whatever else
    # distinguishes them.
    keys = (
        fixes.altitude_m,
        fixes.heading_deg,
        fixes.speed_mps,
        fixes.lat,
        fixes.lon,
        fixes.accuracy_m,
        fixes.mock,
        fixes.at_ms,
    )
    ordered = fixes.take(np.lexsort(keys))
    distinct = ordered.take(~_same_as_before(ordered))
    duplicate = np.zeros(len(distinct), np.bool_)
    duplicate[1:] = distinct.at_ms[1:] == distinct.at_ms[:-1]
    return distinct, duplicate


def _same_as_before(fixes: Fixes) -> Bool:
    same = np.zeros(len(fixes), np.bool_)
    same[1:] = (fixes.at_ms[1:] == fixes.at_ms[:-1]) & (fixes.mock[1:] == fixes.mock[:-1])
    for column in (
        fixes.lon, fixes.lat, fixes.accuracy_m, fixes.speed_mps, fixes.heading_deg, fixes.altitude_m
    ):  # fmt: skip
        same[1:] &= (column[1:] == column[:-1]) | (np.isnan(column[1:]) & np.isnan(column[:-1]))
    return same


def _stale(at_ms: Int64, lon: Float64, lat: Float64) -> Bool:
    """Fixes at exactly the position that the phone has been repeating for STALE_AFTER_MS."""
    if not len(at_ms):
        return np.zeros(0, np.bool_)
    changed = np.empty(len(at_ms), np.bool_)
    changed[0] = True
    changed[1:] = (lon[1:] != lon[:-1]) | (lat[1:] != lat[:-1])
    since = np.maximum.accumulate(np.where(changed, at_ms, np.iinfo(np.int64).min))
    stale: Bool = at_ms - since >= STALE_AFTER_MS
    return stale
