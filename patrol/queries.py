"""Read-only SQL for patrols and kept items as the API shows them."""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select, tuple_
from sqlalchemy.orm import Session, defer

from access.models import Person
from access.queries import people_within
from access.roles import Action
from access.scope import Actor, scope_of
from core.clock import Week, today
from core.errors import NotFound
from core.models import QuarantinedItem
from geo.models import Grid, GridVersion
from patrol.judging.evidence import newest_of_patrol
from patrol.judging.reasons import Reason
from patrol.judging.verdicts import effective_status
from patrol.models import Patrol, PatrolVerdict, Segment
from patrol.weeks.counting import Counted
from patrol.weeks.standing import counts_of

OPEN, JUDGING, JUDGED = "open", "judging", "judged"
# Shown nowhere here.
_HEAVY = (
    PatrolVerdict.cells,
    PatrolVerdict.dwell_s,
    PatrolVerdict.geom,
    PatrolVerdict.trace,
    PatrolVerdict.middle,
    PatrolVerdict.related,
)


@dataclass(frozen=True, slots=True)
class VerdictView:
    """A stored verdict with its place in the weekly count."""

    status: str
    computed_status: str  # before a supervisor's decision
    decision: str | None
    policy_id: int
    results: list[dict[str, Any]]
    flags: dict[str, int]
    observed_s: float
    in_grid_s: float
    length_m: float
    coverage_ratio: float
    checkpoints_visited: int
    checkpoints_total: int
    visits: list[dict[str, Any]]  # checkpoint_id, proof, at
    useless_check_ins: list[dict[str, Any]]  # check_in_id, checkpoint_id, code of the reason
    indoor_s: float
    unknown_s: float
    gaps: list[dict[str, Any]]
    clock_offset_s: int
    counted: bool | None
    not_counted: Reason | None


@dataclass(frozen=True, slots=True)
class PatrolView:
    """A patrol as its walker and those above see it."""

    patrol_id: uuid.UUID
    grid_code: str
    grid_name: str
    person_id: uuid.UUID
    person_name: str
    source: str
    started_at: datetime
    finished_at: datetime | None
    state: str
    segments: int
    fixes: int
    verdict: VerdictView | None


@dataclass(frozen=True, slots=True)
class PatrolFilter:
    """What a list of patrols is narrowed to; the grid includes all below it."""

    grid_code: str | None = None
    week: Week | None = None
    person_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last item of a page; the next page begins behind it."""

    at: datetime
    item_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class KeptItem:
    """Something in the quarantine, without its body."""

    quarantine_id: uuid.UUID
    kind: str
    item_id: uuid.UUID
    subject_id: uuid.UUID | None
    person_id: uuid.UUID
    person_name: str
    reason: str
    problem: dict[str, Any]
    body_bytes: int
    received_at: datetime
    refiled_at: datetime | None


def read_patrol(session: Session, actor: Actor, patrol_id: uuid.UUID) -> PatrolView:
    """One patrol, the actor's own or inside what the actor may read. Raises: NotFound."""
    statement = _patrols(actor).where(Patrol.patrol_id == patrol_id)
    views = _views(session, actor, session.execute(statement))
    if not views:
        raise NotFound
    return views[0]


def readable_patrol(session: Session, actor: Actor, patrol_id: uuid.UUID) -> Patrol:
    """The patrol itself, the actor's own or inside what the actor may read. Raises: NotFound."""
    found = session.scalar(
        select(Patrol)
        .join(Grid, Grid.grid_id == Patrol.grid_id)
        .where(Patrol.patrol_id == patrol_id, _visible(actor))
    )
    if found is None:
        raise NotFound
    return found


def patrols_by_id(
    session: Session, actor: Actor, patrol_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, PatrolView]:
    """Those of these patrols that the actor may read."""
    if not patrol_ids:
        return {}
    statement = _patrols(actor).where(Patrol.patrol_id.in_(patrol_ids))
    return {view.patrol_id: view for view in _views(session, actor, session.execute(statement))}


def list_patrols(
    session: Session, actor: Actor, wanted: PatrolFilter, *, after: Cursor | None, limit: int
) -> list[PatrolView]:
    """Patrols the actor may read, newest first, starting behind `after`."""
    statement = _patrols(actor).order_by(Patrol.started_at.desc(), Patrol.patrol_id.desc()).limit(limit)
    if after is not None:
        place = tuple_(Patrol.started_at, Patrol.patrol_id)
        statement = statement.where(place < (after.at, after.item_id))
    if wanted.person_id is not None:
        statement = statement.where(Patrol.person_id == wanted.person_id)
    if wanted.week is not None:
        statement = statement.where(
            Patrol.started_at >= wanted.week.starts_at, Patrol.started_at < wanted.week.ends_at
        )
    if wanted.grid_code is not None:
        statement = statement.where(below(wanted.grid_code))
    return _views(session, actor, session.execute(statement))


def list_kept(
    session: Session, actor: Actor, *, after: Cursor | None, limit: int, with_refiled: bool
) -> list[KeptItem]:
    """Own items, and those of people inside what the actor may help with; newest first."""
    scope = scope_of(actor, Action.READ_QUARANTINE)
    own = QuarantinedItem.person_id == actor.person_id
    helped = QuarantinedItem.person_id.in_(people_within(scope, today()))
    statement = (
        select(
            QuarantinedItem.quarantine_id,
            QuarantinedItem.kind,
            QuarantinedItem.item_id,
            QuarantinedItem.subject_id,
            QuarantinedItem.person_id,
            Person.name,
            QuarantinedItem.reason,
            QuarantinedItem.problem,
            func.octet_length(QuarantinedItem.body),
            QuarantinedItem.received_at,
            QuarantinedItem.refiled_at,
        )
        .join(Person, Person.person_id == QuarantinedItem.person_id)
        .where(own if scope.is_empty else or_(own, helped))
        .order_by(QuarantinedItem.received_at.desc(), QuarantinedItem.quarantine_id.desc())
        .limit(limit)
    )
    if after is not None:
        place = tuple_(QuarantinedItem.received_at, QuarantinedItem.quarantine_id)
        statement = statement.where(place < (after.at, after.item_id))
    if not with_refiled:
        statement = statement.where(QuarantinedItem.refiled_at.is_(None))
    return [KeptItem(*row) for row in session.execute(statement)]


def below(grid_code: str) -> ColumnElement[bool]:
    """Grids at and below the one with this code."""
    top = select(Grid.path).where(Grid.code == grid_code).scalar_subquery()
    return func.starts_with(Grid.path, top)


def grid_name() -> ColumnElement[str]:
    """What a Grid is called by its newest version."""
    newest = (
        select(GridVersion.name)
        .where(GridVersion.grid_id == Grid.grid_id)
        .order_by(GridVersion.valid_from.desc())
        .limit(1)
        .scalar_subquery()
    )
    return func.coalesce(newest, Grid.code)


def _patrols(actor: Actor) -> Select[Any]:
    """Every patrol the actor may read, with its latest verdict."""
    of_patrol = Segment.patrol_id == Patrol.patrol_id
    sums = (
        select(
            func.count().label("segments"),
            func.coalesce(func.sum(Segment.fix_count), 0).label("fixes"),
            func.max(Segment.received_at).label("last_received_at"),
        )
        .where(of_patrol)
        .lateral("sums")
    )
    return (
        select(
            Patrol,
            Grid.code.label("grid_code"),
            grid_name().label("grid_name"),
            Person.name.label("person_name"),
            sums.c.segments,
            sums.c.fixes,
            func.greatest(sums.c.last_received_at, *newest_of_patrol()[1:]).label("last_received_at"),
            PatrolVerdict,
        )
        .join(Grid, Grid.grid_id == Patrol.grid_id)
        .join(Person, Person.person_id == Patrol.person_id)
        .join(sums, and_(True))
        .outerjoin(PatrolVerdict, PatrolVerdict.patrol_id == Patrol.patrol_id)
        .where(_visible(actor))
        .options(*(defer(column, raiseload=True) for column in _HEAVY))
    )


def _visible(actor: Actor, action: Action = Action.READ_PATROLS) -> ColumnElement[bool]:
    return or_(Patrol.person_id == actor.person_id, scope_of(actor, action).clause(Grid.path))


def _views(session: Session, actor: Actor, rows: Iterable[Row[Any]]) -> list[PatrolView]:
    found = list(rows)
    judged = [row.PatrolVerdict for row in found if row.PatrolVerdict]
    counts = counts_of(session, [(one.person_id, one.grid_id, Week.of(one.started_at)) for one in judged])
    named = {one["id"] for verdict in judged for result in verdict.results for one in _named(result)}
    readable = _readable(session, actor, named)
    return [_view(row, counts.get(row.Patrol.patrol_id), readable) for row in found]


def _named(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Other patrols that a doubt names."""
    patrols: list[dict[str, Any]] = result.get("evidence", {}).get("patrols", [])
    return patrols


def _readable(session: Session, actor: Actor, named: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Of patrols that doubts name, the actor's own and those that the actor may decide on: who walked with
    whom is for nobody else, not even for whoever walked.
    """
    wanted = [uuid.UUID(patrol_id) for patrol_id in named]
    if not wanted:
        return {}
    rows = session.execute(
        select(Patrol.patrol_id, Person.name, Grid.code, Patrol.started_at)
        .join(Grid, Grid.grid_id == Patrol.grid_id)
        .join(Person, Person.person_id == Patrol.person_id)
        .where(Patrol.patrol_id.in_(wanted), _visible(actor, Action.DECIDE_PATROLS))
    )
    return {
        str(patrol_id): {"person": name, "grid_code": code, "started_at": started_at.isoformat()}
        for patrol_id, name, code, started_at in rows
    }


def _shown(result: dict[str, Any], readable: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """A result whose doubt names the patrols that the reader may know, and how many there are."""
    named = _named(result)
    if not named:
        return result
    patrols = [{**one, **readable[one["id"]]} for one in named if one["id"] in readable]
    others = len(named) - len(patrols)
    return {**result, "evidence": {**result["evidence"], "patrols": patrols, "unseen_patrols": others}}


def _view(row: Row[Any], count: Counted | None, readable: dict[str, dict[str, Any]]) -> PatrolView:
    patrol, verdict = row.Patrol, row.PatrolVerdict
    return PatrolView(
        patrol_id=patrol.patrol_id,
        grid_code=row.grid_code,
        grid_name=row.grid_name,
        person_id=patrol.person_id,
        person_name=row.person_name,
        source=patrol.source,
        started_at=patrol.started_at,
        finished_at=patrol.finished_at,
        state=_state(patrol, verdict, row.last_received_at),
        segments=row.segments,
        fixes=int(row.fixes),
        verdict=verdict and _verdict_view(verdict, count, readable),
    )


def _verdict_view(
    verdict: PatrolVerdict, count: Counted | None, readable: dict[str, dict[str, Any]]
) -> VerdictView:
    return VerdictView(
        status=effective_status(verdict.status, verdict.decision).value,
        computed_status=verdict.status,
        decision=verdict.decision,
        policy_id=verdict.policy_id,
        results=[_shown(result, readable) for result in verdict.results],
        flags=verdict.flags,
        observed_s=verdict.observed_s,
        in_grid_s=verdict.in_grid_s,
        length_m=verdict.length_m,
        coverage_ratio=verdict.coverage_ratio,
        checkpoints_visited=verdict.checkpoints_visited,
        checkpoints_total=verdict.checkpoints_total,
        visits=verdict.visits,
        useless_check_ins=verdict.check_ins,
        indoor_s=verdict.indoor_s,
        unknown_s=verdict.unknown_s,
        gaps=verdict.gaps,
        clock_offset_s=verdict.clock_offset_s,
        counted=count.counted if count else None,
        not_counted=count.reason if count else None,
    )


def _state(patrol: Patrol, verdict: PatrolVerdict | None, last_received_at: datetime | None) -> str:
    """Derived from times, so that it cannot drift."""
    newest = max(
        filter(None, (patrol.finish_received_at, last_received_at)), default=patrol.start_received_at
    )
    if verdict is not None and verdict.judged_at >= newest:
        return JUDGED
    return OPEN if patrol.finished_at is None else JUDGING
