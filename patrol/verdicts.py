"""What a cleaned track is worth in its grid: the checks, their figures, and the status that follows."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from geo.area import Degrees, GridArea
from geo.cells import Cells
from patrol.cleaning import CleanTrack, Flag
from patrol.fixes import Bool, Float64, Int64
from patrol.policies import Policy

# A leg is looked at every so many metres: a cell (about 50 m across) on the way can only be missed where
# the path cuts a corner shorter than this.
SAMPLE_M = 10.0
# Fewer fixes than this say nothing about a receiver's behaviour.
_MIN_SUSPECT_FIXES = 10


class Status(StrEnum):
    """The fate of a patrol. The first three are computed; only a person makes it the last."""

    VALID = "valid"
    INVALID = "invalid"
    PENDING_REVIEW = "pending_review"
    ACCEPTED = "accepted_by_supervisor"


COUNTING = frozenset({Status.VALID, Status.ACCEPTED})


class Decision(StrEnum):
    """What a supervisor decided on a doubt or an appeal; it outweighs what was computed, which stays."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"


def effective_status(computed: str, decision: str | None) -> Status:
    """What a patrol is in the end."""
    if decision is None:
        return Status(computed)
    return Status.ACCEPTED if decision == Decision.ACCEPTED else Status.INVALID


@dataclass(frozen=True, slots=True)
class Check:
    """One measured figure beside the required one; `code` names the sentence in patrol/reasons.py."""

    check: str
    measured: float
    required: float
    unit: str  # min, ratio, m, fixes
    passed: bool
    code: str

    def members(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What follows from the stored fixes, the grid version and the policy; nothing else goes in."""

    status: Status
    results: tuple[Check, ...]
    flags: dict[str, int]  # number of fixes per quality flag, only those that occur
    fix_count: int  # distinct fixes
    observed_s: float  # gaps and rides excluded, like everything below
    in_grid_s: float
    length_m: float
    coverage_ratio: float
    cells: Cells  # of the grid, passed or dwelt in, sorted
    dwell_s: Float64  # per cell, same order

    @property
    def in_grid_ratio(self) -> float:
        return self.in_grid_s / self.observed_s if self.observed_s else 0.0


def judge(track: CleanTrack, area: GridArea, policy: Policy) -> Verdict:
    """Judge a cleaned track. A doubt about the receiver goes to a person, whatever the figures say."""
    lon, lat = track.fixes.lon, track.fixes.lat
    inside = area.contains(lon, lat)
    flags = track.flags | np.where(inside, 0, int(Flag.OUT_OF_GRID))
    kept_inside = inside[track.kept]
    # a leg across the rim counts half
    leg_share = (kept_inside[:-1].astype(np.float64) + kept_inside[1:]) / 2
    walked_s = np.where(track.walked, track.leg_s, 0.0)
    observed_s, in_grid_s = float(walked_s.sum()), float((walked_s * leg_share).sum())
    cells, dwell_s = _dwell(track, leg_share > 0, area)
    coverage = len(cells) / len(area.cells) if len(area.cells) else 0.0
    length_m = float(track.leg_m[track.walked].sum())
    checks = _checks(policy, in_grid_s, observed_s, coverage, length_m)
    doubts = _doubts(track, policy, walked_s)
    return Verdict(
        status=_status(checks, doubts),
        results=(*checks, *doubts),
        flags=_counts(flags),
        fix_count=len(track.fixes),
        observed_s=observed_s,
        in_grid_s=in_grid_s,
        length_m=length_m,
        coverage_ratio=coverage,
        cells=cells,
        dwell_s=dwell_s,
    )


def doubted(verdict: Verdict, doubt: Check) -> Verdict:
    """The verdict with one more doubt, so that a person decides."""
    return replace(verdict, status=Status.PENDING_REVIEW, results=(*verdict.results, doubt))


def walked_path(track: CleanTrack) -> list[tuple[Degrees, Degrees]]:
    """The unbroken stretches of the believed path."""
    breaks = np.flatnonzero(~track.walked) + 1
    stretches = np.split(track.kept, breaks)
    return [(track.fixes.lon[part], track.fixes.lat[part]) for part in stretches if len(part) > 1]


def _status(checks: list[Check], doubts: list[Check]) -> Status:
    if doubts:
        return Status.PENDING_REVIEW
    return Status.VALID if all(check.passed for check in checks) else Status.INVALID


def _checks(
    policy: Policy, in_grid_s: float, observed_s: float, coverage: float, length_m: float
) -> list[Check]:
    ratio = in_grid_s / observed_s if observed_s else 0.0
    wanted = [
        ("minutes_in_grid", in_grid_s / 60, policy.min_minutes_in_grid, "min", 1),
        ("in_grid_ratio", ratio, policy.min_in_grid_ratio, "ratio", 3),
        ("coverage_ratio", coverage, policy.min_coverage_ratio, "ratio", 3),
        ("metres", length_m, policy.min_metres, "m", 0),
    ]
    return [
        _minimum(name, measured, required, unit, digits)
        for name, measured, required, unit, digits in wanted
        if required > 0
    ]


def _minimum(name: str, measured: float, required: float, unit: str, digits: int) -> Check:
    # Rounded down: 19.97 minutes must not be shown as 20.0 beside "at least 20 are required". The added
    # 1e-9 keeps a sum like 1199.9999999999998 s from losing a digit.
    shown = np.floor((measured + 1e-9) * 10**digits) / 10**digits
    passed = bool(shown >= required)
    code = name.replace("_", "-") + ("-met" if passed else "-short")
    return Check(name, float(shown), float(required), unit, passed, code)


def _doubts(track: CleanTrack, policy: Policy, walked_s: Float64) -> list[Check]:
    """Signs of a position that no receiver measured; each one alone sends the patrol to a person."""
    doubts = []
    mocked = int(((track.flags & (Flag.MOCK | Flag.OUTSIDE_PATROL)) == Flag.MOCK).sum())
    if mocked:
        doubts.append(Check("mock_fixes", mocked, 0, "fixes", False, "mock-positions"))
    if track.has_second_trail:
        second = int(((track.flags & Flag.CLOCK_SKEW) > 0).sum())
        doubts.append(Check("second_trail_fixes", second, 0, "fixes", False, "two-trails"))
    if len(track.kept) >= _MIN_SUSPECT_FIXES:
        doubts += _frozen(track, policy, walked_s) + _constant_accuracy(track, policy)
    return doubts


def _frozen(track: CleanTrack, policy: Policy, walked_s: Float64) -> list[Check]:
    observed_s = float(walked_s.sum())
    frozen_s = float(walked_s[track.leg_m == 0.0].sum())
    if not observed_s or not policy.max_frozen_ratio or frozen_s <= policy.max_frozen_ratio * observed_s:
        return []
    ratio = float(np.floor(frozen_s / observed_s * 1000) / 1000)
    return [Check("frozen_ratio", ratio, policy.max_frozen_ratio, "ratio", False, "frozen-position")]


def _constant_accuracy(track: CleanTrack, policy: Policy) -> list[Check]:
    accuracy = track.fixes.accuracy_m[track.kept]
    limit = policy.max_constant_accuracy_fixes
    if not limit or len(accuracy) <= limit or np.any(accuracy != accuracy[0]):  # nan != nan: not stated
        return []
    return [Check("constant_accuracy_fixes", len(accuracy), limit, "fixes", False, "constant-accuracy")]


def _counts(flags: Int64) -> dict[str, int]:
    bits = np.unpackbits(flags.astype(np.uint8)[:, None], axis=1, bitorder="little")
    counts = zip(Flag, bits.sum(axis=0).tolist(), strict=True)
    return {str(flag.name).lower(): count for flag, count in counts if count}


def _dwell(track: CleanTrack, near: Bool, area: GridArea) -> tuple[Cells, Float64]:
    """The grid's cells under the walked legs and the seconds spent in each."""
    legs = np.flatnonzero(track.walked & near)
    if not len(legs):
        return np.empty(0, np.uint64), np.empty(0)
    lon, lat, seconds = _samples(track, legs)
    number = area.cell_numbers(lon, lat)
    own = number >= 0
    dwell_s = np.bincount(number[own], seconds[own], len(area.cells))
    passed = dwell_s > 0
    return area.cells[passed], dwell_s[passed].astype(np.float64, copy=False)


def _samples(track: CleanTrack, legs: Int64) -> tuple[Degrees, Degrees, Float64]:
    """Positions along the legs at most SAMPLE_M apart, each standing for its share of the leg's time."""
    pieces = np.maximum(np.ceil(track.leg_m[legs] / SAMPLE_M), 1).astype(np.int64)
    leg = np.repeat(legs, pieces)
    nth = np.arange(len(leg)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    share = (nth + 0.5) / np.repeat(pieces, pieces)
    start, end = track.kept[leg], track.kept[leg + 1]
    fixes = track.fixes
    lon = fixes.lon[start] + (fixes.lon[end] - fixes.lon[start]) * share
    lat = fixes.lat[start] + (fixes.lat[end] - fixes.lat[start]) * share
    return lon, lat, np.repeat(track.leg_s[legs] / pieces, pieces)
