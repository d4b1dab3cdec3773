"""Who syncs. The caller is checked in a transaction of its own, and what follows opens one after the other.

So no request ever holds two connections, for which all of them at once would wait in a ring.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from access.scope import Actor
from access.tokens import actor_of
from api.dependencies import AppSettings, BearerToken
from api.sync.kinds import Sender
from core.database import Sessions, reading
from core.errors import Unauthenticated
from core.settings import Settings
from patrol.presence.plates import Plates
from registry.plates import plate_keys


@dataclass(frozen=True, slots=True)
class PhoneCall:
    """An authenticated request that opens its transactions itself."""

    sessions: Sessions
    snapshots: Sessions
    sender: Sender

    @property
    def actor(self) -> Actor:
        return self.sender.actor

    @property
    def settings(self) -> Settings:
        return self.sender.settings


def plates_of(request: Request, settings: AppSettings) -> Plates:
    """The keys that open plates, and the brake of this process for those who guess codes."""
    return Plates(plate_keys(settings), request.app.state.guess_throttle)


ReadPlates = Annotated[Plates, Depends(plates_of)]


def phone_call(request: Request, token: BearerToken, settings: AppSettings, plates: ReadPlates) -> PhoneCall:
    if token is None:
        raise Unauthenticated
    state = request.app.state
    with reading(state.sessions, timeout_ms=settings.database.statement_timeout_ms) as session:
        actor = actor_of(session, token)
    return PhoneCall(state.sessions, state.snapshots, Sender(actor, settings, plates))


Calling = Annotated[PhoneCall, Depends(phone_call)]
