"""Checkpoints in the square of walks.py, and check-ins and gaps as phones send them."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from access.scope import Actor
from core.clock import now
from patrol.presence.plates import Plates
from patrol.presence.recording import CheckInClaim, GapClaim, GapReason, record_check_in, record_gap
from patrol.recording.filing import ItemKey
from registry.models import Checkpoint
from registry.plates import Plate, PlateKeys
from registry.throttle import GuessThrottle
from tests import make
from tests.patrol.deliveries import LIMITS, Round
from tests.patrol.walks import lon_lat

KEYS = PlateKeys((b"a key for plates that only tests use",))


def plates() -> Plates:
    return Plates(KEYS, GuessThrottle())


def checkpoint(session: Session, name: str, east_m: float, north_m: float, **columns: Any) -> Checkpoint:
    """A checkpoint that stood long before the walk, at these metres."""
    lon, lat = lon_lat(east_m, north_m)
    plain = {"created_at": now() - timedelta(days=90), "radius_m": 30.0}
    return make.checkpoint(session, name=name, lon=float(lon), lat=float(lat), **{**plain, **columns})


def token_of(one: Checkpoint) -> str:
    return KEYS.token(Plate(one.checkpoint_id, one.short_code, one.generation))


def key(walk: Round, name: str) -> ItemKey:
    return ItemKey(walk.patrol_id, make.fixed_uuid(f"{walk.patrol_id} {name}"))


def check_in(session: Session, actor: Actor, walk: Round, name: str, at: datetime, **claim: Any) -> Any:
    """What filing it answers."""
    return record_check_in(
        session, actor, key(walk, name), CheckInClaim(at=at, **claim), LIMITS, plates=plates()
    )


def gap(
    session: Session,
    actor: Actor,
    walk: Round,
    name: str,
    span: tuple[datetime, datetime],
    *,
    reason: GapReason = GapReason.KILLED,
) -> Any:
    return record_gap(session, actor, key(walk, name), GapClaim(*span, reason), LIMITS)


def some_building(session: Session, name: str = "3幢") -> uuid.UUID:
    lon, lat = lon_lat(200, 200)
    return make.building(session, name=name, lon=float(lon), lat=float(lat)).building_id
