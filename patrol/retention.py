"""What is kept for a time only, and then deleted: the job `patrol.retain`, each night.

Where somebody walked is personal data of that somebody (PIPL art. 28): fixes, drawn paths and positions of
check-ins go, and the verdict with its figures, reasons and cells stays as it is. It is not computed again:
`Patrol.fixes_deleted_at` says why. Each run deletes a bounded part in one transaction, says in the trail how
much, and asks for another run while there is more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CursorResult, Delete, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from access.models import AccessToken, RefreshToken, SignIn
from core import audit, jobs
from core.clock import now
from core.models import QuarantinedItem
from core.settings import PatrolSettings, PrivacySettings
from patrol.models import Patrol, PatrolVerdict, Segment
from patrol.presence.models import CheckIn
from registry.people.models import PersonalLook

RETAIN = "patrol.retain"
BATCH = 500
_LOOKS_COUNT_FOR = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Step:
    """One kind of thing that is not kept for ever."""

    name: str
    forget: Callable[[Session, datetime], int]  # at most BATCH of what is older; how many
    kept_for: timedelta


def retain(session: Session, privacy: PrivacySettings, limits: PatrolSettings) -> None:
    """The oldest of what has been kept long enough is gone; what is left over comes in the next run."""
    gone = {step.name: step.forget(session, now() - step.kept_for) for step in _steps(privacy, limits)}
    if any(count >= BATCH for count in gone.values()):
        jobs.enqueue(session, RETAIN, queueing_lock=RETAIN)
    deleted = {name: count for name, count in gone.items() if count}
    if deleted:
        audit.record(
            session,
            chain="",
            actor="worker",
            action="retention.deleted",
            subject="retention",
            detail=deleted,
        )


def _steps(privacy: PrivacySettings, limits: PatrolSettings) -> tuple[_Step, ...]:
    # Not before the last segment could have come: it would find its patrol judged for good.
    fixes_days = max(privacy.fixes_days, limits.max_fix_age_days + 1)
    return (
        _Step("patrols", forget_fixes, timedelta(days=fixes_days)),
        _Step("quarantined_items", forget_kept, timedelta(days=privacy.quarantine_days)),
        _Step("sign_ins", forget_sign_ins, timedelta(days=privacy.sign_in_days)),
        _Step("personal_looks", forget_looks, _LOOKS_COUNT_FOR),
    )


def forget_fixes(session: Session, before: datetime) -> int:
    """Patrols that began before then have no fixes, no path and no positions any more; how many.

    One that was never judged waits until it has been: without fixes nobody could tell what it was worth.
    """
    judged = exists().where(PatrolVerdict.patrol_id == Patrol.patrol_id)
    chosen = session.scalars(
        select(Patrol.patrol_id)
        .where(Patrol.started_at < before, Patrol.fixes_deleted_at.is_(None), judged)
        .order_by(Patrol.started_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    ).all()
    if not chosen:
        return 0
    session.execute(delete(Segment).where(Segment.patrol_id.in_(chosen)))
    nowhere = {"lon": None, "lat": None, "accuracy_m": None}
    session.execute(update(CheckIn).where(CheckIn.patrol_id.in_(chosen)).values(**nowhere))
    no_path = {"geom": None, "trace": None, "middle": None}
    session.execute(update(PatrolVerdict).where(PatrolVerdict.patrol_id.in_(chosen)).values(**no_path))
    gone_at = {"fixes_deleted_at": func.clock_timestamp()}
    session.execute(update(Patrol).where(Patrol.patrol_id.in_(chosen)).values(**gone_at))
    return len(chosen)


def forget_kept(session: Session, before: datetime) -> int:
    """Items kept aside before then are gone, filed since or not; how many."""
    old = select(QuarantinedItem.quarantine_id).where(QuarantinedItem.received_at < before).limit(BATCH)
    return _deleted(session, delete(QuarantinedItem).where(QuarantinedItem.quarantine_id.in_(old)))


def forget_sign_ins(session: Session, before: datetime) -> int:
    """Sign-ins that ended before then are gone with their tokens; how many. The trail still tells of them."""
    old = session.scalars(
        select(SignIn.sign_in_id)
        .where(or_(SignIn.expires_at < before, SignIn.revoked_at < before))
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    ).all()
    for table in (AccessToken, RefreshToken):
        session.execute(delete(table).where(table.sign_in_id.in_(old)))
    return _deleted(session, delete(SignIn).where(SignIn.sign_in_id.in_(old)))


def forget_looks(session: Session, before: datetime) -> int:
    """Looks that no longer count towards a limit are gone; the trail keeps them."""
    old = select(PersonalLook.look_id).where(PersonalLook.at < before).limit(BATCH)
    return _deleted(session, delete(PersonalLook).where(PersonalLook.look_id.in_(old)))


def _deleted(session: Session, statement: Delete) -> int:
    result: CursorResult[Any] = session.connection().execute(statement)
    return result.rowcount
