"""Positions that waited become segments of the patrol in whose time they fall, or are deleted.

A position belongs to the patrol of its person that holds its moment; of two that do, to the later one. It is
filed once, however often it came and whenever: what the patrol has from this tracker already is left out.
"""

import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from sqlalchemy import delete, func, or_, select, text
from sqlalchemy.orm import Session

from access.devices import carrier_of
from access.models import Account, Person
from access.scope import Actor
from core import jobs
from core.errors import DomainError
from core.settings import PatrolSettings, SyncSettings
from geo.datums import Datum
from patrol.fixes import MAX_FIXES, Fixes, decode, in_batches
from patrol.models import Patrol, Segment
from patrol.recording.tracks import SegmentKey, file_segment
from patrol.recording.wire import make_upload
from patrol.trackers.models import TrackerFix, TrackerSegment
from patrol.trackers.receiving import columns_of

FOLD = "patrol.trackers.fold"
_AT_ONCE = 20_000  # positions of one tracker in one job: a day and more
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('tracker:' || :device_id, 0))")


def enqueue_folding(session: Session) -> None:
    """Every tracker with waiting positions has a job: one that fails stops no other."""
    pairs = select(TrackerFix.device_id, TrackerFix.person_id).distinct()
    for device_id, person_id in session.execute(pairs):
        jobs.enqueue(
            session,
            FOLD,
            queueing_lock=f"{FOLD}:{device_id}:{person_id}",
            device_id=str(device_id),
            person_id=str(person_id),
        )


def fold(
    session: Session, device_id: str, person_id: str, *, limits: PatrolSettings, sync: SyncSettings
) -> None:
    """What waits of this person's tracker and falls into a patrol is part of it; what is too old is gone."""
    session.execute(_LOCK, {"device_id": device_id})
    device, actor = uuid.UUID(device_id), _carrier(session, uuid.UUID(person_id))
    waiting = session.scalars(
        select(TrackerFix)
        .where(TrackerFix.device_id == device, TrackerFix.person_id == actor.person_id)
        .order_by(TrackerFix.at_ms)
        .limit(_AT_ONCE)
    ).all()
    if not waiting:
        return
    for patrol, fixes in _by_patrol(waiting, _patrols_around(session, actor, waiting, limits), limits):
        _file(session, actor, device, patrol, fixes, max_fixes=limits.max_fixes)
        _delete(session, fixes)
    _forget(session, device, actor.person_id, sync)


def _carrier(session: Session, person_id: uuid.UUID) -> Actor:
    row = session.execute(
        select(Person.person_id, Person.name, Account.username)
        .join(Account, Account.person_id == Person.person_id)
        .where(Person.person_id == person_id)
    ).one()
    return carrier_of(row)


def _patrols_around(
    session: Session, actor: Actor, waiting: Sequence[TrackerFix], limits: PatrolSettings
) -> Sequence[Patrol]:
    """The person's patrols that may hold one of these, the latest first."""
    first, last = _moment(waiting[0]), _moment(waiting[-1])
    return session.scalars(
        select(Patrol)
        .where(
            Patrol.person_id == actor.person_id,
            Patrol.started_at <= last,
            or_(
                Patrol.finished_at >= first,
                Patrol.finished_at.is_(None) & (Patrol.started_at >= first - _longest(limits)),
            ),
        )
        .order_by(Patrol.started_at.desc(), Patrol.patrol_id)
        .execution_options(populate_existing=True)
    ).all()


def _longest(limits: PatrolSettings) -> timedelta:
    """A patrol that was not finished ends by itself after this: its owner forgot the button."""
    return timedelta(hours=limits.abandoned_after_hours)


def _by_patrol(
    waiting: Sequence[TrackerFix], patrols: Sequence[Patrol], limits: PatrolSettings
) -> Iterator[tuple[Patrol, list[TrackerFix]]]:
    found: dict[uuid.UUID, list[TrackerFix]] = {}
    for fix in waiting:
        at = _moment(fix)
        for patrol in patrols:
            if patrol.started_at <= at <= (patrol.finished_at or patrol.started_at + _longest(limits)):
                found.setdefault(patrol.patrol_id, []).append(fix)
                break
    for patrol in patrols:
        if patrol.patrol_id in found:
            yield patrol, found[patrol.patrol_id]


def _file(
    session: Session,
    actor: Actor,
    device_id: uuid.UUID,
    patrol: Patrol,
    fixes: Sequence[TrackerFix],
    *,
    max_fixes: int,
) -> None:
    of_tracker = TrackerSegment.patrol_id == patrol.patrol_id, TrackerSegment.device_id == device_id
    blobs = session.scalars(
        select(Segment.fixes)
        .join(TrackerSegment, TrackerSegment.segment_id == Segment.segment_id)
        .where(*of_tracker)
        .order_by(Segment.seq)
    ).all()
    filed = set(decode(blobs).at_ms.tolist()) if blobs else set()
    fresh = [fix for fix in fixes if fix.at_ms not in filed]
    if not fresh:
        return
    for seq, batch in enumerate(in_batches(columns_of(fresh), MAX_FIXES), len(blobs)):
        upload = make_upload(batch, seq=seq, datum=Datum.WGS84)
        key = SegmentKey(
            patrol.patrol_id, uuid.uuid5(patrol.patrol_id, f"{device_id} {upload.body_hash.hex()}")
        )
        outcome = file_segment(session, actor, key, upload, _as_sent(batch, seq), max_fixes=max_fixes)
        if not isinstance(outcome, DomainError):
            made = TrackerSegment(segment_id=key.segment_id, patrol_id=patrol.patrol_id, device_id=device_id)
            session.add(made)
    session.flush()


def _as_sent(fixes: Fixes, seq: int) -> bytes:
    """The segment as a phone would have sent it, for the quarantine."""
    rows = [
        {
            "at": datetime.fromtimestamp(int(at_ms) / 1000, UTC),
            "lon": float(lon),
            "lat": float(lat),
            "accuracy_m": float(accuracy_m) if accuracy_m == accuracy_m else 0.0,
            "mock": bool(mock),
        }
        for at_ms, lon, lat, accuracy_m, mock in zip(
            fixes.at_ms, fixes.lon, fixes.lat, fixes.accuracy_m, fixes.mock, strict=True
        )
    ]
    return msgspec.json.encode({"seq": seq, "datum": Datum.WGS84, "fixes": rows})


def _delete(session: Session, fixes: Sequence[TrackerFix]) -> None:
    one = fixes[0]
    session.execute(
        delete(TrackerFix).where(
            TrackerFix.device_id == one.device_id,
            TrackerFix.person_id == one.person_id,
            TrackerFix.at_ms.in_([fix.at_ms for fix in fixes]),
        )
    )


def _forget(session: Session, device_id: uuid.UUID, person_id: uuid.UUID, sync: SyncSettings) -> None:
    """Whoever walked there was not on patrol, as far as anybody said in time."""
    age = func.clock_timestamp() - TrackerFix.received_at
    session.execute(
        delete(TrackerFix).where(
            TrackerFix.device_id == device_id,
            TrackerFix.person_id == person_id,
            age > timedelta(minutes=sync.tracker_hold_minutes),
        )
    )


def _moment(fix: TrackerFix) -> datetime:
    return datetime.fromtimestamp(fix.at_ms / 1000, UTC)
