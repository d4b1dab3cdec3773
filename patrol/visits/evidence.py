"""What shows that somebody was at the door: the phone's position and a plate. Shown, never a verdict.

A visit without either counts all the same: indoors there is often no position, and trust is the rule. Both
are looked at when the visit is read, so it does not matter whether the check-in came before or after it.
"""

import uuid
from dataclasses import dataclass

from sqlalchemy import ColumnElement, false, or_, select
from sqlalchemy.orm import Session

from geo.distances import metres_between
from patrol.models import Patrol
from patrol.presence.models import CheckIn
from patrol.visits.doors import DoorPlate
from patrol.visits.models import Visit
from registry.models import Checkpoint
from registry.plates import parse_short_code


@dataclass(frozen=True, slots=True)
class Evidence:
    """How far from the household the phone said it was, and which plate was shown."""

    distance_m: float | None
    accuracy_m: float | None
    plate: str  # "none", "unknown", "elsewhere", "same_building"
    checkpoint_name: str | None


def evidence_of(session: Session, visit: Visit, door: DoorPlate) -> Evidence:
    """What is known of the visit's place today."""
    distance_m: float | None = None
    if visit.lon is not None and visit.lat is not None:
        distance_m = metres_between((visit.lon, visit.lat), (door.lon, door.lat))
    plate, name = _plate(session, visit, door.building_id)
    return Evidence(distance_m, visit.accuracy_m, plate, name)


def _plate(session: Session, visit: Visit, building_id: uuid.UUID | None) -> tuple[str, str | None]:
    if visit.proof is None:
        return "none", None
    shown = session.execute(
        select(Checkpoint.name, Checkpoint.building_id).where(_shown(visit)).limit(1)
    ).one_or_none()
    if shown is None:
        return "unknown", None
    is_there = building_id is not None and shown.building_id == building_id
    return "same_building" if is_there else "elsewhere", shown.name


def _shown(visit: Visit) -> ColumnElement[bool]:
    """The checkpoint whose plate the visit names, or that its own worker checked in at."""
    proof = visit.proof or {}
    code = parse_short_code(proof.get("short_code", ""))
    named = Checkpoint.short_code == code if code is not None else false()
    if "check_in" not in proof:
        return named
    checked_in = (
        select(CheckIn.checkpoint_id)
        .join(Patrol, Patrol.patrol_id == CheckIn.patrol_id)
        .where(CheckIn.check_in_id == uuid.UUID(proof["check_in"]), Patrol.person_id == visit.person_id)
    )
    return or_(named, Checkpoint.checkpoint_id.in_(checked_in))
