"""What lies under the grids on the map: water, greens, roads and outlines that the owner imports.

Drawn only: nothing is decided with them but the outline of a division, when one is there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

import numpy as np
import shapely
from geoalchemy2.shape import from_shape
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Text, cast, delete, func, insert, select, text
from sqlalchemy.orm import Session

from core import audit
from core.errors import FieldError, Invalid, NotFound
from core.storable import unstorable_at
from geo.codes import Reason
from geo.datums import to_cgcs2000
from geo.files.geojson import FAULT, FieldFault, Rejection
from geo.files.reading import GridFile
from geo.fitting.topology import CHINA_LAT, CHINA_LON
from geo.models import CGCS2000, BaseFeature
from geo.tiles.grids import MIN_ZOOM, Tile


@dataclass(frozen=True, slots=True)
class BaseLayer:
    """One kind of background."""

    name: str
    zh: str
    en: str
    min_zoom: int
    shapes: frozenset[str]


_LINES = frozenset({"LineString", "MultiLineString"})
_AREAS = frozenset({"Polygon", "MultiPolygon"})

# Drawn in this order, from below.
BASE_LAYERS: Mapping[str, BaseLayer] = MappingProxyType(
    {
        layer.name: layer
        for layer in (
            BaseLayer("green", "绿地", "green", 11, _AREAS),
            BaseLayer("water", "水系", "water", MIN_ZOOM, _AREAS | _LINES),
            BaseLayer("building", "建筑轮廓", "building outlines", 14, _AREAS),
            BaseLayer("road", "道路", "roads", 10, _LINES | _AREAS),
            BaseLayer("rail", "铁路", "railways", 10, _LINES),
            BaseLayer("boundary", "行政区划界线", "administrative boundaries", MIN_ZOOM, _AREAS | _LINES),
        )
    }
)
_MOST_FEATURES = 200_000
_MOST_IN_TILE = 20_000
_MAX_TEXT = 200


class NoSuchBaseLayer(NotFound):
    """There is no such base layer."""

    code = "no-such-base-layer"


@dataclass(frozen=True, slots=True)
class LayerOrder:
    """Which layer a file becomes, for which part of the deployment, and by whom."""

    layer: str
    area: str  # a path prefix; "" for everywhere
    datum: str
    source: str
    actor: str
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class LayerReport:
    """What became of a file: all features replaced the layer's former ones, or none did."""

    total: int
    replaced: int
    rejected: tuple[Rejection, ...]
    hints: tuple[Reason, ...]
    imported: bool


@dataclass(frozen=True, slots=True)
class StoredLayer:
    """A layer of a part of the deployment as it is."""

    layer: str
    area: str
    features: int
    source: str
    source_datum: str
    imported_at: datetime


def layer_named(name: str) -> BaseLayer:
    """Raises: NoSuchBaseLayer."""
    layer = BASE_LAYERS.get(name)
    if layer is None:
        raise NoSuchBaseLayer(f"layers: {', '.join(BASE_LAYERS)}")
    return layer


def import_layer(session: Session, file: GridFile, order: LayerOrder) -> LayerReport:
    """The layer of this area consists of the features of this file, or is as before.

    Raises: NoSuchBaseLayer, UnknownDatum, Invalid.
    """
    layer = layer_named(order.layer)
    if len(file.features) > _MOST_FEATURES:
        detail = f"至多 {_MOST_FEATURES} 个要素 / at most {_MOST_FEATURES} features"
        raise Invalid(detail, errors=[FieldError("/file", "too-many-features", detail)])
    rows: list[dict[str, Any]] = []
    rejected: list[Rejection] = []
    for index, feature in enumerate(file.features):
        row = _row(index, feature, layer, order)
        if isinstance(row, Rejection):
            rejected.append(row)
        else:
            rows.append(row)
    replaced = 0
    imported = not rejected and not order.dry_run
    if imported:
        replaced = _drop(session, order.layer, order.area)
        session.execute(insert(BaseFeature), rows)
        _tell(session, order, len(rows))
    return LayerReport(len(file.features), replaced, tuple(rejected), tuple(file.notes), imported)


def empty_layer(session: Session, layer: str, area: str, *, actor: str) -> None:
    """The layer of this area is empty, and the trail says who emptied it."""
    count = _drop(session, layer, area)
    if count:
        _record(session, layer, area, actor=actor, action="base_layer.emptied", detail={"features": count})


def _drop(session: Session, layer: str, area: str) -> int:
    """How many features it had."""
    same = (BaseFeature.layer == layer, BaseFeature.area == area)
    return len(session.scalars(delete(BaseFeature).where(*same).returning(BaseFeature.feature_id)).all())


def list_layers(session: Session) -> list[StoredLayer]:
    """Every layer that holds something."""
    rows = session.execute(
        select(
            BaseFeature.layer,
            BaseFeature.area,
            func.count(),
            func.max(BaseFeature.source),
            func.max(BaseFeature.source_datum),
            func.max(BaseFeature.imported_at),
        )
        .group_by(BaseFeature.layer, BaseFeature.area)
        .order_by(BaseFeature.layer, BaseFeature.area)
    )
    return [StoredLayer(*row) for row in rows]


def outline_of(session: Session, division_code: str) -> BaseGeometry | None:
    """The imported outline of a division, when the boundary layer has one with its code."""
    areas = session.scalars(
        select(func.ST_AsBinary(BaseFeature.geom)).where(
            BaseFeature.layer == "boundary",
            BaseFeature.code == division_code,
            func.ST_Dimension(BaseFeature.geom) == 2,
        )
    ).all()
    return shapely.union_all(shapely.from_wkb([bytes(wkb) for wkb in areas])) if areas else None


def fingerprint_of_base(session: Session) -> str:
    """Changes whenever a base tile may."""
    count, newest = session.execute(
        select(func.count(), cast(func.max(BaseFeature.feature_id), Text)).select_from(BaseFeature)
    ).one()
    return f"{count:x}-{newest or 0}"


def render_base_tile(session: Session, tile: Tile) -> bytes:
    """All layers in one Mapbox vector tile; empty when nothing lies in it."""
    shown = [layer.name for layer in BASE_LAYERS.values() if tile.zoom >= layer.min_zoom]
    given = {"z": tile.zoom, "x": tile.column, "y": tile.row, "layers": shown, "most": _MOST_IN_TILE}
    return bytes(session.scalar(_BASE_TILE, given) or b"")


# A tile is its layers one behind the other (MVT 2.1, 4.1), so one aggregate per layer is joined as bytes.
_BASE_TILE = text(
    """
WITH bounds AS (SELECT ST_TileEnvelope(:z, :x, :y) AS box),
near AS (
    SELECT f.layer, f.feature_id AS id, f.name, f.kind, f.code,
           ST_AsMVTGeom(
               ST_Simplify(f.geom_3857, (ST_XMax(b.box) - ST_XMin(b.box)) / 2048, true),
               b.box, 4096, 64, true) AS geom
    FROM base_features f, bounds b
    WHERE f.layer = ANY(:layers) AND f.geom_3857 && b.box
      AND greatest(ST_XMax(f.geom_3857) - ST_XMin(f.geom_3857), ST_YMax(f.geom_3857) - ST_YMin(f.geom_3857))
          >= (ST_XMax(b.box) - ST_XMin(b.box)) / 512
    ORDER BY f.feature_id LIMIT :most
),
tiles AS (
    SELECT near.layer, ST_AsMVT(drawn.*, near.layer, 4096, 'geom', 'id') AS mvt
    FROM near CROSS JOIN LATERAL (SELECT near.id, near.name, near.kind, near.code, near.geom) AS drawn
    WHERE near.geom IS NOT NULL
    GROUP BY near.layer
)
SELECT string_agg(mvt, ''::bytea ORDER BY layer) FROM tiles
"""
)


def _tell(session: Session, order: LayerOrder, count: int) -> None:
    detail = {"datum": order.datum, "features": count, "source": order.source}
    _record(session, order.layer, order.area, actor=order.actor, action="base_layer.imported", detail=detail)


def _record(
    session: Session, layer: str, area: str, *, actor: str, action: str, detail: Mapping[str, Any]
) -> None:
    audit.record(
        session,
        chain=area.rstrip("/") if area.endswith("/") else "",
        actor=actor,
        action=action,
        subject=f"base-layer:{layer}",
        detail={"area": area, **detail},
    )


# ------------------------------------------------------------------------------------------ features


class _Refused(Exception):
    def __init__(self, pointer: str, code: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.pointer = pointer
        self.reason = Reason(code, zh, en)


def _row(index: int, feature: Any, layer: BaseLayer, order: LayerOrder) -> dict[str, Any] | Rejection:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    said: dict[str, Any] = properties if isinstance(properties, dict) else {}
    try:
        at = unstorable_at(said)
        if at is not None:
            zh, en = "含无法存储的字符或数值", "a character or number that cannot be stored"
            raise _Refused(f"/properties{at}", "unstorable", zh, en)
        shape = _shape(feature, layer, order.datum)
    except _Refused as refused:
        return Rejection(index, _text(said, "code"), refused.pointer, refused.reason)
    return {
        "layer": layer.name,
        "area": order.area,
        "name": _text(said, "name"),
        "code": _text(said, "code"),
        "kind": _text(said, "kind") or _text(said, "fclass") or _text(said, "highway"),
        "source": order.source,
        "source_datum": order.datum,
        "geom": from_shape(shape, srid=CGCS2000),
    }


def _shape(feature: Any, layer: BaseLayer, datum: str) -> BaseGeometry:
    """The feature's shape in CGCS2000. Raises: _Refused, UnknownDatum."""
    if not isinstance(feature, dict):
        raise _Refused("", "not-a-feature", "不是 GeoJSON 要素", "this is no GeoJSON feature")
    if isinstance(fault := feature.get(FAULT), FieldFault):
        raise _Refused(fault.pointer, fault.reason.code, fault.reason.zh, fault.reason.en)
    drawn = feature.get("geometry")
    if isinstance(drawn, dict):
        drawn = _from_json(drawn)
    if not isinstance(drawn, BaseGeometry) or drawn.is_empty:
        raise _Refused("/geometry", "geometry-missing", "缺少图形", "the geometry is missing")
    if drawn.geom_type not in layer.shapes:
        zh = f"{layer.zh}图层不接受 {drawn.geom_type}"
        raise _Refused(
            "/geometry/type", "geometry-kind", zh, f"layer {layer.name} takes no {drawn.geom_type}"
        )
    placed = shapely.transform(shapely.force_2d(drawn), lambda xy: _converted(xy, datum))
    xy = shapely.get_coordinates(placed)
    inside = (CHINA_LON[0] <= xy[:, 0]) & (xy[:, 0] <= CHINA_LON[1])
    inside &= (CHINA_LAT[0] <= xy[:, 1]) & (xy[:, 1] <= CHINA_LAT[1])
    if not inside.all():  # NaN is not inside either
        raise _Refused("/geometry", "outside-china", "坐标不在中国范围内", "a position is outside China")
    return placed if placed.is_valid else shapely.make_valid(placed)


_NO_SHAPE = (
    TypeError,
    ValueError,
    KeyError,
    AttributeError,
    IndexError,
    RecursionError,
    shapely.errors.ShapelyError,
)


def _from_json(drawn: dict[str, Any]) -> BaseGeometry:
    try:
        shape = shapely.geometry.shape(drawn)
    except _NO_SHAPE:
        zh, en = "坐标无法读取", "the coordinates cannot be read"
        raise _Refused("/geometry/coordinates", "coordinates-malformed", zh, en) from None
    assert isinstance(shape, BaseGeometry)
    return shape


def _converted(xy: NDArray[np.float64], datum: str) -> NDArray[np.float64]:
    return np.column_stack(to_cgcs2000(xy[:, 0], xy[:, 1], datum))


def _text(properties: Mapping[str, Any], name: str) -> str | None:
    value = properties.get(name)
    return None if value in (None, "") else str(value)[:_MAX_TEXT]
