"""What a phone is sent: what it lacks of what it is to have, and a cursor for next time."""

import gzip
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import msgspec

from access.devices import touch_device
from api.sync.calling import PhoneCall
from api.sync.feeds import FEEDS
from api.sync.kinds import BY_NAME
from core import quarantine
from core.clock import now, today
from core.database import reading
from core.sync.epochs import current_epoch
from core.sync.marks import UNNAMED, Carrier, load_state, marks_of, save_state
from core.sync.states import MOST_BYTES, compose

_GZIP_LEVEL = 5


class SyncPage(msgspec.Struct):
    """One reply; SyncPageOut documents it."""

    server_id: uuid.UUID
    epoch: str
    server_time: datetime
    day: date
    cursor: str
    reset: bool
    more: bool
    changed: dict[str, list[msgspec.Raw]]
    removed: dict[str, list[str]]
    high_water: dict[str, int]


def next_page(
    call: PhoneCall, since: str | None, device_id: uuid.UUID | None, *, most_bytes: int = MOST_BYTES
) -> SyncPage:
    """What the phone lacks; the state that this leaves it with is stored before it is told."""
    carrier, day = Carrier(call.actor.person_id, device_id or UNNAMED), today()
    with call.sessions.begin() as session:
        epoch = current_epoch(session, call.settings.home)
        held = load_state(session, carrier, epoch.token, since)
        marks = marks_of(session, carrier)
    timeout_ms = call.settings.database.statement_timeout_ms
    with reading(call.snapshots, timeout_ms=timeout_ms) as session:
        page = compose(session, call.actor, FEEDS, held or {}, day=day, most_bytes=most_bytes)
    cursor = since or ""
    with call.sessions.begin() as session:
        if held is None or not page.is_empty:
            used = None if held is None else since
            cursor = save_state(session, carrier, epoch.token, page.held, used=used)
        if device_id is not None:
            touch_device(session, call.actor, device_id)
    return SyncPage(
        server_id=epoch.server_id,
        epoch=epoch.token,
        server_time=now(),
        day=day,
        cursor=cursor,
        reset=held is None,
        more=page.has_more,
        changed={feed: [msgspec.Raw(body) for body in bodies] for feed, bodies in page.changed.items()},
        removed=page.removed,
        high_water=marks,
    )


def encoded(page: SyncPage, accepted: str) -> tuple[bytes, dict[str, str]]:
    """The bytes of a reply and their headers, compressed for whoever takes that."""
    body = msgspec.json.encode(page)
    headers = {"Cache-Control": "no-store", "Vary": "Accept-Encoding"}
    if "gzip" not in accepted.lower() or "gzip;q=0" in accepted.lower().replace(" ", ""):
        return body, headers
    return gzip.compress(body, _GZIP_LEVEL), {**headers, "Content-Encoding": "gzip"}


# --------------------------------------------------------------------------- what of the phone's is here

STORED, KEPT, MISSING = "stored", "kept", "missing"


@dataclass(frozen=True, slots=True)
class Named:
    """An item by its kind and id."""

    kind: str
    item_id: uuid.UUID


def known_items(call: PhoneCall, asked: Sequence[Named]) -> list[str]:
    """Of each item whether it is stored, kept aside, or not here: then the phone offers it again."""
    wanted: dict[str, set[uuid.UUID]] = {}
    for one in asked:
        wanted.setdefault(one.kind, set()).add(one.item_id)
    person_id = call.actor.person_id
    with reading(call.snapshots, timeout_ms=call.settings.database.statement_timeout_ms) as session:
        stored = {
            kind: set(session.scalars(BY_NAME[kind].stored(person_id, ids)))
            for kind, ids in wanted.items()
            if kind in BY_NAME
        }
        kept = quarantine.kept_of(session, person_id, {one.item_id for one in asked})
    return [_state_of(one, stored, kept) for one in asked]


def _state_of(one: Named, stored: Mapping[str, Collection[uuid.UUID]], kept: Collection[uuid.UUID]) -> str:
    if one.item_id in stored.get(one.kind, ()):
        return STORED
    return KEPT if one.item_id in kept else MISSING
