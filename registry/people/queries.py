"""Read-only SQL about households, each with the grid it lies in on a day."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, exists, func, or_, select
from sqlalchemy.orm import Session, defer

from access.scope import Scope
from core.errors import FieldError, Invalid, NotFound
from geo.models import CGCS2000, Grid
from geo.queries import BBox
from registry.people.models import Household, HouseholdTag, Resident, TagKind
from registry.people.placing import OF_HOUSEHOLDS, Door, House, at_their_doors, building_id
from registry.people.rights import Sight
from registry.people.tagging import kinds_on
from registry.people.tags import special_on, tag_stands_on
from registry.people.views import HouseholdView, ShownTag
from registry.placing import placed_in, with_grids

_SEARCHED = (
    *(Household.code, Household.room, Door.text, Door.normalised),
    *(House.name, House.compound),
)


@dataclass(frozen=True, slots=True)
class HouseholdFilter:
    """What a list of households is narrowed to; the grid includes all below it. Names are not searched: what
    is searched for stands in addresses of requests.
    """

    grid: str | None = None
    bbox: BBox | None = None
    text: str | None = None
    building: uuid.UUID | None = None
    tag: str | None = None
    special: bool | None = None
    with_retired: bool = False


def households_in(scope: Scope, day: date, *below: Scope) -> Select[Any]:
    """Households that stand on the day, as far as the scope shows them.

    Columns: household_id, street_code, is_special, and grid_code, grid_name, grid_level, grid_path,
    grid_is_manual of the grid on that day.
    """
    columns: list[Any] = [
        Household.household_id,
        Household.street_code,
        special_on(day).label("is_special"),
    ]
    statement: Select[Any] = select(*columns).where(standing(day))
    return with_grids(at_their_doors(statement), OF_HOUSEHOLDS, scope, day, *below)


def standing(day: date) -> ColumnElement[bool]:
    """Rows of `Household` that were not retired before or on the day."""
    return or_(Household.retired_on.is_(None), Household.retired_on > day)


def list_households(
    session: Session,
    sight: Sight,
    day: date,
    *,
    wanted: HouseholdFilter,
    after: uuid.UUID | None,
    limit: int,
) -> list[HouseholdView]:
    """Households of the sight in the order of their ids, behind `after`.

    Raises: NotFound for an unseen grid, Invalid for a tag that is not on the list.
    """
    kinds = kinds_on(session, day)
    below = [] if wanted.grid is None else [below_grid(session, sight.scope, wanted.grid)]
    if wanted.tag is not None and _kind_of(wanted.tag, kinds).is_restricted:
        below.append(sight.restricted)
    statement = _narrowed(_reading(sight.scope, day, *below), wanted, day)
    if after is not None:
        statement = statement.where(Household.household_id > after)
    rows = session.execute(statement.order_by(Household.household_id).limit(limit)).all()
    return _views(session, sight, day, rows, kinds)


def read_household(session: Session, sight: Sight, household_id: uuid.UUID, day: date) -> HouseholdView:
    """One household, retired or not. Raises: NotFound, also for one outside the sight."""
    statement = _reading(sight.scope, day).where(Household.household_id == household_id)
    views = _views(session, sight, day, session.execute(statement).all(), kinds_on(session, day))
    if not views:
        raise NotFound
    return views[0]


def residents_of(
    session: Session, household_id: uuid.UUID, *, with_former: bool = False
) -> Sequence[Resident]:
    """Those who live in the household, the head first; or also those who did."""
    statement = select(Resident).where(Resident.household_id == household_id)
    if not with_former:
        statement = statement.where(Resident.left_on.is_(None))
    is_head = func.coalesce(Resident.relation == "head", False)
    return session.scalars(statement.order_by(is_head.desc(), Resident.resident_id)).all()


def read_resident(session: Session, sight: Sight, resident_id: uuid.UUID, day: date) -> Resident:
    """One resident of a household in the sight. Raises: NotFound."""
    resident = session.get(Resident, resident_id)
    if resident is None:
        raise NotFound
    statement = _reading(sight.scope, day).where(Household.household_id == resident.household_id)
    if session.execute(statement).one_or_none() is None:
        raise NotFound
    return resident


def below_grid(session: Session, scope: Scope, grid_code: str) -> Scope:
    """The grid and all below it. Raises: NotFound for one that the scope does not show."""
    path = session.scalar(select(Grid.path).where(Grid.code == grid_code, scope.clause(Grid.path)))
    if path is None:
        raise NotFound
    return Scope((path,))


# --------------------------------------------------------------------------------------------- parts


def _reading(scope: Scope, day: date, *below: Scope) -> Select[Any]:
    point = OF_HOUSEHOLDS.point
    columns: list[Any] = [
        Household,
        func.ST_X(point).label("lon"),
        func.ST_Y(point).label("lat"),
        Door.text.label("address"),
        (func.coalesce(House.compound, "") + House.name).label("building"),
        special_on(day).label("is_special"),
    ]
    statement: Select[Any] = select(*columns).options(defer(Household.geom))
    return with_grids(at_their_doors(statement), OF_HOUSEHOLDS, scope, day, *below)


def _narrowed(statement: Select[Any], wanted: HouseholdFilter, day: date) -> Select[Any]:
    if not wanted.with_retired:
        statement = statement.where(standing(day))
    if wanted.building is not None:
        statement = statement.where(building_id() == wanted.building)
    if wanted.special is not None:
        statement = statement.where(special_on(day) if wanted.special else ~special_on(day))
    if wanted.tag is not None:
        statement = statement.where(_tagged(wanted.tag, day))
    if wanted.text is not None:
        found = (func.strpos(func.lower(column), wanted.text.lower()) > 0 for column in _SEARCHED)
        statement = statement.where(or_(*found))
    if wanted.bbox is not None:
        box = func.ST_MakeEnvelope(*wanted.bbox, CGCS2000)
        statement = statement.where(OF_HOUSEHOLDS.point.op("&&", is_comparison=True)(box))
    return statement


def _tagged(code: str, day: date) -> ColumnElement[bool]:
    return exists().where(
        HouseholdTag.household_id == Household.household_id, HouseholdTag.tag == code, tag_stands_on(day)
    )


def _kind_of(code: str, kinds: Mapping[str, TagKind]) -> TagKind:
    if code not in kinds:
        told = "没有这个标签 / no such tag on the list"
        raise Invalid(errors=[FieldError("/query/tag", "unknown-tag", told)])
    return kinds[code]


def _views(
    session: Session, sight: Sight, day: date, rows: Sequence[Row[Any]], kinds: Mapping[str, TagKind]
) -> list[HouseholdView]:
    ids = [row[0].household_id for row in rows]
    tags, residents = _tags_of(session, ids, day), _counts_of(session, ids)
    views = []
    for row in rows:
        household: Household = row[0]
        path = row.grid_path or f"{household.street_code}/"
        knows = not sight.restricted.is_empty and sight.restricted.covers(path)
        shown = (
            ShownTag.of(tag, kinds, knows_restricted=knows) for tag in tags.get(household.household_id, ())
        )
        views.append(
            HouseholdView(
                household,
                row.lon,
                row.lat,
                placed_in(row),
                row.address,
                row.building,
                row.is_special,
                tuple(shown),
                residents.get(household.household_id, 0),
            )
        )
    return views


def _tags_of(session: Session, ids: Iterable[uuid.UUID], day: date) -> dict[uuid.UUID, list[HouseholdTag]]:
    statement = (
        select(HouseholdTag)
        .where(HouseholdTag.household_id.in_(ids), tag_stands_on(day) | (HouseholdTag.valid_from > day))
        .order_by(HouseholdTag.valid_from, HouseholdTag.tag, HouseholdTag.household_tag_id)
    )
    found: dict[uuid.UUID, list[HouseholdTag]] = {}
    for tag in session.scalars(statement):
        found.setdefault(tag.household_id, []).append(tag)
    return found


def _counts_of(session: Session, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, int]:
    statement = (
        select(Resident.household_id, func.count())
        .where(Resident.household_id.in_(ids), Resident.left_on.is_(None))
        .group_by(Resident.household_id)
    )
    return {row[0]: row[1] for row in session.execute(statement)}
