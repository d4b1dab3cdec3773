"""Patrols that substitutes make count for whoever is away (the AB post, S0 7.3 c). Pure but for one query.

What a patrol counts for follows from the facts alone, in whatever order they became known: first the walker's
own duty in the grid, then those away whom the walker stood in for on that day.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from access.models import Absence, Person
from access.queries import away_between
from core.clock import local_date
from patrol.judging.verdicts import COUNTING
from patrol.policies import Policy
from patrol.weeks.counting import JudgedPatrol, count_week

PairKey = tuple[uuid.UUID, int]  # person, grid
Judged = Mapping[PairKey, list[JudgedPatrol]]


@dataclass(frozen=True, slots=True)
class StandIn:
    """Days on which one person stands in for another; `end` is the first day no longer."""

    absent_id: uuid.UUID
    substitute_id: uuid.UUID
    substitute_name: str
    first: date
    end: date | None

    def holds_on(self, day: date) -> bool:
        return self.first <= day and (self.end is None or day < self.end)


def stand_ins_between(
    session: Session, people: Collection[uuid.UUID], first: date, last: date
) -> list[StandIn]:
    """Who stands in for these people on some day from the first to the last, the earliest first."""
    if not people:
        return []
    rows = session.execute(
        select(
            Absence.person_id,
            Absence.substitute_id,
            Person.name,
            Absence.valid_from,
            func.least(Absence.valid_to, Absence.cancelled_on),
        )
        .join(Person, Person.person_id == Absence.substitute_id)
        .where(Absence.person_id.in_(people), away_between(first, last))
        .order_by(Absence.valid_from, Absence.absence_id)
    )
    return [StandIn(*row) for row in rows]


def share_out(
    judged: Judged, pairs: Mapping[PairKey, Policy], stand_ins: Sequence[StandIn]
) -> dict[PairKey, list[JudgedPatrol]]:
    """Every patrol of a pair's person or substitute at exactly one pair.

    A walker with an own duty in the grid gives away only what that duty does not need and what is worth
    something; all that a mere substitute walks belongs to somebody who is away.
    """
    shares = {key: list(judged.get(key, ())) for key in pairs}
    if not stand_ins:
        return shares
    spare = _spare(judged, pairs)
    away = _candidates(spare, pairs, stand_ins)
    given: set[uuid.UUID] = set()
    for key, candidates in away.items():
        free = [patrol for patrol in candidates if patrol.patrol_id not in given]
        needed = _needed([*_without(shares[key], given), *free], pairs[key])
        taken = [patrol for patrol in free if patrol.patrol_id in needed]
        given |= {patrol.patrol_id for patrol in taken}
        shares[key] += taken
    held = {patrol.patrol_id for key in pairs for patrol in judged.get(key, ())}
    for key, candidates in away.items():  # what nobody needed is shown with the first it was walked for
        rest = [one for one in candidates if one.patrol_id not in given and one.patrol_id not in held]
        given |= {patrol.patrol_id for patrol in rest}
        shares[key] += rest
    own = {key: {patrol.patrol_id for patrol in judged.get(key, ())} for key in pairs}
    return {
        key: [one for one in share if one.patrol_id not in given or one.patrol_id not in own[key]]
        for key, share in shares.items()
    }


def _spare(judged: Judged, pairs: Mapping[PairKey, Policy]) -> dict[PairKey, list[JudgedPatrol]]:
    """What each walker may give away in each grid."""
    spare: dict[PairKey, list[JudgedPatrol]] = {}
    for key, patrols in judged.items():
        if key not in pairs:
            spare[key] = patrols
            continue
        needed = _needed(patrols, pairs[key])
        sound = (one for one in patrols if one.status in COUNTING and not one.is_late)
        spare[key] = [one for one in sound if one.patrol_id not in needed]
    return spare


def _candidates(
    spare: Judged, pairs: Mapping[PairKey, Policy], stand_ins: Sequence[StandIn]
) -> dict[PairKey, list[JudgedPatrol]]:
    """For each pair of somebody away, what its substitutes walked there on the days of the absence."""
    grids: dict[uuid.UUID, list[int]] = defaultdict(list)
    for person_id, grid_id in sorted(pairs):
        grids[person_id].append(grid_id)
    found: dict[PairKey, list[JudgedPatrol]] = defaultdict(list)
    for one in stand_ins:
        for grid_id in grids[one.absent_id]:
            walked = spare.get((one.substitute_id, grid_id), ())
            found[one.absent_id, grid_id] += _on_days_of(one, walked)
    return found


def _on_days_of(one: StandIn, patrols: Sequence[JudgedPatrol]) -> Iterator[JudgedPatrol]:
    return (patrol for patrol in patrols if one.holds_on(local_date(patrol.started_at)))


def _needed(patrols: Sequence[JudgedPatrol], policy: Policy) -> set[uuid.UUID]:
    """Those that make up the required number: the first that count."""
    counted = [answer.patrol_id for answer in count_week(patrols, policy) if answer.counted]
    return set(counted[: policy.required_per_week])


def _without(patrols: Sequence[JudgedPatrol], given: Collection[uuid.UUID]) -> list[JudgedPatrol]:
    return [patrol for patrol in patrols if patrol.patrol_id not in given]
