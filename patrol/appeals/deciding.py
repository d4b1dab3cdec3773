"""Decisions on appeals and doubts. What was computed stays beside them; its week is recounted, even closed.

Locks are taken in one order: the appeal, the patrol (as the judge does), the trail. So two heads who decide
at once, or a head and the judge, wait for each other.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from access.models import Absence, Person
from access.queries import away_on
from access.roles import Action
from access.scope import Actor, require, scope_of
from core import audit
from core.clock import LOCAL_ZONE, Week, local_date
from core.errors import NotFound
from geo.models import Grid
from patrol.appeals.asking import UNRECORDED, open_appeal_about, overlapping_patrol
from patrol.appeals.models import Appeal, PatrolDecision
from patrol.appeals.problems import (
    AlreadyDecided,
    AppealOpen,
    AppealOverlaps,
    AppealUnknown,
    AppealWithdrawn,
    NothingToReview,
    OwnPatrol,
)
from patrol.coverage.rolling import enqueue_days
from patrol.judging.judge import enqueue_roll_up, judge_patrol
from patrol.judging.verdicts import COUNTING, Decision, Status, effective_status
from patrol.models import Patrol, PatrolVerdict

SOURCE = "appeal"  # of patrols that only an accepted appeal speaks for


@dataclass(frozen=True, slots=True)
class Ruling:
    """What was decided, and what the worker is told."""

    decision: Decision
    note: str


def decide_appeal(session: Session, actor: Actor, appeal_id: uuid.UUID, ruling: Ruling) -> None:
    """The appeal is decided; accepted, its patrol counts like a valid one, and one is made where none was.

    A rejection takes nothing from a patrol that is valid anyway. The same again stays as it was.
    Raises: AppealUnknown, OwnPatrol, AppealWithdrawn, AlreadyDecided, AppealOverlaps.
    """
    appeal = _locked_appeal(session, appeal_id)
    grid = session.get_one(Grid, appeal.grid_id)
    _require_appeal_decider(session, actor, appeal, grid)
    if appeal.withdrawn_at is not None:
        raise AppealWithdrawn
    if appeal.decision is not None:
        earlier = (appeal.decided_by, appeal.decision, appeal.decision_note)
        if earlier == (actor.person_id, ruling.decision.value, ruling.note):
            return
        raise _already_decided(session, appeal)
    patrol_id = appeal.patrol_id
    if appeal.kind == UNRECORDED and ruling.decision == Decision.ACCEPTED:
        patrol_id = _make_patrol(session, appeal)
    decided_at = session.scalars(select(func.clock_timestamp())).one()
    appeal.patrol_id, appeal.decision, appeal.decided_at = patrol_id, ruling.decision.value, decided_at
    appeal.decided_by, appeal.decision_note = actor.person_id, ruling.note
    session.flush()
    computed = None
    if patrol_id is not None:
        computed = _settle(session, actor, patrol_id, ruling, appeal_id=appeal_id)
        enqueue_roll_up(session, grid.street_code, Week.of(appeal.started_at))
        enqueue_days(session, grid.street_code, [local_date(appeal.started_at)])
    detail = {
        "patrol_id": patrol_id and str(patrol_id),
        "decision": ruling.decision.value,
        "computed": computed,
    }
    subject = f"appeal:{appeal_id}"
    _record(session, actor, grid.street_code, action="appeal.decided", subject=subject, detail=detail)


def review_patrol(session: Session, actor: Actor, patrol_id: uuid.UUID, ruling: Ruling) -> None:
    """The doubt about a patrol is decided; decided anew when what was computed has changed since.

    The same again stays as it was.
    Raises: NotFound, Forbidden, OwnPatrol, NothingToReview, AlreadyDecided, AppealOpen.
    """
    patrol = locked_patrol(session, patrol_id)
    if patrol is None:
        raise NotFound
    grid = session.get_one(Grid, patrol.grid_id)
    _require_reviewer(session, actor, patrol, grid)
    computed = session.execute(
        select(PatrolVerdict.status, PatrolVerdict.decision).where(PatrolVerdict.patrol_id == patrol_id)
    ).one_or_none()
    newest = newest_decision(session, patrol_id)
    if computed is None or (newest is None and computed.status != Status.PENDING_REVIEW):
        raise NothingToReview
    if newest is not None and newest.computed_status == computed.status:
        if (newest.decided_by, newest.decision, newest.note) == (
            actor.person_id,
            ruling.decision,
            ruling.note,
        ):
            return
        raise _decided_by(session, newest.decided_by, newest.decided_at, newest.decision)
    appeal_id = open_appeal_about(session, patrol_id)
    if appeal_id is not None:
        raise AppealOpen(appeal_id=str(appeal_id))
    _settle(session, actor, patrol_id, ruling, appeal_id=None)
    enqueue_roll_up(session, grid.street_code, Week.of(patrol.started_at))
    enqueue_days(session, grid.street_code, [local_date(patrol.started_at)])
    detail = {"decision": ruling.decision.value, "computed": computed.status}
    subject = f"patrol:{patrol_id}"
    _record(session, actor, grid.street_code, action="patrol.reviewed", subject=subject, detail=detail)


def locked_patrol(session: Session, patrol_id: uuid.UUID) -> Patrol | None:
    """The patrol, while nobody judges it, finishes it or decides on it."""
    return session.scalar(
        select(Patrol)
        .where(Patrol.patrol_id == patrol_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )


def _locked_appeal(session: Session, appeal_id: uuid.UUID) -> Appeal:
    appeal = session.scalar(
        select(Appeal)
        .where(Appeal.appeal_id == appeal_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if appeal is None:
        raise AppealUnknown
    return appeal


def newest_decision(session: Session, patrol_id: uuid.UUID) -> PatrolDecision | None:
    """The decision that holds for this patrol."""
    of_patrol = select(PatrolDecision).where(PatrolDecision.patrol_id == patrol_id)
    return session.scalar(of_patrol.order_by(PatrolDecision.decision_id.desc()).limit(1))


# --------------------------------------------------------------------------------------------------- who may


def _require_appeal_decider(session: Session, actor: Actor, appeal: Appeal, grid: Grid) -> None:
    if appeal.person_id == actor.person_id:
        raise OwnPatrol
    if not scope_of(actor, Action.DECIDE_PATROLS).covers(grid.path):
        raise AppealUnknown  # others' appeals are seen by those who decide on them alone
    _refuse_own_substitute(session, actor, appeal.person_id, appeal)


def _require_reviewer(session: Session, actor: Actor, patrol: Patrol, grid: Grid) -> None:
    if patrol.person_id == actor.person_id:
        raise OwnPatrol
    if not scope_of(actor, Action.READ_PATROLS).covers(grid.path):
        raise NotFound
    require(actor, Action.DECIDE_PATROLS, grid.path)
    _refuse_own_substitute(session, actor, patrol.person_id, patrol)


def _refuse_own_substitute(
    session: Session, actor: Actor, walker_id: uuid.UUID, walked: Appeal | Patrol
) -> None:
    """A substitute's patrol counts for whoever was away: that is not theirs to decide on either."""
    stood_in = select(Absence.absence_id).where(
        Absence.person_id == actor.person_id,
        Absence.substitute_id == walker_id,
        away_on(local_date(walked.started_at)),
    )
    if session.scalar(stood_in.limit(1)) is not None:
        raise OwnPatrol


def _already_decided(session: Session, appeal: Appeal) -> AlreadyDecided:
    assert appeal.decided_by is not None
    assert appeal.decision is not None
    assert appeal.decided_at is not None
    return _decided_by(session, appeal.decided_by, appeal.decided_at, appeal.decision)


def _decided_by(
    session: Session, person_id: uuid.UUID, decided_at: datetime, decision: str
) -> AlreadyDecided:
    name = session.scalars(select(Person.name).where(Person.person_id == person_id)).one()
    local = decided_at.astimezone(LOCAL_ZONE).strftime("%Y-%m-%d %H:%M")
    said = "通过" if decision == Decision.ACCEPTED else "不通过"
    detail = f"{name} 已于 {local} 作出决定：{said} / decided by {name} at {local}: {decision}"
    by = {"id": str(person_id), "name": name}
    return AlreadyDecided(detail, decision=decision, decided_by=by, decided_at=decided_at.isoformat())


# ----------------------------------------------------------------------------------------------- what it does


def _make_patrol(session: Session, appeal: Appeal) -> uuid.UUID:
    """The patrol that the worker says was walked, without a single fix; its source says what it rests on."""
    assert appeal.finished_at is not None
    other = overlapping_patrol(session, appeal.person_id, appeal.started_at, appeal.finished_at)
    if other is not None:
        detail = "这段时间的巡查记录已上传 / a patrol of this time has been delivered since"
        raise AppealOverlaps(detail, patrol_id=str(other))
    patrol_id = uuid.uuid4()
    session.execute(
        insert(Patrol).values(
            patrol_id=patrol_id,
            person_id=appeal.person_id,
            grid_id=appeal.grid_id,
            source=SOURCE,
            started_at=appeal.started_at,
            finished_at=appeal.finished_at,
            finish_received_at=func.clock_timestamp(),
        )
    )
    return patrol_id


def _settle(
    session: Session, actor: Actor, patrol_id: uuid.UUID, ruling: Ruling, *, appeal_id: uuid.UUID | None
) -> str:
    """The decision stands beside the verdict, with what it was based on; gives the status as computed."""
    locked_patrol(session, patrol_id)
    columns = (PatrolVerdict.status, PatrolVerdict.decision, PatrolVerdict.results)
    basis = select(*columns).where(PatrolVerdict.patrol_id == patrol_id)
    found = session.execute(basis).one_or_none()
    if found is None:
        judge_patrol(session, str(patrol_id))  # unfinished, or nobody has judged it yet
        found = session.execute(basis).one()
    counts = effective_status(found.status, found.decision) in COUNTING
    if appeal_id is not None and counts and ruling.decision == Decision.REJECTED:
        return str(found.status)  # whoever asks for more does not lose what there is
    session.execute(
        insert(PatrolDecision).values(
            patrol_id=patrol_id,
            appeal_id=appeal_id,
            decision=ruling.decision.value,
            note=ruling.note,
            decided_by=actor.person_id,
            decided_at=func.clock_timestamp(),
            computed_status=found.status,
            results=found.results,
        )
    )
    session.execute(
        update(PatrolVerdict)
        .where(PatrolVerdict.patrol_id == patrol_id)
        .values(decision=ruling.decision.value)
        .execution_options(synchronize_session="fetch")
    )
    return str(found.status)


def _record(
    session: Session, actor: Actor, street_code: str, *, action: str, subject: str, detail: dict[str, Any]
) -> None:
    """Notes stay out of the trail: they may speak of people, and it cannot be erased."""
    audit.record(session, chain=street_code, actor=actor.label, action=action, subject=subject, detail=detail)
