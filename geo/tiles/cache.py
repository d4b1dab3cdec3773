"""Rendered tiles of this process, kept until a notice says that they are old (docs/decisions/0006).

Without a connected listener nothing is kept and nothing answered: a missed notice must not keep an old map or
a revoked right alive.
"""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from hashlib import blake2b

from core.signals import GRIDS, RESULTS, Listener

_OVERHEAD_BYTES = (
    600  # of an entry beside its body, measured with sys.getsizeof over key, entry and dictionary
)


@dataclass(frozen=True, slots=True)
class Rendered:
    """Bytes as they go out, with their entity tag."""

    body: bytes
    etag: str

    @classmethod
    def of(cls, body: bytes) -> "Rendered":
        return cls(body, f'"{blake2b(body, digest_size=12).hexdigest()}"')


@dataclass(frozen=True, slots=True)
class TileKey:
    """What was asked for, and the prefixes of the tree it was rendered for."""

    scope: tuple[str, ...]
    request: Hashable


class TileCache:
    """Least recently used entries go first when the bytes are full; safe between threads."""

    def __init__(self, listener: Listener | None, *, capacity_bytes: int) -> None:
        self._listener = listener
        self._capacity_bytes = capacity_bytes
        self._entries: OrderedDict[TileKey, Rendered] = OrderedDict()
        self._bytes = 0
        self._notices = 0
        self._lock = threading.Lock()
        if listener is not None:
            listener.subscribe(self._on_notice)

    @property
    def size_bytes(self) -> int:
        return self._bytes

    def find(self, key: TileKey) -> Rendered | None:
        """The entry if there is one and it may be relied on; never waits for the database."""
        if self._listener is None or not self._listener.is_connected:
            return None
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                self._entries.move_to_end(key)
            return entry

    def ticket(self) -> int:
        """To be drawn before reading what an entry is made of, and handed to keep()."""
        return self._notices

    def keep(self, key: TileKey, entry: Rendered, ticket: int) -> None:
        """The entry is found from now on, unless a notice has come since the ticket was drawn."""
        if self._listener is None or not self._listener.is_connected:
            return
        with self._lock:
            if self._notices != ticket:
                return
            self._drop(key)
            self._entries[key] = entry
            self._bytes += _weight(entry)
            while self._bytes > self._capacity_bytes:
                self._drop(next(iter(self._entries)))

    def _on_notice(self, topic: str, street_code: str) -> None:
        """Forget what was rendered for any part of the street; all of it when no street is named."""
        if topic not in {GRIDS, RESULTS}:
            return
        with self._lock:
            self._notices += 1
            for key in [key for key in self._entries if _touches(key.scope, street_code)]:
                self._drop(key)

    def _drop(self, key: TileKey) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= _weight(entry)


def _weight(entry: Rendered) -> int:
    return len(entry.body) + _OVERHEAD_BYTES


def _touches(scope: tuple[str, ...], street_code: str) -> bool:
    """Whether one of the prefixes lies in the street or around it."""
    street = f"{street_code}/" if street_code else ""
    return any(prefix.startswith(street) or street.startswith(prefix) for prefix in scope)
