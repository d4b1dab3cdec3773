"""Patrols as phones deliver them: late, twice, out of order, and never lost.

Every use-case here bears repetition: the same again is answered as the first time, something else under the
same id is a conflict. What cannot be filed goes to the quarantine, and the error is returned, not raised, so
that the door commits that row. What comes before its patrol waits there and is filed when the patrol arrives.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Row, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from access.scope import Actor
from core import audit, jobs, quarantine
from core.clock import now
from core.errors import DomainError, FieldError, Invalid
from core.models import QuarantinedItem
from core.settings import PatrolSettings
from geo.models import Grid
from patrol.models import Patrol, Segment
from patrol.problems import PatrolConflict, PatrolFinished, PatrolOfAnother, PatrolUnknown, SegmentConflict
from patrol.rights import grid_to_patrol
from patrol.wire import SegmentInvalid, Upload, check_moment, parse_segment

JUDGE = "patrol.judge"
SEGMENT, START, FINISH = "patrol-segment", "patrol-start", "patrol-finish"  # kinds of kept items
# A phone may still hold fixes when the finish is pressed; a segment wholly after that is no part of it.
FINISH_TOLERANCE = timedelta(minutes=2)
_SKEW_S = 60  # a clock that is ahead by less is the ordinary drift of phones


@dataclass(frozen=True, slots=True)
class Filed:
    """It is stored; `is_repeated` when it was already."""

    is_repeated: bool
    fix_count: int = 0


@dataclass(frozen=True, slots=True)
class Start:
    """What a phone says when a patrol begins."""

    grid_code: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Finish:
    """What a phone says when a patrol ends."""

    finished_at: datetime


@dataclass(frozen=True, slots=True)
class SegmentKey:
    """The ids that the phone made."""

    patrol_id: uuid.UUID
    segment_id: uuid.UUID


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
) -> Filed | DomainError:
    """The patrol is known, and so is everything of it that came before.

    Raises: Invalid, NotFound, Forbidden. Returns: PatrolConflict, the body kept.
    """
    known = _known(session, patrol_id)
    if known is None:
        errors = list(check_moment("/started_at", start.started_at, received_at=now(), limits=limits))
        if errors:
            raise Invalid(errors=errors)
        grid = grid_to_patrol(session, actor, start.grid_code, start.started_at)
        lock_patrol(session, patrol_id)
        if _insert(session, actor, patrol_id, grid.grid_id, start.started_at, source=source):
            _file_waiting(session, actor, patrol_id, limits)
            audit.record(
                session,
                chain=grid.street_code,
                actor=actor.label,
                action="patrol.started",
                subject=f"patrol:{patrol_id}",
                detail={"grid_code": start.grid_code, "started_at": start.started_at.isoformat()},
            )
            return Filed(is_repeated=False)
        known = _known(session, patrol_id)  # another request was faster
    if known is not None and tuple(known) == (actor.person_id, start.grid_code, start.started_at):
        return Filed(is_repeated=True)
    return _keep(session, actor, PatrolConflict(), patrol_id, kind=START, body=msgspec.json.encode(start))


def _known(session: Session, patrol_id: uuid.UUID) -> Row[uuid.UUID, str, datetime] | None:
    statement = select(Patrol.person_id, Grid.code, Patrol.started_at).join(
        Grid, Grid.grid_id == Patrol.grid_id
    )
    return session.execute(statement.where(Patrol.patrol_id == patrol_id)).one_or_none()


def _insert(
    session: Session, actor: Actor, patrol_id: uuid.UUID, grid_id: int, started_at: datetime, *, source: str
) -> bool:
    statement = (
        insert(Patrol)
        .values(
            patrol_id=patrol_id,
            person_id=actor.person_id,
            grid_id=grid_id,
            source=source,
            started_at=started_at,
        )
        .on_conflict_do_nothing()
        .returning(Patrol.patrol_id)
    )
    return session.scalar(statement) is not None


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
        return record_segment(session, actor, key, item.body, limits, received_at=received_at)
    if item.kind == FINISH:
        finish = msgspec.json.decode(item.body, type=Finish)
        return finish_patrol(session, actor, item.item_id, finish, limits)
    return start_patrol(session, actor, item.item_id, msgspec.json.decode(item.body, type=Start), limits)


# -------------------------------------------------------------------------------------------------- segments

# One statement decides and files. FOR SHARE makes it wait for a finish under way, and a judge wait for it: no
# segment slips in between unseen.
_FILE_SEGMENT = text(
    """
    WITH patrol AS (
        SELECT patrol_id, person_id, finished_at FROM patrols WHERE patrol_id = :patrol_id FOR SHARE
    ), filed AS (
        INSERT INTO segments (segment_id, patrol_id, seq, datum, body_hash, clock_offset_s, fix_count, fixes)
        SELECT :segment_id, patrol_id, :seq, :datum, :body_hash, :clock_offset_s, :fix_count, :fixes
        FROM patrol WHERE person_id = :person_id AND (finished_at IS NULL OR finished_at >= :needed_finish)
        ON CONFLICT (segment_id) DO NOTHING RETURNING 1
    )
    SELECT person_id, finished_at, EXISTS (SELECT FROM filed) AS is_filed FROM patrol
    """
)


def record_segment(
    session: Session,
    actor: Actor,
    key: SegmentKey,
    body: bytes,
    limits: PatrolSettings,
    *,
    received_at: datetime | None = None,
) -> Filed | DomainError:
    """The segment is stored, or its body kept with the reason why not.

    Returns: SegmentInvalid, PatrolUnknown, PatrolOfAnother, SegmentConflict, PatrolFinished.
    """
    try:
        upload = parse_segment(body, received_at=received_at or now(), limits=limits)
    except SegmentInvalid as error:
        return _keep_segment(session, actor, error, key, body)
    return file_segment(session, actor, key, upload, body)


def file_segment(
    session: Session, actor: Actor, key: SegmentKey, upload: Upload, body: bytes
) -> Filed | DomainError:
    """Like `record_segment`, for a body that has been read."""
    patrol = _try_to_file(session, actor, key, upload)
    if patrol is None:
        # The patrol may be arriving at this moment: from here on one waits for the other.
        lock_patrol(session, key.patrol_id)
        patrol = _try_to_file(session, actor, key, upload)
    if patrol is not None and patrol.is_filed:
        if patrol.finished_at is not None:
            enqueue_judging(session, key.patrol_id)
        return Filed(False, upload.fix_count)
    if _is_filed(session, actor, key, upload):
        return Filed(True, upload.fix_count)
    return _keep_segment(session, actor, _why_not_filed(session, actor, key, patrol), key, body)


def _try_to_file(session: Session, actor: Actor, key: SegmentKey, upload: Upload) -> Row[Any] | None:
    ahead_s = upload.last_at_ms / 1000 - now().timestamp()
    first_at = datetime.fromtimestamp(upload.first_at_ms / 1000, UTC)
    values = {
        "patrol_id": key.patrol_id,
        "segment_id": key.segment_id,
        "person_id": actor.person_id,
        "seq": upload.seq,
        "datum": upload.datum,
        "body_hash": upload.body_hash,
        "clock_offset_s": -round(ahead_s) if ahead_s >= _SKEW_S else 0,
        "fix_count": upload.fix_count,
        "fixes": upload.blob,
        "needed_finish": first_at - FINISH_TOLERANCE,
    }
    return session.execute(_FILE_SEGMENT, values).one_or_none()


def _is_filed(session: Session, actor: Actor, key: SegmentKey, upload: Upload) -> bool:
    """Whether this very segment of this person is stored."""
    statement = (
        select(Segment.segment_id)
        .join(Patrol, Patrol.patrol_id == Segment.patrol_id)
        .where(
            Segment.segment_id == key.segment_id,
            Segment.patrol_id == key.patrol_id,
            Segment.body_hash == upload.body_hash,
            Patrol.person_id == actor.person_id,
        )
    )
    return session.scalar(statement) is not None


def _why_not_filed(session: Session, actor: Actor, key: SegmentKey, patrol: Row[Any] | None) -> DomainError:
    if patrol is None:
        return PatrolUnknown()
    if patrol.person_id != actor.person_id:
        return PatrolOfAnother()
    if session.scalar(select(Segment.seq).where(Segment.segment_id == key.segment_id)) is not None:
        return SegmentConflict()
    return PatrolFinished("every fix is later than the finish", finished_at=patrol.finished_at.isoformat())


# ------------------------------------------------------------------------------------------------- finishing


@dataclass(frozen=True, slots=True)
class _Standing:
    """A patrol as it stands, locked against another finish."""

    patrol_id: uuid.UUID
    person_id: uuid.UUID
    grid_id: int
    started_at: datetime
    finished_at: datetime | None


def finish_patrol(
    session: Session, actor: Actor, patrol_id: uuid.UUID, finish: Finish, limits: PatrolSettings
) -> Filed | DomainError:
    """The patrol has ended and will be judged, and judged again when more of it comes.

    Raises: Invalid. Returns: PatrolUnknown, PatrolOfAnother, PatrolFinished, Invalid, the body kept.
    """
    finished_at = finish.finished_at
    patrol = _patrol_for_update(session, patrol_id)
    if patrol is None:
        errors = list(check_moment("/finished_at", finished_at, received_at=now(), limits=limits))
        if errors:
            raise Invalid(errors=errors)
        lock_patrol(session, patrol_id)
        patrol = _patrol_for_update(session, patrol_id)
    problem = _why_not_finished(actor, patrol, finished_at, limits)
    if problem is not None:
        return _keep(session, actor, problem, patrol_id, kind=FINISH, body=msgspec.json.encode(finish))
    assert patrol is not None
    if patrol.finished_at is None:
        _end(session, actor, patrol, finished_at)
        return Filed(is_repeated=False)
    return Filed(is_repeated=True)


def _patrol_for_update(session: Session, patrol_id: uuid.UUID) -> _Standing | None:
    statement = select(
        Patrol.patrol_id, Patrol.person_id, Patrol.grid_id, Patrol.started_at, Patrol.finished_at
    )
    locked = statement.where(Patrol.patrol_id == patrol_id).with_for_update(key_share=True)
    found = session.execute(locked).one_or_none()
    return None if found is None else _Standing(*found)


def _why_not_finished(
    actor: Actor, patrol: _Standing | None, finished_at: datetime, limits: PatrolSettings
) -> DomainError | None:
    if patrol is None:
        return PatrolUnknown()
    if patrol.person_id != actor.person_id:
        return PatrolOfAnother()
    if patrol.finished_at == finished_at:
        return None
    if patrol.finished_at is not None:
        return PatrolFinished(finished_at=patrol.finished_at.isoformat())
    errors = list(check_moment("/finished_at", finished_at, received_at=now(), limits=limits))
    if finished_at < patrol.started_at:
        began = f"the patrol began at {patrol.started_at.isoformat()}"
        errors.append(FieldError("/finished_at", "before-start", began))
    return Invalid(errors=errors) if errors else None


def _end(session: Session, actor: Actor, patrol: _Standing, finished_at: datetime) -> None:
    session.execute(
        update(Patrol)
        .where(Patrol.patrol_id == patrol.patrol_id)
        .values(finished_at=finished_at, finish_received_at=func.clock_timestamp())
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


# ---------------------------------------------------------------------------------------------------- common

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('patrol:' || :patrol_id, 0))")


def enqueue_judging(session: Session, patrol_id: uuid.UUID) -> None:
    """The patrol will be judged once, however often this is asked before it is."""
    jobs.enqueue(session, JUDGE, queueing_lock=f"{JUDGE}:{patrol_id}", patrol_id=str(patrol_id))


def lock_patrol(session: Session, patrol_id: uuid.UUID) -> None:
    """Until this transaction ends, the patrol of this id arrives nowhere else, nor what waits for it."""
    session.execute(_LOCK, {"patrol_id": str(patrol_id)})


def _keep(
    session: Session, actor: Actor, problem: DomainError, patrol_id: uuid.UUID, *, kind: str, body: bytes
) -> DomainError:
    return quarantine.keep(
        session,
        problem,
        kind=kind,
        item_id=patrol_id,
        subject_id=patrol_id,
        person_id=actor.person_id,
        body=body,
    )


def _keep_segment(
    session: Session, actor: Actor, problem: DomainError, key: SegmentKey, body: bytes
) -> DomainError:
    return quarantine.keep(
        session,
        problem,
        kind=SEGMENT,
        item_id=key.segment_id,
        subject_id=key.patrol_id,
        person_id=actor.person_id,
        body=body,
    )
