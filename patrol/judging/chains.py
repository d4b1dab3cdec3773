"""Which positions can belong to one person on the move: the longest chain of fixes that can be reached.

A bad fix at the start, in the middle or in a cluster costs itself, never the fixes after it: what is kept
is not "near the fix before" but the largest set that hangs together.
"""

import math
from dataclasses import dataclass

import numpy as np

from patrol.fixes import Bool, Float64, Int64
from patrol.policies import Policy

# The error of a fix that does not state one.
ASSUMED_ACCURACY_M = 10.0
# Across a silence the worker may have taken a bus (144 km/h covers any road); the silence itself is never
# counted.
MAX_TRAVEL_MPS = 40.0
# So many fixes before one are tried one by one; of all before those, the end of the longest chain.
LOOK_BACK = 500
# Speed is judged over this long too: between two fixes one second apart the error of the fixes hides a car.
SPEED_BASELINE_S = 30.0
# A second trail is this many fixes that hang together, each this far from where the first one is at the time.
SECOND_TRAIL_FIXES = 12
SECOND_TRAIL_DISTANCE_M = 100.0
# Where the first one is at a time is known between two of its fixes at most this far apart.
_KNOWN_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Positions in increasing order of time: seconds, metres in a plane, error in metres."""

    t_s: Float64
    x_m: Float64
    y_m: Float64
    accuracy_m: Float64

    def __len__(self) -> int:
        return len(self.t_s)

    def take(self, index: Int64) -> "Points":
        return Points(self.t_s[index], self.x_m[index], self.y_m[index], self.accuracy_m[index])

    def variance_m2(self) -> Float64:
        stated = np.where(np.isnan(self.accuracy_m), ASSUMED_ACCURACY_M, self.accuracy_m)
        variance: Float64 = stated * stated
        return variance


def longest_chain(points: Points, policy: Policy) -> Int64:
    """Indices of the longest chain in which each fix can be reached from the one before.

    Reached means: at most max_speed_mps within max_gap_s, beyond what the stated errors explain; after a
    longer silence, at most the speed of a vehicle.
    """
    linked = _linked(points, policy)
    if linked.all():
        return np.arange(len(points))
    return _Search(points, policy, linked).longest()


def too_fast(points: Points, policy: Policy) -> Bool:
    """Legs of a chain that are part of half a minute faster than max_speed_mps: ridden, not walked."""
    count = len(points)
    if count < 2:
        return np.zeros(0, np.bool_)
    first = np.arange(count)
    last = np.minimum(np.searchsorted(points.t_s, points.t_s + SPEED_BASELINE_S), count - 1)
    duration = points.t_s[last] - points.t_s
    variance = points.variance_m2()
    distance = np.hypot(points.x_m[last] - points.x_m, points.y_m[last] - points.y_m)
    limit = policy.max_speed_mps * duration + np.sqrt(variance[last] + variance)
    ridden = (duration <= policy.max_gap_s) & (distance > limit)
    if not ridden.any():
        return np.zeros(count - 1, np.bool_)
    edges = np.zeros(count + 1, np.int64)
    np.add.at(edges, first[ridden], 1)
    np.add.at(edges, last[ridden], -1)
    legs: Bool = np.cumsum(edges)[: count - 1] > 0
    return legs


def second_trail(points: Points, chain: Int64, policy: Policy) -> Int64:
    """Indices of a second chain among the rest that runs beside the first one, if there is any.

    One walker cannot leave two trails at a time: the phone's clock was moved, or two phones recorded one
    patrol.
    """
    if len(points) - len(chain) < SECOND_TRAIL_FIXES:
        return chain[:0]
    rest = np.setdiff1d(np.arange(len(points)), chain, assume_unique=True)
    elsewhere = rest[_is_elsewhere(points.take(rest), points.take(chain))]
    if len(elsewhere) < SECOND_TRAIL_FIXES:
        return elsewhere[:0]
    trail = elsewhere[longest_chain(points.take(elsewhere), policy)]
    # A phone that now and then answers with one and the same wrong place only flickers.
    extent_m = np.hypot(np.ptp(points.x_m[trail]), np.ptp(points.y_m[trail]))
    is_trail = len(trail) >= SECOND_TRAIL_FIXES and extent_m > SECOND_TRAIL_DISTANCE_M
    return trail if is_trail else trail[:0]


def _is_elsewhere(points: Points, first: Points) -> Bool:
    """Which points are far from where the first trail certainly is at their time."""
    after = np.searchsorted(first.t_s, points.t_s)
    between = (after > 0) & (after < len(first))
    after = np.where(between, after, 0)
    known = between & (first.t_s[after] - first.t_s[after - 1] <= _KNOWN_WITHIN_S)
    x_m, y_m = (np.interp(points.t_s, first.t_s, column) for column in (first.x_m, first.y_m))
    far: Bool = np.hypot(points.x_m - x_m, points.y_m - y_m) > SECOND_TRAIL_DISTANCE_M
    return known & far


def _linked(points: Points, policy: Policy) -> Bool:
    """Which neighbours can follow one another."""
    duration = np.diff(points.t_s)
    variance = points.variance_m2()
    distance = np.hypot(np.diff(points.x_m), np.diff(points.y_m))
    speed = np.where(duration <= policy.max_gap_s, policy.max_speed_mps, MAX_TRAVEL_MPS)
    linked: Bool = distance <= speed * duration + np.sqrt(variance[1:] + variance[:-1])
    return linked


class _Search:
    """Longest path over the links, run by run; looks back only while the longest chain has been left.

    Plain numbers, no arrays: it looks back a few steps at a time, where arrays cost more than they save.
    """

    def __init__(self, points: Points, policy: Policy, linked: Bool) -> None:
        count = len(points)
        self._t_s: list[float] = points.t_s.tolist()
        self._x_m: list[float] = points.x_m.tolist()
        self._y_m: list[float] = points.y_m.tolist()
        self._variance: list[float] = points.variance_m2().tolist()
        self._policy = policy
        self._length = [0] * count  # of the longest chain that ends here
        self._previous = [-1] * count
        self._leader = [0] * count  # end of the longest chain up to here
        # The first fix after each run of fixes that follow their neighbours.
        breaks = np.append(np.flatnonzero(~linked) + 1, count)
        self._run_end: list[int] = breaks[np.searchsorted(breaks, np.arange(count), side="right")].tolist()

    def longest(self) -> Int64:
        fix, count = 0, len(self._t_s)
        while fix < count:
            self._link(fix)
            # From the end of the longest chain the rest of an unbroken run follows without a choice.
            fix = self._follow(fix) if self._leader[fix] == fix else fix + 1
        chain = [self._leader[-1]]
        while (previous := self._previous[chain[-1]]) >= 0:
            chain.append(previous)
        return np.array(chain[::-1])

    def _link(self, fix: int) -> None:
        """Hang a fix on the longest chain that reaches it; among equals the most recent."""
        found = self._best_before(fix)
        self._previous[fix] = found
        self._length[fix] = 1 if found < 0 else self._length[found] + 1
        leader = self._leader[fix - 1] if fix else fix
        self._leader[fix] = fix if self._length[fix] >= self._length[leader] else leader

    def _follow(self, fix: int) -> int:
        end = self._run_end[fix]
        length = self._length[fix]
        self._length[fix + 1 : end] = range(length + 1, length + end - fix)
        self._previous[fix + 1 : end] = range(fix, end - 1)
        self._leader[fix + 1 : end] = range(fix + 1, end)
        return end

    def _best_before(self, fix: int) -> int:
        found, length = -1, 0
        stop = max(fix - LOOK_BACK, 0)
        for earlier in range(fix - 1, stop - 1, -1):
            if self._length[self._leader[earlier]] <= length:
                return found  # nothing further back is longer
            if self._length[earlier] > length and self._reaches(earlier, fix):
                found, length = earlier, self._length[earlier]
        leader = self._leader[stop - 1] if stop else -1
        return leader if stop and self._length[leader] > length and self._reaches(leader, fix) else found

    def _reaches(self, earlier: int, fix: int) -> bool:
        duration = self._t_s[fix] - self._t_s[earlier]
        speed = self._policy.max_speed_mps if duration <= self._policy.max_gap_s else MAX_TRAVEL_MPS
        error = math.sqrt(self._variance[earlier] + self._variance[fix])
        distance = math.hypot(self._x_m[earlier] - self._x_m[fix], self._y_m[earlier] - self._y_m[fix])
        return distance <= speed * duration + error
