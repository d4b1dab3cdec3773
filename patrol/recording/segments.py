"""Batches of fixes as phones deliver them: filed once, or kept with the reason why not."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from access.scope import Actor
from core.clock import now
from core.errors import DomainError
from core.settings import PatrolSettings
from patrol.models import Patrol, Segment
from patrol.recording.filing import (
    FINISH_TOLERANCE,
    SEGMENT,
    Filed,
    ItemKey,
    enqueue_judging,
    keep,
    lock_patrol,
)
from patrol.recording.problems import (
    PatrolFinished,
    PatrolFull,
    PatrolOfAnother,
    PatrolUnknown,
    SegmentConflict,
)
from patrol.recording.wire import SegmentInvalid, Upload, parse_segment


@dataclass(frozen=True, slots=True)
class SegmentKey:
    """The ids that the phone made."""

    patrol_id: uuid.UUID
    segment_id: uuid.UUID

    @property
    def item(self) -> ItemKey:
        return ItemKey(self.patrol_id, self.segment_id)


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
            AND :room >= (SELECT coalesce(sum(fix_count), 0) FROM segments WHERE patrol_id = :patrol_id)
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
    came_at: datetime | None = None,
) -> Filed | DomainError:
    """The segment is stored, or its body kept with the reason why not.

    `came_at` is when it first came, for one that was kept aside: the error of the phone's clock shows by it.
    Returns: SegmentInvalid, PatrolUnknown, PatrolOfAnother, SegmentConflict, PatrolFinished, PatrolFull.
    """
    try:
        upload = parse_segment(body, received_at=received_at or now(), limits=limits, came_at=came_at)
    except SegmentInvalid as error:
        return keep(session, actor, error, key.item, kind=SEGMENT, body=body)
    return file_segment(session, actor, key, upload, body, max_fixes=limits.max_fixes)


def file_segment(
    session: Session, actor: Actor, key: SegmentKey, upload: Upload, body: bytes, *, max_fixes: int
) -> Filed | DomainError:
    """Like `record_segment`, for a body that has been read."""
    room = max_fixes - upload.fix_count
    patrol = _try_to_file(session, actor, key, upload, room)
    if patrol is None:
        # The patrol may be arriving at this moment: from here on one waits for the other.
        lock_patrol(session, key.patrol_id)
        patrol = _try_to_file(session, actor, key, upload, room)
    if patrol is not None and patrol.is_filed:
        if patrol.finished_at is not None:
            enqueue_judging(session, key.patrol_id)
        return Filed(False, upload.fix_count)
    if _is_filed(session, actor, key, upload):
        return Filed(True, upload.fix_count)
    problem = _why_not_filed(session, actor, key, patrol, upload)
    if isinstance(problem, PatrolFull):
        problem.extra["limit"] = max_fixes
    return keep(session, actor, problem, key.item, kind=SEGMENT, body=body)


def _needed_finish(upload: Upload) -> datetime:
    """A patrol that ended before has nothing to do with it."""
    return datetime.fromtimestamp(upload.first_at_ms / 1000, UTC) - FINISH_TOLERANCE


def _try_to_file(
    session: Session, actor: Actor, key: SegmentKey, upload: Upload, room: int
) -> Row[Any] | None:
    values = {
        "patrol_id": key.patrol_id,
        "segment_id": key.segment_id,
        "person_id": actor.person_id,
        "seq": upload.seq,
        "datum": upload.datum,
        "body_hash": upload.body_hash,
        "clock_offset_s": upload.clock_offset_s,
        "fix_count": upload.fix_count,
        "fixes": upload.blob,
        "needed_finish": _needed_finish(upload),
        "room": room,
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


def _why_not_filed(
    session: Session, actor: Actor, key: SegmentKey, patrol: Row[Any] | None, upload: Upload
) -> DomainError:
    if patrol is None:
        return PatrolUnknown()
    if patrol.person_id != actor.person_id:
        return PatrolOfAnother()
    if session.scalar(select(Segment.seq).where(Segment.segment_id == key.segment_id)) is not None:
        return SegmentConflict()
    if patrol.finished_at is None or patrol.finished_at >= _needed_finish(upload):
        return PatrolFull()
    told = "所有位置都晚于巡查结束时间 / every fix is later than the finish"
    return PatrolFinished(told, finished_at=patrol.finished_at.isoformat())
