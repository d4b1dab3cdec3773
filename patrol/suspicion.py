"""What makes a patrol doubtful beside others: a track shown twice, a way walked twice, a phone for many.

Nobody is accused: every doubt names what there is to look at, and a person decides. Of two patrols at one
time both are looked at; of a track and its later copy, the copy.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Double, Row, Select, bindparam, func, or_, select, true
from sqlalchemy.orm import Session

from core.clock import LOCAL_ZONE, local_date
from geo.models import CGCS2000
from patrol.cleaning import CleanTrack
from patrol.evidence import closing_of
from patrol.likeness import Likeness, Trace, copied, middle_of, together, trace_of, unpacked
from patrol.models import Patrol, PatrolVerdict
from patrol.policies import Policy
from patrol.verdicts import Check, Verdict, doubt

_MIN_REPLAY_M = 100.0  # a few steps may be equal by chance
# Copies have their middle in this box around their own: degrees and days.
_COPY_LON, _COPY_LAT, _COPY_DAYS = 7e-4, 6e-4, 35.0
# Walks of one time may overlap in part, so their middles lie further apart.
_BESIDE_LON, _BESIDE_LAT, _BESIDE_DAYS = 6e-3, 5e-3, 0.25
_MOST_COMPARED = 200  # the nearest in time first
_MOST_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Doubts that follow from other patrols, and all those that this one is alike or shares a phone with."""

    doubts: tuple[Check, ...]
    related: frozenset[uuid.UUID]


@dataclass(frozen=True, slots=True, eq=False)
class _Other:
    """A judged patrol that may be alike."""

    patrol_id: uuid.UUID
    person_id: uuid.UUID
    grid_id: int
    started_at: datetime
    fix_count: int
    length_m: float
    trace: Trace


@dataclass(frozen=True, slots=True)
class _Alike:
    """Another patrol, and in what it is alike; `is_exact` to the last bit, `is_later` than it."""

    patrol_id: uuid.UUID
    likeness: Likeness | None
    is_exact: bool
    is_beside: bool  # at the same time
    is_later: bool  # the judged patrol began after the other

    def shown(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"id": str(self.patrol_id)}
        if self.likeness is not None:
            shown["ratio"] = round(self.likeness.ratio, 3)
            shown["distance_m"] = round(self.likeness.distance_m, 1)
            shown["shift_s"] = self.likeness.shift_s
            shown["minutes"] = self.likeness.minutes
        return shown


def track_mark(verdict: Verdict) -> tuple[int, float] | None:
    """What two patrols share only when one track was played twice: no two walks are equal to the last bit."""
    return (verdict.fix_count, verdict.length_m) if verdict.length_m >= _MIN_REPLAY_M else None


def replayed(verdict: Verdict, **evidence: Any) -> Check:
    """The doubt about a track that an earlier patrol of the grid has already shown."""
    return doubt("replayed_fixes", verdict.fix_count, 0, "fixes", code="replayed-track", **evidence)


@dataclass(slots=True)
class Compared:
    """Pairs of tracks that were laid over each other already: both of a pair find the same."""

    likeness: dict[tuple[uuid.UUID, uuid.UUID, float], tuple[Likeness | None, bool]] = field(
        default_factory=dict
    )


def suspicion_of(
    session: Session,
    patrol: Patrol,
    verdict: Verdict,
    track: CleanTrack,
    policy: Policy,
    *,
    compared: Compared | None = None,
) -> Suspicion:
    """What other patrols, stored and delivered before this one's week was closed, make doubtful in it.

    `compared` is shared by patrols that are looked at one after the other while nothing of them changes.
    """
    alike = _alike(session, patrol, verdict, track, policy, compared=compared or Compared())
    sharers = _same_device(session, patrol)
    people = {one.person_id for one in sharers}
    doubts = [*_track_doubts(verdict, alike, policy)]
    if policy.max_people_per_device and len(people) + 1 > policy.max_people_per_device and people:
        shown = [{"id": str(one.patrol_id)} for one in sharers[:_MOST_SHOWN]]
        limit = policy.max_people_per_device
        doubts.append(
            doubt("device_people", len(people) + 1, limit, "people", code="shared-device", patrols=shown)
        )
    related = {one.patrol_id for one in alike} | {one.patrol_id for one in sharers}
    return Suspicion(tuple(doubts), frozenset(related))


def _track_doubts(verdict: Verdict, alike: Sequence[_Alike], policy: Policy) -> Iterable[Check]:
    exact = [one for one in alike if one.is_exact and one.is_later]
    if exact:
        yield replayed(verdict, patrols=[one.shown() for one in exact[:_MOST_SHOWN]])
    limit = policy.max_alike_ratio
    for code, found in (
        ("shared-track", [one for one in alike if one.is_beside and not one.is_exact]),
        ("copied-track", [one for one in alike if one.is_later and not (one.is_beside or one.is_exact)]),
    ):
        if found:
            found.sort(key=lambda one: (-one.likeness.ratio if one.likeness else 0.0, one.patrol_id))
            best = found[0].likeness
            assert best is not None, "only exact copies have none"
            shown = [one.shown() for one in found[:_MOST_SHOWN]]
            ratio = int(best.ratio * 1000) / 1000
            yield doubt("alike_ratio", ratio, limit, "ratio", code=code, patrols=shown)


# ----------------------------------------------------------------------------------------- alike tracks


def _alike(
    session: Session,
    patrol: Patrol,
    verdict: Verdict,
    track: CleanTrack,
    policy: Policy,
    *,
    compared: Compared,
) -> list[_Alike]:
    """Other patrols alike to this one, the earliest first."""
    own = trace_of(track)
    found = _exact(session, patrol, verdict)
    if own is None or not policy.max_alike_ratio:
        return found
    exact = {one.patrol_id for one in found}
    this = _Other(patrol.patrol_id, patrol.person_id, patrol.grid_id, patrol.started_at, 0, 0.0, own)
    for other in _near(session, patrol, own):
        if other.patrol_id not in exact:
            one = _compared(this, other, policy.max_alike_ratio, compared)
            found += [one] if one is not None else []
    return found


def _compared(this: _Other, other: _Other, limit: float, compared: Compared) -> _Alike | None:
    """Always in one order, so that both find the same."""
    is_later = (other.started_at, other.patrol_id) < (this.started_at, this.patrol_id)
    first, second = (other, this) if is_later else (this, other)
    pair = (first.patrol_id, second.patrol_id, limit)
    if pair not in compared.likeness:
        compared.likeness[pair] = _laid_over(first, second, limit)
    likeness, is_beside = compared.likeness[pair]
    if likeness is None or likeness.ratio <= limit:
        return None
    return _Alike(other.patrol_id, likeness, False, is_beside, is_later)


def _laid_over(first: _Other, second: _Other, limit: float) -> tuple[Likeness | None, bool]:
    """How alike they are, and whether they were so at the same time."""
    is_own = first.person_id == second.person_id
    if _overlap(first.trace, second.trace) and not is_own:
        likeness = together(first.trace, second.trace)
        if likeness is not None and likeness.ratio > limit:
            return likeness, True
    return copied(first.trace, second.trace, is_own=is_own), False


def _overlap(one: Trace, other: Trace) -> bool:
    return one.first_tick < other.first_tick + len(other) and other.first_tick < one.first_tick + len(one)


def _exact(session: Session, patrol: Patrol, verdict: Verdict) -> list[_Alike]:
    """Patrols of the grid with exactly this track, at another time."""
    mark = track_mark(verdict)
    if mark is None:
        return []
    given = {
        "grid_id": patrol.grid_id,
        "patrol_id": patrol.patrol_id,
        "fix_count": mark[0],
        "length_m": mark[1],
        "started_at": patrol.started_at,
        "closing": closing_of(patrol),
    }
    rows = session.execute(_exact_statement(is_in_time=given["closing"] is not None), given)
    return [
        _Alike(patrol_id, None, True, False, is_later=started_at < patrol.started_at)
        for patrol_id, started_at in rows
    ]


def _near(session: Session, patrol: Patrol, own: Trace) -> list[_Other]:
    """Judged patrols whose middle lies near this one's, by the index over place and time."""
    given = {
        **{f"middle_{axis}": at for axis, at in enumerate(middle_of(own))},
        "patrol_id": patrol.patrol_id,
        "started_at": patrol.started_at,
        "closing": closing_of(patrol),
    }
    rows = session.execute(_near_statement(is_in_time=given["closing"] is not None), given)
    others = [_Other(**{**row._asdict(), "trace": unpacked(row.trace)}) for row in rows]
    return sorted(others, key=lambda one: (one.started_at, one.patrol_id))


@cache
def _exact_statement(*, is_in_time: bool) -> Select[uuid.UUID, datetime]:
    """Built once: that takes longer than running it."""
    return (
        select(PatrolVerdict.patrol_id, PatrolVerdict.started_at)
        .join(Patrol, Patrol.patrol_id == PatrolVerdict.patrol_id)
        .where(
            PatrolVerdict.grid_id == bindparam("grid_id"),
            PatrolVerdict.patrol_id != bindparam("patrol_id"),
            PatrolVerdict.fix_count == bindparam("fix_count"),
            PatrolVerdict.length_m == bindparam("length_m"),
            PatrolVerdict.started_at != bindparam("started_at"),
            Patrol.start_received_at < bindparam("closing") if is_in_time else true(),
        )
        .order_by(PatrolVerdict.started_at, PatrolVerdict.patrol_id)
    )


@cache
def _near_statement(*, is_in_time: bool) -> Select[Any]:
    apart = func.abs(func.extract("epoch", PatrolVerdict.started_at - bindparam("started_at")))
    columns: list[Any] = [
        PatrolVerdict.patrol_id,
        PatrolVerdict.person_id,
        PatrolVerdict.grid_id,
        PatrolVerdict.started_at,
        PatrolVerdict.fix_count,
        PatrolVerdict.length_m,
        PatrolVerdict.trace,
    ]
    return (
        select(*columns)
        .join(Patrol, Patrol.patrol_id == PatrolVerdict.patrol_id)
        .where(
            or_(
                _in_box((_COPY_LON, _COPY_LAT, _COPY_DAYS)),
                _in_box((_BESIDE_LON, _BESIDE_LAT, _BESIDE_DAYS)),
            ),
            PatrolVerdict.patrol_id != bindparam("patrol_id"),
            Patrol.start_received_at < bindparam("closing") if is_in_time else true(),
        )
        .order_by(apart, PatrolVerdict.patrol_id)
        .limit(_MOST_COMPARED)
    )


def _in_box(reach: Sequence[float]) -> ColumnElement[bool]:
    low, high = (
        func.ST_MakePoint(
            *(bindparam(f"middle_{axis}", type_=Double) + sign * by for axis, by in enumerate(reach))
        )
        for sign in (-1, 1)
    )
    box = func.ST_SetSRID(func.ST_MakeLine(low, high), CGCS2000)
    return PatrolVerdict.middle.op("&&&", is_comparison=True)(box)


# ---------------------------------------------------------------------------------------- shared phones


def _same_device(session: Session, patrol: Patrol) -> list[Row[Any]]:
    """Patrols that other people made with this phone on the same day."""
    if patrol.device_id is None:
        return []
    midnight = datetime.combine(local_date(patrol.started_at), time(), LOCAL_ZONE)
    return list(
        session.execute(
            select(Patrol.patrol_id, Patrol.person_id)
            .where(
                Patrol.device_id == patrol.device_id,
                Patrol.person_id != patrol.person_id,
                Patrol.started_at >= midnight,
                Patrol.started_at < midnight + timedelta(days=1),
                *_in_time(patrol),
            )
            .order_by(Patrol.started_at, Patrol.patrol_id)
        )
    )


def _in_time(patrol: Patrol) -> list[ColumnElement[bool]]:
    """What was delivered after a week was closed changes nothing in it."""
    closing = closing_of(patrol)
    return [] if closing is None else [Patrol.start_received_at < closing]
