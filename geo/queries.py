"""Read-only SQL about grids: lists, one grid with its ancestors, names of digit groups."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Integer, Row, Select, and_, any_, cast, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session, aliased

from core.errors import NotFound
from geo.models import CGCS2000, Division, Grid, GridVersion, ObjectCode

BBox = tuple[float, float, float, float]  # west, south, east, north

CENTRE_DIGITS = 7  # about a centimetre
SHAPE_DIGITS = 9  # 0.1 mm, the step in which boundaries are stored: whoever sends one back opens no gap
NO_CRS = 0  # RFC 7946 has no crs member; PostGIS adds one for 4490 unless told


class PathScope(Protocol):
    """A part of the tree, made by access/scope.py; geo lies below access and knows only this much of it."""

    def __hash__(self) -> int: ...

    def clause(self, column: Any) -> ColumnElement[bool]: ...

    def covers(self, path: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class GridSummary:
    """A grid as a list shows it; `centre` lies inside, for floors and counters in the grid around them."""

    code: str
    name: str
    level: int
    kind: str
    parent: str | None
    households: int | None
    area_m2: float | None
    centre: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Ancestor:
    """One step on the way down from the level-1 grid."""

    code: str
    name: str
    level: int


@dataclass(frozen=True, slots=True)
class GridDetail:
    """A grid with its shape and its place in the tree."""

    grid_id: int
    version_id: int
    path: str
    summary: GridSummary
    geometry: dict[str, Any] | None
    ancestors: tuple[Ancestor, ...]
    attributes: dict[str, Any]
    version: int
    valid_from: date


@dataclass(frozen=True, slots=True)
class GridFilter:
    """What a list is narrowed to."""

    level: int | None = None
    parent: str | None = None
    bbox: BBox | None = None


def version_on(day: date | ColumnElement[date]) -> ColumnElement[bool]:
    """Versions that hold on this day."""
    return and_(
        GridVersion.valid_from <= day, or_(GridVersion.valid_to.is_(None), GridVersion.valid_to > day)
    )


def standing_on(day: date | ColumnElement[date]) -> ColumnElement[bool]:
    """Grids not retired on this day."""
    return or_(Grid.retired_on.is_(None), Grid.retired_on > day)


def shape_of(geom: ColumnElement[Any] | Any) -> ColumnElement[Any]:
    """A boundary as RFC 7946 wants it: outer rings counterclockwise, no crs member."""
    return func.ST_AsGeoJSON(func.ST_ForcePolygonCCW(geom), SHAPE_DIGITS, NO_CRS).label("geometry")


def list_grids(
    session: Session, scope: PathScope, day: date, *, wanted: GridFilter, after: str | None, limit: int
) -> list[GridSummary]:
    """Grids of the scope in the order of their codes, starting behind the code `after`."""
    statement = _summaries(scope, day).order_by(Grid.code).limit(limit)
    if after is not None:
        statement = statement.where(Grid.code > after)
    if wanted.level is not None:
        statement = statement.where(Grid.level == wanted.level)
    if wanted.parent is not None:
        parent = aliased(Grid)
        parent_id = select(parent.grid_id).where(parent.code == wanted.parent).scalar_subquery()
        statement = statement.where(Grid.parent_id == parent_id)
    if wanted.bbox is not None:
        box = func.ST_MakeEnvelope(*wanted.bbox, CGCS2000)
        statement = statement.where(GridVersion.geom.op("&&", is_comparison=True)(box))
    return [_summary(row) for row in session.execute(statement)]


class NotOnThatDay(NotFound):
    """The grid does not exist on that day."""

    code = "not-on-that-day"


def why_missing(
    session: Session, scope: PathScope, code: str, levels: Collection[int] = (1, 2, 3, 4, 5)
) -> NotFound:
    """Why a grid of these levels is not there on a day; as much as the scope may know."""
    row = session.execute(
        select(
            func.min(GridVersion.valid_from).label("since"),
            func.max(GridVersion.valid_to).label("until"),
            func.bool_or(GridVersion.valid_to.is_(None)).label("is_endless"),
            Grid.retired_on,
        )
        .join(GridVersion, GridVersion.grid_id == Grid.grid_id)
        .where(Grid.code == code, Grid.level.in_(levels), scope.clause(Grid.path))
        .group_by(Grid.grid_id)
    ).one_or_none()
    if row is None:
        return NotFound()
    ends = [end for end in (row.retired_on, None if row.is_endless else row.until) if end is not None]
    until = min(ends, default=None)
    zh, en = f"该网格自 {row.since} 起存在", f"the grid exists from {row.since} on"
    if until is not None:
        zh, en = f"{zh}，{until} 起不再存在", f"{en} and no longer from {until} on"
    return NotOnThatDay(
        f"{zh} / {en}", exists_from=str(row.since), exists_until=None if until is None else str(until)
    )


def read_grid(session: Session, scope: PathScope, code: str, day: date) -> GridDetail:
    """One grid on one day.

    Raises: NotFound, also for a grid outside the scope; NotOnThatDay for one that is there on others.
    """
    more = (GridVersion.version, GridVersion.valid_from, GridVersion.attributes, Grid.grid_id, Grid.path)
    statement = _summaries(scope, day).where(Grid.code == code)
    statement = statement.add_columns(shape_of(GridVersion.geom), GridVersion.version_id, *more)
    row = session.execute(statement).one_or_none()
    if row is None:
        raise why_missing(session, scope, code)
    return GridDetail(
        grid_id=row.grid_id,
        version_id=row.version_id,
        path=row.path,
        summary=_summary(row),
        geometry=json.loads(row.geometry) if row.geometry else None,
        ancestors=_ancestors(session, row.path, day),
        attributes=row.attributes,
        version=row.version,
        valid_from=row.valid_from,
    )


@dataclass(frozen=True, slots=True)
class StoredLookups:
    """Names of object codes and divisions as the tables have them; satisfies geo.codes.CodeLookups."""

    objects: Mapping[str, str]
    divisions: Mapping[str, str]

    def object_name(self, code: str) -> str | None:
        return self.objects.get(code)

    def division_name(self, code: str) -> str | None:
        return self.divisions.get(code)


def lookups_of_code(session: Session, text: str) -> StoredLookups:
    """The names that explaining one code may ask for."""
    place = text[:12] if len(text) == 15 else text[6:18]  # a unit-grid code has no object code in front
    objects = select(ObjectCode.code, ObjectCode.name).where(ObjectCode.code == text[:6])
    divisions = select(Division.code, Division.name).where(Division.code.in_([place[:6], place[:9], place]))
    return StoredLookups(_pairs(session, objects), _pairs(session, divisions))


def lookups_of_streets(session: Session, street_codes: Collection[str], day: date) -> StoredLookups:
    """All object codes, and the divisions of whole streets that have not ended by this day."""
    divisions = select(Division.code, Division.name).where(
        or_(
            Division.code.in_({code[:6] for code in street_codes}),
            func.left(Division.code, 9).in_(street_codes),
        ),
        or_(Division.valid_to.is_(None), Division.valid_to > day),
    )
    return StoredLookups(
        _pairs(session, select(ObjectCode.code, ObjectCode.name)), _pairs(session, divisions)
    )


def _pairs(session: Session, statement: Select[str, str]) -> dict[str, str]:
    return {row.code: row.name for row in session.execute(statement)}


def _summaries(scope: PathScope, day: date) -> Select[Any]:
    parent = aliased(Grid)
    # COALESCE leaves the second look-up undone wherever the grid has a shape of its own.
    centre = func.coalesce(func.ST_PointOnSurface(GridVersion.geom), _centre_around(day))
    return (
        select(
            Grid.code,
            GridVersion.name,
            Grid.level,
            GridVersion.kind,
            parent.code.label("parent"),
            GridVersion.households,
            GridVersion.area_m2,
            func.ST_AsGeoJSON(centre, CENTRE_DIGITS, NO_CRS).label("centre"),
        )
        .join(GridVersion, GridVersion.grid_id == Grid.grid_id)
        .outerjoin(parent, parent.grid_id == Grid.parent_id)
        .where(scope.clause(Grid.path), version_on(day), standing_on(day))
    )


def _centre_around(day: date) -> ColumnElement[Any]:
    """The middle of the nearest grid above that has a shape."""
    above, shape = aliased(Grid), aliased(GridVersion)
    return (
        select(func.ST_PointOnSurface(shape.geom))
        .join(above, above.grid_id == shape.grid_id)
        .where(
            above.grid_id == any_(_ids_in(Grid.path)),
            shape.geom.is_not(None),
            shape.valid_from <= day,
            or_(shape.valid_to.is_(None), shape.valid_to > day),
        )
        .order_by(above.level.desc())
        .limit(1)
        .scalar_subquery()
    )


def _ids_in(path: ColumnElement[str] | Any) -> ColumnElement[Any]:
    """The grid ids strung together in a path, without the street code in front."""
    behind_street = func.substr(path, func.strpos(path, "/") + 1)
    return cast(func.string_to_array(func.rtrim(behind_street, "/"), "/"), ARRAY(Integer))


def _ancestors(session: Session, path: str, day: date) -> tuple[Ancestor, ...]:
    """From level 1 down, without the grid itself. They are not narrowed to the scope: a member may know whose
    part the own grid is, and codes and names of grids are posted on notice boards (clause 4.4).
    """
    ids = [int(part) for part in path.rstrip("/").split("/")[1:-1]]
    rows = session.execute(
        select(Grid.code, GridVersion.name, Grid.level)
        .join(GridVersion, GridVersion.grid_id == Grid.grid_id)
        .where(Grid.grid_id.in_(ids), version_on(day))
        .order_by(Grid.level)
    )
    return tuple(Ancestor(*row) for row in rows)


def _summary(row: Row[Any]) -> GridSummary:
    centre = json.loads(row.centre)["coordinates"] if row.centre else None
    return GridSummary(
        code=row.code,
        name=row.name,
        level=row.level,
        kind=row.kind,
        parent=row.parent,
        households=row.households,
        area_m2=row.area_m2,
        centre=tuple(centre) if centre else None,
    )
