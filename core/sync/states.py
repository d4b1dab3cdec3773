"""What a phone has, as hashes, beside what it is to have: the difference is what it is sent.

The state that a reply leaves behind is stored under the cursor of that reply. A reply that is lost changes
nothing: the phone asks again with the cursor it has. Because a state says what the phone has, and not when,
no write can slip between two replies, whatever order transactions commit in (docs/decisions/0019).
"""

import uuid
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b
from typing import Generic

import msgspec
from sqlalchemy.orm import Session

from core.sync.feeds import AnyFeed, Asker, Feed, digest_of

Held = dict[str, dict[str, bytes]]  # feed -> id -> hash of what the item says

MOST_BYTES = 512 * 1024  # of bodies in one reply, before compression
_AT_ONCE = 250  # bodies of a large feed read by one statement

_encoder = msgspec.msgpack.Encoder(order="sorted")
_decoder = msgspec.msgpack.Decoder(Held)


@dataclass(slots=True)
class Page:
    """One reply: bodies of what is new or changed, ids of what is gone, and the state it leaves behind."""

    changed: dict[str, list[bytes]] = field(default_factory=dict)
    removed: dict[str, list[str]] = field(default_factory=dict)
    held: Held = field(default_factory=dict)
    has_more: bool = False

    @property
    def is_empty(self) -> bool:
        return not self.changed and not self.removed


def packed(held: Held) -> bytes:
    """The state as one blob; equal for equal states."""
    return zlib.compress(_encoder.encode({name: items for name, items in held.items() if items}), 1)


def unpacked(blob: bytes) -> Held:
    return _decoder.decode(zlib.decompress(blob))


def name_of(owner: bytes, blob: bytes) -> uuid.UUID:
    """The id of a state: of its owner and content."""
    return uuid.UUID(bytes=blake2b(owner + b"\x00" + blob, digest_size=16).digest())


def compose(
    session: Session,
    asker: Asker,
    feeds: Sequence[AnyFeed[Asker]],
    held: Held,
    *,
    day: date,
    most_bytes: int = MOST_BYTES,
) -> Page:
    """What the asker's phone lacks, in the order of the feeds, cut off behind `most_bytes`.

    All of the difference is taken at once, in the session's one snapshot: call it in a transaction that
    repeats its reads. What is gone is told first, so that nothing is shown that no longer is.
    """
    readers = [_Reader(session, asker, feed, day) for feed in feeds]
    wanted = {reader.name: reader.digests for reader in readers}
    page = Page()
    for name, items in held.items():
        stays = wanted.get(name, {})
        gone = sorted(items.keys() - stays.keys())
        if gone:
            page.removed[name] = gone
        page.held[name] = {item_id: digest for item_id, digest in items.items() if item_id in stays}
    room = most_bytes
    for reader in readers:
        room = _fill(page, reader, room)
    return page


def _fill(page: Page, reader: "_Reader[Asker]", room: int) -> int:
    """The room that is left after as much of this feed as fits; at least one item goes on an empty page."""
    held = page.held.setdefault(reader.name, {})
    missing = [item_id for item_id, digest in reader.digests.items() if held.get(item_id) != digest]
    for item_id, body in reader.bodies(missing) if room > 0 else ():
        page.changed.setdefault(reader.name, []).append(body)
        held[item_id] = reader.digests[item_id]
        room -= len(body)
        if room <= 0:
            break
    if room <= 0 and any(held.get(item_id) != reader.digests[item_id] for item_id in missing):
        page.has_more = True
    return room


class _Reader(Generic[Asker]):
    """One feed as it stands for the asker now."""

    def __init__(self, session: Session, asker: Asker, feed: AnyFeed[Asker], day: date) -> None:
        self.name = feed.name
        self._feed, self._asked = feed, (session, asker, day)
        self._read: Mapping[str, bytes] = {}
        if isinstance(feed, Feed):
            self._read = {item.item_id: item.body for item in feed.read(session, asker, day)}
            self.digests: Mapping[str, bytes] = {
                item_id: digest_of(body) for item_id, body in self._read.items()
            }
        else:
            self.digests = feed.digests(session, asker, day)

    def bodies(self, wanted: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """Those bodies in this order, read as far as they are taken; what has just gone is left out."""
        for start in range(0, len(wanted), _AT_ONCE):
            part = wanted[start : start + _AT_ONCE]
            found = self._read if isinstance(self._feed, Feed) else self._feed.bodies(*self._asked, part)
            for item_id in part:
                if item_id in found:
                    yield item_id, found[item_id]
