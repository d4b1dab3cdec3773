"""What filing anything of a patrol has in common: idempotent answers, one lock, the quarantine, the judge."""

import uuid
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from access.scope import Actor
from core import jobs, quarantine
from core.errors import DomainError

JUDGE = "patrol.judge"
# Kinds of kept items.
SEGMENT, START, FINISH = "patrol-segment", "patrol-start", "patrol-finish"
CHECK_IN, GAP = "patrol-check-in", "patrol-gap"
# A phone may still hold fixes when the finish is pressed; a segment wholly after that is no part of it.
FINISH_TOLERANCE = timedelta(minutes=2)

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('patrol:' || :patrol_id, 0))")


@dataclass(frozen=True, slots=True)
class Filed:
    """It is stored; `is_repeated` when it was already."""

    is_repeated: bool
    fix_count: int = 0


@dataclass(frozen=True, slots=True)
class ItemKey:
    """The ids that the phone made: of the patrol, and of something that belongs to it."""

    patrol_id: uuid.UUID
    item_id: uuid.UUID


def enqueue_judging(session: Session, patrol_id: uuid.UUID) -> None:
    """The patrol will be judged once, however often this is asked before it is."""
    jobs.enqueue(session, JUDGE, queueing_lock=f"{JUDGE}:{patrol_id}", patrol_id=str(patrol_id))


def lock_patrol(session: Session, patrol_id: uuid.UUID) -> None:
    """Until this transaction ends, the patrol of this id arrives nowhere else, nor what waits for it."""
    session.execute(_LOCK, {"patrol_id": str(patrol_id)})


def keep(
    session: Session, actor: Actor, problem: DomainError, key: ItemKey, *, kind: str, body: bytes
) -> DomainError:
    """The body is kept with its problem, which is returned so that the door commits the row."""
    return quarantine.keep(
        session,
        problem,
        kind=kind,
        item_id=key.item_id,
        subject_id=key.patrol_id,
        person_id=actor.person_id,
        body=body,
    )
