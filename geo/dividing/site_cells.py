"""Ground handed out to sites (buildings): cells around them, which cells touch, and along how much border.

Voronoi (Thiessen) cells give every spot of an outline to its nearest building. All lines - the cells' edges,
the outline, footprints - are noded together once, so the pieces between them share their vertices to the last
digit, and the outline keeps all of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from geo.area import distances_m

Degrees = NDArray[np.float64]
Numbers = NDArray[np.int64]

_SITE_DIGITS = 8  # a millimetre: nearer positions are one site
_AROUND = 0.5  # how far beyond the outline the cells are drawn, relative to its size
_STEP = 1e-3  # degrees over which the length of one is measured


@dataclass(frozen=True, slots=True)
class CellGraph:
    """Pieces of ground as vertices, shared borders as edges.

    Several faces make one vertex where a footprint joins them. Edges without border (`border_m` 0) only hold
    an outline in several pieces together. Each pair stands once, the smaller number first.
    """

    faces: NDArray[np.object_]
    vertex_of_face: Numbers
    vertex_of_site: Numbers
    pairs: Numbers  # (edges, 2)
    border_m: NDArray[np.float64]

    @property
    def size(self) -> int:
        return int(self.vertex_of_face.max()) + 1


def cell_graph(
    outline: BaseGeometry, sites: Degrees, footprints: Sequence[Polygon | MultiPolygon] = ()
) -> CellGraph:
    """The cells of the sites inside the outline. The faces fill the outline exactly, without overlap.

    Sites that share a position share a cell; one outside the outline counts for the nearest cell. No border
    between vertices crosses a footprint.
    """
    scale = metres_per_degree(outline)
    walls = shapely.get_parts(np.array(list(footprints), dtype=object))
    faces = _faces(outline, _edges(outline, sites, scale), walls)
    vertices = _joined(faces, walls)
    pairs, border_m = _borders(faces, vertices, scale)
    pairs, border_m = _held_together(faces, vertices, pairs, border_m)
    near = shapely.STRtree(faces).nearest(shapely.points(sites))
    return CellGraph(faces, vertices, vertices[near], pairs, border_m)


def metres_per_degree(outline: BaseGeometry) -> Degrees:
    """What turns degrees of longitude and latitude into metres about here."""
    lon, lat = np.array([outline.centroid.x] * 2), np.array([outline.centroid.y] * 2)
    step = np.array([[_STEP, 0.0], [0.0, _STEP]])
    return distances_m(lon, lat, lon + step[:, 0], lat + step[:, 1]) / _STEP


def _edges(outline: BaseGeometry, sites: Degrees, scale: Degrees) -> BaseGeometry:
    """Edges of the Voronoi diagram, equally far in metres from both sites; in degrees."""
    distinct = np.unique(np.round(sites, _SITE_DIGITS), axis=0)
    around = shapely.box(*outline.bounds)
    size = max(around.bounds[2] - around.bounds[0], around.bounds[3] - around.bounds[1])
    frame = shapely.transform(around.buffer(_AROUND * size, join_style="mitre"), lambda xy: xy * scale)
    flat = shapely.MultiPoint(distinct * scale)
    edges: BaseGeometry = shapely.voronoi_polygons(flat, extend_to=frame, only_edges=True)
    in_degrees: BaseGeometry = shapely.transform(edges, lambda xy: xy / scale)
    return in_degrees


def _faces(outline: BaseGeometry, edges: BaseGeometry, walls: NDArray[np.object_]) -> NDArray[np.object_]:
    lines = [outline.boundary, edges, *shapely.boundary(walls)]
    noded = shapely.get_parts(shapely.union_all(lines))
    pieces = shapely.get_parts(shapely.polygonize(noded))
    shapely.prepare(outline)
    inside: NDArray[np.object_] = pieces[shapely.contains(outline, shapely.point_on_surface(pieces))]
    return inside


def _joined(faces: NDArray[np.object_], walls: NDArray[np.object_]) -> Numbers:
    """The vertex of each face: faces inside one footprint are one."""
    inner = shapely.point_on_surface(faces)
    face, wall = shapely.STRtree(inner).query(walls, predicate="contains")[::-1]
    first_of_wall: dict[int, int] = {}
    pairs = [
        (int(one), first_of_wall.setdefault(int(of), int(one))) for one, of in zip(face, wall, strict=True)
    ]
    return components(len(faces), np.array(pairs, dtype=np.int64).reshape(-1, 2))


def components(size: int, pairs: Numbers) -> Numbers:
    """For each of `size` things the number of the connected group it is in, counted from 0."""
    above = list(range(size))

    def top(one: int) -> int:
        while above[one] != one:
            above[one] = above[above[one]]
            one = above[one]
        return one

    for first, second in pairs.tolist():
        low, high = sorted((top(first), top(second)))
        above[high] = low
    numbers: Numbers = np.unique([top(one) for one in range(size)], return_inverse=True)[1]
    return numbers.astype(np.int64)


def _borders(
    faces: NDArray[np.object_], vertices: Numbers, scale: Degrees
) -> tuple[Numbers, NDArray[np.float64]]:
    """Pairs of vertices with a common border, and its length. Neighbours share edges exactly."""
    rings = shapely.get_rings(faces, return_index=True)
    coordinates, ring = shapely.get_coordinates(rings[0], return_index=True)
    steps = np.flatnonzero(ring[1:] == ring[:-1])
    starts, stops = coordinates[steps], coordinates[steps + 1]
    turned = (starts[:, 0] > stops[:, 0]) | ((starts[:, 0] == stops[:, 0]) & (starts[:, 1] > stops[:, 1]))
    ends = np.where(turned[:, None], np.hstack((stops, starts)), np.hstack((starts, stops)))
    owner = vertices[rings[1][ring[steps]]]
    order = np.lexsort(ends.T)
    same = np.flatnonzero((ends[order][1:] == ends[order][:-1]).all(axis=1))
    one, other = order[same], order[same + 1]
    apart = owner[one] != owner[other]
    one, other = one[apart], other[apart]
    length_m = np.hypot(*((ends[one][:, :2] - ends[one][:, 2:]) * scale).T)
    pairs = np.sort(np.column_stack((owner[one], owner[other])), axis=1)
    unique, at = np.unique(pairs, axis=0, return_inverse=True)
    border_m = np.bincount(at.ravel(), weights=length_m, minlength=len(unique))
    return unique.astype(np.int64), border_m.astype(np.float64)


def _held_together(
    faces: NDArray[np.object_], vertices: Numbers, pairs: Numbers, border_m: NDArray[np.float64]
) -> tuple[Numbers, NDArray[np.float64]]:
    """The graph with each piece of a disconnected outline tied to the nearest other one."""
    size = int(vertices.max()) + 1
    while (group := components(size, pairs)).max() > 0:
        of_face = group[vertices]
        here, there = np.flatnonzero(of_face == 0), np.flatnonzero(of_face != 0)
        first, second = _nearest_pair(faces[here], faces[there])
        tie = np.sort([[vertices[here[first]], vertices[there[second]]]], axis=1)
        pairs, border_m = np.vstack((pairs, tie)), np.append(border_m, 0.0)
    return pairs, border_m


def _nearest_pair(here: NDArray[np.object_], there: NDArray[np.object_]) -> tuple[int, int]:
    (first, second), distance = shapely.STRtree(there).query_nearest(
        here, return_distance=True, all_matches=False
    )
    best = int(np.argmin(distance))
    return int(first[best]), int(second[best])
