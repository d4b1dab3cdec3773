"""A part of the division to carry along: the grids of a scope and those around them, for phones off line.

Boundaries are simplified level by level as coverages: neighbours that shared an edge share it afterwards,
vertex by vertex. No boundary moves further than the tolerance; how far it moved is measured and said.
Codes, names and outlines of the grids around are no secret: notice boards show them (clause 4.4).
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from core.errors import Invalid, NotFound
from geo.area import metres_per_degree
from geo.fitting.editing import noded
from geo.locating.located_index import DEEPEST_PLANE_LEVEL
from geo.models import Grid, GridVersion
from geo.queries import PathScope, standing_on, version_on

TOLERANCES_M = (
    2.0,
    3.0,
    5.0,
    8.0,
)  # a phone is off by more; the first one with which the pack is small enough
MOST_BYTES = 300_000  # before compression
_BYTES_PER_VERTEX, _BYTES_PER_FEATURE = 22, 200
_DIGITS = 6  # of coordinates: a decimetre
_MOST = 3000  # grids of the scope: several streets
_TOUCHING_DEG = 1e-6  # about 0.1 m: drawn boundaries of neighbours may miss each other by so much
# GEOS removes corners by area and takes the root of an area for its tolerance: a boundary moves by less than
# that, a long spike by more. So the most that stays within ours is found by trial.
_TRIED = (4.5, 3.0, 2.2, 1.6, 1.0, 0.7, 0.4, 0.2, 0.1)
_FORM = b"1"  # of the pack; part of the entity tag

Shapes = NDArray[np.object_]


class PackTooLarge(Invalid):
    """These are too many grids for one pack; name a street."""

    code = "pack-too-large"


@dataclass(frozen=True, slots=True)
class PackGrid:
    """A grid of the pack; one of the caller's own (`is_mine`), one above those, or one beside them."""

    grid_id: int
    version_id: int
    code: str
    name: str
    level: int
    parent: str | None
    is_mine: bool


@dataclass(frozen=True, slots=True)
class PackContent:
    """What is in a pack, before shapes are read. `valid_until` is the first day on which it may be wrong."""

    grids: tuple[PackGrid, ...]
    day: date
    valid_until: date | None

    @property
    def etag(self) -> str:
        """Changes with anything in the pack but the day it was asked for."""
        digest = blake2b(_FORM, digest_size=12)
        for grid in self.grids:
            digest.update(f"{grid.version_id}/{grid.code}/{grid.parent}/{grid.is_mine};".encode())
        digest.update(f"{self.valid_until}".encode())
        return f'"{digest.hexdigest()}"'


@dataclass(frozen=True, slots=True)
class Simplified:
    """Shapes in degrees, and how far a boundary moved at most."""

    shapes: Shapes
    deviation_m: float


def pack_content(
    session: Session, scope: PathScope, *, street_code: str | None, day: date, known_end: date | None
) -> PackContent:
    """The grids of the scope, with those above and directly beside them, in the order of level and code.

    Floors and counters come only where the scope begins with them. `known_end`: when the scope itself ends.
    Raises: NotFound for a street without a grid of the scope, PackTooLarge.
    """
    mine = _own(session, scope, street_code, day)
    if not mine and street_code is not None:
        raise NotFound
    own = {grid_id for grid_id, _, _ in mine}
    above = {int(part) for _, _, path in mine for part in path.split("/")[1:-2]} - own
    beside: set[int] = set()
    for level, ids in _at_each_level(mine):
        beside |= _beside(session, ids, level, day)
    grids = tuple(_named(session, own, above | beside, day))
    ends = [end for end in (_next_change(session, own | above | beside, day), known_end) if end is not None]
    return PackContent(grids, day, min(ends, default=None))


def pack_document(session: Session, content: PackContent) -> dict[str, Any]:
    """The pack as a GeoJSON FeatureCollection, rings as in RFC 7946; coarser if it were too large."""
    shapes = _shapes(session, [grid.version_id for grid in content.grids])
    levels = np.array([grid.level for grid in content.grids])
    for tolerance_m in TOLERANCES_M:
        geometry, deviation_m = _each_level(shapes, levels, tolerance_m)
        vertices = int(shapely.get_num_coordinates(geometry).sum())
        if vertices * _BYTES_PER_VERTEX + len(levels) * _BYTES_PER_FEATURE <= MOST_BYTES:
            break
    return {
        "type": "FeatureCollection",
        "datum": "EPSG:4490",
        "generated_on": content.day.isoformat(),
        "valid_until": content.valid_until.isoformat() if content.valid_until else None,
        "tolerance_m": tolerance_m,
        "deviation_m": round(deviation_m, 2),
        "features": [_feature(*pair) for pair in zip(content.grids, geometry, strict=True)],
    }


def _each_level(shapes: Shapes, levels: NDArray[np.int64], tolerance_m: float) -> tuple[Shapes, float]:
    geometry, deviations = np.full(len(levels), None, dtype=object), [0.0]
    for level in range(1, DEEPEST_PLANE_LEVEL + 1):
        here = np.flatnonzero((levels == level) & ~shapely.is_missing(shapes))
        if here.size:
            done = simplified(shapes[here], tolerance_m)
            geometry[here] = done.shapes
            deviations.append(done.deviation_m)
    return geometry, max(deviations)


def simplified(shapes: Shapes, tolerance_m: float) -> Simplified:
    """The shapes of one level with fewer vertices: common edges stay common and near where they were."""
    low, high = shapely.total_bounds(shapes).reshape(2, 2)
    middle = (low + high) / 2
    scale = np.array([float(per_degree) for per_degree in metres_per_degree(middle[1])])
    plane = shapely.transform(_sharing_vertices(shapes), lambda xy: (xy - middle) * scale)
    for share in _TRIED:
        coarse = shapely.coverage_simplify(plane, tolerance_m * share)
        rounded = shapely.transform(coarse, lambda xy: (xy / scale + middle).round(_DIGITS))
        deviation_m = _deviation_m(plane, shapely.transform(rounded, lambda xy: (xy - middle) * scale))
        if deviation_m <= tolerance_m and shapely.is_valid(rounded).all():
            return Simplified(shapely.orient_polygons(rounded), deviation_m)
    return Simplified(shapely.orient_polygons(shapes), 0.0)


def _sharing_vertices(shapes: Shapes) -> Shapes:
    """The shapes with a vertex wherever a neighbour has one: a split leaves some that only one side has.

    Without them the two sides of an edge would be simplified apart.
    """
    if shapely.coverage_is_valid(shapes):
        return shapes
    shared = np.empty(len(shapes), dtype=object)
    shared[:] = list(noded(dict(enumerate(shapes))).values())
    return shared


# ------------------------------------------------------------------------------------- which grids

Own = tuple[int, int, str]  # id, level, path


def _own(session: Session, scope: PathScope, street_code: str | None, day: date) -> list[Own]:
    parent = aliased(Grid)
    begins_here = and_(Grid.level > DEEPEST_PLANE_LEVEL, ~scope.clause(parent.path))
    statement = (
        select(Grid.grid_id, Grid.level, Grid.path)
        .join(GridVersion, GridVersion.grid_id == Grid.grid_id)
        .outerjoin(parent, parent.grid_id == Grid.parent_id)
        .where(
            scope.clause(Grid.path),
            or_(Grid.level <= DEEPEST_PLANE_LEVEL, begins_here),
            version_on(day),
            standing_on(day),
        )
        .limit(_MOST + 1)
    )
    if street_code is not None:
        statement = statement.where(Grid.street_code == street_code)
    found = [(row.grid_id, row.level, row.path) for row in session.execute(statement)]
    if len(found) > _MOST:
        raise PackTooLarge(
            f"最多 {_MOST} 个网格，请用 street 指定街道 / at most {_MOST} grids: give ?street="
        )
    return found


def _at_each_level(mine: Sequence[Own]) -> Iterator[tuple[int, set[int]]]:
    """The caller's ground on each level that has some; that of floors and counters is their level-3 grid."""
    ids: dict[int, set[int]] = {}
    for grid_id, level, path in mine:
        on_plane = level <= DEEPEST_PLANE_LEVEL
        ground = grid_id if on_plane else int(path.split("/")[DEEPEST_PLANE_LEVEL])
        ids.setdefault(min(level, DEEPEST_PLANE_LEVEL), set()).add(ground)
    yield from sorted(ids.items())


def _beside(session: Session, ids: Collection[int], level: int, day: date) -> set[int]:
    """The grids of a level that touch one of these."""
    own = aliased(GridVersion)
    own_holds = and_(own.valid_from <= day, or_(own.valid_to.is_(None), own.valid_to > day))
    found = session.scalars(
        select(Grid.grid_id)
        .join(GridVersion, GridVersion.grid_id == Grid.grid_id)
        .join(own, _touching(GridVersion.geom, own.geom))
        .where(
            own.grid_id.in_(ids),
            own_holds,
            Grid.level == level,
            Grid.grid_id.not_in(ids),
            version_on(day),
            standing_on(day),
        )
        .distinct()
    )
    return set(found)


def _touching(geom: ColumnElement[Any] | Any, other: ColumnElement[Any] | Any) -> ColumnElement[bool]:
    touching: ColumnElement[bool] = func.ST_DWithin(geom, other, _TOUCHING_DEG)
    return touching


def _named(session: Session, own: Collection[int], others: Collection[int], day: date) -> Iterator[PackGrid]:
    parent = aliased(Grid)
    rows = session.execute(
        select(
            Grid.grid_id,
            GridVersion.version_id,
            Grid.code,
            GridVersion.name,
            Grid.level,
            parent.code.label("parent"),
        )
        .join(GridVersion, GridVersion.grid_id == Grid.grid_id)
        .outerjoin(parent, parent.grid_id == Grid.parent_id)
        .where(Grid.grid_id.in_({*own, *others}), version_on(day), standing_on(day))
        .order_by(Grid.level, Grid.code)
    )
    for row in rows:
        yield PackGrid(*row, is_mine=row.grid_id in own)


def _next_change(session: Session, grid_ids: Collection[int], day: date) -> date | None:
    """The next day on which a version begins or ends or a grid retires in the streets of these grids."""
    streets = select(Grid.street_code).where(Grid.grid_id.in_(grid_ids)).distinct()
    dates = (GridVersion.valid_from, GridVersion.valid_to, Grid.retired_on)
    row = session.execute(
        select(*(func.min(column).filter(column > day) for column in dates))
        .select_from(Grid)
        .join(GridVersion, GridVersion.grid_id == Grid.grid_id)
        .where(Grid.street_code.in_(streets))
    ).one()
    return min((change for change in row if change is not None), default=None)


# ------------------------------------------------------------------------------------------ shapes


def _shapes(session: Session, version_ids: Sequence[int]) -> Shapes:
    """In the order asked; None for floors and counters."""
    wkb = func.ST_AsBinary(GridVersion.geom).label("wkb")
    rows = session.execute(select(GridVersion.version_id, wkb).where(GridVersion.version_id.in_(version_ids)))
    found = {row.version_id: row.wkb and bytes(row.wkb) for row in rows}
    return np.asarray(
        shapely.from_wkb(np.array([found[version_id] for version_id in version_ids], dtype=object))
    )


def _deviation_m(exact: Shapes, coarse: Shapes) -> float:
    """How far a vertex of the exact boundaries lies from the coarse ones at most; those have no others."""
    xy, owner = shapely.get_coordinates(exact, return_index=True)
    return float(shapely.distance(shapely.boundary(coarse)[owner], shapely.points(xy)).max())


def _feature(grid: PackGrid, shape: Any) -> dict[str, Any]:
    properties = {
        "code": grid.code,
        "name": grid.name,
        "level": grid.level,
        "parent": grid.parent,
        "mine": grid.is_mine,
    }
    return {
        "type": "Feature",
        "properties": properties,
        "geometry": None if shape is None else _geometry(shape),
    }


def _geometry(shape: Any) -> dict[str, Any]:
    polygons = [
        [shapely.get_coordinates(ring).tolist() for ring in shapely.get_rings(part)]
        for part in shapely.get_parts(shape)
    ]
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}
