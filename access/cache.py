"""Actors remembered between requests, for tiles only: fifty of them a second must not each ask the database.

Used while a connected Listener would hear of any change, and not at all otherwise (docs/decisions/0006).
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from access.scope import Actor
from access.tokens import identify, token_hash
from core.clock import local_date, now
from core.database import Sessions, reading
from core.signals import ACCESS, Listener

CAPACITY = 4096
# A second net: a connection that died without a sound looks alive until the next attempt to use it.
MAX_AGE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class _Remembered:
    actor: Actor
    until: datetime
    day: date  # assignments begin and end at midnight


class ActorCache:
    """One per application; safe between threads, never blocks for long."""

    def __init__(self, sessions: Sessions, listener: Listener | None, *, timeout_ms: int) -> None:
        self._sessions = sessions
        self._listener = listener
        self._timeout_ms = timeout_ms
        self._remembered: OrderedDict[bytes, _Remembered] = OrderedDict()
        self._generation = 0  # counts notices: what was read before one must not be remembered after it
        self._lock = threading.Lock()
        if listener is not None:
            listener.subscribe(self._on_notice)

    def known(self, token: str) -> Actor | None:
        """The actor if it is remembered and may be relied on; asks nobody and does not wait."""
        if self._listener is None or not self._listener.is_connected:
            return None
        at = now()
        with self._lock:
            one = self._remembered.get(token_hash(token))
        if one is None or one.until <= at or one.day != local_date(at):
            return None
        return one.actor

    def actor_of(self, token: str) -> Actor:
        """The actor, remembered or from the database.

        Raises: like access.tokens.actor_of.
        """
        actor = self.known(token)
        if actor is not None:
            return actor
        at, generation = now(), self._generation
        with reading(self._sessions, timeout_ms=self._timeout_ms) as session:
            identified = identify(session, token)
        until = min(identified.expires_at, at + MAX_AGE)
        self._remember(token_hash(token), _Remembered(identified.actor, until, local_date(at)), generation)
        return identified.actor

    def _remember(self, key: bytes, one: _Remembered, generation: int) -> None:
        if self._listener is None or not self._listener.is_connected:
            return
        with self._lock:
            if self._generation != generation:
                return
            self._remembered[key] = one
            self._remembered.move_to_end(key)
            if len(self._remembered) > CAPACITY:
                self._remembered.popitem(last=False)

    def _on_notice(self, topic: str, payload: str) -> None:
        """Forget the person named, or everybody."""
        if topic != ACCESS:
            return
        with self._lock:
            self._generation += 1
            if not payload:
                self._remembered.clear()
            for key in [key for key, one in self._remembered.items() if str(one.actor.person_id) == payload]:
                del self._remembered[key]
