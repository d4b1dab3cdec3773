"""One more try for something that was kept aside, when the reason may be gone."""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from access.scope import Actor
from core.clock import now
from core.errors import DomainError, NotFound
from core.models import QuarantinedItem
from core.settings import PatrolSettings
from patrol.tracks import Filed, file_again


def refile(
    session: Session, actor: Actor, quarantine_id: uuid.UUID, limits: PatrolSettings
) -> Filed | DomainError:
    """The actor's own kept item is filed, or stays with the reason of today.

    Raises: NotFound, and what the first try may raise. Returns: its problem when it is still in the way.
    """
    item = session.scalar(
        select(QuarantinedItem)
        .where(QuarantinedItem.quarantine_id == quarantine_id, QuarantinedItem.person_id == actor.person_id)
        .with_for_update()
    )
    if item is None:
        raise NotFound
    if item.refiled_at is not None:
        return Filed(is_repeated=True)
    outcome = file_again(session, actor, item, limits, received_at=now())
    if isinstance(outcome, Filed):
        item.refiled_at = now()
    return outcome
