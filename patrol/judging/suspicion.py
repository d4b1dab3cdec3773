"""What makes a patrol doubtful beside others: a track shown twice, a way walked twice, a phone for many.

Nobody is accused: every doubt names what there is to look at, and a person decides. Of two patrols at one
time both are looked at; of a track and its later copy, the copy.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from patrol.judging.cleaning import CleanTrack
from patrol.judging.likeness import Likeness, Trace, copied, together, trace_of, unpacked
from patrol.judging.neighbours import Asked, Neighbours, neighbours_of
from patrol.judging.verdicts import Check, Verdict, doubt
from patrol.models import Patrol
from patrol.policies import Policy

_MIN_REPLAY_M = 100.0  # a few steps may be equal by chance
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
    started_at: datetime
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


@dataclass(frozen=True, slots=True, eq=False)
class Suspect:
    """A patrol judged by itself, to be compared with others."""

    patrol: Patrol
    verdict: Verdict
    trace: Trace | None
    policy: Policy


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
    asking = [Suspect(patrol, verdict, trace_of(track), policy)]
    return suspicions_of(session, asking, compared=compared)[patrol.patrol_id]


def suspicions_of(
    session: Session, suspects: Sequence[Suspect], *, compared: Compared | None = None
) -> dict[uuid.UUID, Suspicion]:
    """The same of many patrols, looked for together: the verdicts of all of them are stored already."""
    compared = compared or Compared()
    found = neighbours_of(session, [_asked(one) for one in suspects])
    return {one.patrol.patrol_id: _suspicion(one, found[one.patrol.patrol_id], compared) for one in suspects}


def _asked(one: Suspect) -> Asked:
    return Asked(one.patrol, track_mark(one.verdict), one.trace if one.policy.max_alike_ratio else None)


def _suspicion(one: Suspect, found: Neighbours, compared: Compared) -> Suspicion:
    alike, sharers, policy = _alike(one, found, compared), found.sharers, one.policy
    people = {person_id for _, person_id in sharers}
    doubts = [*_track_doubts(one.verdict, alike, policy)]
    if policy.max_people_per_device and len(people) + 1 > policy.max_people_per_device and people:
        shown = [{"id": str(patrol_id)} for patrol_id, _ in sharers[:_MOST_SHOWN]]
        limit = policy.max_people_per_device
        doubts.append(
            doubt("device_people", len(people) + 1, limit, "people", code="shared-device", patrols=shown)
        )
    related = {other.patrol_id for other in alike} | {patrol_id for patrol_id, _ in sharers}
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


def _alike(one: Suspect, found: Neighbours, compared: Compared) -> list[_Alike]:
    """Other patrols alike to this one, the exact copies first."""
    own, patrol, limit = one.trace, one.patrol, one.policy.max_alike_ratio
    alike = [
        _Alike(patrol_id, None, True, False, is_later=started_at < patrol.started_at)
        for patrol_id, started_at in found.exact
    ]
    if own is None or not limit:
        return alike
    exact = {copy.patrol_id for copy in alike}
    this = _Other(patrol.patrol_id, patrol.person_id, patrol.started_at, own)
    for near in found.near:
        if near.patrol_id not in exact:
            other = _Other(near.patrol_id, near.person_id, near.started_at, unpacked(near.trace))
            like = _compared(this, other, limit, compared)
            alike += [like] if like is not None else []
    return alike


def _compared(this: _Other, other: _Other, limit: float, compared: Compared) -> _Alike | None:
    """Always in one order, so that both find the same."""
    is_later = (other.started_at, other.patrol_id) < (this.started_at, this.patrol_id)
    first, second = (other, this) if is_later else (this, other)
    pair = (first.patrol_id, second.patrol_id, limit)
    if pair not in compared.likeness:
        compared.likeness[pair] = _laid_over(first, second, limit)
    likeness, is_beside = compared.likeness[pair]
    if likeness is None:
        return None
    return _Alike(other.patrol_id, likeness, False, is_beside, is_later)


def _laid_over(first: _Other, second: _Other, limit: float) -> tuple[Likeness | None, bool]:
    """How alike they are, and whether they were so at the same time; None when not above the limit."""
    is_own = first.person_id == second.person_id
    if _overlap(first.trace, second.trace) and not is_own:
        likeness = together(first.trace, second.trace, above=limit)
        if likeness is not None:
            return likeness, True
    return copied(first.trace, second.trace, is_own=is_own, above=limit), False


def _overlap(one: Trace, other: Trace) -> bool:
    return one.first_tick < other.first_tick + len(other) and other.first_tick < one.first_tick + len(one)
