"""How people and grids stand in a week: every pair of person and own grid with its patrols. Read-only."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select, tuple_
from sqlalchemy.orm import Session

from access.models import Assignment, Person
from access.roles import PATROL_ROLES, Action
from access.scope import Actor, require, scope_of
from core.clock import Week
from geo.models import Grid, GridVersion
from geo.queries import standing_on, version_on
from patrol.evidence import stored_policies
from patrol.models import Patrol, PatrolVerdict
from patrol.policies import Policy, PolicyRow, policy_for
from patrol.reasons import Reason
from patrol.rights import GridUnknown
from patrol.substitutes import PairKey, StandIn, share_out, stand_ins_in_week
from patrol.verdicts import Status, effective_status
from patrol.weeks import Counted, GridStatus, JudgedPatrol, closes_at, count_week, grid_status, is_met

_PATROL_ROLES = [role.value for role in PATROL_ROLES]


@dataclass(frozen=True, slots=True)
class StandingGrid:
    """A grid as it is called in the week."""

    grid_id: int
    code: str
    name: str
    level: int
    path: str
    kind: str


@dataclass(frozen=True, slots=True)
class CountedPatrol:
    """A judged patrol with its place in the weekly count; a substitute may have walked it."""

    patrol_id: uuid.UUID
    walker_id: uuid.UUID
    walker_name: str
    started_at: datetime
    status: Status
    counted: bool
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class Pair:
    """One person and one own grid in one week: what compliance is asked of."""

    grid: StandingGrid
    person_id: uuid.UUID
    person_name: str
    policy: Policy
    patrols: tuple[CountedPatrol, ...]

    @property
    def counted(self) -> int:
        return sum(patrol.counted for patrol in self.patrols)

    @property
    def credited(self) -> int:
        """Counted patrols up to the required number: more by one person cannot stand in for another."""
        return min(self.counted, self.policy.required_per_week)

    @property
    def met(self) -> bool:
        return is_met(self.counted, self.policy)

    @property
    def status(self) -> GridStatus:
        return Totals.of([self]).status

    def number_of(self, *statuses: Status) -> int:
        return sum(patrol.status in statuses for patrol in self.patrols)


@dataclass(frozen=True, slots=True)
class Totals:
    """Pairs summed up."""

    pairs_due: int
    pairs_met: int
    patrols_counted: int
    patrols_needed: int

    @classmethod
    def of(cls, pairs: Collection[Pair]) -> "Totals":
        return cls(
            pairs_due=len(pairs),
            pairs_met=sum(pair.met for pair in pairs),
            patrols_counted=sum(pair.credited for pair in pairs),
            patrols_needed=sum(pair.policy.required_per_week for pair in pairs),
        )

    @property
    def status(self) -> GridStatus:
        return grid_status(
            pairs_due=self.pairs_due, pairs_met=self.pairs_met, patrols_counted=self.patrols_counted
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """A part of the tree in one week."""

    grid: StandingGrid | None  # None for everything the actor may read
    totals: Totals
    pairs: tuple[Pair, ...]


def standing_of(
    session: Session, actor: Actor, week: Week, *, grid_code: str | None, level: int | None
) -> Standing:
    """How the pairs at and below a grid stand, or all the actor may read; `level` picks grids of one level.

    Raises: NotFound, Forbidden.
    """
    within, top = scope_of(actor, Action.READ_COMPLIANCE).clause(Grid.path), None
    if grid_code is not None:
        top = _readable(session, actor, grid_code, week)
        within = func.starts_with(Grid.path, top.path)
    grids = grids_in_week(session, within, week)
    pairs = pairs_in_week(session, (grid for grid in grids if level in (None, grid.level)), week)
    return Standing(top, Totals.of(pairs), tuple(pairs))


def _readable(session: Session, actor: Actor, grid_code: str, week: Week) -> StandingGrid:
    path = session.scalar(select(Grid.path).where(Grid.code == grid_code))
    if path is None:
        raise GridUnknown
    require(actor, Action.READ_COMPLIANCE, path, missing=GridUnknown)
    found = grids_in_week(session, Grid.code == grid_code, week)
    if not found:
        raise GridUnknown("the grid did not stand in that week")
    return found[0]


def grids_in_week(session: Session, within: ColumnElement[bool], week: Week) -> list[StandingGrid]:
    """Grids that stood on some day of the week, by code; `within` is a condition on Grid."""
    rows = session.execute(
        select(
            Grid.grid_id,
            Grid.code,
            func.coalesce(GridVersion.name, Grid.code),
            Grid.level,
            Grid.path,
            func.coalesce(GridVersion.kind, ""),
        )
        .outerjoin(GridVersion, and_(GridVersion.grid_id == Grid.grid_id, version_on(week.sunday)))
        .where(within, standing_on(week.monday))
        .order_by(Grid.code)
    )
    return [StandingGrid(*row) for row in rows]


def pairs_in_week(session: Session, grids: Iterable[StandingGrid], week: Week) -> list[Pair]:
    """Every pair due in the week in these grids, by grid code and person; with what substitutes walked."""
    by_id = {grid.grid_id: grid for grid in grids}
    people = session.execute(
        select(Assignment.grid_id, Person.person_id, Person.name)
        .join(Person, Person.person_id == Assignment.person_id)
        .where(Assignment.grid_id.in_(by_id), _active(week))
        .distinct()
    ).all()
    own = [(person_id, grid_id) for grid_id, person_id, _ in people if grid_id]
    names = {person_id: name for _, person_id, name in people}
    stand_ins = stand_ins_in_week(session, names, week)
    names |= {one.substitute_id: one.substitute_name for one in stand_ins}
    judged = _judged(session, [*own, *_walked_for_others(own, stand_ins)], week)
    walkers = {
        one.patrol_id: (person_id, names[person_id])
        for (person_id, _), patrols in judged.items()
        for one in patrols
    }
    stored = stored_policies(session)
    policies = {key: _policy_in(stored, by_id[key[1]], week) for key in own}
    pairs = []
    for (person_id, grid_id), patrols in share_out(judged, policies, stand_ins).items():
        policy = policies[person_id, grid_id]
        shown = _counted(patrols, policy, walkers)
        pairs.append(Pair(by_id[grid_id], person_id, names[person_id], policy, shown))
    return sorted(pairs, key=lambda pair: (pair.grid.code, pair.person_id))


def counts_of(session: Session, keys: Collection[tuple[uuid.UUID, int, Week]]) -> dict[uuid.UUID, Counted]:
    """Whether each judged patrol of these people, grids and weeks counts."""
    answers: dict[uuid.UUID, Counted] = {}
    by_week: dict[Week, set[PairKey]] = defaultdict(set)
    for person_id, grid_id, week in keys:
        by_week[week].add((person_id, grid_id))
    for week, wanted in by_week.items():
        within = Grid.grid_id.in_({grid_id for _, grid_id in wanted})
        for pair in pairs_in_week(session, grids_in_week(session, within, week), week):
            for patrol in pair.patrols:
                answers[patrol.patrol_id] = Counted(patrol.patrol_id, patrol.counted, patrol.reason)
        for judged in _judged(session, wanted, week).values():
            for other in judged:
                not_own = Counted(other.patrol_id, False, Reason("not-assigned"))
                answers.setdefault(other.patrol_id, not_own)
    return answers


def _active(week: Week) -> ColumnElement[bool]:
    """Assignments to one grid that held on some day of the week."""
    return and_(
        Assignment.role.in_(_PATROL_ROLES),
        Assignment.valid_from <= week.sunday,
        or_(Assignment.valid_to.is_(None), Assignment.valid_to > week.monday),
    )


def _judged(
    session: Session, wanted: Collection[PairKey], week: Week
) -> Mapping[PairKey, list[JudgedPatrol]]:
    found: dict[PairKey, list[JudgedPatrol]] = defaultdict(list)
    closing = closes_at(week)
    rows = session.execute(
        select(
            PatrolVerdict.person_id,
            PatrolVerdict.grid_id,
            PatrolVerdict.patrol_id,
            PatrolVerdict.started_at,
            PatrolVerdict.status,
            PatrolVerdict.decision,
            func.coalesce(Patrol.finish_received_at, Patrol.start_received_at),
        )
        .join(Patrol, Patrol.patrol_id == PatrolVerdict.patrol_id)
        .where(
            PatrolVerdict.week == week.monday,
            tuple_(PatrolVerdict.person_id, PatrolVerdict.grid_id).in_(list(wanted)),
        )
    )
    for person_id, grid_id, patrol_id, started_at, computed, decision, delivered_at in rows:
        status = effective_status(computed, decision)
        # What a supervisor accepted is the one thing that still changes a closed week (design 5).
        is_late = delivered_at >= closing and status != Status.ACCEPTED
        judged = JudgedPatrol(patrol_id, started_at, status, is_late)
        found[person_id, grid_id].append(judged)
    return found


def _counted(
    judged: list[JudgedPatrol], policy: Policy, walkers: Mapping[uuid.UUID, tuple[uuid.UUID, str]]
) -> tuple[CountedPatrol, ...]:
    known = {patrol.patrol_id: patrol for patrol in judged}
    return tuple(
        CountedPatrol(
            answer.patrol_id,
            *walkers[answer.patrol_id],
            known[answer.patrol_id].started_at,
            known[answer.patrol_id].status,
            answer.counted,
            answer.reason,
        )
        for answer in count_week(judged, policy)
    )


def _policy_in(stored: Iterable[PolicyRow], grid: StandingGrid, week: Week) -> Policy:
    return policy_for(stored, path=grid.path, kind=grid.kind, day=week.monday).policy


def _walked_for_others(own: Iterable[PairKey], stand_ins: Iterable[StandIn]) -> set[PairKey]:
    """Substitutes in the grids of those away."""
    substitutes = defaultdict(set)
    for one in stand_ins:
        substitutes[one.absent_id].add(one.substitute_id)
    return {(substitute, grid_id) for person_id, grid_id in own for substitute in substitutes[person_id]}
