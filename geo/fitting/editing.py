"""Split, merge and move the boundaries of grids so that neighbours and children still fit. Pure.

Shapes are CGCS2000 degrees and sound (topology.boundary_fault); what comes back is flat multipolygons.
What is drawn by hand snaps to vertices nearer than 5 cm, and ground thinner than that changes no hands: maps
show coordinates of seven digits, so a boundary that was not touched still comes back off by a centimetre.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString, MultiPolygon, Point
from shapely.geometry.base import BaseGeometry

from core.errors import Invalid
from geo.fitting.arrangement import Arrangement, Ground, Mask
from geo.fitting.topology import Tolerance, flat, polygons_of
from geo.numbering import Plot, reading_order

EXTEND_M = 5.0  # a dividing line may end this far short of the boundary
_METRES_PER_DEGREE = 111_320.0

Key = TypeVar("Key", bound=Hashable)
Parent = TypeVar("Parent", bound=Hashable)
Drawn = TypeVar("Drawn", bound=BaseGeometry)
Position = NDArray[np.float64]  # lon, lat


class DoesNotDivide(Invalid):
    """This does not divide the grid: it leaves one part."""

    code = "does-not-divide"


class PartsOverlap(Invalid):
    """Two of the parts overlap."""

    code = "parts-overlap"


class NoGroundInside(Invalid):
    """This shape has no ground inside the grid it is to lie in."""

    code = "no-ground-inside"


@dataclass(frozen=True, slots=True)
class Merged:
    """Several grids as one; `is_connected` when one can walk through it without leaving it."""

    shape: MultiPolygon
    is_connected: bool


@dataclass(frozen=True, slots=True)
class Moved(Generic[Key]):
    """The new shapes of all grids whose ground changed.

    `emptied` have no ground left and are not among the shapes; `uncovered` belonged to a grid and now belongs
    to none.
    """

    shapes: Mapping[Key, MultiPolygon]
    emptied: tuple[Key, ...]
    uncovered: MultiPolygon | None


# --------------------------------------------------------------------------------------------- split


def split_by_line(
    shape: BaseGeometry, line: LineString, *, tolerance: Tolerance | None = None
) -> list[MultiPolygon]:
    """The parts on either side of a line, in reading order; together they are the shape.

    The line may begin and end outside, or up to `EXTEND_M` short of the boundary, and cross it several times.
    Members of the shape that the line misses go with the nearest part. Raises: DoesNotDivide.
    """
    tolerance = tolerance or Tolerance()
    if line.is_empty or line.length == 0:
        raise DoesNotDivide("分割线没有长度 / the line has no length")
    cut = _to_the_rim(shape, _snapped(shapely.force_2d(line), [shape], tolerance.width_m))
    arrangement = Arrangement([shape], [cut])
    parts: list[Mask] = []
    whole: list[Mask] = []
    for member in arrangement.inside(polygons_of(shape)):
        pieces = _swept(arrangement, arrangement.single(member), tolerance)
        (parts if len(pieces) > 1 else whole).extend(pieces)
    if not parts:
        detail = "分割线没有穿过网格 / the line does not cross the grid from boundary to boundary"
        raise DoesNotDivide(detail)
    shapes = [arrangement.union(part) for part in parts]
    for member in whole:
        nearest = int(np.argmin(shapely.distance(arrangement.union(member), shapes)))
        parts[nearest] = parts[nearest] | member
    return _in_reading_order([arrangement.union(part) for part in parts])


def split_by_parts(
    shape: BaseGeometry, polygons: Sequence[BaseGeometry], *, tolerance: Tolerance | None = None
) -> list[MultiPolygon]:
    """The polygons clipped to the shape, in the order given, then each piece left over, in reading order.

    Raises: PartsOverlap, NoGroundInside, DoesNotDivide.
    """
    tolerance = tolerance or Tolerance()
    drawn: list[BaseGeometry] = []
    for polygon in polygons:
        drawn.append(_snapped(polygon, [shape, *drawn], tolerance.width_m))
    arrangement = Arrangement([shape], drawn)
    (inside,) = arrangement.inside([shape])
    parts = list(arrangement.inside(drawn) & inside)
    _take_turns(arrangement, parts, tolerance)
    for index, part in enumerate(parts):
        if not part.any() or arrangement.is_noise(part, tolerance):
            detail = f"第 {index + 1} 部分不在该网格内 / part {index + 1} does not lie in the grid"
            raise NoGroundInside(detail, index=index)
    rest = arrangement.pieces(inside & ~np.any(parts, axis=0)) if parts else [inside]
    large = [piece for piece in rest if not arrangement.is_noise(piece, tolerance)]
    parts = _swept(arrangement, [*parts, *rest], tolerance, keep=len(parts))
    if len(parts) < 2:
        raise DoesNotDivide
    given = [arrangement.union(part) for part in parts[: len(parts) - len(large)]]
    return given + _in_reading_order([arrangement.union(part) for part in parts[len(given) :]])


def _take_turns(arrangement: Arrangement, parts: list[Mask], tolerance: Tolerance) -> None:
    """Each face is left to the first part that has it. Raises: PartsOverlap when that is more than noise."""
    for later, part in enumerate(parts):
        for earlier in range(later):
            common = part & parts[earlier]
            if common.any() and not arrangement.is_noise(common, tolerance):
                zh, en = (
                    f"第 {earlier + 1}、{later + 1} 部分重叠",
                    f"parts {earlier + 1} and {later + 1} overlap",
                )
                raise PartsOverlap(f"{zh} / {en}", parts=[earlier, later])
            parts[later] = parts[later] & ~common


def _swept(
    arrangement: Arrangement, pieces: Sequence[Mask], tolerance: Tolerance, *, keep: int = 0
) -> list[Mask]:
    """The pieces without slivers, each sliver joined to the piece it borders most; the first `keep` stay."""
    noise = [index >= keep and arrangement.is_noise(piece, tolerance) for index, piece in enumerate(pieces)]
    if all(noise):
        return [np.any(pieces, axis=0)] if len(pieces) else []
    large = [piece for piece, is_noise in zip(pieces, noise, strict=True) if not is_noise]
    for piece, is_noise in zip(pieces, noise, strict=True):
        if is_noise:
            most = int(arrangement.borders_m(piece, np.array(large)).argmax())
            large[most] = large[most] | piece
    return large


def _to_the_rim(shape: BaseGeometry, line: LineString) -> LineString:
    """The line, an end inside the shape drawn on straight to the boundary if that is near enough."""
    xy = shapely.get_coordinates(line)
    if shapely.intersects_xy(shape, *xy[0]):
        xy = np.vstack([_onward(shape, xy[1], xy[0]), xy])
    if shapely.intersects_xy(shape, *xy[-1]):
        xy = np.vstack([xy, _onward(shape, xy[-2], xy[-1])])
    return LineString(xy)


def _onward(shape: BaseGeometry, before: Position, end: Position) -> Position:
    """Just past where the straight continuation leaves the shape; the end itself when that is too far."""
    metres = np.array([_METRES_PER_DEGREE * np.cos(np.radians(end[1])), _METRES_PER_DEGREE])
    step = (end - before) * metres
    length_m = float(np.hypot(*step))
    if length_m == 0:
        return end
    ray = LineString([end, end + step / length_m * EXTEND_M / metres])
    hits = shapely.get_coordinates(shapely.intersection(ray, shapely.boundary(shape)))
    if not len(hits):
        return end
    away = np.hypot(*((hits - end) * metres).T)
    past: Position = end + step / length_m * (float(away.min()) + 0.001) / metres
    return past


def _in_reading_order(shapes: Sequence[MultiPolygon]) -> list[MultiPolygon]:
    plots = []
    for index, shape in enumerate(shapes):
        middle: Point = shape.centroid
        _, south, _, north = shape.bounds
        plots.append(Plot(index, middle.x, middle.y, north - south))
    return [shapes[plot.key] for plot in reading_order(plots)]


# --------------------------------------------------------------------------------------------- merge


def merge(shapes: Sequence[BaseGeometry], *, tolerance: Tolerance | None = None) -> Merged:
    """The ground of all shapes as one, shared edges dissolved, slivers between them closed."""
    tolerance = tolerance or Tolerance()
    arrangement = Arrangement(shapes)
    ground = np.asarray(arrangement.inside(shapes).any(axis=0))
    for hole in arrangement.pieces(~ground):
        if arrangement.is_noise(hole, tolerance):
            ground |= hole
    return Merged(arrangement.union(ground), len(arrangement.pieces(ground)) == 1)


# ------------------------------------------------------------------------------------------ boundary


def move_boundary(
    family: Mapping[Key, BaseGeometry],
    key: Key,
    new_shape: BaseGeometry,
    inside: BaseGeometry | None,
    *,
    tolerance: Tolerance | None = None,
) -> Moved[Key]:
    """One grid with its new boundary, and the siblings that gave or took ground for it.

    Ground gained is taken from the siblings; each piece given up goes to the sibling with the longest border
    to it, and to nobody where none touches. With a parent (`inside`) the boundary is clipped to it; without
    one, empty ground may be taken. Raises: NoGroundInside.
    """
    tolerance = tolerance or Tolerance()
    around = [*family.values(), *([inside] if inside is not None else [])]
    wanted = _snapped(new_shape, around, tolerance.width_m)
    arrangement = Arrangement(around, [wanted])
    ground = Ground(arrangement, family)
    row = ground.row(key)
    (new,) = arrangement.inside([wanted])
    if inside is not None:
        new &= arrangement.inside([inside])[0]
    old = ground.owned[row].copy()
    for piece in (*arrangement.pieces(new & ~old), *arrangement.pieces(old & ~new)):
        if arrangement.is_noise(piece, tolerance):
            new ^= piece
    if not new.any() or arrangement.is_noise(new, tolerance):
        raise NoGroundInside
    everyone = range(len(ground.keys))
    others = [other for other in everyone if other != row]
    ground.take(row, new & ~old)
    ground.owned[row] = new
    for piece in arrangement.pieces(old & ~new & ~ground.covered):
        ground.give(piece, others)
    ground.sweep(everyone, tolerance)
    return _moved(ground)


def follow(
    children_by_parent: Mapping[Parent, Mapping[Key, BaseGeometry]],
    before: Mapping[Parent, BaseGeometry],
    after: Mapping[Parent, BaseGeometry],
    *,
    tolerance: Tolerance | None = None,
) -> Moved[Key]:
    """The children of parents that changed shape, filling the new shapes as they filled the old ones.

    Ground that left a parent is cut from its children; each piece that came to one goes to its child with the
    longest border to it, an island to the nearest one. A parent in `before` only lost everything, one in
    `after` only is new. Children of different parents need different keys. Ground of a parent all of whose
    children lost theirs is `uncovered`. Call again for the next level with the children's shapes.
    """
    tolerance = tolerance or Tolerance()
    children = {key: shape for family in children_by_parent.values() for key, shape in family.items()}
    parents = list(dict.fromkeys((*before, *after)))
    empty = MultiPolygon()
    old_shapes = [before.get(parent, empty) for parent in parents]
    new_shapes = [after.get(parent, empty) for parent in parents]
    arrangement = Arrangement([*new_shapes, *children.values(), *old_shapes])
    ground = Ground(arrangement, children)
    old, new = arrangement.inside(old_shapes), arrangement.inside(new_shapes)
    rows = [[ground.row(key) for key in children_by_parent.get(parent, {})] for parent in parents]
    for index, family in enumerate(rows):
        ground.owned[np.ix_(family, old[index] & ~new[index])] = False
    for index, family in enumerate(rows):
        _welcome(ground, family, new[index] & ~old[index], old)
    for family in rows:
        ground.sweep(family, tolerance)
    return _moved(ground)


def _welcome(ground: Ground[Key], family: list[int], gained: Mask, old: Mask) -> None:
    """Each piece of gained ground goes to a child; a piece comes from one former parent or from none."""
    gained = gained & ~ground.owned[family].any(axis=0)
    nobody = gained & ~old.any(axis=0)
    waiting = [
        piece
        for origin in (*(gained & former for former in old), nobody)
        for piece in ground.arrangement.pieces(origin)
    ]
    # Again and again: a piece may border none of the children until its neighbour has been given away.
    while waiting:
        left = [piece for piece in waiting if ground.give(piece, family) is None]
        if len(left) == len(waiting):
            nearest = ground.nearest(left[0], family)
            if nearest is None:
                return
            ground.take(nearest, left.pop(0))
        waiting = left


def _moved(ground: Ground[Key]) -> Moved[Key]:
    shapes, emptied = ground.changed()
    return Moved(shapes, emptied, ground.uncovered())


def cut_children(
    children: Mapping[Key, BaseGeometry],
    parts: Sequence[BaseGeometry],
    *,
    tolerance: Tolerance | None = None,
) -> dict[Key, list[tuple[int, MultiPolygon]]]:
    """Which parts of a divided parent each child lies in, with its ground there, the largest first.

    Ground of a child in a part that is thinner than a sliver goes to the child it borders most in that part,
    so that lines drawn along a child's boundary by hand do not cut it; the children still fill the parts.
    """
    tolerance = tolerance or Tolerance()
    arrangement = Arrangement([*parts, *children.values()])
    in_part = arrangement.inside(parts)
    in_child = arrangement.inside(list(children.values()))
    keys = list(children)
    found: dict[Key, list[tuple[int, MultiPolygon]]] = {key: [] for key in keys}
    for index, part in enumerate(in_part):
        owned = in_child & part
        _without_slivers(arrangement, owned, in_child, tolerance)
        for row in np.flatnonzero(owned.any(axis=1)).tolist():
            found[keys[row]].append((index, arrangement.union(owned[row])))
    for pieces in found.values():
        pieces.sort(key=lambda piece: -piece[1].area)
    return found


def _without_slivers(arrangement: Arrangement, owned: Mask, whole: Mask, tolerance: Tolerance) -> None:
    """Hand over what children of other parts have here that is no more than a sliver."""
    noise = replace(tolerance, width_m=tolerance.sliver_m)
    slivers = [
        row
        for row in np.flatnonzero(owned.any(axis=1)).tolist()
        if (owned[row] != whole[row]).any() and arrangement.is_noise(owned[row], noise)
    ]
    for row in slivers:
        for piece in arrangement.pieces(owned[row]):
            lengths = arrangement.borders_m(piece, owned)
            lengths[slivers] = 0.0
            if lengths.max() > 0:
                owned[row, piece] = False
                owned[int(lengths.argmax()), piece] = True


def noded(family: Mapping[Key, BaseGeometry]) -> dict[Key, BaseGeometry]:
    """The same shapes with a vertex wherever a boundary of the others meets theirs.

    Afterwards siblings that fill their parent are a valid coverage (shapely.coverage_is_valid) and parents
    and children share every vertex of their common boundary. A shape that needs none comes back as it is.
    """
    arrangement = Arrangement(family.values())
    inside = arrangement.inside(list(family.values()))
    result: dict[Key, BaseGeometry] = {}
    for (key, shape), faces in zip(family.items(), inside, strict=True):
        rebuilt = arrangement.union(faces) if faces.any() else shape
        same = shapely.equals_exact(flat(shape), rebuilt, 0.0, normalize=True)
        result[key] = shape if same else rebuilt
    return result


def _snapped(drawn: Drawn, around: Sequence[BaseGeometry], width_m: float) -> Drawn:
    """What was drawn, bent to the vertices nearer than this; as it was where that would break it."""
    reach = width_m / _METRES_PER_DEGREE
    vertices = np.asarray(shapely.points(shapely.get_coordinates(around)))
    rim = drawn if isinstance(drawn, LineString) else shapely.boundary(drawn)
    shapely.prepare(rim)
    near = vertices[shapely.dwithin(rim, vertices, reach)]
    if not len(near):
        return drawn
    bent = shapely.snap(drawn, shapely.multipoints(near), reach)
    if isinstance(bent, type(drawn)) and bent.is_valid and not bent.is_empty:
        return bent
    return drawn
