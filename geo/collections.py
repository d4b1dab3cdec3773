"""Grids as features of a collection: filtered, paged by code, written as GeoJSON by the database.

PostgreSQL writes each feature once and nothing here parses it again: a page of 1,000 grids is one statement
and one join of texts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Text,
    and_,
    cast,
    func,
    literal,
    not_,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.orm import Session, aliased

from geo.models import Grid, GridVersion
from geo.queries import BBox, PathScope
from geo.reference_systems import CRS84, ReferenceSystem, meets, shape_in

_parent = aliased(Grid)


@dataclass(frozen=True, slots=True, eq=False)
class Property:
    """One property of a feature: where it comes from, its JSON type, what it means."""

    name: str
    column: ColumnElement[Any] | Any
    json_type: str
    meaning: str
    is_optional: bool = False
    json_format: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class FeatureSource:
    """What a collection says of each grid; `joins` and `parameters` as in geo.tiles.grids.TileLayer."""

    properties: tuple[Property, ...]
    joins: tuple[tuple[FromClause, ColumnElement[bool]], ...] = ()
    parameters: frozenset[str] = frozenset()


GRIDS = FeatureSource(
    (
        Property("code", Grid.code, "string", "网格编码 / grid code (CJ/T 349-2010)"),
        Property("name", GridVersion.name, "string", "名称 / name"),
        Property("level", Grid.level, "integer", "级 / level, 1 to 5"),
        Property("parent", _parent.code, "string", "上级网格编码 / code of the grid above", is_optional=True),
        Property("kind", GridVersion.kind, "string", "类型 / kind, like residential"),
        Property("households", GridVersion.households, "integer", "户数 / households", is_optional=True),
        Property(
            "area_m2", GridVersion.area_m2, "number", "椭球面积 / geodesic area in m²", is_optional=True
        ),
        Property(
            "valid_from",
            GridVersion.valid_from,
            "string",
            "生效日 / first day of this state",
            json_format="date",
        ),
        Property(
            "valid_to",
            GridVersion.valid_to,
            "string",
            "失效日 / first day on which it no longer holds",
            is_optional=True,
            json_format="date",
        ),
    )
)


@dataclass(frozen=True, slots=True)
class Period:
    """From one day to another, both included; None is without end on that side."""

    first: date | None
    last: date | None

    @property
    def is_one_day(self) -> bool:
        return self.first is not None and self.first == self.last


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in a reference system, the eastern axis first."""

    bounds: BBox
    system: ReferenceSystem


@dataclass(frozen=True, slots=True)
class FeatureFilter:
    """Which features of a collection are wanted."""

    period: Period
    levels: tuple[int, ...]
    box: Box | None = None
    level: int | None = None
    parent: str | None = None
    code: str | None = None
    name: str | None = None
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class FeaturePage:
    """Features as GeoJSON texts in the order of their codes, and how many the filter matches in all.

    Counting a city takes longer than reading a page of it, so pages after the first do not say it again.
    """

    features: tuple[str, ...]
    matched: int | None
    next_after: str | None


def read_features(
    session: Session,
    scope: PathScope,
    source: FeatureSource,
    wanted: FeatureFilter,
    *,
    parameters: Mapping[str, Any],
    system: ReferenceSystem = CRS84,
    after: str | None,
    limit: int,
) -> FeaturePage:
    """Features of the scope behind the code `after`; of each grid its last state within the period."""
    matching = _matching(scope, wanted)
    statement = _features(source, matching, system).order_by(Grid.code).limit(limit + 1)
    if after is not None:
        statement = statement.where(Grid.code > after)
    rows = session.execute(statement, dict(parameters)).all()
    page, has_more = rows[:limit], len(rows) > limit
    matched = None if after is not None else len(rows)
    if matched is not None and has_more:
        matched = session.scalar(select(func.count()).select_from(matching.subquery()))
    return FeaturePage(
        features=tuple(row.feature for row in page),
        matched=matched,
        next_after=page[-1].code if has_more else None,
    )


def read_feature(
    session: Session,
    scope: PathScope,
    source: FeatureSource,
    wanted: FeatureFilter,
    *,
    parameters: Mapping[str, Any],
    system: ReferenceSystem,
) -> str | None:
    """The one feature that the filter's code names, as GeoJSON text."""
    rows = session.execute(_features(source, _matching(scope, wanted), system), dict(parameters)).all()
    return rows[0].feature if rows else None


def beginning_of(session: Session, scope: PathScope) -> date | None:
    """The first day on which a grid of the scope exists."""
    first = select(func.min(GridVersion.valid_from)).join(Grid, Grid.grid_id == GridVersion.grid_id)
    return session.scalar(first.where(scope.clause(Grid.path)))


def _features(source: FeatureSource, matching: Select[Any], system: ReferenceSystem) -> Select[Any]:
    named = [part for one in source.properties for part in (literal(one.name, Text), one.column)]
    feature = func.json_build_object(
        literal("type", Text),
        literal("Feature", Text),
        literal("id", Text),
        Grid.code,
        literal("geometry", Text),
        cast(shape_in(system), JSON),
        literal("properties", Text),
        func.json_build_object(*named),
    )
    text = cast(type_coerce(feature, JSON), Text).label("feature")
    columns: list[Any] = [Grid.code, text]
    statement: Select[Any] = matching.with_only_columns(*columns)
    statement = statement.outerjoin(_parent, _parent.grid_id == Grid.parent_id)
    for table, condition in source.joins:
        statement = statement.outerjoin(table, condition)
    return statement


def _matching(scope: PathScope, wanted: FeatureFilter) -> Select[Any]:
    equal = (
        (Grid.level, wanted.level),
        (Grid.code, wanted.code),
        (GridVersion.name, wanted.name),
        (GridVersion.kind, wanted.kind),
    )
    statement = (
        select(Grid.grid_id)
        .select_from(Grid)
        .join(GridVersion, GridVersion.grid_id == Grid.grid_id)
        .where(scope.clause(Grid.path), Grid.level.in_(wanted.levels), _shown_in(wanted.period))
        .where(*(column == value for column, value in equal if value is not None))
    )
    if wanted.parent is not None:
        above = aliased(Grid)
        parent_id = select(above.grid_id).where(above.code == wanted.parent).scalar_subquery()
        statement = statement.where(Grid.parent_id == parent_id)
    if wanted.box is not None:
        statement = statement.where(meets(wanted.box.bounds, wanted.box.system))
    return statement


def _shown_in(period: Period) -> ColumnElement[bool]:
    """Of each grid at most one version: on one day by the table's own rule, else the last of the period."""
    conditions = [_touching(GridVersion, period)]
    if period.first is not None:
        conditions.append(or_(Grid.retired_on.is_(None), Grid.retired_on > period.first))
    if not period.is_one_day:
        later = aliased(GridVersion)
        conditions.append(
            not_(
                select(literal(1))
                .where(
                    later.grid_id == GridVersion.grid_id,
                    later.valid_from > GridVersion.valid_from,
                    _touching(later, period),
                )
                .exists()
            )
        )
    return and_(*conditions)


def _touching(version: Any, period: Period) -> ColumnElement[bool]:
    conditions: list[ColumnElement[bool]] = [literal(True)]
    if period.last is not None:
        conditions.append(version.valid_from <= period.last)
    if period.first is not None:
        conditions.append(or_(version.valid_to.is_(None), version.valid_to > period.first))
    return and_(*conditions)
