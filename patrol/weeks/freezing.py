"""Writing down the results of closed weeks, once: jobs `patrol.freeze_recent` and `patrol.freeze_week`."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import audit, jobs
from core.clock import Week, now
from geo.models import Grid
from patrol.appeals.models import FrozenWeek, WeekResult
from patrol.closing import WeekState, closes_at, week_state
from patrol.judging.judge import enqueue_roll_up
from patrol.models import Patrol, PatrolVerdict, Segment
from patrol.weeks.frozen import FrozenPatrol, newest_decisions
from patrol.weeks.standing import CountedPatrol, Pair, grids_in_week, pairs_in_week

FREEZE = "patrol.freeze_week"
# Weeks that a service which was down for long still freezes; older ones are counted from facts for ever.
LOOK_BACK = 8
# What was delivered in time is judged before its week is frozen, but one track that cannot be judged must not
# hold up a street for ever.
PATIENCE = timedelta(days=2)
_ROWS = 500  # in one statement


def freeze_recent(session: Session) -> None:
    """Every closed week of the last ones that is not frozen yet will be, street by street."""
    running = Week.of(now())
    weeks = [running.shifted(-back) for back in range(LOOK_BACK, 0, -1)]
    closed = [week for week in weeks if week_state(week, now()) == WeekState.CLOSED]
    rows = session.execute(select(FrozenWeek.week, FrozenWeek.street_code))
    frozen = {(week, street_code) for week, street_code in rows}
    for street_code in session.scalars(select(Grid.street_code).distinct().order_by(Grid.street_code)).all():
        for week in closed:
            if (week.monday, street_code) not in frozen:
                lock = f"{FREEZE}:{street_code}:{week}"
                jobs.enqueue(
                    session, FREEZE, lock=lock, queueing_lock=lock, street_code=street_code, week=str(week)
                )


def freeze_week(session: Session, street_code: str, week: str) -> None:
    """The results of the closed week are written down, once; not yet while something in time is unjudged."""
    of_week = Week.parse(week)
    closing = closes_at(of_week)
    unjudged = _unjudged(session, street_code, of_week)
    if now() < closing or (unjudged and now() < closing + PATIENCE):
        return
    # Before the count: a decision made in between is then taken for a later one, and none is lost.
    decisions = newest_decisions(session, of_week)
    grids = grids_in_week(session, Grid.street_code == street_code, of_week)
    pairs = pairs_in_week(session, grids, of_week)
    frozen_at = session.scalar(
        insert(FrozenWeek)
        .values(week=of_week.monday, street_code=street_code, frozen_at=func.clock_timestamp())
        .on_conflict_do_nothing()
        .returning(FrozenWeek.frozen_at)
    )
    if frozen_at is None:
        return
    rows = [{**_row(pair, decisions), "week": of_week.monday, "frozen_at": frozen_at} for pair in pairs]
    for start in range(0, len(rows), _ROWS):
        session.execute(insert(WeekResult).values(rows[start : start + _ROWS]))
    enqueue_roll_up(session, street_code, of_week)
    counts = Counter(pairs=len(pairs), met=sum(pair.met for pair in pairs), unjudged=unjudged)
    counts["patrols"] = sum(len(pair.patrols) for pair in pairs)
    counts["counted"] = sum(pair.counted for pair in pairs)
    _record(session, street_code, week, counts)


def _row(pair: Pair, decisions: Mapping[Any, int]) -> dict[str, Any]:
    return {
        "grid_id": pair.grid.grid_id,
        "person_id": pair.person_id,
        "required": pair.policy.required_per_week,
        "counted": pair.counted,
        "met": pair.met,
        "policy_id": pair.policy_id,
        "patrols": [_frozen(patrol, decisions.get(patrol.patrol_id)).members() for patrol in pair.patrols],
    }


def _frozen(patrol: CountedPatrol, decision_id: int | None) -> FrozenPatrol:
    return FrozenPatrol(
        patrol_id=patrol.patrol_id,
        walker_id=patrol.walker_id,
        started_at=patrol.started_at,
        status=patrol.status,
        is_late=patrol.is_late,
        decision_id=decision_id,
        counted=patrol.counted,
        reason=patrol.reason,
    )


def _unjudged(session: Session, street_code: str, week: Week) -> int:
    """Patrols of the week that came in time and whose verdict does not yet hold all of them that did."""
    closing = closes_at(week)
    in_time = and_(Segment.patrol_id == Patrol.patrol_id, Segment.received_at < closing)
    newest = select(func.max(Segment.received_at)).where(in_time).scalar_subquery()
    finish = case((Patrol.finish_received_at < closing, Patrol.finish_received_at))
    waiting = (
        select(func.count())
        .select_from(Patrol)
        .join(Grid, Grid.grid_id == Patrol.grid_id)
        .outerjoin(PatrolVerdict, PatrolVerdict.patrol_id == Patrol.patrol_id)
        .where(
            Grid.street_code == street_code,
            Patrol.started_at >= week.starts_at,
            Patrol.started_at < week.ends_at,
            Patrol.start_received_at < closing,
            or_(PatrolVerdict.patrol_id.is_(None), PatrolVerdict.judged_at < func.greatest(newest, finish)),
        )
    )
    return session.scalars(waiting).one()


def _record(session: Session, street_code: str, week: str, counts: Mapping[str, int]) -> None:
    audit.record(
        session,
        chain=street_code,
        actor="worker",
        action="week.frozen",
        subject=f"week:{week}",
        detail=dict(counts),
    )
