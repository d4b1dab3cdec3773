"""Which checkpoints a patrol visited, what time it spent in buildings, and what nobody knows. Pure rules.

A plate proves presence by being shown; an outdoor checkpoint also by the track, within its radius for long
enough. A check-in that proves nothing keeps its reason, so that nothing a worker did disappears.
"""

import math
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np

from geo.area import distances_m, metres_per_degree
from patrol.judging.cleaning import CleanTrack
from patrol.policies import Policy

OUTDOOR = "outdoor"
BY_POSITION, BY_TRACK = "position", "track"
# A plate scanned just before the start or after the finish button belongs to the patrol.
TOLERANCE_MS = 120_000
# Where the phone was at a moment is known between two of its fixes at most this far apart.
_KNOWN_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True)
class StandingCheckpoint:
    """A checkpoint of the grid on the day of the patrol."""

    checkpoint_id: uuid.UUID
    name: str
    kind: str
    lon: float
    lat: float
    radius_m: float
    building_id: uuid.UUID | None = None
    building: str | None = None
    floor: str | None = None
    entrance: str | None = None


@dataclass(frozen=True, slots=True)
class CheckInFact:
    """A stored check-in; `replaced_ms` is when the plate that was shown stopped being good, if it has."""

    check_in_id: uuid.UUID
    checkpoint_id: uuid.UUID
    proof: str
    at_ms: int
    replaced_ms: int | None = None
    lon: float | None = None
    lat: float | None = None
    accuracy_m: float | None = None


@dataclass(frozen=True, slots=True)
class GapFact:
    """A time of which the phone says why it recorded nothing."""

    gap_id: uuid.UUID
    from_ms: int
    to_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is stored of a patrol beside its fixes."""

    checkpoints: tuple[StandingCheckpoint, ...] = ()
    check_ins: tuple[CheckInFact, ...] = ()
    gaps: tuple[GapFact, ...] = ()
    clock_offset_s: int = 0  # the largest error of the phone's clock that was put right

    @property
    def last_ms(self) -> int:
        """The latest moment that anything here speaks of; 0 for nothing."""
        ends = (*(one.at_ms for one in self.check_ins), *(gap.to_ms for gap in self.gaps))
        return max(ends, default=0)


NO_EVIDENCE = Evidence()


@dataclass(frozen=True, slots=True)
class Visit:
    """A visited checkpoint with its best proof: token, short_code or track."""

    checkpoint_id: uuid.UUID
    proof: str
    at_ms: int

    def members(self) -> dict[str, Any]:
        return {
            "checkpoint_id": str(self.checkpoint_id),
            "proof": self.proof,
            "at": _iso(self.at_ms),
        }


@dataclass(frozen=True, slots=True)
class Useless:
    """A check-in that proves nothing, with the code of the reason."""

    check_in_id: uuid.UUID
    checkpoint_id: uuid.UUID
    code: str

    def members(self) -> dict[str, str]:
        return {
            "check_in_id": str(self.check_in_id),
            "checkpoint_id": str(self.checkpoint_id),
            "code": self.code,
        }


@dataclass(frozen=True, slots=True)
class Far:
    """A plate was shown while the phone was far from it."""

    checkpoint_id: uuid.UUID
    distance_m: float


@dataclass(frozen=True, slots=True)
class Presence:
    """What follows from the evidence."""

    visits: tuple[Visit, ...] = ()
    useless: tuple[Useless, ...] = ()
    total: int = 0
    indoor_s: float = 0.0
    unknown_s: float = 0.0
    gaps: tuple[Mapping[str, Any], ...] = ()
    far: tuple[Far, ...] = ()
    unknown_by_reason: Mapping[str, float] = field(default_factory=dict)


NOWHERE = Presence()


def presence_of(
    track: CleanTrack, evidence: Evidence, policy: Policy, *, started_ms: int, finished_ms: int
) -> Presence:
    """What check-ins, track and gaps prove together."""
    if not (evidence.checkpoints or evidence.check_ins or evidence.gaps):
        return NOWHERE
    known = _Known(track, policy)
    standing = {one.checkpoint_id: one for one in evidence.checkpoints}
    by_track = _dwelt_at(track, [one for one in evidence.checkpoints if one.kind == OUTDOOR], policy)
    within = (started_ms - TOLERANCE_MS, finished_ms + TOLERANCE_MS)
    ordered = sorted(evidence.check_ins, key=lambda one: (one.at_ms, one.check_in_id))
    useless, good = [], []
    for one in ordered:
        code = _why_useless(one, standing, by_track, within)
        if code is not None:
            useless.append(Useless(one.check_in_id, one.checkpoint_id, code))
        elif one.proof != BY_POSITION:
            good.append(one)
    gaps = _clipped(evidence.gaps, started_ms, finished_ms)
    return Presence(
        visits=_visits(good, by_track),
        useless=tuple(useless),
        total=len(standing),
        indoor_s=_indoor_s(good, standing, known, policy),
        unknown_s=sum(known.unknown_s(*span) for span in _merged(gaps)),
        gaps=tuple(_gap_members(gap, known) for gap in gaps),
        far=_far(good, standing, track, policy),
        unknown_by_reason=_by_reason(gaps, known),
    )


class _Known:
    """How much of a stretch of time has positions: seconds on legs that are no gap."""

    def __init__(self, track: CleanTrack, policy: Policy) -> None:
        self._at_ms = track.fixes.at_ms[track.kept]
        known_s = np.where(track.leg_s <= policy.max_gap_s, track.leg_s, 0.0)
        self._sum_s = np.concatenate(([0.0], np.cumsum(known_s)))

    def unknown_s(self, from_ms: int, to_ms: int) -> float:
        length_s = (to_ms - from_ms) / 1000.0
        if not len(self._at_ms):
            return length_s
        first, last = np.interp((from_ms, to_ms), self._at_ms, self._sum_s)
        return max(length_s - float(last - first), 0.0)


# ---------------------------------------------------------------------------------------- checkpoints


def _why_useless(
    one: CheckInFact,
    standing: Mapping[uuid.UUID, StandingCheckpoint],
    by_track: Mapping[uuid.UUID, int],
    within: tuple[int, int],
) -> str | None:
    """The code of what is wrong with a check-in; None when nothing is."""
    checkpoint = standing.get(one.checkpoint_id)
    if not within[0] <= one.at_ms <= within[1]:
        return "check-in-outside-patrol"
    if checkpoint is None:
        return "checkpoint-elsewhere"
    if one.replaced_ms is not None and one.at_ms > one.replaced_ms:
        return "plate-replaced"
    if one.proof != BY_POSITION:
        return None
    if checkpoint.kind != OUTDOOR:
        return "plate-needed"
    return None if one.checkpoint_id in by_track else "dwell-too-short"


def _dwelt_at(
    track: CleanTrack, outdoor: Sequence[StandingCheckpoint], policy: Policy
) -> dict[uuid.UUID, int]:
    """Outdoor checkpoints around which the track stayed long enough, with the first moment there."""
    if not outdoor or len(track.kept) < 2:
        return {}
    lon, lat = track.fixes.lon[track.kept], track.fixes.lat[track.kept]
    at_ms = track.fixes.at_ms[track.kept]
    walked_s = np.where(track.walked, track.leg_s, 0.0)
    found = {}
    for one in outdoor:
        per_lon, per_lat = metres_per_degree(np.array(one.lat))
        near = np.hypot((lon - one.lon) * per_lon, (lat - one.lat) * per_lat) <= one.radius_m
        # A leg across the rim counts half, as at the rim of the grid.
        dwell_s = float((walked_s * (near[:-1].astype(np.float64) + near[1:])).sum()) / 2
        if near.any() and dwell_s >= policy.min_dwell_s:
            found[one.checkpoint_id] = int(at_ms[near.argmax()])
    return found


def _visits(good: Iterable[CheckInFact], by_track: Mapping[uuid.UUID, int]) -> tuple[Visit, ...]:
    """One visit a checkpoint, the first showing of its plate before the track."""
    visits = {place: Visit(place, BY_TRACK, at_ms) for place, at_ms in by_track.items()}
    for one in reversed(list(good)):
        visits[one.checkpoint_id] = Visit(one.checkpoint_id, one.proof, one.at_ms)
    return tuple(sorted(visits.values(), key=lambda visit: (visit.at_ms, visit.checkpoint_id)))


def _indoor_s(
    good: Sequence[CheckInFact],
    standing: Mapping[uuid.UUID, StandingCheckpoint],
    known: _Known,
    policy: Policy,
) -> float:
    """Time between two plates of one building that has no positions: stairs are climbed without a sky."""
    total_s = 0.0
    for first, second in pairwise(good):
        building_id = standing[first.checkpoint_id].building_id
        if building_id is not None and building_id == standing[second.checkpoint_id].building_id:
            total_s += min(known.unknown_s(first.at_ms, second.at_ms), policy.max_indoor_minutes * 60)
    return total_s


def _far(
    good: Iterable[CheckInFact],
    standing: Mapping[uuid.UUID, StandingCheckpoint],
    track: CleanTrack,
    policy: Policy,
) -> tuple[Far, ...]:
    """Plates shown at a time when the phone was elsewhere: somebody may carry a photograph of them."""
    if not policy.max_check_in_distance_m:
        return ()
    found = []
    for one in good:
        there = standing[one.checkpoint_id]
        lon, lat, error_m = _phone_at(one, track)
        distance = distances_m(*(np.array([value]) for value in (lon, lat, there.lon, there.lat)))
        distance_m = float(distance[0]) - error_m
        if distance_m > policy.max_check_in_distance_m + there.radius_m:  # nan: nobody knows
            found.append(Far(one.checkpoint_id, math.floor(distance_m)))
    return tuple(found)


def _phone_at(one: CheckInFact, track: CleanTrack) -> tuple[float, float, float]:
    """Where the phone was at the check-in and the error of that; nan when unknown."""
    at_ms = track.fixes.at_ms[track.kept]
    after = int(np.searchsorted(at_ms, one.at_ms))
    if 0 < after < len(at_ms) and at_ms[after] - at_ms[after - 1] <= _KNOWN_WITHIN_S * 1000:
        lon, lat = (
            float(np.interp(one.at_ms, at_ms, column[track.kept]))
            for column in (track.fixes.lon, track.fixes.lat)
        )
        return lon, lat, 0.0
    if one.lon is None or one.lat is None:
        return math.nan, math.nan, 0.0
    return one.lon, one.lat, one.accuracy_m or 0.0


# ----------------------------------------------------------------------------------------------- gaps


def _clipped(gaps: Iterable[GapFact], started_ms: int, finished_ms: int) -> list[GapFact]:
    """The parts of the gaps inside the patrol, in order."""
    parts = (
        GapFact(gap.gap_id, max(gap.from_ms, started_ms), min(gap.to_ms, finished_ms), gap.reason)
        for gap in gaps
    )
    inside = (gap for gap in parts if gap.from_ms < gap.to_ms)
    return sorted(inside, key=lambda gap: (gap.from_ms, gap.to_ms, gap.gap_id))


def _merged(gaps: Iterable[GapFact]) -> list[tuple[int, int]]:
    """Gaps in order as spans that do not overlap: what two of them say is unknown once."""
    spans: list[tuple[int, int]] = []
    for gap in gaps:
        if spans and gap.from_ms <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], gap.to_ms))
        else:
            spans.append((gap.from_ms, gap.to_ms))
    return spans


def _by_reason(gaps: Sequence[GapFact], known: _Known) -> dict[str, float]:
    reasons = sorted({gap.reason for gap in gaps})
    sums = {
        reason: sum(known.unknown_s(*span) for span in _merged(gap for gap in gaps if gap.reason == reason))
        for reason in reasons
    }
    return {reason: unknown_s for reason, unknown_s in sums.items() if unknown_s > 0}


def _gap_members(gap: GapFact, known: _Known) -> dict[str, Any]:
    return {
        "reason": gap.reason,
        "from": _iso(gap.from_ms),
        "to": _iso(gap.to_ms),
        "unknown_s": known.unknown_s(gap.from_ms, gap.to_ms),
    }


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()
