"""Plates of checkpoints: found again when scanned, printed, replaced."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select, true
from sqlalchemy.orm import Session

from access.roles import Action
from access.scope import Actor, Scope, scope_of
from core import audit
from core.errors import Conflict, NotFound
from geo.models import Division
from registry.keeping import change, require_keeper
from registry.models import Checkpoint, RetiredPlate
from registry.plates import Plate, PlateKeys, new_short_code, parse_short_code, split_token
from registry.problems import NothingToPrint, PlaceRetired, PlateUnknown
from registry.queries import MAX_FOUND, Found, find_checkpoints


class TooManyPlates(Conflict):
    """These are too many plates for one sheet; choose a grid."""

    code = "too-many-plates"


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is to be printed; `street` names the street, or several."""

    checkpoints: Sequence[Found[Checkpoint]]
    street: str


def resolve_token(
    session: Session, scope: Scope, keys: PlateKeys, scanned: str, day: date
) -> Found[Checkpoint]:
    """The checkpoint of the scope whose plate holds this token, alone or in its address.

    Raises: PlateUnknown, for a plate that was replaced too.
    """
    split = split_token(scanned.rstrip("/").rpartition("/")[2])
    if split is None:
        raise PlateUnknown
    short_code, seal = split
    found = _by_short_code(session, scope, short_code, day)
    plate = Plate(found.place.checkpoint_id, found.place.short_code, found.place.generation)
    if not keys.opens(plate, seal):
        raise PlateUnknown
    return found


def resolve_short_code(session: Session, scope: Scope, typed: str, day: date) -> Found[Checkpoint]:
    """The checkpoint of the scope with this short code. Raises: PlateUnknown."""
    code = parse_short_code(typed)
    if code is None:
        raise PlateUnknown
    return _by_short_code(session, scope, code, day)


def _by_short_code(session: Session, scope: Scope, code: str, day: date) -> Found[Checkpoint]:
    found = find_checkpoints(session, scope, day, Checkpoint.short_code == code)
    if not found:
        raise PlateUnknown
    return found[0]


def reissue_plate(session: Session, actor: Actor, checkpoint_id: uuid.UUID) -> None:
    """The checkpoint has a new short code and token; every plate printed before is worthless.

    Raises: Forbidden, NotFound, PlaceRetired.
    """
    require_keeper(actor)
    checkpoint = session.get(Checkpoint, checkpoint_id, with_for_update=True, populate_existing=True)
    if checkpoint is None:
        raise NotFound
    require_keeper(actor, checkpoint.street_code)
    if checkpoint.retired_on is not None:
        raise PlaceRetired
    old = Plate(checkpoint_id, checkpoint.short_code, checkpoint.generation)
    session.add(
        RetiredPlate(checkpoint_id=checkpoint_id, generation=old.generation, short_code=old.short_code)
    )
    generation = checkpoint.generation + 1
    change(checkpoint, {"short_code": new_short_code(), "generation": generation}, actor)
    session.flush()  # a constraint must speak before the trail does
    audit.record(
        session,
        chain=checkpoint.street_code,
        actor=actor.label,
        action="checkpoint.reissued",
        subject=f"checkpoint:{checkpoint_id}",
        detail={"generation": generation},
    )


def sheet_of(session: Session, actor: Actor, grid: str | None, day: date) -> Sheet:
    """The plates of a grid and all below it, or of all that the actor keeps; the trail tells of the printing.

    Raises: Forbidden, NotFound, NothingToPrint, TooManyPlates.
    """
    require_keeper(actor)
    scope = scope_of(actor, Action.MANAGE_PLACES)
    checkpoints = find_checkpoints(session, scope, day, true(), grid=grid)
    if not checkpoints:
        raise NothingToPrint
    if len(checkpoints) > MAX_FOUND:
        raise TooManyPlates(limit=MAX_FOUND)
    streets = sorted({found.place.street_code for found in checkpoints})
    names = session.scalars(select(Division.name).where(Division.code.in_(streets)).order_by(Division.code))
    street = "、".join(names)
    for street_code in streets:
        count = sum(found.place.street_code == street_code for found in checkpoints)
        audit.record(
            session,
            chain=street_code,
            actor=actor.label,
            action="checkpoints.printed",
            subject=f"grid:{grid}" if grid else f"street:{street_code}",
            detail={"count": count},
        )
    return Sheet(checkpoints, street)
