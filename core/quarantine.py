"""Things that a known person sent and that could not be filed: kept with the reason, never dropped.

A use-case that keeps something returns its error instead of raising it, so that the door commits the row and
still answers with the problem. The problem then says `kept_aside`.
"""

import hashlib
import uuid

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.errors import DomainError
from core.models import QuarantinedItem


def keep(
    session: Session,
    problem: DomainError,
    *,
    kind: str,
    item_id: uuid.UUID,
    subject_id: uuid.UUID | None,
    person_id: uuid.UUID,
    body: bytes,
) -> DomainError:
    """The body is kept once, however often it is sent; the problem names the row in `kept_aside`."""
    body_hash = hashlib.sha256(body).digest()
    quarantine_id = session.scalar(
        insert(QuarantinedItem)
        .values(
            quarantine_id=uuid.uuid4(),
            kind=kind,
            item_id=item_id,
            subject_id=subject_id,
            person_id=person_id,
            reason=problem.code,
            problem=problem.members(),
            body=body,
            body_hash=body_hash,
            received_at=func.clock_timestamp(),
        )
        .on_conflict_do_nothing()
        .returning(QuarantinedItem.quarantine_id)
    )
    if quarantine_id is None:
        quarantine_id = session.scalars(
            select(QuarantinedItem.quarantine_id).where(
                QuarantinedItem.person_id == person_id,
                QuarantinedItem.item_id == item_id,
                QuarantinedItem.body_hash == body_hash,
                QuarantinedItem.reason == problem.code,
            )
        ).one()
    problem.extra["kept_aside"] = str(quarantine_id)
    return problem
