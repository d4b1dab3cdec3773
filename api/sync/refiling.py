"""One more try for something that was kept aside, when the reason may be gone."""

import uuid

from sqlalchemy.orm import Session

from access.scope import Actor
from api.sync.receiving import BATCH, KEPT_AS, UNKNOWN, KindUnknown, Offered, file_offered, parse_item
from core import quarantine
from core.clock import now
from core.errors import DomainError
from core.models import QuarantinedItem
from core.secrecy import KeyRing, key_ring
from core.settings import Settings
from patrol.tracks import FINISH, REFILERS, SEGMENT, START, file_again


def refile(
    session: Session, actor: Actor, quarantine_id: uuid.UUID, settings: Settings
) -> bool | DomainError:
    """The actor's own kept item is filed, or stays with the reason of today; True when it was filed before.

    Raises: NotFound, and what the first try may raise. Returns: its problem when it is still in the way.
    """
    keys = key_ring(settings)

    def again(item: QuarantinedItem) -> bool | DomainError:
        if item.kind.startswith(KEPT_AS):
            return file_offered(session, actor, settings, _offered(item, keys))
        if item.kind not in {SEGMENT, START, FINISH, *REFILERS}:
            return KindUnknown()
        outcome = file_again(session, actor, item, settings.patrol, received_at=now())
        return outcome if isinstance(outcome, DomainError) else outcome.is_repeated

    return quarantine.refile(session, actor.person_id, quarantine_id, again)


def _offered(item: QuarantinedItem, keys: KeyRing) -> Offered:
    kind, body = item.kind.removeprefix(KEPT_AS), quarantine.body_of(item, keys)
    if kind == UNKNOWN:
        return parse_item(body)
    return Offered(kind, None if kind == BATCH else item.item_id, item.subject_id, body)
