"""Read-only SQL about samples: one, the newest of an area, its households and results."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from access.roles import Action
from access.scope import Actor, scope_of
from core.errors import NotFound
from registry.people.models import Household
from registry.people.placing import OF_HOUSEHOLDS, Door, House, at_their_doors
from registry.placing import PlacedIn, placed_in, with_grids
from registry.samples.models import Sample, SampledHousehold


@dataclass(frozen=True, slots=True)
class Result:
    """How a sample came out so far."""

    drawn: int
    checked: int
    right: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """A household of a sample, where it is and what was found there."""

    household_id: uuid.UUID
    place: int
    address: str | None
    building: str | None
    entrance: str | None
    floor: str | None
    room: str | None
    grid: PlacedIn | None
    is_changed: bool  # since it was drawn: what is checked is no longer what was drawn
    is_correct: bool | None
    wrong_fields: tuple[str, ...]
    checked_at: datetime | None


def read_sample(session: Session, actor: Actor, sample_id: uuid.UUID) -> Sample:
    """The sample, for whoever reads compliance or households of its area, or of a part of it.

    Raises: NotFound.
    """
    sample = session.get(Sample, sample_id)
    if sample is None:
        raise NotFound
    for action in (Action.READ_COMPLIANCE, Action.READ_HOUSEHOLDS):
        scope = scope_of(actor, action)
        if any(sample.path.startswith(one) or one.startswith(sample.path) for one in scope.prefixes):
            return sample
    raise NotFound


def newest_sample(session: Session, path: str, day: date) -> Sample | None:
    """The last sample that was drawn of exactly this area until the day."""
    statement = select(Sample).where(Sample.path == path, Sample.day <= day)
    return session.scalars(statement.order_by(Sample.drawn_at.desc()).limit(1)).first()


def result_of(session: Session, sample_id: uuid.UUID) -> Result:
    """How many were drawn, checked and right."""
    right = func.count().filter(SampledHousehold.is_correct.is_(True))
    drawn, checked, correct = session.execute(
        select(func.count(), func.count(SampledHousehold.checked_at), right).where(
            SampledHousehold.sample_id == sample_id
        )
    ).one()
    return Result(drawn, checked, correct)


def households_of(session: Session, actor: Actor, sample: Sample, day: date) -> Sequence[Drawn]:
    """Those of the sample that the actor may see, in the order of the draw."""
    scope = scope_of(actor, Action.READ_HOUSEHOLDS)
    if scope.is_empty:
        return ()
    statement = (
        select(
            SampledHousehold,
            *(Household.entrance, Household.floor, Household.room, Household.revision),
            Door.text.label("address"),
            (func.coalesce(House.compound, "") + House.name).label("building"),
        )
        .select_from(Household)
        .join(SampledHousehold, SampledHousehold.household_id == Household.household_id)
        .where(SampledHousehold.sample_id == sample.sample_id)
        .order_by(SampledHousehold.place)
    )
    rows = session.execute(with_grids(at_their_doors(statement), OF_HOUSEHOLDS, scope, day))
    return [
        Drawn(
            row[0].household_id,
            row[0].place,
            *(row.address, row.building, row.entrance, row.floor, row.room),
            placed_in(row),
            row.revision != row[0].revision,
            row[0].is_correct,
            tuple(one["field"] for one in row[0].wrong_fields),
            row[0].checked_at,
        )
        for row in rows
    ]
