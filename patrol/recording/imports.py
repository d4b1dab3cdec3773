"""A whole patrol from a file: a GPX track of a receiver or an app that cannot speak to us."""

import hashlib
import uuid
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from access.scope import Actor
from core.clock import now
from core.errors import DomainError
from core.settings import PatrolSettings
from geo.datums import Datum
from patrol.fixes import MAX_FIXES, Fixes, in_batches
from patrol.recording.gpx import GpxInvalid, read_gpx
from patrol.recording.tracks import (
    Filed,
    Finish,
    SegmentKey,
    Start,
    file_segment,
    finish_patrol,
    start_patrol,
)
from patrol.recording.wire import check_fixes, make_upload

_SHOWN_ERRORS = 20


def import_track(
    session: Session,
    actor: Actor,
    content: bytes,
    *,
    grid_code: str,
    limits: PatrolSettings,
    datum: str = Datum.WGS84,
) -> uuid.UUID:
    """The track is a finished patrol of the actor in this grid; the same file again is the same patrol.

    Raises: GpxInvalid, NotFound, Forbidden. Nothing is kept then: the file is still where it was.
    """
    fixes = read_gpx(content).fixes
    errors = check_fixes(fixes, datum, received_at=now(), limits=limits, base="/points")
    if errors:
        raise GpxInvalid(f"{len(errors)} values cannot be right", errors=errors[:_SHOWN_ERRORS])
    digest = hashlib.sha256(content).hexdigest()
    patrol_id = uuid.uuid5(actor.person_id, f"{grid_code} {datum} {digest}")
    start, finish = Start(grid_code, _moment(fixes, 0)), Finish(_moment(fixes, -1))
    _filed(start_patrol(session, actor, patrol_id, start, limits, source="gpx"))
    for seq, batch in enumerate(in_batches(fixes, MAX_FIXES)):
        key = SegmentKey(patrol_id, uuid.uuid5(patrol_id, str(seq)))
        upload = make_upload(batch, seq=seq, datum=datum)
        _filed(file_segment(session, actor, key, upload, b"", max_fixes=limits.max_fixes))
    _filed(finish_patrol(session, actor, patrol_id, finish, limits))
    return patrol_id


def _filed(outcome: Filed | DomainError) -> None:
    if isinstance(outcome, DomainError):
        raise outcome


def _moment(fixes: Fixes, index: int) -> datetime:
    return datetime.fromtimestamp(int(fixes.at_ms[index]) / 1000, UTC)
