"""The reference systems in which features can be read, with the axis order that EPSG gives them.

OGC API - Features part 2 wants coordinates in the order of the system's definition: latitude first in
EPSG:4326 and EPSG:4490, northing first in the Gauss-Kruger zones; longitude first only in CRS84.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np
from pyproj import Transformer
from sqlalchemy import ColumnElement, and_, func, or_

from geo.models import CGCS2000, WEB_MERCATOR, GridVersion
from geo.queries import NO_CRS, SHAPE_DIGITS, BBox

_EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
_WGS84 = 4326
_ZONES = range(4547, 4555)  # CGCS2000 / 3-degree Gauss-Kruger, central meridians 114E to 135E
_METRE_DIGITS = 4  # 0.1 mm, like the nine digits of degrees
# Beyond this many metres the plane systems have no inverse that could be trusted to narrow a search.
_PLANE_LIMIT_M = 8_000_000.0


@dataclass(frozen=True, slots=True)
class ReferenceSystem:
    """A system by its address; `is_flipped` when its first axis is the northern one."""

    uri: str
    srid: int
    is_flipped: bool
    is_geographic: bool

    def in_xy(self, box: BBox) -> BBox:
        """A box as written in this system, with the eastern axis first."""
        return (box[1], box[0], box[3], box[2]) if self.is_flipped else box


def _systems() -> Mapping[str, ReferenceSystem]:
    made = [
        ReferenceSystem("http://www.opengis.net/def/crs/OGC/1.3/CRS84", CGCS2000, False, True),
        # The numbers of WGS 84 and CGCS2000 are taken for the same (geo/datums.py).
        ReferenceSystem(f"{_EPSG}{CGCS2000}", CGCS2000, True, True),
        ReferenceSystem(f"{_EPSG}{_WGS84}", CGCS2000, True, True),
        ReferenceSystem(f"{_EPSG}{WEB_MERCATOR}", WEB_MERCATOR, False, False),
        *(ReferenceSystem(f"{_EPSG}{zone}", zone, True, False) for zone in _ZONES),
    ]
    return MappingProxyType({system.uri: system for system in made})


SYSTEMS = _systems()  # the default first
CRS84 = next(iter(SYSTEMS.values()))
STORED = SYSTEMS[f"{_EPSG}{CGCS2000}"]


def shape_in(system: ReferenceSystem) -> ColumnElement[Any]:
    """A grid's boundary as GeoJSON text in this system, outer rings counterclockwise on the ground."""
    shape = func.ST_ForcePolygonCCW(_drawn_in(system))
    if system.is_flipped:
        shape = func.ST_FlipCoordinates(shape)
    return func.ST_AsGeoJSON(shape, SHAPE_DIGITS if system.is_geographic else _METRE_DIGITS, NO_CRS)


def meets(box: BBox, system: ReferenceSystem) -> ColumnElement[bool]:
    """Grids whose shape touches the box, given with the eastern axis first; none without a shape.

    A box of degrees whose west lies east of its east spans the 180th meridian.
    """
    west, south, east, north = box
    if system.is_geographic:
        if west > east:
            return or_(_touches((west, south, 180.0, north)), _touches((-180.0, south, east, north)))
        return _touches(box)
    # In the plane system itself: a rectangle there is none in degrees.
    exact = func.ST_Intersects(_drawn_in(system), _shape_of(box, system.srid))
    near = _around(box, system.srid)
    return exact if near is None else and_(_near(near), exact)


def _drawn_in(system: ReferenceSystem) -> ColumnElement[Any] | Any:
    if system.srid == CGCS2000:
        return GridVersion.geom
    if system.srid == WEB_MERCATOR:
        return GridVersion.geom_3857
    return func.ST_Transform(GridVersion.geom, system.srid)


def _touches(box: BBox) -> ColumnElement[bool]:
    return func.ST_Intersects(GridVersion.geom, _shape_of(box, CGCS2000))


def _shape_of(box: BBox, srid: int) -> ColumnElement[Any]:
    """A rectangle; of a box without width or height a line or a point, for as a polygon it would be invalid,
    and whether that touches anything depends on how often PostGIS has met it in the statement.
    """
    west, south, east, north = box
    diagonal = func.ST_MakeLine(func.ST_Point(west, south, srid), func.ST_Point(east, north, srid))
    return func.ST_Envelope(diagonal)


def _near(box: BBox) -> ColumnElement[bool]:
    return GridVersion.geom.op("&&", is_comparison=True)(func.ST_MakeEnvelope(*box, CGCS2000))


def _around(box: BBox, srid: int) -> BBox | None:
    """Degrees around a box of metres, for the index; None where that cannot be said."""
    if max(abs(value) for value in box) > _PLANE_LIMIT_M and srid != WEB_MERCATOR:
        return None
    bounds = _to_degrees(srid).transform_bounds(*box, densify_pts=21)
    if not np.all(np.isfinite(bounds)) or bounds[0] > bounds[2]:
        return None
    margin = 1e-3  # what an edge bends between the points looked at
    return bounds[0] - margin, bounds[1] - margin, bounds[2] + margin, bounds[3] + margin


@cache
def _to_degrees(srid: int) -> Transformer:
    return Transformer.from_crs(srid, CGCS2000, always_xy=True)
