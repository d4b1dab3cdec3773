"""Outlines of buildings and single positions as they are stored: CGCS2000, extended WKB."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.errors import ShapelyError
from shapely.geometry import MultiPolygon, Polygon, shape

from geo.codes import Reason
from geo.datums import to_cgcs2000
from geo.fitting.topology import CHINA_LAT, CHINA_LON, boundary_fault, flat
from geo.models import CGCS2000

OUTSIDE_CHINA = Reason(
    "outside-china",
    "位置不在中国范围内：请检查经纬度顺序与坐标系",
    "the position is not in China: check the order lon, lat and the datum",
)
_NO_POLYGON = Reason(
    "footprint-kind",
    "轮廓应为 Polygon 或 MultiPolygon",
    "a footprint is a Polygon or a MultiPolygon",
)


class BadFootprint(Exception):
    """This is no outline of a building."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(str(reason))
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Footprint:
    """An outline in CGCS2000 and a position inside it."""

    ewkb: bytes
    lon: float
    lat: float


def read_footprint(geometry: Any, datum: str) -> Footprint:
    """The outline of a GeoJSON geometry in `datum`. Raises: BadFootprint, UnknownDatum."""
    if not isinstance(geometry, dict) or geometry.get("type") not in {"Polygon", "MultiPolygon"}:
        raise BadFootprint(_NO_POLYGON)
    try:
        drawn = shapely.force_2d(shape(geometry))
    except (ShapelyError, AttributeError, IndexError, KeyError, TypeError, ValueError):
        raise BadFootprint(_NO_POLYGON) from None

    def stored(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(to_cgcs2000(xy[:, 0], xy[:, 1], datum))

    moved = shapely.transform(drawn, stored)
    fault = boundary_fault(moved)
    if fault is not None:
        raise BadFootprint(fault)
    assert isinstance(moved, Polygon | MultiPolygon)
    inside = moved.representative_point()
    return Footprint(_ewkb(flat(moved)), inside.x, inside.y)


def position_ewkb(lon: float, lat: float) -> bytes:
    """A position in CGCS2000 as PostGIS keeps it."""
    return _ewkb(shapely.Point(lon, lat))


def positions_of(xy: Sequence[tuple[float, float]], datum: str) -> list[tuple[float, float] | None]:
    """CGCS2000 lon and lat of positions in `datum`; None outside China. Raises: UnknownDatum."""
    x, y = np.array(xy, dtype=np.float64).reshape(-1, 2).T
    lon, lat = to_cgcs2000(x, y, datum)
    with np.errstate(invalid="ignore"):
        inside = (lon >= CHINA_LON[0]) & (lon <= CHINA_LON[1]) & (lat >= CHINA_LAT[0]) & (lat <= CHINA_LAT[1])
    triples = zip(lon.tolist(), lat.tolist(), inside.tolist(), strict=True)
    return [(one_lon, one_lat) if is_inside else None for one_lon, one_lat, is_inside in triples]


def _ewkb(geometry: shapely.Geometry) -> bytes:
    ewkb = shapely.to_wkb(shapely.set_srid(geometry, CGCS2000), include_srid=True)
    assert isinstance(ewkb, bytes)
    return ewkb
