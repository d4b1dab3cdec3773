"""What phones carry along, as feeds of items; who may have what is each feed's own business.

A feed answers with everything that the asker is to have on a day. What changed since the last time is found
by comparing hashes (core/sync/states.py), so a feed needs no change times, no deletion marks and no triggers,
and what leaves the asker's scope is taken back like what is deleted.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy.orm import Session

DIGEST_BYTES = 8
Asker = TypeVar("Asker")


@dataclass(frozen=True, slots=True)
class Item:
    """One thing of a feed: an id that is its own for ever, and what phones are told of it as JSON."""

    item_id: str
    body: bytes

    @classmethod
    def of(cls, item_id: object, members: Mapping[str, Any]) -> "Item":
        return cls(str(item_id), msgspec.json.encode({"id": str(item_id), **members}))


@dataclass(frozen=True, slots=True)
class Feed(Generic[Asker]):
    """A kind of thing of which one phone carries little: read whole each time."""

    name: str
    read: Callable[[Session, Asker, date], Iterable[Item]]


@dataclass(frozen=True, slots=True)
class LargeFeed(Generic[Asker]):
    """A kind of thing of which a phone carries much: hashed by the database, told only where it changed.

    `digests` has the id of every item with a hash of all that its body says; `bodies` those asked for.
    """

    name: str
    digests: Callable[[Session, Asker, date], Mapping[str, bytes]]
    bodies: Callable[[Session, Asker, date, Collection[str]], Mapping[str, bytes]]


AnyFeed = Feed[Asker] | LargeFeed[Asker]


def digest_of(body: bytes) -> bytes:
    """A hash of what an item says: equal by chance once in 2^64 changes."""
    return blake2b(body, digest_size=DIGEST_BYTES).digest()
