"""Read-only SQL for appeals, for patrols that wait for a review, and for what was decided on a patrol."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from access.models import Person
from access.roles import Action
from access.scope import Actor, scope_of
from core.clock import Week
from core.photos import ExpectedPhoto, photos_of
from geo.models import Grid
from patrol.appeals.asking import PHOTOS, is_open, open_appeal_about
from patrol.appeals.models import Appeal, PatrolDecision
from patrol.appeals.problems import AppealUnknown
from patrol.judging.verdicts import Status
from patrol.models import PatrolVerdict
from patrol.queries import Cursor, PatrolView, below, grid_name, patrols_by_id, read_patrol

# with code and name of the grid, names of worker and decider, and whether the actor may decide
_AppealRows = Select[Appeal, str, str, str, str, bool]


class AppealState(StrEnum):
    """What has become of an appeal."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Decided:
    """Who decided what and when, and what had been computed then (None where no patrol was)."""

    decision: str
    note: str
    decided_by: uuid.UUID
    decider_name: str
    decided_at: datetime
    computed_status: str | None
    results: list[dict[str, Any]]
    appeal_id: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class AppealView:
    """An appeal with the patrol it is about, as it stands now."""

    appeal_id: uuid.UUID
    kind: str
    state: AppealState
    patrol_id: uuid.UUID | None
    grid_code: str
    grid_name: str
    person_id: uuid.UUID
    person_name: str
    week: Week
    started_at: datetime
    finished_at: datetime | None
    note: str
    photos: list[ExpectedPhoto]
    received_at: datetime
    decision: str | None
    decided_by: uuid.UUID | None
    decider_name: str | None
    decided_at: datetime | None
    decision_note: str | None
    patrol: PatrolView | None
    may_decide: bool


@dataclass(frozen=True, slots=True)
class AppealFilter:
    """What a list of appeals is narrowed to; the grid includes all below it."""

    grid_code: str | None = None
    week: Week | None = None
    is_open: bool | None = None
    person_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class ReviewView:
    """A patrol that a person has to look at, or has looked at."""

    patrol: PatrolView
    decided: Decided | None  # the newest decision
    changed_since: bool  # what was computed is no longer what that decision was based on
    open_appeal_id: uuid.UUID | None


# ---------------------------------------------------------------------------------------------------- appeals


def read_appeal(session: Session, actor: Actor, appeal_id: uuid.UUID) -> AppealView:
    """One appeal, the actor's own or one to decide on. Raises: AppealUnknown."""
    found = _views(session, actor, _appeals(actor).where(Appeal.appeal_id == appeal_id))
    if not found:
        raise AppealUnknown
    return found[0]


def list_appeals(
    session: Session, actor: Actor, wanted: AppealFilter, *, after: Cursor | None, limit: int
) -> list[AppealView]:
    """The actor's own appeals and those to decide on, newest first, starting behind `after`."""
    statement = _appeals(actor).order_by(Appeal.received_at.desc(), Appeal.appeal_id.desc()).limit(limit)
    if after is not None:
        statement = statement.where(tuple_(Appeal.received_at, Appeal.appeal_id) < (after.at, after.item_id))
    if wanted.grid_code is not None:
        statement = statement.where(below(wanted.grid_code))
    if wanted.week is not None:
        statement = statement.where(Appeal.week == wanted.week.monday)
    if wanted.person_id is not None:
        statement = statement.where(Appeal.person_id == wanted.person_id)
    if wanted.is_open is not None:
        statement = statement.where(is_open() if wanted.is_open else ~is_open())
    return _views(session, actor, statement)


def _appeals(actor: Actor) -> _AppealRows:
    decider = aliased(Person)
    decides = scope_of(actor, Action.DECIDE_PATROLS).clause(Grid.path)
    return (
        select(
            Appeal,
            Grid.code.label("grid_code"),
            grid_name().label("grid_name"),
            Person.name.label("person_name"),
            decider.name.label("decider_name"),
            and_(decides, Appeal.person_id != actor.person_id, is_open()).label("may_decide"),
        )
        .join(Grid, Grid.grid_id == Appeal.grid_id)
        .join(Person, Person.person_id == Appeal.person_id)
        .outerjoin(decider, decider.person_id == Appeal.decided_by)
        .where(or_(Appeal.person_id == actor.person_id, decides))
    )


def _views(session: Session, actor: Actor, statement: _AppealRows) -> list[AppealView]:
    rows = session.execute(statement.execution_options(populate_existing=True)).all()
    about = {row.Appeal.patrol_id for row in rows if row.Appeal.patrol_id is not None}
    patrols = patrols_by_id(session, actor, about)
    photos = photos_of(session, PHOTOS, [row.Appeal.appeal_id for row in rows if row.Appeal.photos])
    return [
        _view(row, patrols.get(row.Appeal.patrol_id), photos.get(row.Appeal.appeal_id, [])) for row in rows
    ]


def _view(row: Any, patrol: PatrolView | None, photos: list[ExpectedPhoto]) -> AppealView:
    appeal: Appeal = row.Appeal
    same = ("appeal_id", "kind", "patrol_id", "person_id", "started_at", "finished_at", "note")
    decided = ("decision", "decided_by", "decided_at", "decision_note", "received_at")
    return AppealView(
        **{name: getattr(appeal, name) for name in (*same, *decided)},
        state=_state(appeal),
        grid_code=row.grid_code,
        grid_name=row.grid_name,
        person_name=row.person_name,
        decider_name=row.decider_name,
        week=Week(appeal.week),
        photos=photos,
        patrol=patrol,
        may_decide=row.may_decide,
    )


def _state(appeal: Appeal) -> AppealState:
    if appeal.withdrawn_at is not None:
        return AppealState.WITHDRAWN
    return AppealState.OPEN if appeal.decision is None else AppealState(appeal.decision)


# ------------------------------------------------------------------------------------------------ reviews


def list_reviews(
    session: Session,
    actor: Actor,
    *,
    grid_code: str | None,
    decided: bool,
    after: Cursor | None,
    limit: int,
) -> list[ReviewView]:
    """Patrols that wait for the actor, oldest first: doubted ones, and decided ones judged otherwise since.

    With `decided` those that need nothing any more. One's own are never among them.
    """
    newest = _newest_decisions()
    changed = newest.c.computed_status != PatrolVerdict.status
    waits = or_(
        and_(newest.c.decision.is_(None), PatrolVerdict.status == Status.PENDING_REVIEW.value), changed
    )
    settled = and_(newest.c.decision.is_not(None), ~changed)
    decides = scope_of(actor, Action.DECIDE_PATROLS).clause(Grid.path)
    statement = (
        select(PatrolVerdict.patrol_id)
        .join(Grid, Grid.grid_id == PatrolVerdict.grid_id)
        .outerjoin(newest, newest.c.patrol_id == PatrolVerdict.patrol_id)
        .where(decides, PatrolVerdict.person_id != actor.person_id, settled if decided else waits)
        .order_by(PatrolVerdict.started_at, PatrolVerdict.patrol_id)
        .limit(limit)
    )
    if grid_code is not None:
        statement = statement.where(below(grid_code))
    if after is not None:
        place = tuple_(PatrolVerdict.started_at, PatrolVerdict.patrol_id)
        statement = statement.where(place > (after.at, after.item_id))
    patrol_ids = session.scalars(statement).all()
    patrols = patrols_by_id(session, actor, patrol_ids)
    return _reviews(session, [patrols[patrol_id] for patrol_id in patrol_ids])


def read_review(session: Session, actor: Actor, patrol_id: uuid.UUID) -> ReviewView:
    """One patrol with what was decided on it. Raises: NotFound."""
    return _reviews(session, [read_patrol(session, actor, patrol_id)])[0]


def waits_for_decision(session: Session, patrol_id: uuid.UUID) -> bool:
    """Whether an appeal is open, a doubt undecided, or the patrol judged otherwise since its decision."""
    if open_appeal_about(session, patrol_id) is not None:
        return True
    judged = select(PatrolVerdict.status).where(PatrolVerdict.patrol_id == patrol_id)
    decided = select(PatrolDecision.computed_status).where(PatrolDecision.patrol_id == patrol_id)
    computed = session.scalar(judged)
    basis = session.scalar(decided.order_by(PatrolDecision.decision_id.desc()).limit(1))
    return computed == Status.PENDING_REVIEW if basis is None else computed not in (None, basis)


def decisions_on(session: Session, actor: Actor, patrol_id: uuid.UUID) -> list[Decided]:
    """Everything decided on a patrol that the actor may read, the newest first. Raises: NotFound."""
    read_patrol(session, actor, patrol_id)
    return [one for _, one in _decided(session, PatrolDecision.patrol_id == patrol_id)]


def _newest_decisions() -> Any:
    newest = select(func.max(PatrolDecision.decision_id)).group_by(PatrolDecision.patrol_id)
    columns = (PatrolDecision.patrol_id, PatrolDecision.decision, PatrolDecision.computed_status)
    return select(*columns).where(PatrolDecision.decision_id.in_(newest)).subquery("newest")


def _reviews(session: Session, patrols: Collection[PatrolView]) -> list[ReviewView]:
    ids = [patrol.patrol_id for patrol in patrols]
    newest: dict[uuid.UUID, Decided] = {}
    for patrol_id, one in _decided(session, PatrolDecision.patrol_id.in_(ids)):
        newest.setdefault(patrol_id, one)
    appeals = select(Appeal.patrol_id, Appeal.appeal_id).where(Appeal.patrol_id.in_(ids), is_open())
    open_appeals = {row.patrol_id: row.appeal_id for row in session.execute(appeals)}
    return [_review(one, newest.get(one.patrol_id), open_appeals.get(one.patrol_id)) for one in patrols]


def _review(patrol: PatrolView, decided: Decided | None, appeal_id: uuid.UUID | None) -> ReviewView:
    computed = patrol.verdict.computed_status if patrol.verdict else None
    changed = decided is not None and decided.computed_status != computed
    return ReviewView(patrol, decided, changed, appeal_id)


def _decided(session: Session, which: ColumnElement[bool]) -> list[tuple[uuid.UUID, Decided]]:
    rows = session.execute(
        select(
            PatrolDecision.patrol_id,
            PatrolDecision.decision,
            PatrolDecision.note,
            PatrolDecision.decided_by,
            func.coalesce(Person.name, ""),
            PatrolDecision.decided_at,
            PatrolDecision.computed_status,
            PatrolDecision.results,
            PatrolDecision.appeal_id,
        )
        .join(Person, Person.person_id == PatrolDecision.decided_by)
        .where(which)
        .order_by(PatrolDecision.decision_id.desc())
    )
    return [(row[0], Decided(*row[1:])) for row in rows]
