"""The grids at a position, level by level, with how near their boundaries are.

One position is one statement; many are answered by the index in memory, ten times faster than any statement.
Both say the same. Levels 4 and 5 (floors, counters) have no plane polygon (clause 5.2.5): a position cannot
tell them apart, so only their number is said.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Float, Row, cast, func, or_, select
from sqlalchemy.orm import Session

from core.errors import FieldError, Invalid
from geo.area import metres_per_degree
from geo.datums import to_cgcs2000
from geo.fitting.topology import CHINA_LAT, CHINA_LON
from geo.locating.located_index import standing_below
from geo.models import CGCS2000, Grid, GridVersion
from geo.queries import PathScope, standing_on, version_on

PLANE_LEVELS = (1, 2, 3)
_METRES_PER_DEGREE_AT_54N = 65_000.0  # of longitude, at the northern end of China: the shortest degree
_CLIP_MARGIN_M = 1.0
_SLIT_M = 0.05  # half the width of a gap that is digitising noise, not ground outside every grid


class OutsideChina(Invalid):
    """This position is not in China; is the order lon, lat and the datum right?"""

    code = "outside-china"


@dataclass(frozen=True, slots=True)
class NearbyGrid:
    """A grid that holds the position, or whose boundary is within the accuracy of it."""

    code: str
    name: str
    is_inside: bool
    boundary_m: float


@dataclass(frozen=True, slots=True)
class LevelAt:
    """What one level has at a position.

    `may_be_outside`: within the accuracy there is ground in no grid that the asker may see, at the edge of
    the street or of the asker's own part.
    """

    level: int
    grids: tuple[NearbyGrid, ...]
    may_be_outside: bool

    @property
    def is_ambiguous(self) -> bool:
        """Whether the position alone does not decide: several grids, or one and none."""
        return len(self.grids) > 1 or (bool(self.grids) and self.may_be_outside)

    @property
    def boundary_m(self) -> float | None:
        """Metres to the nearest boundary; None when no grid is within the accuracy."""
        return min((grid.boundary_m for grid in self.grids), default=None)


@dataclass(frozen=True, slots=True)
class Located:
    """Where the position is in CGCS2000, and its grids; `below`: floors and counters of the level-3 grid."""

    lon: float
    lat: float
    levels: tuple[LevelAt, ...]
    below: tuple[int, int] | None


def is_in_china(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which positions may be in China at all; no number is nowhere."""
    in_lon = (lon >= CHINA_LON[0]) & (lon <= CHINA_LON[1])
    return np.asarray(in_lon & (lat >= CHINA_LAT[0]) & (lat <= CHINA_LAT[1]), dtype=np.bool_)


def locate(
    session: Session,
    scope: PathScope,
    position: tuple[float, float],
    *,
    datum: str,
    accuracy_m: float,
    day: date,
) -> Located:
    """The grids of the scope at a position, on every level that has polygons.

    A grid is listed when it covers the position (its boundary belongs to it) or comes within `accuracy_m`;
    those that cover it come first. Raises: UnknownDatum, OutsideChina.
    """
    lon, lat = (float(value) for value in to_cgcs2000(*position, datum))
    if not is_in_china(np.array(lon), np.array(lat)):
        raise OutsideChina(errors=[FieldError("/lon", "outside-china", f"lon {lon:.6g}, lat {lat:.6g}")])
    found: dict[int, LevelAt] = {}
    below = None
    for level, rows in _rows_by_level(session, scope, (lon, lat), accuracy_m, day):
        grids = tuple(NearbyGrid(row.code, row.name, row.is_inside, row.boundary_m) for row in rows)
        near = shapely.from_wkb([bytes(row.wkb) for row in rows])
        found[level] = LevelAt(level, grids, _may_be_outside((lon, lat), accuracy_m, near))
        if level == PLANE_LEVELS[-1] and grids[0].is_inside:
            below = _below(session, rows[0].path, day)
    levels = tuple(found.get(level, LevelAt(level, (), may_be_outside=True)) for level in PLANE_LEVELS)
    return Located(lon, lat, levels, below)


def _rows_by_level(
    session: Session, scope: PathScope, position: tuple[float, float], accuracy_m: float, day: date
) -> Iterator[tuple[int, list[Row[tuple[int, str, str, str, bool, float, bytes]]]]]:
    point = func.ST_SetSRID(func.ST_MakePoint(*position), CGCS2000)
    inside = func.ST_Covers(GridVersion.geom, point).label("is_inside")
    boundary = func.ST_Distance(
        func.geography(func.ST_Boundary(GridVersion.geom)), func.geography(point), type_=Float
    ).label("boundary_m")
    reach = func.ST_Expand(point, accuracy_m / _METRES_PER_DEGREE_AT_54N)
    around = func.ST_Expand(point, (accuracy_m + _CLIP_MARGIN_M) / _METRES_PER_DEGREE_AT_54N)
    rows = session.execute(
        select(
            Grid.level,
            Grid.code,
            Grid.path,
            GridVersion.name,
            inside,
            cast(boundary, Float).label("boundary_m"),
            func.ST_AsBinary(func.ST_ClipByBox2D(GridVersion.geom, around)).label("wkb"),
        )
        .join(GridVersion, GridVersion.grid_id == Grid.grid_id)
        .where(
            GridVersion.geom.op("&&", is_comparison=True)(reach),
            or_(inside.element, boundary.element <= accuracy_m),
            version_on(day),
            standing_on(day),
            scope.clause(Grid.path),
        )
        .order_by(Grid.level, inside.element.desc(), boundary.element, Grid.grid_id)
    )
    for level, grids in groupby(rows, key=lambda row: row.level):
        yield level, list(grids)


def _may_be_outside(
    position: tuple[float, float], accuracy_m: float, near: NDArray[np.object_] | list[BaseGeometry]
) -> bool:
    """Whether the circle of the accuracy reaches out of all these grids."""
    scale = np.column_stack(metres_per_degree(np.array([position[1]])))
    plane = shapely.transform(near, lambda xy: (xy - position) * scale)
    ground = shapely.union_all(shapely.buffer(plane, _SLIT_M, quad_segs=1))
    return not shapely.covers(ground, shapely.Point(0, 0).buffer(accuracy_m))


def _below(session: Session, path: str, day: date) -> tuple[int, int]:
    """How many floors and counters stand in the level-3 grid of this path."""
    found = standing_below(day).where(Grid.path.startswith(path, autoescape=True)).subquery()
    counts = session.execute(
        select(func.count().filter(found.c.level == 4), func.count().filter(found.c.level == 5))
    ).one()
    return counts[0], counts[1]
