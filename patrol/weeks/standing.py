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
from core.clock import Week, now
from geo.models import Grid, GridVersion
from geo.queries import standing_on, version_on
from patrol.closing import WeekState, closes_at, week_state
from patrol.judging.evidence import stored_policies
from patrol.judging.reasons import Reason
from patrol.judging.verdicts import Status, effective_status
from patrol.models import Patrol, PatrolVerdict
from patrol.policies import Policy, PolicyRow, policy_for
from patrol.rights import GridUnknown
from patrol.weeks.counting import Counted, GridStatus, JudgedPatrol, count_week, grid_status, is_met
from patrol.weeks.frozen import (
    Shown,
    as_it_stands,
    facts_of,
    frozen_pairs,
    frozen_streets,
    names_of,
    share_out_late,
)
from patrol.weeks.substitutes import PairKey, StandIn, share_out, stand_ins_between

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
    is_late: bool  # delivered after the closing, and nobody has accepted it


@dataclass(frozen=True, slots=True)
class Pair:
    """One person and one own grid in one week: what compliance is asked of.

    `frozen_counted` is what was written down when the week was frozen (None: it has not been), `corrected`
    whether decisions made since have it counted anew.
    """

    grid: StandingGrid
    person_id: uuid.UUID
    person_name: str
    policy: Policy
    patrols: tuple[CountedPatrol, ...]
    policy_id: int
    frozen_counted: int | None = None
    corrected: bool = False

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
    """Every pair due in the week in these grids, by grid code and person; with what substitutes walked.

    From facts while the week may change, and from what was written down once it is frozen.
    """
    wanted = list(grids)
    frozen = _frozen_in(session, wanted, week)
    pairs = _pairs_of_facts(session, (grid for grid in wanted if grid.grid_id not in frozen), week)
    if frozen:
        pairs += _pairs_of_frozen(session, frozen, week)
    return sorted(pairs, key=lambda pair: (pair.grid.code, pair.person_id))


def _pairs_of_facts(session: Session, grids: Iterable[StandingGrid], week: Week) -> list[Pair]:
    by_id = {grid.grid_id: grid for grid in grids}
    if not by_id:
        return []
    people = session.execute(
        select(Assignment.grid_id, Person.person_id, Person.name)
        .join(Person, Person.person_id == Assignment.person_id)
        .where(Assignment.grid_id.in_(by_id), _active(week))
        .distinct()
    ).all()
    own = [(person_id, grid_id) for grid_id, person_id, _ in people if grid_id]
    names = {person_id: name for _, person_id, name in people}
    stand_ins = stand_ins_between(session, names, week.monday, week.sunday)
    names |= {one.substitute_id: one.substitute_name for one in stand_ins}
    judged = _judged(session, [*own, *_walked_for_others(own, stand_ins)], week)
    walkers = {
        one.patrol_id: (person_id, names[person_id])
        for (person_id, _), patrols in judged.items()
        for one in patrols
    }
    stored = stored_policies(session)
    rows = {key: _policy_in(stored, by_id[key[1]], week) for key in own}
    pairs = []
    shares = share_out(judged, {key: row.policy for key, row in rows.items()}, stand_ins)
    for (person_id, grid_id), patrols in shares.items():
        row = rows[person_id, grid_id]
        shown = _counted(patrols, row.policy, walkers)
        pairs.append(Pair(by_id[grid_id], person_id, names[person_id], row.policy, shown, row.policy_id))
    return pairs


def _frozen_in(session: Session, grids: Iterable[StandingGrid], week: Week) -> dict[int, StandingGrid]:
    """The grids of streets whose week is frozen, by id."""
    if week_state(week, now()) != WeekState.CLOSED:
        return {}
    streets: dict[str, list[StandingGrid]] = defaultdict(list)
    for grid in grids:
        streets[grid.path.partition("/")[0]].append(grid)
    frozen = frozen_streets(session, streets, week)
    return {grid.grid_id: grid for street in frozen for grid in streets[street]}


def _pairs_of_frozen(session: Session, grids: Mapping[int, StandingGrid], week: Week) -> list[Pair]:
    frozen, facts = frozen_pairs(session, grids, week), facts_of(session, grids, week)
    stand_ins = stand_ins_between(session, {one.person_id for one in frozen}, week.monday, week.sunday)
    later = share_out_late(frozen, facts, stand_ins)
    policies = {row.policy_id: row.policy for row in stored_policies(session)}
    by_id = {fact.patrol_id: fact for fact in facts}
    stood = [as_it_stands(one, by_id, later.get(one.key, ()), policies[one.policy_id]) for one in frozen]
    names = names_of(session, {shown.walker_id for patrols, _ in stood for shown in patrols})
    return [
        Pair(
            grids[one.grid_id],
            one.person_id,
            one.person_name,
            policies[one.policy_id],
            tuple(_shown(patrol, names) for patrol in patrols),
            one.policy_id,
            one.counted,
            corrected,
        )
        for one, (patrols, corrected) in zip(frozen, stood, strict=True)
    ]


def _shown(patrol: Shown, names: Mapping[uuid.UUID, str]) -> CountedPatrol:
    judged, walker_id = patrol.judged, patrol.walker_id
    return CountedPatrol(
        judged.patrol_id,
        walker_id,
        names[walker_id],
        judged.started_at,
        judged.status,
        patrol.counted,
        patrol.reason,
        judged.is_late,
    )


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
            known[answer.patrol_id].is_late,
        )
        for answer in count_week(judged, policy)
    )


def _policy_in(stored: Iterable[PolicyRow], grid: StandingGrid, week: Week) -> PolicyRow:
    return policy_for(stored, path=grid.path, kind=grid.kind, day=week.monday)


def _walked_for_others(own: Iterable[PairKey], stand_ins: Iterable[StandIn]) -> set[PairKey]:
    """Substitutes in the grids of those away."""
    substitutes = defaultdict(set)
    for one in stand_ins:
        substitutes[one.absent_id].add(one.substitute_id)
    return {(substitute, grid_id) for person_id, grid_id in own for substitute in substitutes[person_id]}
