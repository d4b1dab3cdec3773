"""The grids at a position, level by level, with how near their boundaries are: one statement.

For whole tracks geo/index.py is ten times faster; this is for one position and always sees what is stored.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from sqlalchemy import Float, cast, func, or_, select
from sqlalchemy.orm import Session

from core.errors import FieldError, Invalid
from geo.datums import to_cgcs2000
from geo.models import CGCS2000, Grid, GridVersion
from geo.queries import PathScope, standing_on, version_on
from geo.topology import CHINA_LAT, CHINA_LON

PLANE_LEVELS = (1, 2, 3)
_METRES_PER_DEGREE_AT_54N = 65_000.0  # of longitude, at the northern end of China: the shortest degree


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
    """What one level has at a position; more than one grid means that the position alone does not decide."""

    level: int
    grids: tuple[NearbyGrid, ...]

    @property
    def is_ambiguous(self) -> bool:
        return len(self.grids) > 1


@dataclass(frozen=True, slots=True)
class Located:
    """Where the position is in CGCS2000, and its grids."""

    lon: float
    lat: float
    levels: tuple[LevelAt, ...]


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
    if not (CHINA_LON[0] <= lon <= CHINA_LON[1] and CHINA_LAT[0] <= lat <= CHINA_LAT[1]):
        raise OutsideChina(errors=[FieldError("/lon", "outside-china", f"lon {lon:.6g}, lat {lat:.6g}")])
    found = dict(_levels(session, scope, (lon, lat), accuracy_m, day))
    return Located(lon, lat, tuple(LevelAt(level, found.get(level, ())) for level in PLANE_LEVELS))


def _levels(
    session: Session, scope: PathScope, position: tuple[float, float], accuracy_m: float, day: date
) -> Iterator[tuple[int, tuple[NearbyGrid, ...]]]:
    point = func.ST_SetSRID(func.ST_MakePoint(*position), CGCS2000)
    inside = func.ST_Covers(GridVersion.geom, point).label("is_inside")
    boundary = func.ST_Distance(
        func.geography(func.ST_Boundary(GridVersion.geom)), func.geography(point), type_=Float
    ).label("boundary_m")
    reach = func.ST_Expand(point, accuracy_m / _METRES_PER_DEGREE_AT_54N)
    rows = session.execute(
        select(Grid.level, Grid.code, GridVersion.name, inside, cast(boundary, Float).label("boundary_m"))
        .join(GridVersion, GridVersion.grid_id == Grid.grid_id)
        .where(
            GridVersion.geom.op("&&", is_comparison=True)(reach),
            or_(inside.element, boundary.element <= accuracy_m),
            version_on(day),
            standing_on(day),
            scope.clause(Grid.path),
        )
        .order_by(Grid.level, inside.element.desc(), boundary.element.desc(), Grid.grid_id)
    )
    for level, grids in groupby(rows, key=lambda row: row.level):
        yield level, tuple(NearbyGrid(row.code, row.name, row.is_inside, row.boundary_m) for row in grids)
