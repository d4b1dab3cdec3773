"""Read-only SQL about places: lists, one place, each with the grid it lies in on a day."""

import json
import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, TypeVar, cast

from sqlalchemy import ColumnElement, Row, Select, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, defer

from access.scope import Scope
from core.errors import NotFound
from geo.models import CGCS2000, Grid
from geo.queries import BBox
from registry.models import Address, Building, Checkpoint
from registry.organisations.models import Organisation
from registry.placing import (
    OF_ADDRESSES,
    OF_BUILDINGS,
    OF_CHECKPOINTS,
    OF_ORGANISATIONS,
    Home,
    PlacedIn,
    Whereabouts,
    placed_in,
    with_grids,
)

PlaceT = TypeVar("PlaceT", Building, Address, Checkpoint, Organisation)

_DIGITS = 7  # of coordinates in replies: about a centimetre
_NO_CRS = 0
MAX_FOUND = 500  # checkpoints at once


@dataclass(frozen=True, slots=True)
class PlaceFilter:
    """What a list is narrowed to. `grid` is a code; everything below the grid belongs to it."""

    street: str | None = None
    grid: str | None = None
    bbox: BBox | None = None
    text: str | None = None
    building: uuid.UUID | None = None
    with_retired: bool = False
    kind: str | None = None
    category: str | None = None  # of organisations


@dataclass(frozen=True, slots=True)
class Found(Generic[PlaceT]):
    """A place with its position and its grid on the day; `home` names the building it belongs to."""

    place: PlaceT
    lon: float
    lat: float
    grid: PlacedIn | None
    home: str | None


@dataclass(frozen=True, slots=True)
class _Kind(Generic[PlaceT]):
    """How a kind of place is read."""

    table: type[PlaceT]
    key: InstrumentedAttribute[uuid.UUID]
    where: Whereabouts
    searched: tuple[InstrumentedAttribute[Any], ...]
    building_id: InstrumentedAttribute[uuid.UUID | None] | None


_BUILDINGS = _Kind(
    Building, Building.building_id, OF_BUILDINGS, (Building.name, Building.compound, Building.code), None
)
_ADDRESSES = _Kind(
    Address, Address.address_id, OF_ADDRESSES, (Address.text, Address.normalised), Address.building_id
)
_CHECKPOINTS = _Kind(
    Checkpoint,
    Checkpoint.checkpoint_id,
    OF_CHECKPOINTS,
    (Checkpoint.name, Checkpoint.code),
    Checkpoint.building_id,
)
_ORGANISATIONS = _Kind(
    Organisation,
    Organisation.organisation_id,
    OF_ORGANISATIONS,
    (Organisation.name, Organisation.code, Organisation.credit_code),
    Organisation.building_id,
)
_KINDS: dict[type, _Kind[Any]] = {
    kind.table: kind for kind in (_BUILDINGS, _ADDRESSES, _CHECKPOINTS, _ORGANISATIONS)
}


def list_places(
    session: Session,
    table: type[PlaceT],
    scope: Scope,
    day: date,
    *,
    wanted: PlaceFilter,
    after: uuid.UUID | None,
    limit: int,
) -> list[Found[PlaceT]]:
    """Places of the scope in the order of their ids, behind `after`. Raises: NotFound for an unseen grid."""
    kind: _Kind[PlaceT] = _KINDS[table]
    below = () if wanted.grid is None else (_below(session, scope, wanted.grid),)
    statement = _narrowed(_reading(kind, scope, day, *below), kind, wanted)
    if after is not None:
        statement = statement.where(kind.key > after)
    return [_found(row) for row in session.execute(statement.order_by(kind.key).limit(limit))]


def read_place(
    session: Session, table: type[PlaceT], scope: Scope, place_id: uuid.UUID, day: date
) -> Found[PlaceT]:
    """One place, retired or not. Raises: NotFound, also for a place outside the scope."""
    kind: _Kind[PlaceT] = _KINDS[table]
    row = session.execute(_reading(kind, scope, day).where(kind.key == place_id)).one_or_none()
    if row is None:
        raise NotFound
    return _found(row)


def find_checkpoints(
    session: Session, scope: Scope, day: date, clause: ColumnElement[bool], *, grid: str | None = None
) -> list[Found[Checkpoint]]:
    """Standing checkpoints of the scope for which the clause holds, grid by grid.

    Raises: NotFound for an unseen grid.
    """
    below = () if grid is None else (_below(session, scope, grid),)
    statement = _narrowed(_reading(_CHECKPOINTS, scope, day, *below), _CHECKPOINTS, PlaceFilter())
    rows = session.execute(statement.where(clause).limit(MAX_FOUND + 1)).all()
    found = [_found(row) for row in rows]
    return sorted(found, key=lambda one: (one.grid.code if one.grid else "", one.place.name))


def find_addresses(
    session: Session,
    scope: Scope,
    day: date,
    clause: ColumnElement[bool],
    *,
    street: str | None,
    limit: int,
) -> list[Found[Address]]:
    """Standing addresses of the scope for which the clause holds, the shortest first."""
    wanted = PlaceFilter(street=street)
    statement = _narrowed(_reading(_ADDRESSES, scope, day), _ADDRESSES, wanted).where(clause)
    order = (func.length(Address.normalised), Address.normalised, Address.address_id)
    return [_found(row) for row in session.execute(statement.order_by(*order).limit(limit))]


def footprint_of(session: Session, building_id: uuid.UUID) -> dict[str, Any] | None:
    """The outline of a building as GeoJSON."""
    text = session.scalar(
        select(func.ST_AsGeoJSON(Building.footprint, _DIGITS, _NO_CRS)).where(
            Building.building_id == building_id
        )
    )
    return cast(dict[str, Any], json.loads(text)) if text else None


# --------------------------------------------------------------------------------------------- parts


def _reading(kind: _Kind[Any], scope: Scope, day: date, *below: Scope) -> Select[Any]:
    point = kind.where.point
    columns: list[Any] = [kind.table, func.ST_X(point).label("lon"), func.ST_Y(point).label("lat")]
    statement: Select[Any] = select(*columns).options(defer(kind.table.geom))
    if kind.building_id is None:
        statement = statement.options(defer(Building.footprint))
    else:
        statement = statement.add_columns(_home_name().label("home"))
        statement = statement.outerjoin(Home, Home.building_id == kind.building_id)
    return with_grids(statement, kind.where, scope, day, *below)


def _home_name() -> ColumnElement[Any]:
    """和园东区3幢: a building is called by its compound too, if it has one."""
    return func.coalesce(Home.compound, "") + Home.name


def _narrowed(statement: Select[Any], kind: _Kind[Any], wanted: PlaceFilter) -> Select[Any]:
    if not wanted.with_retired:
        statement = statement.where(kind.table.retired_on.is_(None))
    if wanted.street is not None:
        statement = statement.where(kind.table.street_code == wanted.street)
    if wanted.building is not None and kind.building_id is not None:
        statement = statement.where(kind.building_id == wanted.building)
    for column in ("kind", "category"):
        value = getattr(wanted, column)
        if value is not None and hasattr(kind.table, column):
            statement = statement.where(getattr(kind.table, column) == value)
    if wanted.text is not None:
        found = (func.strpos(func.lower(column), wanted.text.lower()) > 0 for column in kind.searched)
        statement = statement.where(or_(*found))
    if wanted.bbox is not None:
        box = func.ST_MakeEnvelope(*wanted.bbox, CGCS2000)
        inside = (point.op("&&", is_comparison=True)(box) for point in kind.where.points)
        statement = statement.where(or_(*inside), kind.where.point.op("&&", is_comparison=True)(box))
    return statement


def _below(session: Session, scope: Scope, grid_code: str) -> Scope:
    path = session.scalar(select(Grid.path).where(Grid.code == grid_code, scope.clause(Grid.path)))
    if path is None:
        raise NotFound
    return Scope((path,))


def _found(row: Row[Any]) -> Found[Any]:
    return Found(row[0], row.lon, row.lat, placed_in(row), getattr(row, "home", None))
