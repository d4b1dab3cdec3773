"""Is a boundary sound, and do the grids below one parent fit together? Degrees in, metres out.

GEOS (through shapely) does the geometry, pyproj's Geod the lengths and areas on the ellipsoid.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod
from shapely.geometry import LinearRing, MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.validation import explain_validity

from geo.codes import Reason
from geo.plane import LocalPlane

_ELLIPSOID = Geod(ellps="GRS80")  # the ellipsoid of CGCS2000

# China with its islands; a boundary outside is a wrong datum, swapped axes or a wrong file.
CHINA_LON = (73.0, 136.0)
CHINA_LAT = (3.0, 54.0)

_METRES_PER_DEGREE = 111_320.0
_POLYGON = 3  # shapely.get_type_id
_ROUNDING_M = 1e-3
_ROUNDING = _ROUNDING_M / _METRES_PER_DEGREE


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How much neighbouring boundaries may differ, in metres of mean width and square metres."""

    width_m: float = 0.05  # digitising noise: thinner faults are not reported
    sliver_m: float = 1.0  # thinner faults are slivers: vertices that should have been snapped
    area_m2: float = 0.5

    def is_noise(self, area_m2: float, width_m: float) -> bool:
        """Whether a misfit of this size is not worth a word."""
        return width_m < self.width_m or area_m2 < self.area_m2


class FaultKind(StrEnum):
    """What can be wrong between a parent and its children."""

    OVERLAP = "overlap"
    GAP = "gap"
    OUTSIDE = "outside"
    SLIVER = "sliver"


@dataclass(frozen=True, slots=True)
class Fault:
    """One misfit: where, how large, and which children (positions in the list) touch it."""

    kind: FaultKind
    indices: tuple[int, ...]
    area_m2: float
    geometry: Polygon
    source: FaultKind  # what a sliver is a thin case of; equals kind otherwise
    width_m: float = 0.0  # mean width: of a long strip with this area and perimeter


def geodesic_area_m2(geometry: BaseGeometry) -> float:
    """Area on the ellipsoid, holes taken off."""
    return sum(_polygon_area_m2(part) for part in polygons_of(geometry))


def extent_of(polygon: Polygon) -> tuple[float, float]:
    """Area in m2 and mean width in m: that of a long strip with this area and perimeter."""
    rings = [_ring_m(ring) for ring in (polygon.exterior, *polygon.interiors)]
    area_m2 = rings[0][0] - sum(area for area, _ in rings[1:])
    perimeter_m = sum(length for _, length in rings)
    return area_m2, 2 * area_m2 / perimeter_m if perimeter_m else 0.0


def polygons_of(geometry: BaseGeometry) -> list[Polygon]:
    """The polygons in a geometry of any kind; lines and points where boundaries merely touch are left out."""
    single = shapely.get_parts(shapely.get_parts(geometry))  # twice: a collection may hold a multipolygon
    return [part for part in single if isinstance(part, Polygon)]


def boundary_fault(geometry: BaseGeometry | None) -> Reason | None:
    """Why this is no usable boundary of a grid, or None. Heights are no fault: see flat()."""
    if geometry is None or geometry.is_empty:
        return Reason("geometry-empty", "没有边界坐标", "the boundary has no coordinates")
    if not isinstance(geometry, Polygon | MultiPolygon):
        kind = geometry.geom_type
        return Reason("geometry-kind", f"边界应为面，而不是 {kind}", f"a boundary is a polygon, not a {kind}")
    xy = shapely.get_coordinates(geometry)
    if not np.isfinite(xy).all():
        return Reason("coordinate-not-finite", "坐标含非数值", "a coordinate is not a finite number")
    return _extent_fault(xy) or _validity_fault(geometry)


def flat(geometry: BaseGeometry) -> MultiPolygon:
    """The boundary as stored: no heights, always a multipolygon, outer rings counter-clockwise (RFC 7946)."""
    return MultiPolygon(polygons_of(shapely.orient_polygons(shapely.force_2d(geometry))))


def check_siblings(
    parent: BaseGeometry | None,
    children: Sequence[BaseGeometry],
    tolerance: Tolerance | None = None,
    *,
    gap_m: float = 0.0,
) -> list[Fault]:
    """Every overlap, gap and part outside the parent; empty when the children fill the parent exactly once.

    Without a parent, gaps are what the children enclose, and places between them narrower than `gap_m`; none
    is looked for while that is 0.
    Source: DB32/T 2763-2015 4.1 and 5.1.1, appendix A item 1 (coverage 100 %).
    """
    tolerance = tolerance or Tolerance()
    shapes = np.array(children, dtype=object)
    if _fits_exactly(parent, shapes):
        return []
    faults = list(_overlaps(shapes, tolerance))
    if parent is not None:
        faults += _misfits_with_parent(parent, shapes, tolerance)
    elif gap_m > 0 and len(shapes):
        faults += _around(places_between(shapes, gap_m), shapes, tolerance)
    return faults


def places_between(shapes: NDArray[np.object_], gap_m: float) -> BaseGeometry:
    """What the shapes enclose, and what is too narrow between two of them for a disc of this width."""
    plane = LocalPlane(shapes)
    flat_shapes = plane.metres(shapes)
    ground = shapely.union_all(flat_shapes)
    holes = [shapely.Polygon(ring) for part in polygons_of(ground) for ring in part.interiors]
    slits: list[Polygon] = []
    if not shapely.coverage_is_valid(flat_shapes, gap_width=gap_m):
        wide = shapely.buffer(ground, gap_m / 2, join_style="mitre")
        closed = shapely.difference(shapely.buffer(wide, -gap_m / 2, join_style="mitre"), ground)
        touched = shapely.STRtree(flat_shapes)
        slits = [
            part
            for part in polygons_of(closed)
            if len(touched.query(part, predicate="dwithin", distance=_ROUNDING_M)) > 1
        ]
    return plane.degrees(shapely.difference(shapely.union_all([*holes, *slits]), ground))


# -------------------------------------------------------------------------------------- one boundary


def _extent_fault(xy: NDArray[np.float64]) -> Reason | None:
    if _within(xy[:, 0], CHINA_LON) and _within(xy[:, 1], CHINA_LAT):
        return None
    if _within(xy[:, 1], CHINA_LON) and _within(xy[:, 0], CHINA_LAT):
        return Reason(
            "axes-swapped",
            "经纬度顺序颠倒：应为经度在前、纬度在后",
            "longitude and latitude are swapped: longitude comes first",
        )
    x, y = xy[0].tolist()
    return Reason(
        "outside-china",
        f"坐标 ({x:.6g}, {y:.6g}) 不在中国范围内，请检查坐标系声明",
        f"position ({x:.6g}, {y:.6g}) is outside China: check the declared datum",
    )


def _within(values: NDArray[np.float64], limits: tuple[float, float]) -> bool:
    return bool(values.min() >= limits[0] and values.max() <= limits[1])


def _validity_fault(geometry: BaseGeometry) -> Reason | None:
    if not geometry.is_valid:
        why = explain_validity(geometry)  # names the place, e.g. "Self-intersection[118.9 32.1]"
        return Reason("geometry-invalid", f"边界无效：{why}", f"the boundary is not valid: {why}")
    # The sphere is near enough to tell a unit mistake from a kiosk.
    area_m2 = geometry.area * _METRES_PER_DEGREE**2 * math.cos(math.radians(geometry.bounds[1]))
    if area_m2 < 1.0:
        return Reason(
            "geometry-tiny",
            "边界面积不足 1 平方米，请检查坐标单位",
            "the boundary encloses less than a square metre: check the unit of the coordinates",
        )
    return None


# ------------------------------------------------------------------------------------------ siblings


def _fits_exactly(parent: BaseGeometry | None, shapes: NDArray[np.object_]) -> bool:
    """The cheap way out: a valid coverage inside the parent and of its area leaves nothing to find."""
    if parent is None or not shapely.coverage_is_valid(shapes):
        return False
    missing = parent.area - float(shapely.area(shapes).sum())
    return abs(missing) <= 1e-9 * parent.area and bool(shapely.covers(parent, shapes).all())


def _overlaps(shapes: NDArray[np.object_], tolerance: Tolerance) -> Iterator[Fault]:
    # GEOS finds in one pass whoever overlaps or fails to match vertices; only they are compared in pairs.
    misfits = np.flatnonzero(~shapely.is_empty(shapely.coverage_invalid_edges(shapes)))
    if not len(misfits):
        return
    first, second = shapely.STRtree(shapes).query(shapes[misfits], predicate="intersects")
    first = misfits[first]
    pairs = np.unique(np.sort(np.column_stack((first, second))[first != second], axis=1), axis=0)
    common = shapely.intersection(shapes[pairs[:, 0]], shapes[pairs[:, 1]])
    for place, fault in _faults(FaultKind.OVERLAP, common, tolerance):
        yield replace(fault, indices=tuple(pairs[place].tolist()))


def _misfits_with_parent(
    parent: BaseGeometry, shapes: NDArray[np.object_], tolerance: Tolerance
) -> Iterator[Fault]:
    shapely.prepare(parent)
    outside = np.flatnonzero(~shapely.covers(parent, shapes))
    beyond = shapely.difference(shapes[outside], parent)
    for place, fault in _faults(FaultKind.OUTSIDE, beyond, tolerance):
        yield replace(fault, indices=(int(outside[place]),))
    uncovered = shapely.difference(parent, shapely.union_all(shapes))
    yield from _around(uncovered, shapes, tolerance)


def _around(uncovered: BaseGeometry, shapes: NDArray[np.object_], tolerance: Tolerance) -> Iterator[Fault]:
    """Gaps, each with the children at its rim."""
    gaps = [fault for _, fault in _faults(FaultKind.GAP, np.array([uncovered], dtype=object), tolerance)]
    # A whisker more than touching: the rim was computed and may lie a rounding error off.
    places = np.array([gap.geometry for gap in gaps], dtype=object)
    gap, child = shapely.STRtree(shapes).query(places, predicate="dwithin", distance=_ROUNDING)
    for index, fault in enumerate(gaps):
        yield replace(fault, indices=tuple(sorted(child[gap == index].tolist())))


def _faults(
    kind: FaultKind, misfits: NDArray[np.object_], tolerance: Tolerance
) -> Iterator[tuple[int, Fault]]:
    """A fault for each part of each misfit that is more than noise, with the misfit's place in the array."""
    members, place = shapely.get_parts(misfits, return_index=True)
    parts, member = shapely.get_parts(members, return_index=True)  # a collection may hold a multipolygon
    for index in _perhaps_faults(parts, tolerance).tolist():
        area_m2, width_m = extent_of(parts[index])
        if not tolerance.is_noise(area_m2, width_m):
            shown = FaultKind.SLIVER if width_m < tolerance.sliver_m else kind
            yield int(place[member[index]]), Fault(shown, (), area_m2, parts[index], kind, width_m)


def _perhaps_faults(parts: NDArray[np.object_], tolerance: Tolerance) -> NDArray[np.int64]:
    """Which parts are areas and may be large enough, on a sphere: the ellipsoid takes much longer."""
    latitude = np.radians(shapely.bounds(parts)[:, 1])
    area_m2 = shapely.area(parts) * _METRES_PER_DEGREE**2 * np.cos(latitude)
    # In degrees a perimeter comes out too long, never too short, so a width comes out too small: double it.
    width_m = 2 * area_m2 / np.maximum(shapely.length(parts) * _METRES_PER_DEGREE, 1e-9)
    is_large = (area_m2 > 0) & (2 * area_m2 >= tolerance.area_m2) & (2 * width_m >= tolerance.width_m)
    return np.flatnonzero(is_large & (shapely.get_type_id(parts) == _POLYGON))


def _polygon_area_m2(part: Polygon) -> float:
    return _ring_m(part.exterior)[0] - sum(_ring_m(ring)[0] for ring in part.interiors)


def _ring_m(ring: LinearRing) -> tuple[float, float]:
    """Area and length of a ring. Geod itself would copy every vertex in Python."""
    xy = shapely.get_coordinates(ring)
    area_m2, length_m = _ELLIPSOID.polygon_area_perimeter(xy[:, 0], xy[:, 1])
    return abs(float(area_m2)), float(length_m)
