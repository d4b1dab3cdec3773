"""Patrols as phones deliver them: late, twice, out of order, and never lost.

Every use-case here bears repetition: the same again is answered as the first time, something else under the
same id is a conflict. What cannot be filed goes to the quarantine, and the error is returned, not raised, so
that the door commits that row. What comes before its patrol waits there and is filed when the patrol arrives.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from access.scope import Actor
from core import audit
from core.clock import now
from core.errors import DomainError, FieldError, Invalid
from core.models import QuarantinedItem
from core.settings import PatrolSettings
from geo.models import Grid
from patrol.models import Patrol
from patrol.presence.clocks import TRIFLE_S, corrected, offset_s, sent_at_errors
from patrol.recording.filing import (
    FINISH,
    FINISH_TOLERANCE,
    JUDGE,
    SEGMENT,
    START,
    Filed,
    ItemKey,
    enqueue_judging,
    keep,
    lock_patrol,
)
from patrol.recording.problems import PatrolConflict, PatrolFinished, PatrolOfAnother, PatrolUnknown
from patrol.recording.segments import SegmentKey, file_segment, record_segment
from patrol.recording.wire import check_moment
from patrol.rights import grid_to_patrol

__all__ = [  # the rest of what a door needs to file a patrol
    "FINISH",
    "FINISH_TOLERANCE",
    "JUDGE",
    "REFILERS",
    "SEGMENT",
    "START",
    "Filed",
    "Finish",
    "SegmentKey",
    "Start",
    "enqueue_judging",
    "file_again",
    "file_segment",
    "finish_patrol",
    "lock_patrol",
    "record_segment",
    "start_patrol",
]


@dataclass(frozen=True, slots=True)
class Start:
    """What a phone says when a patrol begins."""

    grid_code: str
    started_at: datetime
    sent_at: datetime | None = None  # by the phone's clock, at this attempt
    device_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Finish:
    """What a phone says when a patrol ends."""

    finished_at: datetime
    sent_at: datetime | None = None


Refiler = Callable[[Session, Actor, QuarantinedItem, PatrolSettings], Filed | DomainError]
# What else may come before its patrol and wait for it: kind of kept item -> how it is filed again. The module
# that keeps such items adds its row.
REFILERS: dict[str, Refiler] = {}


# ------------------------------------------------------------------------------------------------- beginning


def start_patrol(
    session: Session,
    actor: Actor,
    patrol_id: uuid.UUID,
    start: Start,
    limits: PatrolSettings,
    *,
    source: str = "app",
    received_at: datetime | None = None,
) -> Filed | DomainError:
    """The patrol is known, and so is everything of it that came before.

    Raises: Invalid, NotFound, Forbidden. Returns: PatrolConflict, the body kept.
    """
    known = _known(session, patrol_id)
    if known is None:
        offset = _checked_offset("/started_at", start.started_at, start.sent_at, received_at or now(), limits)
        started_at = corrected(start.started_at, offset)
        grid = grid_to_patrol(session, actor, start.grid_code, started_at)
        lock_patrol(session, patrol_id)
        patrol = Patrol(
            patrol_id=patrol_id,
            person_id=actor.person_id,
            grid_id=grid.grid_id,
            source=source,
            device_id=start.device_id,
            started_at=started_at,
            start_clock_offset_s=offset,
        )
        if _insert(session, patrol):
            _file_waiting(session, actor, patrol_id, limits)
            _record(session, actor, patrol, grid.street_code, start.grid_code)
            return Filed(is_repeated=False)
        known = _known(session, patrol_id)  # another request was faster
    if known is not None and _is_same(known, actor, start):
        return Filed(is_repeated=True)
    key = ItemKey(patrol_id, patrol_id)
    return keep(session, actor, PatrolConflict(), key, kind=START, body=msgspec.json.encode(start))


def _checked_offset(
    pointer: str, moment: datetime, sent_at: datetime | None, received_at: datetime, limits: PatrolSettings
) -> int:
    """The error of the phone's clock. Raises: Invalid for a time that is impossible even so."""
    errors = sent_at_errors(sent_at, received_at)
    offset = 0 if errors else offset_s(sent_at, received_at)
    errors += check_moment(pointer, corrected(moment, offset), received_at=received_at, limits=limits)
    if errors:
        raise Invalid(errors=errors)
    return offset


def _is_same(known: Row[Any], actor: Actor, start: Start) -> bool:
    """Whether the stored patrol says what this start says, by the phone's own clock."""
    started_at = corrected(known.started_at, -known.start_clock_offset_s)
    return (known.person_id, known.code, started_at) == (actor.person_id, start.grid_code, start.started_at)


def _known(session: Session, patrol_id: uuid.UUID) -> Row[Any] | None:
    columns: Any = (Patrol.person_id, Grid.code, Patrol.started_at, Patrol.start_clock_offset_s)
    statement = select(*columns).join(Grid, Grid.grid_id == Patrol.grid_id)
    return session.execute(statement.where(Patrol.patrol_id == patrol_id)).one_or_none()


_STARTED = (
    "patrol_id",
    "person_id",
    "grid_id",
    "source",
    "device_id",
    "started_at",
    "start_clock_offset_s",
)


def _insert(session: Session, patrol: Patrol) -> bool:
    values = {name: getattr(patrol, name) for name in _STARTED}
    statement = insert(Patrol).values(values).on_conflict_do_nothing().returning(Patrol.patrol_id)
    return session.scalar(statement) is not None


def _record(session: Session, actor: Actor, patrol: Patrol, street_code: str, grid_code: str) -> None:
    audit.record(
        session,
        chain=street_code,
        actor=actor.label,
        action="patrol.started",
        subject=f"patrol:{patrol.patrol_id}",
        detail={"grid_code": grid_code, "started_at": patrol.started_at.isoformat()},
    )


def _file_waiting(session: Session, actor: Actor, patrol_id: uuid.UUID, limits: PatrolSettings) -> None:
    """What this person sent of the patrol before it was known is filed, the finish last."""
    waiting = session.scalars(
        select(QuarantinedItem)
        .where(
            QuarantinedItem.subject_id == patrol_id,
            QuarantinedItem.person_id == actor.person_id,
            QuarantinedItem.reason == PatrolUnknown.code,
            QuarantinedItem.kind.in_([SEGMENT, FINISH, *REFILERS]),
            QuarantinedItem.refiled_at.is_(None),
        )
        .order_by(QuarantinedItem.kind.desc(), QuarantinedItem.received_at, QuarantinedItem.quarantine_id)
    ).all()
    for item in waiting:
        file_again(session, actor, item, limits, received_at=item.received_at)
        item.refiled_at = now()  # filed, or kept anew for another reason


def file_again(
    session: Session, actor: Actor, item: QuarantinedItem, limits: PatrolSettings, *, received_at: datetime
) -> Filed | DomainError:
    """What a kept item asked for is tried once more."""
    if item.kind in REFILERS:
        return REFILERS[item.kind](session, actor, item, limits)
    if item.kind == SEGMENT:
        assert item.subject_id is not None
        key = SegmentKey(item.subject_id, item.item_id)
        return record_segment(
            session, actor, key, item.body, limits, received_at=received_at, came_at=item.received_at
        )
    if item.kind == FINISH:
        finish = msgspec.json.decode(item.body, type=Finish)
        return finish_patrol(session, actor, item.item_id, finish, limits, received_at=item.received_at)
    start = msgspec.json.decode(item.body, type=Start)
    return start_patrol(session, actor, item.item_id, start, limits, received_at=item.received_at)


# ------------------------------------------------------------------------------------------------- finishing


@dataclass(frozen=True, slots=True)
class _Standing:
    """A patrol as it stands, locked against another finish."""

    patrol_id: uuid.UUID
    person_id: uuid.UUID
    grid_id: int
    started_at: datetime
    start_clock_offset_s: int
    finished_at: datetime | None
    finish_clock_offset_s: int


def finish_patrol(
    session: Session,
    actor: Actor,
    patrol_id: uuid.UUID,
    finish: Finish,
    limits: PatrolSettings,
    *,
    received_at: datetime | None = None,
) -> Filed | DomainError:
    """The patrol has ended and will be judged, and judged again when more of it comes.

    Raises: Invalid. Returns: PatrolUnknown, PatrolOfAnother, PatrolFinished, Invalid, the body kept.
    """
    came_at = received_at or now()
    patrol = _patrol_for_update(session, patrol_id)
    if patrol is None:
        _checked_offset("/finished_at", finish.finished_at, finish.sent_at, came_at, limits)
        lock_patrol(session, patrol_id)
        patrol = _patrol_for_update(session, patrol_id)
    problem = _why_not_finished(actor, patrol, finish, came_at, limits)
    if problem is not None:
        key = ItemKey(patrol_id, patrol_id)
        return keep(session, actor, problem, key, kind=FINISH, body=msgspec.json.encode(finish))
    assert patrol is not None
    if patrol.finished_at is None:
        _end(session, actor, patrol, finish, offset_s(finish.sent_at, came_at))
        return Filed(is_repeated=False)
    return Filed(is_repeated=True)


def _patrol_for_update(session: Session, patrol_id: uuid.UUID) -> _Standing | None:
    statement = select(
        Patrol.patrol_id,
        Patrol.person_id,
        Patrol.grid_id,
        Patrol.started_at,
        Patrol.start_clock_offset_s,
        Patrol.finished_at,
        Patrol.finish_clock_offset_s,
    )
    locked = statement.where(Patrol.patrol_id == patrol_id).with_for_update(key_share=True)
    found = session.execute(locked).one_or_none()
    return None if found is None else _Standing(*found)


def _why_not_finished(
    actor: Actor, patrol: _Standing | None, finish: Finish, came_at: datetime, limits: PatrolSettings
) -> DomainError | None:
    if patrol is None:
        return PatrolUnknown()
    if patrol.person_id != actor.person_id:
        return PatrolOfAnother()
    if patrol.finished_at is not None:
        said = corrected(patrol.finished_at, -patrol.finish_clock_offset_s)
        is_same = finish.finished_at in (said, patrol.finished_at)
        return None if is_same else PatrolFinished(finished_at=said.isoformat())
    try:
        offset = _checked_offset("/finished_at", finish.finished_at, finish.sent_at, came_at, limits)
    except Invalid as error:
        return error
    if corrected(finish.finished_at, offset) >= _earliest(patrol, offset):
        return None
    at = patrol.started_at.isoformat()
    began = f"巡查开始于 {at} / the patrol began then; it cannot end before"
    return Invalid(errors=[FieldError("/finished_at", "before-start", began)])


def _earliest(patrol: _Standing, offset: int) -> datetime:
    """The first moment at which it can end; the error of a clock is known to the time on the way only."""
    slack = timedelta(seconds=TRIFLE_S if offset or patrol.start_clock_offset_s else 0)
    return patrol.started_at - slack


def _end(session: Session, actor: Actor, patrol: _Standing, finish: Finish, offset: int) -> None:
    finished_at = max(corrected(finish.finished_at, offset), patrol.started_at)
    session.execute(
        update(Patrol)
        .where(Patrol.patrol_id == patrol.patrol_id)
        .values(
            finished_at=finished_at,
            finish_clock_offset_s=offset,
            finish_received_at=func.clock_timestamp(),
        )
    )
    enqueue_judging(session, patrol.patrol_id)
    audit.record(
        session,
        chain=session.scalars(select(Grid.street_code).where(Grid.grid_id == patrol.grid_id)).one(),
        actor=actor.label,
        action="patrol.finished",
        subject=f"patrol:{patrol.patrol_id}",
        detail={"finished_at": finished_at.isoformat()},
    )
