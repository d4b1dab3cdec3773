"""Who may record a visit to which household, judged by the day of the visit and not by the day of the upload.

A phone may deliver a visit days after its household came into another grid, by a new division or because the
worker was moved: it was made by the one who was responsible on that day.
"""

import uuid
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, literal, or_, select, true
from sqlalchemy.orm import Session

from access.models import Absence, Assignment
from access.queries import away_on, held_on
from access.roles import ACTIONS, Action
from core.clock import local_date, today
from registry.people.models import Household
from registry.people.placing import OF_HOUSEHOLDS, at_their_doors
from registry.placing import grid_at

_VISITING = [role.value for role, actions in ACTIONS.items() if Action.RECORD_VISIT in actions]
_SEEING = [role.value for role, actions in ACTIONS.items() if Action.READ_HOUSEHOLDS in actions]


@dataclass(frozen=True, slots=True)
class VisitedHousehold:
    """A household, where it lies today and where it lay on the day of the visit: a street if in no grid."""

    household_id: uuid.UUID
    street_code: str
    path_today: str
    path_then: str


def visited_household(session: Session, household_id: uuid.UUID, at: datetime) -> VisitedHousehold | None:
    """The household of a visit; None when it has not arrived yet."""
    street_code = session.scalar(select(Household.street_code).where(Household.household_id == household_id))
    if street_code is None:
        return None
    path_then = _path_on(session, household_id, local_date(at)) or f"{street_code}/"
    is_today = local_date(at) == today()
    path_today = path_then if is_today else _path_on(session, household_id, today()) or f"{street_code}/"
    return VisitedHousehold(household_id, street_code, path_today, path_then)


def may_record(session: Session, person_id: uuid.UUID, household: VisitedHousehold, at: datetime) -> bool:
    """Whether the person visits there today, or did on the day of the visit, by own right or standing in."""
    day = local_date(at)
    return _visits(session, person_id, household.path_then, day) or (
        (household.path_today, today()) != (household.path_then, day)
        and _visits(session, person_id, household.path_today, today())
    )


def has_seen(session: Session, person_id: uuid.UUID, household: VisitedHousehold) -> bool:
    """Whether the household was ever in the person's part of the map: to all others it does not exist."""
    covers = or_(
        func.starts_with(household.path_today, Assignment.path),
        func.starts_with(household.path_then, Assignment.path),
    )
    ever = select(Assignment.assignment_id).where(
        Assignment.person_id == person_id, Assignment.role.in_(_SEEING), covers
    )
    return session.scalars(ever.limit(1)).one_or_none() is not None


def _visits(session: Session, person_id: uuid.UUID, path: str, day: date) -> bool:
    stood_in_for = select(Absence.person_id).where(Absence.substitute_id == person_id, away_on(day))
    held = select(Assignment.assignment_id).where(
        # One list of people and not an OR of two conditions, so that their index serves.
        Assignment.person_id.in_(select(literal(person_id)).union_all(stood_in_for)),
        or_(Assignment.person_id == person_id, Assignment.grid_id.is_not(None)),
        Assignment.role.in_(_VISITING),
        func.starts_with(path, Assignment.path),
        held_on(day),
    )
    return session.scalars(held.limit(1)).one_or_none() is not None


def _path_on(session: Session, household_id: uuid.UUID, day: date) -> str | None:
    placed = grid_at(OF_HOUSEHOLDS, day)
    statement = at_their_doors(select(placed.c.path).select_from(Household)).outerjoin(placed, true())
    path: str | None = session.scalar(statement.where(Household.household_id == household_id))
    return path
