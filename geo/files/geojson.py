"""Grid files: GeoJSON in, drafts of grids out, with a reason for everything that cannot be read (RFC 7946).

Properties of a feature: `name`, `level` 1-5, `code` or else `parent` (and `object_code`) to be given a code,
`kind`, `households`; everything else is kept as the grid's attributes.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from core.errors import Invalid
from core.storable import MAX_ATTRIBUTES_BYTES, attributes_size, unstorable_at
from geo.codes import GridCode, InvalidGridCode, Reason, parse
from geo.datums import to_cgcs2000
from geo.fitting.topology import boundary_fault, flat

OWN_PROPERTIES = frozenset({"code", "name", "level", "parent", "kind", "households", "object_code"})
_MAX_NAME = 100
_MAX_HOUSEHOLDS = 100_000
_LEVELS = range(1, 6)
MAX_VERTICES = 200_000  # of one boundary: a county drawn every 5 m has fewer
# Members of features that other readers make; never plain data, so no GeoJSON text can bring them.
FAULT = "fault"  # a FieldFault: why this record cannot be read
STANDING = "standing"  # a shape in CGCS2000 that the record leaves as it is
_FIRST_LEVEL_WITHOUT_SHAPE = 4  # floors, shops, counters: DB32/T 2763-2015 5.2.5
_DEFAULT_KINDS = {1: "community", 2: "area", 3: "residential", 4: "floor", 5: "counter"}


class UnreadableFile(Invalid):
    """This file holds no grids that can be read."""

    code = "unreadable-file"


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why one feature cannot be imported, and where to look: its own id in the file, a place in CGCS2000."""

    index: int
    code: str | None
    field: str  # JSON pointer inside the feature
    reason: Reason
    feature_ref: str | None = None
    at: tuple[float, float] | None = None


@dataclass(slots=True)
class GridDraft:
    """A feature as read; planning fills in code and parent."""

    index: int
    name: str
    level: int
    kind: str
    households: int | None
    feature_ref: str | None  # the feature's own id, by which others may name it as their parent
    parent_ref: str | None
    object_code: str | None
    code: GridCode | None
    attributes: dict[str, Any]
    drawn: BaseGeometry | None  # in the datum of the file
    shape: MultiPolygon | None = None  # in CGCS2000
    has_heights: bool = False
    source_datum: str | None = None  # of this boundary, where drafts of several origins are written together


@dataclass(slots=True)
class ReadFile:
    """What a file holds."""

    drafts: list[GridDraft] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)


class FieldFault(Exception):
    """One field that cannot be read; a reader of other formats leaves it as the `fault` of a feature."""

    def __init__(self, pointer: str, reason: Reason) -> None:
        super().__init__(str(reason))
        self.pointer = pointer
        self.reason = reason


def read_features(body: bytes) -> tuple[list[Any], str | None]:
    """The features of a GeoJSON text, and the EPSG code that an older kind of file names for itself.

    Raises: UnreadableFile.
    """
    try:
        document = msgspec.json.decode(body.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableFile(f"文件不是有效的 JSON / the file is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise UnreadableFile("GeoJSON 应为对象 / GeoJSON is an object")
    kind, features = document.get("type"), document.get("features")
    if kind == "Feature":
        return [document], _named_datum(document)
    if kind != "FeatureCollection" or not isinstance(features, list):
        raise UnreadableFile("应为 FeatureCollection / a FeatureCollection is needed")
    if not features:
        raise UnreadableFile("文件中没有要素 / the file holds no feature")
    return features, _named_datum(document)


def _named_datum(document: dict[str, Any]) -> str | None:
    """EPSG:4549 of {"crs": {"properties": {"name": "urn:ogc:def:crs:EPSG::4549"}}}, as GIS programs write."""
    match document.get("crs"):
        case {"properties": {"name": str(name)}} if found := re.search(r"EPSG:.*?(\d{4,6})$", name):
            return f"EPSG:{found[1]}"
    return None


def read_drafts(features: Sequence[Any], datum: str) -> ReadFile:
    """Every feature as a draft or with the reason why not; shapes converted to CGCS2000.

    Raises: UnknownDatum.
    """
    found = ReadFile()
    for index, feature in enumerate(features):
        try:
            found.drafts.append(_draft(index, feature))
        except FieldFault as fault:
            code = _text(_properties(feature), "code")
            found.rejections.append(Rejection(index, code, fault.pointer, fault.reason))
    _convert(found, datum)
    return found


# ---------------------------------------------------------------------------------------- properties


def _draft(index: int, feature: Any) -> GridDraft:
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise FieldFault("", Reason("not-a-feature", "不是 GeoJSON 要素", "this is no GeoJSON feature"))
    if isinstance(fault := feature.get(FAULT), FieldFault):
        raise fault
    properties = _properties(feature)
    _refuse_unstorable(feature.get("id"), properties)
    level = _level(properties)
    geometry, found = feature.get("geometry"), feature.get(STANDING)
    standing = found if isinstance(found, MultiPolygon) else None
    drawn, has_heights = (None, False) if geometry is None else _drawn(geometry)
    if level >= _FIRST_LEVEL_WITHOUT_SHAPE and drawn is not None:
        raise FieldFault("/geometry", _NO_SHAPE)
    if drawn is not None and shapely.get_num_coordinates(drawn) > MAX_VERTICES:
        raise FieldFault("/geometry", _TOO_DETAILED)
    if level < _FIRST_LEVEL_WITHOUT_SHAPE and drawn is None and standing is None:
        raise FieldFault("/geometry", Reason("geometry-missing", "缺少边界", "the boundary is missing"))
    ref = feature.get("id")
    return GridDraft(
        index=index,
        name=_name(properties),
        level=level,
        kind=_text(properties, "kind") or _DEFAULT_KINDS[level],
        households=_households(properties),
        feature_ref=None if ref is None else str(ref),
        parent_ref=_text(properties, "parent"),
        object_code=_text(properties, "object_code"),
        code=_code(properties),
        attributes={name: value for name, value in properties.items() if name not in OWN_PROPERTIES},
        drawn=drawn,
        shape=standing,
        has_heights=has_heights,
    )


_NO_SHAPE = Reason(
    "geometry-not-allowed",
    "四、五级网格（楼层、商铺、柜台）没有独立平面边界，geometry 应为 null",
    "grids of level 4 and 5 (floors, shops, counters) have no plane boundary: geometry must be null",
)


def _properties(feature: Any) -> dict[str, Any]:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    return properties if isinstance(properties, dict) else {}


def _refuse_unstorable(ref: Any, properties: dict[str, Any]) -> None:
    at = unstorable_at({"id": ref, "properties": properties})
    if at is not None:
        zh, en = "含无法存储的字符或数值，或嵌套过深", "a character, number or depth that cannot be stored"
        raise FieldFault(at, Reason("unstorable", zh, en))
    if attributes_size(properties) > MAX_ATTRIBUTES_BYTES:
        kib = MAX_ATTRIBUTES_BYTES // 1024
        zh, en = f"属性最多 {kib} KiB", f"at most {kib} KiB of properties"
        raise FieldFault("/properties", Reason("attributes-too-large", zh, en))


def _text(properties: dict[str, Any], name: str) -> str | None:
    """A property as text; numbers too, because spreadsheets turn codes into numbers."""
    value = properties.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return (value.strip() or None) if isinstance(value, str) else None


def _name(properties: dict[str, Any]) -> str:
    name = _text(properties, "name")
    if name is None or len(name) > _MAX_NAME:
        zh, en = (
            f"名称应为 1–{_MAX_NAME} 个字符的文本",
            f"the name must be a text of 1 to {_MAX_NAME} characters",
        )
        raise FieldFault("/properties/name", Reason("name-missing", zh, en))
    return name


def _level(properties: dict[str, Any]) -> int:
    value = properties.get("level")
    if isinstance(value, str) and value.strip().isdigit():
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value not in _LEVELS:
        raise FieldFault(
            "/properties/level",
            Reason("level-range", "级别应为 1–5 的整数", "the level is a number from 1 to 5"),
        )
    return value


def _households(properties: dict[str, Any]) -> int | None:
    value = properties.get("households")
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_HOUSEHOLDS:
        zh, en = (
            f"户数应为 0–{_MAX_HOUSEHOLDS} 的整数",
            f"households must be a number from 0 to {_MAX_HOUSEHOLDS}",
        )
        raise FieldFault("/properties/households", Reason("households-range", zh, en))
    return value


def _code(properties: dict[str, Any]) -> GridCode | None:
    if properties.get("code") in (None, ""):
        return None
    text = _text(properties, "code") or ""
    try:
        return parse(text)
    except InvalidGridCode as error:
        first = error.errors[0]
        zh, _, en = first.detail.partition(" / ")
        raise FieldFault("/properties/code", Reason(first.code, zh, en)) from None


# ------------------------------------------------------------------------------------------ geometry


def _drawn(geometry: Any) -> tuple[BaseGeometry, bool]:
    """The polygon as the file has it, heights and measures dropped, and whether it had any."""
    if isinstance(geometry, BaseGeometry):
        return _flat_polygon(geometry)
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    coordinates = geometry.get("coordinates") if isinstance(geometry, dict) else None
    if kind not in {"Polygon", "MultiPolygon"}:
        zh, en = (
            f"边界应为 Polygon 或 MultiPolygon，而不是 {kind}",
            f"a boundary is a (Multi)Polygon, not {kind}",
        )
        raise FieldFault("/geometry/type", Reason("geometry-kind", zh, en))
    polygons = [coordinates] if kind == "Polygon" else coordinates
    if not isinstance(polygons, list) or not polygons:
        raise FieldFault("/geometry/coordinates", _EMPTY)
    parts, heights = [], False
    for polygon in polygons:
        if not isinstance(polygon, list) or not polygon:
            raise FieldFault("/geometry/coordinates", _EMPTY)
        rings = [_ring(ring) for ring in polygon]
        heights = heights or any(ring.shape[1] > 2 for ring in rings)
        parts.append(Polygon(rings[0][:, :2], [ring[:, :2] for ring in rings[1:]]))
    return (parts[0] if kind == "Polygon" else MultiPolygon(parts)), heights


_CURVED = frozenset({"CircularString", "CompoundCurve", "CurvePolygon", "MultiCurve", "MultiSurface"})
CURVED = Reason(
    "geometry-curved",
    "边界含圆弧：请先在 GIS 软件中转换为折线（linearize）",
    "the boundary holds arcs: turn them into straight lines first (linearize)",
)
_TOO_DETAILED = Reason(
    "geometry-too-detailed",
    f"一个边界最多 {MAX_VERTICES} 个顶点，请先简化",
    f"a boundary has at most {MAX_VERTICES} vertices: simplify it first",
)


def _flat_polygon(geometry: BaseGeometry) -> tuple[BaseGeometry, bool]:
    """The same for a geometry that another reader made."""
    if geometry.geom_type in _CURVED:
        raise FieldFault("/geometry/type", CURVED)
    parts = shapely.get_parts(geometry)
    if geometry.geom_type == "GeometryCollection" and all(part.geom_type == "Polygon" for part in parts):
        geometry = MultiPolygon(list(parts))
    if geometry.geom_type not in {"Polygon", "MultiPolygon"}:
        kind = geometry.geom_type
        zh, en = f"边界应为面，而不是 {kind}", f"a boundary is a (Multi)Polygon, not {kind}"
        raise FieldFault("/geometry/type", Reason("geometry-kind", zh, en))
    if geometry.is_empty:
        raise FieldFault("/geometry", _EMPTY)
    return shapely.force_2d(geometry), bool(geometry.has_z or geometry.has_m)


_EMPTY = Reason("geometry-empty", "没有边界坐标", "the boundary has no coordinates")


def _ring(positions: Any) -> NDArray[np.float64]:
    """One closed ring as an array. RFC 7946: at least four positions, the last one is the first again."""
    pointer = "/geometry/coordinates"
    try:
        ring = np.array(positions, dtype=np.float64)
    except (TypeError, ValueError):
        ring = np.empty(0)
    if ring.ndim != 2 or ring.shape[1] not in {2, 3}:
        raise FieldFault(
            pointer,
            Reason("coordinates-malformed", "坐标不是数字对的列表", "positions must be pairs of numbers"),
        )
    if not np.isfinite(ring).all():
        raise FieldFault(
            pointer, Reason("coordinate-not-finite", "坐标含非数值", "a coordinate is not a finite number")
        )
    if len(ring) < 4:
        raise FieldFault(
            pointer,
            Reason(
                "ring-too-short",
                "边界环至少 4 个点（首尾相同）",
                "a ring has at least 4 positions, first = last",
            ),
        )
    if not (ring[0, :2] == ring[-1, :2]).all():
        raise FieldFault(
            pointer,
            Reason(
                "ring-not-closed", "边界环未闭合：首尾点不同", "the ring is not closed: first is not last"
            ),
        )
    return ring


_PLACE = re.compile(r"\[(-?[\d.]+) (-?[\d.]+)\]")  # in "Self-intersection[118.9 32.1]"


def _place_of(shape: BaseGeometry) -> tuple[float, float] | None:
    """Where to look for what is wrong: the place that GEOS names, or the first vertex."""
    if found := _PLACE.search(shapely.is_valid_reason(shape) or ""):
        return float(found[1]), float(found[2])
    xy = shapely.get_coordinates(shape)
    return (float(xy[0, 0]), float(xy[0, 1])) if len(xy) and np.isfinite(xy[0]).all() else None


def _convert(found: ReadFile, datum: str) -> None:
    """Shapes in CGCS2000 for all drafts at once; drafts whose boundary is not sound become rejections."""
    with_shape = [draft for draft in found.drafts if draft.drawn is not None]
    drawn = np.array([draft.drawn for draft in with_shape], dtype=object)

    def to_stored(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(to_cgcs2000(xy[:, 0], xy[:, 1], datum))

    converted = shapely.transform(drawn, to_stored)
    unsound: set[int] = set()
    for draft, shape in zip(with_shape, converted, strict=True):
        fault = boundary_fault(shape)
        if fault is None:
            draft.shape = flat(shape)
        else:
            unsound.add(draft.index)
            code = str(draft.code) if draft.code else None
            found.rejections.append(Rejection(draft.index, code, "/geometry", fault, at=_place_of(shape)))
    found.drafts = [draft for draft in found.drafts if draft.index not in unsound]
