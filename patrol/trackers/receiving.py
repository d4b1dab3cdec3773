"""Positions of native trackers on arrival: noted for minutes, until it is known to which patrol they belong.

A tracker runs all day, a worker does not. So only what falls into a patrol is kept; the rest is deleted
unread (patrol/trackers/folding.py). What cannot be a position is kept aside while its owner is on patrol, and
thrown away otherwise, for it would say where somebody was off duty.
"""

import uuid
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

import msgspec
import numpy as np
from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from access.devices import Tracker, note_tracker
from access.scope import Actor
from core import quarantine
from core.clock import now
from core.errors import DomainError, FieldError
from core.models import QuarantinedItem
from core.settings import PatrolSettings
from geo.datums import Datum
from patrol.fixes import Fixes, from_columns
from patrol.models import Patrol
from patrol.recording.tracks import REFILERS, Filed
from patrol.recording.wire import check_fixes
from patrol.trackers.models import TrackerFix
from patrol.trackers.wire import Message, Reported, TrackerUnreadable

TRACKER = "tracker-fix"  # kind of kept items
_COLUMNS = ("lon", "lat", "accuracy_m", "speed_mps", "heading_deg", "altitude_m")


def receive_message(session: Session, tracker: Tracker, message: Message, limits: PatrolSettings) -> None:
    """The tracker was heard of, and its positions wait for their patrol; one sent again is no second one."""
    note_tracker(session, tracker, message.battery_percent)
    if not message.fixes:
        return
    good = [fix for fix in message.fixes if not _errors(fix, limits)]
    _hold(session, tracker.device_id, tracker.carrier.person_id, good)
    for fix in message.fixes:
        errors = _errors(fix, limits)
        if errors:
            body = msgspec.json.encode(fix)
            keep_aside(session, tracker, TrackerUnreadable(errors=errors), body, limits)


def keep_aside(
    session: Session, tracker: Tracker, problem: DomainError, body: bytes, limits: PatrolSettings
) -> None:
    """What no position could be made of is kept, if its owner is on patrol."""
    person_id = tracker.carrier.person_id
    if not _is_on_patrol(session, person_id, limits):
        return
    item_id = uuid.uuid5(tracker.device_id, body.hex())
    quarantine.keep(
        session,
        problem,
        kind=TRACKER,
        item_id=item_id,
        subject_id=tracker.device_id,
        person_id=person_id,
        body=body,
    )


def columns_of(fixes: Sequence[Reported] | Sequence[TrackerFix]) -> Fixes:
    """The positions as columns, in their order."""
    at_ms = np.array([fix.at_ms for fix in fixes], np.int64)
    values = np.array([[getattr(fix, name) for fix in fixes] for name in _COLUMNS], np.float64)
    return from_columns(at_ms, values, np.array([fix.is_mock for fix in fixes], np.bool_))


def open_since(limits: PatrolSettings) -> datetime:
    """A patrol begun before this and never finished takes nothing in: its owner forgot the button."""
    return now() - timedelta(hours=limits.abandoned_after_hours)


def _errors(fix: Reported, limits: PatrolSettings) -> list[FieldError]:
    return check_fixes(columns_of([fix]), Datum.WGS84, received_at=now(), limits=limits, base="")


def _hold(session: Session, device_id: uuid.UUID, person_id: uuid.UUID, fixes: Sequence[Reported]) -> None:
    if fixes:
        rows = [{"device_id": device_id, "person_id": person_id, **asdict(fix)} for fix in fixes]
        session.execute(insert(TrackerFix).values(rows).on_conflict_do_nothing())


def _is_on_patrol(session: Session, person_id: uuid.UUID, limits: PatrolSettings) -> bool:
    begun = select(Patrol.patrol_id).where(
        Patrol.person_id == person_id,
        Patrol.started_at >= open_since(limits),
        or_(Patrol.finished_at.is_(None), Patrol.finished_at >= now()),
    )
    return session.scalars(begun.limit(1)).one_or_none() is not None


def _receive_again(
    session: Session, actor: Actor, item: QuarantinedItem, limits: PatrolSettings
) -> Filed | DomainError:
    """A kept position is tried once more; what could not even be read stays unreadable."""
    assert item.subject_id is not None
    try:
        fix = msgspec.json.decode(item.body, type=Reported)
    except msgspec.MsgspecError:
        return TrackerUnreadable()
    errors = _errors(fix, limits)
    if errors:
        return TrackerUnreadable(errors=errors)
    _hold(session, item.subject_id, actor.person_id, [fix])
    return Filed(is_repeated=False, fix_count=1)


REFILERS[TRACKER] = _receive_again
