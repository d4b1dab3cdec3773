"""Weeks whose results were written down: what was frozen, and what decisions made later add to it.

What is frozen does not follow its facts any more: late uploads, people moved backwards in time, absences
entered late and policies change nothing (docs/decisions/0013). Pure but for its queries.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from access.models import Person
from core.clock import Week, local_date
from patrol.appeals.models import FrozenWeek, PatrolDecision, WeekResult
from patrol.judging.reasons import Reason
from patrol.judging.verdicts import Status, effective_status
from patrol.models import PatrolVerdict
from patrol.policies import Policy
from patrol.weeks.counting import Counted, JudgedPatrol, count_week
from patrol.weeks.substitutes import PairKey, StandIn


@dataclass(frozen=True, slots=True)
class FrozenPatrol:
    """A patrol as it stood in the count when its week was frozen; the JSON of WeekResult.patrols."""

    patrol_id: uuid.UUID
    walker_id: uuid.UUID
    started_at: datetime
    status: Status
    is_late: bool
    decision_id: int | None  # the decision that held then
    counted: bool
    reason: Reason | None

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "FrozenPatrol":
        reason = stored["reason"]
        return cls(
            patrol_id=uuid.UUID(stored["patrol_id"]),
            walker_id=uuid.UUID(stored["walker_id"]),
            started_at=datetime.fromisoformat(stored["started_at"]),
            status=Status(stored["status"]),
            is_late=stored["is_late"],
            decision_id=stored["decision_id"],
            counted=stored["counted"],
            reason=Reason(reason["code"], reason["figures"]) if reason else None,
        )

    def members(self) -> dict[str, Any]:
        reason = self.reason and {"code": self.reason.code, "figures": dict(self.reason.figures)}
        return {
            "patrol_id": str(self.patrol_id),
            "walker_id": str(self.walker_id),
            "started_at": self.started_at.isoformat(),
            "status": self.status.value,
            "is_late": self.is_late,
            "decision_id": self.decision_id,
            "counted": self.counted,
            "reason": reason,
        }


@dataclass(frozen=True, slots=True)
class FrozenPair:
    """One person and one own grid when the week was frozen."""

    grid_id: int
    person_id: uuid.UUID
    person_name: str
    policy_id: int
    counted: int
    patrols: tuple[FrozenPatrol, ...]

    @property
    def key(self) -> PairKey:
        return self.person_id, self.grid_id


@dataclass(frozen=True, slots=True)
class Fact:
    """A patrol as it is judged and decided today."""

    patrol_id: uuid.UUID
    walker_id: uuid.UUID
    grid_id: int
    started_at: datetime
    status: Status
    decision_id: int | None


@dataclass(frozen=True, slots=True)
class Shown:
    """A patrol of a frozen pair with its place in the count as it is now."""

    judged: JudgedPatrol
    walker_id: uuid.UUID
    counted: bool
    reason: Reason | None


# ------------------------------------------------------------------------------------------------------ rules


def as_it_stands(
    frozen: FrozenPair, facts: Mapping[uuid.UUID, Fact], more: Sequence[Fact], policy: Policy
) -> tuple[list[Shown], bool]:
    """The pair's patrols today, and whether a decision made since has its count made anew.

    `more` are patrols that were not there when the week was frozen.
    """
    judged = {one.patrol_id: _thawed(one, facts.get(one.patrol_id)) for one in frozen.patrols}
    walkers = {one.patrol_id: one.walker_id for one in frozen.patrols}
    decided = any(_decided_since(one, facts.get(one.patrol_id)) for one in frozen.patrols)
    for one in more:
        accepted = one.status == Status.ACCEPTED
        decided = decided or accepted
        judged[one.patrol_id] = JudgedPatrol(one.patrol_id, one.started_at, one.status, is_late=not accepted)
        walkers[one.patrol_id] = one.walker_id
    if decided:
        answers = count_week(judged.values(), policy)
    else:
        then = [Counted(one.patrol_id, one.counted, one.reason) for one in frozen.patrols]
        too_late = (one for one in count_week((judged[one.patrol_id] for one in more), policy))
        answers = sorted(
            [*then, *too_late], key=lambda one: (judged[one.patrol_id].started_at, one.patrol_id)
        )
    shown = [Shown(judged[one.patrol_id], walkers[one.patrol_id], one.counted, one.reason) for one in answers]
    return shown, decided


def share_out_late(
    pairs: Collection[FrozenPair], facts: Iterable[Fact], stand_ins: Iterable[StandIn]
) -> dict[PairKey, list[Fact]]:
    """What came after the freezing: at the walker's own pair, else at that of whom it was walked for."""
    known = {one.patrol_id for pair in pairs for one in pair.patrols}
    keys = {pair.key for pair in pairs}
    shares: dict[PairKey, list[Fact]] = defaultdict(list)
    for fact in facts:
        if fact.patrol_id in known:
            continue
        own = (fact.walker_id, fact.grid_id)
        if own in keys:
            shares[own].append(fact)
            continue
        for one in stand_ins:
            absent = (one.absent_id, fact.grid_id)
            if (
                one.substitute_id == fact.walker_id
                and absent in keys
                and one.holds_on(local_date(fact.started_at))
            ):
                shares[absent].append(fact)
                break
    return shares


def _decided_since(frozen: FrozenPatrol, fact: Fact | None) -> bool:
    return fact is not None and fact.decision_id != frozen.decision_id


def _thawed(frozen: FrozenPatrol, fact: Fact | None) -> JudgedPatrol:
    """As frozen, but for what a supervisor decided since: the one thing that still changes it."""
    if fact is None or not _decided_since(frozen, fact):
        return JudgedPatrol(frozen.patrol_id, frozen.started_at, frozen.status, frozen.is_late)
    is_late = frozen.is_late and fact.status != Status.ACCEPTED
    return JudgedPatrol(frozen.patrol_id, frozen.started_at, fact.status, is_late)


# ---------------------------------------------------------------------------------------------------- queries


def frozen_streets(session: Session, street_codes: Collection[str], week: Week) -> set[str]:
    """Those of these streets whose week has been frozen."""
    found = select(FrozenWeek.street_code).where(
        FrozenWeek.week == week.monday, FrozenWeek.street_code.in_(street_codes)
    )
    return set(session.scalars(found))


def frozen_pairs(session: Session, grid_ids: Collection[int], week: Week) -> list[FrozenPair]:
    """What was written down about these grids."""
    rows = session.execute(
        select(
            WeekResult.grid_id,
            WeekResult.person_id,
            Person.name,
            WeekResult.policy_id,
            WeekResult.counted,
            WeekResult.patrols,
        )
        .join(Person, Person.person_id == WeekResult.person_id)
        .where(WeekResult.week == week.monday, WeekResult.grid_id.in_(grid_ids))
        .order_by(WeekResult.grid_id, WeekResult.person_id)
    )
    return [
        FrozenPair(grid_id, person_id, name, policy_id, counted, tuple(map(FrozenPatrol.of, patrols)))
        for grid_id, person_id, name, policy_id, counted, patrols in rows
    ]


def facts_of(session: Session, grid_ids: Collection[int], week: Week) -> list[Fact]:
    """The judged patrols of these grids in the week as they are today, in order of start."""
    newest = newest_decisions(session, week)
    rows = session.execute(
        select(
            PatrolVerdict.patrol_id,
            PatrolVerdict.person_id,
            PatrolVerdict.grid_id,
            PatrolVerdict.started_at,
            PatrolVerdict.status,
            PatrolVerdict.decision,
        )
        .where(PatrolVerdict.week == week.monday, PatrolVerdict.grid_id.in_(grid_ids))
        .order_by(PatrolVerdict.started_at, PatrolVerdict.patrol_id)
    )
    return [
        Fact(*row[:4], effective_status(row.status, row.decision), newest.get(row.patrol_id)) for row in rows
    ]


def newest_decisions(session: Session, week: Week) -> dict[uuid.UUID, int]:
    """The decision that holds for each patrol of the week that somebody decided on."""
    rows = session.execute(
        select(PatrolDecision.patrol_id, PatrolDecision.decision_id)
        .join(PatrolVerdict, PatrolVerdict.patrol_id == PatrolDecision.patrol_id)
        .where(PatrolVerdict.week == week.monday)
        .order_by(PatrolDecision.decision_id)
    )
    return {row.patrol_id: row.decision_id for row in rows}


def names_of(session: Session, people: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """What these people are called."""
    if not people:
        return {}
    rows = session.execute(select(Person.person_id, Person.name).where(Person.person_id.in_(people)))
    return {row.person_id: row.name for row in rows}
