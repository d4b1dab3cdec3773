"""Who syncs. The caller is checked in a transaction of its own, and what follows opens one after the other.

So no request ever holds two connections, for which all of them at once would wait in a ring.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from access.scope import Actor
from access.tokens import actor_of
from api.dependencies import AppSettings, BearerToken
from core.database import Sessions, reading
from core.errors import Unauthenticated
from core.settings import Settings


@dataclass(frozen=True, slots=True)
class PhoneCall:
    """An authenticated request that opens its transactions itself."""

    sessions: Sessions
    snapshots: Sessions
    actor: Actor
    settings: Settings


def phone_call(request: Request, token: BearerToken, settings: AppSettings) -> PhoneCall:
    if token is None:
        raise Unauthenticated
    state = request.app.state
    with reading(state.sessions, timeout_ms=settings.database.statement_timeout_ms) as session:
        actor = actor_of(session, token)
    return PhoneCall(state.sessions, state.snapshots, actor, settings)


Calling = Annotated[PhoneCall, Depends(phone_call)]
