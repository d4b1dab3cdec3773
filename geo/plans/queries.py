"""Read-only SQL about plans: lists, one plan with its changes and steps."""

import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.orm import Session

from geo.models import Division, DivisionPlan, Grid, GridVersion, PlanEvent, PlannedChange
from geo.plans.records import PlanUnknown
from geo.queries import BBox, PathScope, standing_on, version_on


@dataclass(frozen=True, slots=True)
class PlanSummary:
    """A plan as a list shows it."""

    plan_id: uuid.UUID
    street_code: str
    street_name: str
    title: str
    note: str
    status: str
    valid_from: date
    revision: int
    created_at: datetime
    changed_at: datetime
    changed_by: str
    submitted_by: str | None
    counts: Mapping[str, int]


_COLUMNS = [field.name for field in fields(PlanSummary) if field.name != "counts"]


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One step of a plan's timeline."""

    event: str
    at: datetime
    by: str
    detail: Mapping[str, Any]


def list_plans(
    session: Session,
    scope: PathScope,
    *,
    street_code: str | None,
    status: str | None,
    after: tuple[datetime, uuid.UUID] | None,
    limit: int,
) -> list[PlanSummary]:
    """Plans of the scope's streets, the newest first."""
    newest_first = (DivisionPlan.created_at.desc(), DivisionPlan.plan_id.desc())
    statement = _summaries(scope).order_by(*newest_first).limit(limit)
    if street_code is not None:
        statement = statement.where(DivisionPlan.street_code == street_code)
    if status is not None:
        statement = statement.where(DivisionPlan.status == status)
    if after is not None:
        statement = statement.where(tuple_(DivisionPlan.created_at, DivisionPlan.plan_id) < after)
    return _summarised(session, statement)


def read_plan(session: Session, scope: PathScope, plan_id: uuid.UUID) -> PlanSummary:
    """One plan. Raises: PlanUnknown, also for a plan of another street."""
    found = _summarised(session, _summaries(scope).where(DivisionPlan.plan_id == plan_id))
    if not found:
        raise PlanUnknown
    return found[0]


def steps_of(session: Session, plan_id: uuid.UUID) -> list[PlanStep]:
    """The plan's timeline, oldest first."""
    rows = session.execute(
        select(PlanEvent.event, PlanEvent.at, PlanEvent.actor_name, PlanEvent.detail)
        .where(PlanEvent.plan_id == plan_id)
        .order_by(PlanEvent.event_id)
    )
    return [PlanStep(*row) for row in rows]


# Steps that pass a plan on without changing what it says.
_PASSING_ON = ("returned", "withdrawn", "approved")


def had_a_hand_in(session: Session, plan_id: uuid.UUID, label: str) -> bool:
    """Whether this person has made, drawn on or submitted the plan: four eyes see what becomes the law."""
    steps = select(PlanEvent.event_id).where(
        PlanEvent.plan_id == plan_id, PlanEvent.actor == label, PlanEvent.event.not_in(_PASSING_ON)
    )
    return session.scalar(steps.limit(1)) is not None


def extent_of_street(session: Session, street_code: str, day: date) -> BBox | None:
    """The box around a street's grids, and around everything drawn for it in drafts where it has none."""
    standing = (
        select(GridVersion.geom)
        .join(Grid, Grid.grid_id == GridVersion.grid_id)
        .where(Grid.street_code == street_code, version_on(day), standing_on(day))
    )
    drawn = (
        select(PlannedChange.geom)
        .join(DivisionPlan, DivisionPlan.plan_id == PlannedChange.plan_id)
        .where(DivisionPlan.street_code == street_code)
    )
    return _box(session, standing) or _box(session, drawn)


def _box(session: Session, shapes: Select[Any]) -> BBox | None:
    of = shapes.subquery("of")
    box = func.ST_Extent(of.c.geom)
    west, south, east, north = session.execute(
        select(func.ST_XMin(box), func.ST_YMin(box), func.ST_XMax(box), func.ST_YMax(box))
    ).one()
    return None if west is None else (west, south, east, north)


def _summaries(scope: PathScope) -> Select[Any]:
    columns: list[Any] = [
        Division.name if name == "street_name" else getattr(DivisionPlan, name) for name in _COLUMNS
    ]
    statement = select(*columns).join(Division, Division.code == DivisionPlan.street_code)
    return statement.where(scope.clause(DivisionPlan.street_code + "/"))


def _summarised(session: Session, statement: Select[Any]) -> list[PlanSummary]:
    rows = session.execute(statement).all()
    counts: dict[uuid.UUID, dict[str, int]] = defaultdict(dict)
    counted = (
        select(PlannedChange.plan_id, PlannedChange.action, func.count())
        .where(PlannedChange.plan_id.in_([row.plan_id for row in rows]))
        .group_by(PlannedChange.plan_id, PlannedChange.action)
    )
    for plan_id, action, number in session.execute(counted):
        counts[plan_id][action] = number
    return [
        PlanSummary(**dict(zip(_COLUMNS, row, strict=True)) | {"counts": counts[row.plan_id]}) for row in rows
    ]
