"""Vector tiles of the grids: one statement per tile, rendered by PostGIS.

What a tile says of a grid beyond code, name and level is contributed from above as a TileLayer: data only.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    Double,
    FromClause,
    Integer,
    Select,
    Text,
    bindparam,
    cast,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.orm import Session

from core.errors import Invalid
from geo.models import Grid, GridVersion
from geo.queries import PathScope, standing_on, version_on

MIN_ZOOM, MAX_ZOOM = 6, 16
_EXTENT = 4096  # tile units along a side
_BUFFER = 64  # drawn beyond the edge, so that outlines do not break there
_WORLD_M = 2 * math.pi * 6_378_137.0  # side of the web mercator square
_PIXELS = 512  # along a side, as maps draw vector tiles
_SIMPLIFY_PIXELS = 0.25  # nobody sees it, and tiles of low zooms become less than half as large
# Up to here one tile holds a whole city: checking the shapes it clips costs most, and goes by vertices.
_OVERVIEW_ZOOM, _OVERVIEW_PIXELS = 11, 0.5
# Beyond this many the largest win: a tile of 30,000 grids would take a phone's memory and help nobody.
_MAX_FEATURES = 10_000

# The level drawn at `level=auto`: grids of it are a few hundred pixels at most and ten at least.
_LEVEL_BELOW_ZOOM = ((12, 1), (14, 2))
_FINEST_LEVEL = 3


class NoSuchTile(Invalid):
    """This zoom has no tile at this column and row."""

    code = "no-such-tile"


@dataclass(frozen=True, slots=True, eq=False)
class TileLayer:
    """What a tile layer says of each grid.

    `columns` are labelled and may read `joins`: tables joined by an outer join on a condition over Grid.
    Columns and conditions may hold bind parameters; `parameters` names them, and each request must give them.
    """

    name: str
    fields: Mapping[str, str]  # attribute -> what it means, for TileJSON
    columns: tuple[ColumnElement[Any], ...]
    joins: tuple[tuple[FromClause, ColumnElement[bool]], ...] = ()
    parameters: frozenset[str] = frozenset()

    def with_columns(
        self,
        fields: Mapping[str, str],
        columns: tuple[ColumnElement[Any], ...],
        *,
        joins: tuple[tuple[FromClause, ColumnElement[bool]], ...],
        parameters: frozenset[str],
    ) -> "TileLayer":
        """The same layer saying more."""
        return replace(
            self,
            fields=MappingProxyType({**self.fields, **fields}),
            columns=(*self.columns, *columns),
            joins=(*self.joins, *joins),
            parameters=self.parameters | parameters,
        )


GRID_LAYER = TileLayer(
    name="grids",
    fields=MappingProxyType(
        {"code": "grid code (CJ/T 349-2010)", "name": "name of the grid", "level": "1 to 3"}
    ),
    columns=(Grid.code.label("code"), GridVersion.name.label("name"), Grid.level.label("level")),
)


@dataclass(frozen=True, slots=True)
class Tile:
    """The address of a tile."""

    zoom: int
    column: int
    row: int

    @classmethod
    def at(cls, zoom: int, column: int, row: int) -> "Tile":
        """Raises: NoSuchTile."""
        if not (MIN_ZOOM <= zoom <= MAX_ZOOM and 0 <= column < 2**zoom and 0 <= row < 2**zoom):
            raise NoSuchTile(f"zoom {MIN_ZOOM}-{MAX_ZOOM}, column and row 0 to 2^zoom - 1")
        return cls(zoom, column, row)


def level_at(zoom: int) -> int:
    """The grid level that suits a zoom."""
    return next((level for below, level in _LEVEL_BELOW_ZOOM if zoom < below), _FINEST_LEVEL)


def render_tile(
    session: Session,
    layer: TileLayer,
    tile: Tile,
    scope: PathScope,
    *,
    level: int,
    day: date,
    parameters: Mapping[str, Any],
) -> bytes:
    """The tile as Mapbox vector tile, empty bytes when nothing of the scope lies in it.

    The stored web-mercator column is compared with the tile's envelope in its own reference system, so its
    index is used and nothing is transformed. Grids smaller than a pixel both ways are left out.
    """
    side_m = _WORLD_M / 2**tile.zoom
    pixel_m = side_m / _PIXELS
    # The finest tiles are also shown enlarged, so they keep every vertex.
    pixels = _OVERVIEW_PIXELS if tile.zoom <= _OVERVIEW_ZOOM else _SIMPLIFY_PIXELS
    simplified_m = 0.0 if tile.zoom == MAX_ZOOM else pixel_m * pixels
    given = {
        **parameters,
        "day": day,
        "zoom": tile.zoom,
        "column": tile.column,
        "row": tile.row,
        "reach_m": side_m * _BUFFER / _EXTENT,
        "pixel_m": pixel_m,
        "simplified_m": simplified_m,
        "most": _MAX_FEATURES,
    }
    return bytes(session.scalar(_tile_statement(layer, scope, level), given) or b"")


@lru_cache(maxsize=512)
def _tile_statement(layer: TileLayer, scope: PathScope, level: int) -> Select[Any]:
    """The statement of all tiles of a layer, scope and level: building it costs more than running it."""
    box = GridVersion.geom_3857
    bounds = func.ST_TileEnvelope(
        bindparam("zoom", type_=Integer), bindparam("column", type_=Integer), bindparam("row", type_=Integer)
    )
    reach = func.ST_Expand(bounds, bindparam("reach_m", type_=Double))
    pixel_m = bindparam("pixel_m", type_=Double)
    drawn = func.ST_Simplify(box, bindparam("simplified_m", type_=Double), True)
    wide_enough = func.ST_XMax(box) - func.ST_XMin(box) >= pixel_m
    tall_enough = func.ST_YMax(box) - func.ST_YMin(box) >= pixel_m
    largest = (
        _rows(layer, scope, level, bindparam("day", type_=Date))
        .add_columns(func.ST_AsMVTGeom(drawn, bounds, _EXTENT, _BUFFER, True).label("geom"))
        .where(box.op("&&", is_comparison=True)(reach), or_(wide_enough, tall_enough))
        .order_by(GridVersion.area_m2.desc(), Grid.grid_id)
        .limit(bindparam("most", type_=Integer))
        .subquery("largest")
    )
    # A fixed order: without it features change places between runs and labels jump.
    shown = select(largest).where(largest.c.geom.is_not(None)).order_by(largest.c.id).subquery("shown")
    mvt = func.ST_AsMVT(literal_column("shown"), layer.name, _EXTENT, "geom", "id")
    return select(mvt).select_from(shown)


def fingerprint(
    session: Session,
    layer: TileLayer,
    scope: PathScope,
    *,
    level: int | None,
    day: date,
    parameters: Mapping[str, Any],
) -> str:
    """Changes when anything changes that tiles of this layer show to this scope, whatever process asks."""
    rows = _rows(layer, scope, level, day).add_columns(GridVersion.version_id).subquery("shown")
    # XOR of row hashes: needs no order, so one pass over the rows without a sort.
    hashed = func.bit_xor(func.hashtextextended(cast(literal_column("shown"), Text), 0))
    total, count = session.execute(select(hashed, func.count()).select_from(rows), dict(parameters)).one()
    return f"{(total or 0) & 0xFFFF_FFFF_FFFF_FFFF:016x}{count:x}"


def _rows(
    layer: TileLayer, scope: PathScope, level: int | None, day: date | ColumnElement[date]
) -> Select[Any]:
    """The attributes of every grid that the layer may show."""
    statement = (
        select(Grid.grid_id.label("id"), *layer.columns)
        .select_from(Grid)
        .join(GridVersion, GridVersion.grid_id == Grid.grid_id)
    )
    for table, condition in layer.joins:
        statement = statement.outerjoin(table, condition)
    statement = statement.where(
        GridVersion.geom_3857.is_not(None), version_on(day), standing_on(day), scope.clause(Grid.path)
    )
    # The level is part of the text: a plan that suits few large grids does not suit many small ones.
    return statement if level is None else statement.where(Grid.level == literal_column(str(level)))
