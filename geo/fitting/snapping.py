"""Put vertices together that nearly meet, there where boundaries do not fit. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.plane import LocalPlane

_ON_RIM_M = 1e-3

# What a vertex is: one of the surroundings never moves; one on their rim moves only to such a one.
_FIXED, _ON_RIM, _FREE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class _Vertices:
    """Every position that occurs, once, those of the surroundings first."""

    degrees: NDArray[np.float64]
    metres: NDArray[np.float64]
    owners: list[set[int]]  # shapes that have a vertex there; none for the surroundings
    standing: NDArray[np.int64]
    is_loose: NDArray[np.bool_]  # on an edge that does not fit


def snap_vertices(
    shapes: Sequence[BaseGeometry], around: Sequence[BaseGeometry], snap_m: float
) -> list[BaseGeometry]:
    """The shapes, vertices on ill-fitting edges moved to a vertex of another shape or of those `around`.

    Only vertices nearer than `snap_m` to their target move; all others are kept to the bit. A shape that this
    would break stays as it was. `around` are areas that must not change and that the shapes should fit to.
    """
    if snap_m <= 0 or not len(shapes):
        return list(shapes)
    vertices = _vertices(shapes, around, snap_m)
    target = {
        complex(*vertices.degrees[moved]): vertices.degrees[kept]
        for moved, kept in _moves(vertices, snap_m).items()
    }
    return [_moved(shape, target) for shape in shapes] if target else list(shapes)


def _moved(shape: BaseGeometry, target: dict[complex, NDArray[np.float64]]) -> BaseGeometry:
    xy = shapely.get_coordinates(shape)
    new = np.array([target.get(complex(*position), position) for position in xy])
    if (new == xy).all():
        return shape
    moved = shapely.transform(shape, lambda _: new)
    return shapely.remove_repeated_points(moved) if moved.is_valid else shape


def _vertices(shapes: Sequence[BaseGeometry], around: Sequence[BaseGeometry], snap_m: float) -> _Vertices:
    fixed = shapely.get_coordinates(list(around))
    own, owner = shapely.get_coordinates(list(shapes), return_index=True)
    everywhere = np.vstack([fixed, own])
    _, first, place = np.unique(everywhere @ np.array([1, 1j]), return_index=True, return_inverse=True)
    order = np.argsort(first)  # by first occurrence, so that earlier shapes keep their vertices
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    degrees = everywhere[first[order]]
    owners: list[set[int]] = [set() for _ in degrees]
    for vertex, shape in zip(rank[place[len(fixed) :]].tolist(), owner.tolist(), strict=True):
        owners[vertex].add(shape)
    plane = LocalPlane([*shapes, *around])
    metres = plane.to_metres(degrees)
    standing = np.full(len(degrees), _FREE)
    if len(around):
        rim = shapely.boundary(shapely.union_all(plane.metres(np.array(around, dtype=object))))
        standing[shapely.dwithin(rim, shapely.points(metres), _ON_RIM_M)] = _ON_RIM
    standing[rank[place[: len(fixed)]]] = _FIXED
    edges = shapely.coverage_invalid_edges(
        plane.metres(np.array([*shapes, *around], dtype=object)), gap_width=snap_m
    )
    misfit = shapely.get_coordinates(edges[: len(shapes)]) @ np.array([1, 1j])
    is_loose = np.isin(metres @ np.array([1, 1j]), misfit) & (standing != _FIXED)
    return _Vertices(degrees, metres, owners, standing, is_loose)


def _moves(vertices: _Vertices, snap_m: float) -> dict[int, int]:
    """Which vertex goes where: to the surroundings first, then the nearest pairs; none moves twice."""
    moved: dict[int, int] = {}
    kept: set[int] = set()
    for mover, goal in _pairs(vertices, snap_m):
        if mover in moved or mover in kept or goal in moved:
            continue
        if vertices.owners[mover].isdisjoint(vertices.owners[goal]):
            moved[mover] = goal
            kept.add(goal)
    return moved


def _pairs(vertices: _Vertices, snap_m: float) -> Iterator[tuple[int, int]]:
    points = np.asarray(shapely.points(vertices.metres))
    loose = np.flatnonzero(vertices.is_loose)
    mover, goal = shapely.STRtree(points).query(points[loose], predicate="dwithin", distance=snap_m)
    mover = loose[mover]
    standing = vertices.standing
    # Among equals the later one moves, unless the earlier one lies where nothing is wrong.
    later = (goal < mover) | ~vertices.is_loose[goal]
    right = (standing[goal] < standing[mover]) | ((standing[goal] == standing[mover]) & later)
    mover, goal = mover[right & (mover != goal)], goal[right & (mover != goal)]
    away = shapely.distance(points[mover], points[goal])
    order = np.lexsort((goal, away, standing[goal]))
    yield from zip(mover[order].tolist(), goal[order].tolist(), strict=True)
