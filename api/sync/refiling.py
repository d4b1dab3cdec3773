"""One more try for something that was kept aside, when the reason may be gone."""

import uuid

from sqlalchemy.orm import Session

from api.sync.kinds import Sender
from api.sync.receiving import KEPT_AS, KindUnknown, file_offered, parse_item
from core import quarantine
from core.clock import now
from core.errors import DomainError
from core.models import QuarantinedItem
from core.secrecy import key_ring
from patrol.recording.tracks import FINISH, REFILERS, SEGMENT, START, file_again


def refile(session: Session, sender: Sender, quarantine_id: uuid.UUID) -> bool | DomainError:
    """The actor's own kept item is filed, or stays with the reason of today; True when it was filed before.

    Raises: NotFound, and what the first try may raise. Returns: its problem when it is still in the way.
    """
    actor, settings = sender.actor, sender.settings
    keys = key_ring(settings)

    def again(item: QuarantinedItem) -> bool | DomainError:
        if item.kind.startswith(KEPT_AS):
            return file_offered(session, sender, parse_item(quarantine.body_of(item, keys)))
        if item.kind not in {SEGMENT, START, FINISH, *REFILERS}:
            return KindUnknown()
        outcome = file_again(session, actor, item, settings.patrol, received_at=now())
        return outcome if isinstance(outcome, DomainError) else outcome.is_repeated

    return quarantine.refile(session, actor.person_id, quarantine_id, again)
