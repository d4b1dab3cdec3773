"""Devices that people work with: who uses which, when it was last heard of, what still waits on it.

A device's id is made by the app on it. One phone may serve two people one after the other: each has their own
row, their own queue and their own marks. What a device says of itself is a claim, and counted as no more.
"""

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, and_, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from access.models import Account, Device, DeviceUse, Person, TrackerToken
from access.queries import people_within
from access.roles import Action
from access.scope import NOBODY, Actor, person_label, scope_of
from core import audit
from core.clock import now, today
from core.errors import NotFound, Unauthenticated

TOKEN_BYTES = 32
_TOUCHED_EVERY = timedelta(seconds=60)


class TrackerRefused(Unauthenticated):
    """No tracker may deliver positions with this."""

    code = "tracker-refused"


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """What a device says of itself; `pending_items` of the queue of the person who is signed in."""

    platform: str
    model: str
    app_version: str
    pending_items: int | None = None


@dataclass(frozen=True, slots=True)
class UsedDevice:
    """A device in the hands of one person."""

    device_id: uuid.UUID
    platform: str
    model: str
    app_version: str
    person_id: uuid.UUID
    person_name: str
    first_at: datetime
    last_at: datetime
    pending_items: int | None
    pending_at: datetime | None
    tracker_expires_at: datetime | None
    tracker_used_at: datetime | None
    battery_percent: int | None


@dataclass(frozen=True, slots=True)
class MadeToken:
    """A token of a tracker, in the one moment in which it can be read."""

    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Tracker:
    """Whose positions a tracker delivers."""

    tracker_token_id: uuid.UUID
    device_id: uuid.UUID
    carrier: Actor


def put_device(session: Session, actor: Actor, device_id: uuid.UUID, facts: DeviceFacts) -> bool:
    """The device is known as it describes itself, and that the actor works with it; True when that is new."""
    described = {"platform": facts.platform, "model": facts.model, "app_version": facts.app_version}
    statement = insert(Device).values(device_id=device_id, **described)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[Device.device_id], set_={**described, "seen_at": func.clock_timestamp()}
        )
    )
    is_new = touch_device(session, actor, device_id, facts.pending_items)
    if is_new:
        _record(session, actor, "device.used", device_id, {"platform": facts.platform})
    return is_new


def touch_device(
    session: Session, actor: Actor, device_id: uuid.UUID, pending_items: int | None = None
) -> bool:
    """The actor was heard of through this device just now; True for the first time. Unknown ones stay so."""
    at = func.clock_timestamp()
    told = {} if pending_items is None else {"pending_items": pending_items, "pending_at": at}
    known = select(Device.device_id).where(Device.device_id == device_id)
    if session.scalar(known) is None:
        return False
    first = (
        insert(DeviceUse)
        .values(device_id=device_id, person_id=actor.person_id, first_at=at, last_at=at, **told)
        .on_conflict_do_nothing()
        .returning(DeviceUse.device_id)
    )
    if session.scalar(first) is not None:
        return True
    used = update(DeviceUse).where(DeviceUse.device_id == device_id, DeviceUse.person_id == actor.person_id)
    session.execute(used.values(last_at=at, **told))
    return False


def list_devices(
    session: Session, actor: Actor, *, after: tuple[datetime, uuid.UUID] | None, limit: int
) -> list[UsedDevice]:
    """Own devices, and those of people whom the actor may help with uploads; the latest heard of first."""
    statement = (
        _used_devices(actor).order_by(DeviceUse.last_at.desc(), DeviceUse.device_id.desc()).limit(limit)
    )
    if after is not None:
        statement = statement.where(tuple_(DeviceUse.last_at, DeviceUse.device_id) < after)
    return [UsedDevice(*row) for row in session.execute(statement)]


def read_device(session: Session, actor: Actor, device_id: uuid.UUID) -> UsedDevice:
    """The actor's own use of a device. Raises: NotFound."""
    own = _used_devices(actor).where(DeviceUse.device_id == device_id, DeviceUse.person_id == actor.person_id)
    row = session.execute(own).one_or_none()
    if row is None:
        raise NotFound
    return UsedDevice(*row)


def _used_devices(actor: Actor) -> Any:
    scope = scope_of(actor, Action.READ_QUARANTINE)
    own = DeviceUse.person_id == actor.person_id
    helped = DeviceUse.person_id.in_(people_within(scope, today()))
    token = and_(
        TrackerToken.device_id == DeviceUse.device_id,
        TrackerToken.person_id == DeviceUse.person_id,
        TrackerToken.revoked_at.is_(None),
    )
    return (
        select(
            Device.device_id,
            Device.platform,
            Device.model,
            Device.app_version,
            Person.person_id,
            Person.name,
            DeviceUse.first_at,
            DeviceUse.last_at,
            DeviceUse.pending_items,
            DeviceUse.pending_at,
            TrackerToken.expires_at,
            TrackerToken.used_at,
            TrackerToken.battery_percent,
        )
        .join(DeviceUse, DeviceUse.device_id == Device.device_id)
        .join(Person, Person.person_id == DeviceUse.person_id)
        .outerjoin(TrackerToken, token)
        .where(own if scope.is_empty else or_(own, helped))
    )


# --------------------------------------------------------------------------------------- tokens of trackers


def make_tracker_token(session: Session, actor: Actor, device_id: uuid.UUID, days: int) -> MadeToken:
    """The device may deliver the actor's positions; a token it had before opens nothing any more.

    Raises: NotFound for a device that the actor does not use.
    """
    read_device(session, actor, device_id)
    # Two requests at once: the later one replaces the token of the earlier.
    session.execute(select(Device.device_id).where(Device.device_id == device_id).with_for_update())
    _revoke(session, device_id)
    made = MadeToken(secrets.token_urlsafe(TOKEN_BYTES), now() + timedelta(days=days))
    session.add(
        TrackerToken(
            tracker_token_id=uuid.uuid4(),
            device_id=device_id,
            person_id=actor.person_id,
            token_hash=_hashed(made.token),
            created_at=now(),
            expires_at=made.expires_at,
        )
    )
    detail = {"expires_at": made.expires_at.isoformat()}
    _record(session, actor, "tracker.admitted", device_id, detail)
    return made


def end_tracker_token(session: Session, actor: Actor, device_id: uuid.UUID) -> None:
    """The device delivers no positions any more; said again, it stays so. Raises: NotFound."""
    read_device(session, actor, device_id)
    if _revoke(session, device_id, of_person=actor.person_id):
        _record(session, actor, "tracker.ended", device_id, {})


def tracker_of(session: Session, token: str) -> Tracker:
    """Whose positions come with this token. Raises: TrackerRefused, for every reason the same."""
    row = session.execute(
        select(
            TrackerToken.tracker_token_id,
            TrackerToken.device_id,
            Person.person_id,
            Person.name,
            Account.username,
        )
        .join(Person, Person.person_id == TrackerToken.person_id)
        .join(Account, Account.person_id == Person.person_id)
        .where(
            TrackerToken.token_hash == _hashed(token),
            TrackerToken.revoked_at.is_(None),
            TrackerToken.expires_at > now(),
            Account.disabled_at.is_(None),
        )
    ).one_or_none()
    if row is None:
        raise TrackerRefused
    return Tracker(row.tracker_token_id, row.device_id, carrier_of(row))


def carrier_of(row: Row[*tuple[Any, ...]]) -> Actor:
    """The person of a row with person_id, name and username; no roles: one's own positions need none."""
    return Actor(row.person_id, row.name, row.username, NOBODY, (), person_label(row.person_id))


def note_tracker(session: Session, tracker: Tracker, battery_percent: int | None) -> None:
    """The tracker was heard of just now; written once a minute at most."""
    at = func.clock_timestamp()
    is_old = or_(TrackerToken.used_at.is_(None), at - TrackerToken.used_at > _TOUCHED_EVERY)
    values: dict[str, Any] = {"used_at": at}
    if battery_percent is not None:
        values["battery_percent"] = battery_percent
    noted = session.scalar(
        update(TrackerToken)
        .where(TrackerToken.tracker_token_id == tracker.tracker_token_id, is_old)
        .values(**values)
        .returning(TrackerToken.device_id)
    )
    if noted is not None:
        touch_device(session, tracker.carrier, tracker.device_id)


def _revoke(session: Session, device_id: uuid.UUID, of_person: uuid.UUID | None = None) -> bool:
    standing = update(TrackerToken).where(
        TrackerToken.device_id == device_id, TrackerToken.revoked_at.is_(None)
    )
    if of_person is not None:
        standing = standing.where(TrackerToken.person_id == of_person)
    ended = session.scalars(standing.values(revoked_at=now()).returning(TrackerToken.device_id))
    return ended.first() is not None


def _hashed(token: str) -> bytes:
    """256 random bits need no salt and no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def _record(
    session: Session, actor: Actor, action: str, device_id: uuid.UUID, detail: dict[str, Any]
) -> None:
    audit.record(
        session, chain="", actor=actor.label, action=action, subject=f"device:{device_id}", detail=detail
    )
