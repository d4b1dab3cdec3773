"""What a cleaned track is worth in its grid: the checks, their figures, and the status that follows."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np

from geo.area import Degrees, GridArea
from geo.cells import Cells
from patrol.fixes import Bool, Float64, Int64
from patrol.judging.cleaning import UNUSABLE, CleanTrack, Flag
from patrol.policies import Policy
from patrol.presence.rules import NOWHERE, Presence

# A leg is looked at every so many metres: a cell (about 50 m across) on the way can only be missed where
# the path cuts a corner shorter than this.
SAMPLE_M = 10.0
_MOCK_OR_OUTSIDE = int(Flag.MOCK | Flag.OUTSIDE_PATROL)
_FLAG_NAMES = [str(flag.name).lower() for flag in Flag]  # from the lowest bit
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


class Kind(StrEnum):
    """What a result is: something asked for, a sign that a person must look at, or a thing to know."""

    CHECK = "check"
    DOUBT = "doubt"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Check:
    """One measured figure beside the required one; `code` names the sentence in patrol/judging/reasons.py."""

    check: str
    measured: float
    required: float
    unit: str  # min, ratio, m, fixes, checkpoints, people
    passed: bool
    code: str
    kind: Kind = Kind.CHECK
    # What a supervisor can look at, e.g. {"patrols": [{"id": ..., "ratio": ...}]}; people see those of the
    # patrols that they may read.
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def members(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What follows from what is stored, the grid version and the policy; nothing else goes in."""

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
    presence: Presence = NOWHERE

    @property
    def in_grid_ratio(self) -> float:
        return self.in_grid_s / self.observed_s if self.observed_s else 0.0


def judge(
    track: CleanTrack, area: GridArea, policy: Policy, presence: Presence = NOWHERE, clock_offset_s: int = 0
) -> Verdict:
    """Judge a cleaned track and what else was shown. A doubt goes to a person, whatever the figures say."""
    lon, lat = track.fixes.lon, track.fixes.lat
    inside = area.contains(lon, lat)
    flags = track.flags | np.where(inside, 0, int(Flag.OUT_OF_GRID))
    kept_inside = inside[track.kept]
    # a leg across the rim counts half
    leg_share = (kept_inside[:-1].astype(np.float64) + kept_inside[1:]) / 2
    walked_s = np.where(track.walked, track.leg_s, 0.0)
    observed_s = float(walked_s.sum()) + presence.indoor_s
    in_grid_s = float((walked_s * leg_share).sum()) + presence.indoor_s
    cells, dwell_s = _dwell(track, leg_share > 0, area)
    coverage = len(cells) / len(area.cells) if len(area.cells) else 0.0
    length_m = float(track.leg_m[track.walked].sum())
    checks = [
        *_checks(policy, in_grid_s, observed_s, length_m),
        *_alternatives(policy, coverage, presence),
    ]
    doubts = [*_doubts(track, policy, walked_s), *_presence_doubts(policy, presence, clock_offset_s)]
    return Verdict(
        status=_status(checks, doubts),
        results=(*checks, *doubts, *_notes(policy, presence, clock_offset_s)),
        flags=_counts(flags),
        fix_count=len(track.fixes),
        observed_s=observed_s,
        in_grid_s=in_grid_s,
        length_m=length_m,
        coverage_ratio=coverage,
        cells=cells,
        dwell_s=dwell_s,
        presence=presence,
    )


def doubted(verdict: Verdict, doubts: Iterable[Check]) -> Verdict:
    """The verdict with these doubts too, so that a person decides; without any as it was."""
    found = tuple(doubts)
    if not found:
        return verdict
    return replace(verdict, status=Status.PENDING_REVIEW, results=(*verdict.results, *found))


def walked_path(track: CleanTrack) -> list[tuple[Degrees, Degrees]]:
    """The unbroken stretches of the believed path."""
    breaks = np.flatnonzero(~track.walked) + 1
    stretches = np.split(track.kept, breaks)
    return [(track.fixes.lon[part], track.fixes.lat[part]) for part in stretches if len(part) > 1]


def _status(checks: list[Check], doubts: list[Check]) -> Status:
    if doubts:
        return Status.PENDING_REVIEW
    return Status.VALID if all(check.passed for check in checks) else Status.INVALID


def _checks(policy: Policy, in_grid_s: float, observed_s: float, length_m: float) -> list[Check]:
    ratio = in_grid_s / observed_s if observed_s else 0.0
    wanted = [
        ("minutes_in_grid", in_grid_s / 60, policy.min_minutes_in_grid, "min", 1),
        ("in_grid_ratio", ratio, policy.min_in_grid_ratio, "ratio", 3),
        ("metres", length_m, policy.min_metres, "m", 0),
    ]
    return [
        _minimum(name, measured, required, unit, digits)
        for name, measured, required, unit, digits in wanted
        if required > 0
    ]


def _alternatives(policy: Policy, coverage: float, presence: Presence) -> list[Check]:
    """Coverage and checkpoints: one that is met stands in for the other."""
    checks = []
    if policy.min_coverage_ratio > 0:
        checks.append(_minimum("coverage_ratio", coverage, policy.min_coverage_ratio, "ratio", 3))
    if policy.min_checkpoint_ratio > 0 and presence.total:
        required = math.ceil(policy.min_checkpoint_ratio * presence.total - 1e-9)
        visited = len(presence.visits)
        checks.append(_minimum("checkpoints", visited, required, "checkpoints", 0))
    if not any(check.passed for check in checks):
        return checks
    return [check if check.passed else _waived(check) for check in checks]


def _waived(check: Check) -> Check:
    return replace(check, passed=True, code=check.code.removesuffix("-short") + "-waived")


def _minimum(name: str, measured: float, required: float, unit: str, digits: int) -> Check:
    # Rounded down: 19.97 minutes must not be shown as 20.0 beside "at least 20 are required". The added
    # 1e-9 keeps a sum like 1199.9999999999998 s from losing a digit.
    shown = np.floor((measured + 1e-9) * 10**digits) / 10**digits
    passed = bool(shown >= required)
    code = name.replace("_", "-") + ("-met" if passed else "-short")
    return Check(name, float(shown), float(required), unit, passed, code)


def doubt(check: str, measured: float, required: float, unit: str, *, code: str, **evidence: Any) -> Check:
    """A sign that somebody must look at, with what there is to look at."""
    return Check(check, measured, required, unit, False, code, Kind.DOUBT, evidence)


def _note(check: str, seconds: float, code: str, limit_s: float = 0.0) -> Check:
    return Check(check, _tenths(seconds / 60), _tenths(limit_s / 60), "min", True, code, Kind.NOTE)


def _doubts(track: CleanTrack, policy: Policy, walked_s: Float64) -> list[Check]:
    """Signs of a position that no receiver measured; each one alone sends the patrol to a person."""
    doubts = []
    mocked = int(np.count_nonzero((track.flags & _MOCK_OR_OUTSIDE) == Flag.MOCK))
    if mocked:
        doubts.append(doubt("mock_fixes", mocked, 0, "fixes", code="mock-positions"))
    if track.has_second_trail:
        second = int(((track.flags & Flag.CLOCK_SKEW) > 0).sum())
        doubts.append(doubt("second_trail_fixes", second, 0, "fixes", code="two-trails"))
    if len(track.kept) >= _MIN_SUSPECT_FIXES:
        doubts += _frozen(track, policy, walked_s) + _constant_accuracy(track, policy)
        doubts += _impossible_speed(track, policy)
    return doubts


def _frozen(track: CleanTrack, policy: Policy, walked_s: Float64) -> list[Check]:
    observed_s = float(walked_s.sum())
    frozen_s = float(walked_s[track.leg_m == 0.0].sum())
    if not observed_s or not policy.max_frozen_ratio or frozen_s <= policy.max_frozen_ratio * observed_s:
        return []
    ratio, limit = _thousandths(frozen_s / observed_s), policy.max_frozen_ratio
    return [doubt("frozen_ratio", ratio, limit, "ratio", code="frozen-position")]


def _constant_accuracy(track: CleanTrack, policy: Policy) -> list[Check]:
    accuracy = track.fixes.accuracy_m[track.kept]
    limit = policy.max_constant_accuracy_fixes
    if not limit or len(accuracy) <= limit or np.any(accuracy != accuracy[0]):  # nan != nan: not stated
        return []
    return [doubt("constant_accuracy_fixes", len(accuracy), limit, "fixes", code="constant-accuracy")]


def _impossible_speed(track: CleanTrack, policy: Policy) -> list[Check]:
    usable = (track.flags & UNUSABLE) == 0
    jumps, limit = int((track.flags[usable] & Flag.JUMP > 0).sum()), policy.max_jump_ratio
    if not limit or jumps <= limit * int(usable.sum()):
        return []
    ratio = _thousandths(jumps / int(usable.sum()))
    return [doubt("jump_ratio", ratio, limit, "ratio", code="impossible-speed", fixes=jumps)]


def _presence_doubts(policy: Policy, presence: Presence, clock_offset_s: int) -> list[Check]:
    doubts = []
    if presence.far:
        places = [{"id": str(one.checkpoint_id), "distance_m": one.distance_m} for one in presence.far]
        farthest, limit = max(one.distance_m for one in presence.far), policy.max_check_in_distance_m
        doubts.append(
            doubt("check_in_distance", farthest, limit, "m", code="check-in-far", checkpoints=places)
        )
    if policy.max_clock_skew_s and abs(clock_offset_s) > policy.max_clock_skew_s:
        skew, limit = _tenths(abs(clock_offset_s) / 60), _tenths(policy.max_clock_skew_s / 60)
        doubts.append(
            doubt("clock_skew", skew, limit, "min", code="clock-skew", clock_offset_s=clock_offset_s)
        )
    return doubts


def _notes(policy: Policy, presence: Presence, clock_offset_s: int) -> list[Check]:
    notes = [
        _note(f"unknown_{reason}", unknown_s, f"gap-{reason.replace('_', '-')}")
        for reason, unknown_s in presence.unknown_by_reason.items()
    ]
    if presence.indoor_s:
        limit_s = policy.max_indoor_minutes * 60
        notes.append(_note("indoor_minutes", presence.indoor_s, "indoor-minutes", limit_s))
    if clock_offset_s and not (policy.max_clock_skew_s and abs(clock_offset_s) > policy.max_clock_skew_s):
        notes.append(_note("clock_skew", abs(clock_offset_s), "clock-corrected", policy.max_clock_skew_s))
    return notes


def _tenths(value: float) -> float:
    return math.floor((value + 1e-9) * 10) / 10


def _thousandths(ratio: float) -> float:
    return math.floor((ratio + 1e-9) * 1000) / 1000


def _counts(flags: Int64) -> dict[str, int]:
    bits = np.unpackbits(flags.astype(np.uint8)[:, None], axis=1, bitorder="little")
    counts = zip(_FLAG_NAMES, bits[:, : len(_FLAG_NAMES)].sum(axis=0).tolist(), strict=True)
    return {name: count for name, count in counts if count}


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
