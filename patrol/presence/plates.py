"""Which checkpoint a shown plate belongs to, old plates included, and a brake for those who guess codes."""

import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from access.scope import Actor
from patrol.presence.rules import BY_POSITION
from patrol.recording.problems import CheckpointUnknown
from registry.models import Checkpoint, RetiredPlate
from registry.plates import Plate, PlateKeys, PlateProof, parse_short_code, split_token
from registry.problems import PlateUnknown
from registry.throttle import GuessThrottle


@dataclass(frozen=True, slots=True)
class Plates:
    """What is needed to read plates; one per request."""

    keys: PlateKeys
    throttle: GuessThrottle


@dataclass(frozen=True, slots=True)
class Shown:
    """A checkpoint and what was shown of its plate: nothing but the position when `generation` is None."""

    checkpoint_id: uuid.UUID
    proof: str
    generation: int | None = None


def by_id(session: Session, checkpoint_id: uuid.UUID) -> Shown:
    """The checkpoint, of which nothing was shown. Raises: CheckpointUnknown."""
    found = select(Checkpoint.checkpoint_id).where(Checkpoint.checkpoint_id == checkpoint_id)
    if session.scalar(found) is None:
        raise CheckpointUnknown
    return Shown(checkpoint_id, BY_POSITION)


def by_token(session: Session, scanned: str, plates: Plates) -> Shown:
    """The checkpoint whose plate, of today or before, holds this token. Raises: PlateUnknown."""
    split = split_token(address_tail(scanned))
    for plate in [] if split is None else _plates(session, split[0]):
        if split is not None and plates.keys.opens(plate, split[1]):
            return Shown(plate.checkpoint_id, PlateProof.TOKEN.value, plate.generation)
    raise PlateUnknown


def by_short_code(session: Session, actor: Actor, typed: str, plates: Plates | None) -> Shown:
    """The checkpoint whose plate, of today or before, has this code. Raises: PlateUnknown, TooMany."""
    if plates is not None:
        plates.throttle.admit(actor.person_id)
    code = parse_short_code(typed)
    found = [] if code is None else _plates(session, code)
    if not found:
        if plates is not None:
            plates.throttle.count_miss(actor.person_id)
        raise PlateUnknown
    return Shown(found[0].checkpoint_id, PlateProof.SHORT_CODE.value, found[0].generation)


def address_tail(scanned: str) -> str:
    """The token of a scanned text: the text itself, or the end of the address it is."""
    return scanned.rstrip("/").rpartition("/")[2]


def _plates(session: Session, code: str) -> list[Plate]:
    """Plates with this short code, the one that hangs today first."""
    tables = (Checkpoint, RetiredPlate)
    return [
        Plate(*row)
        for table in tables
        for row in session.execute(
            select(table.checkpoint_id, table.short_code, table.generation).where(table.short_code == code)
        )
    ]
