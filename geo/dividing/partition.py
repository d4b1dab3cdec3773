"""A grid in compact, connected parts with about equally many households each; no building is cut.

Ground goes to the nearest building (Voronoi cells: site_cells.py); the graph of the cells is cut where
the border is short and the parts come out even (METIS and others: graph_cut.py).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from core.errors import Conflict
from geo.dividing.graph_cut import best_cut
from geo.dividing.site_cells import CellGraph, Degrees, Numbers, cell_graph
from geo.fitting.topology import flat
from geo.numbering import Plot, reading_order

Outline = BaseGeometry
Footprints = Sequence[Polygon | MultiPolygon]

_STRAIGHTEN_M = (24.0, 12.0, 6.0)  # the first that keeps away from the buildings is taken
_KEPT_DISTANCE = 0.5  # of a building from the new border, relative to the border half way to its neighbour
_METRES_PER_DEGREE = 111_320.0


class TooFewBuildings(Conflict):
    """There are fewer buildings than parts."""

    code = "too-few-buildings"


@dataclass(frozen=True, slots=True)
class Partition:
    """Parts in reading order, together the outline; `labels` names the part of each point."""

    labels: Numbers
    polygons: tuple[MultiPolygon, ...]
    weights: tuple[int, ...]
    balance: float  # the heaviest part, relative to the mean
    cut_m: float  # length of the new borders, before they were straightened
    method: str


def parts_for(total: int, target: int) -> int:
    """How many parts come nearest to `target` each."""
    return max(1, round(total / target))


def footprints_of(wkb: Sequence[bytes]) -> Footprints:
    """Stored footprints as shapes."""
    return polygonal(shapely.from_wkb(list(wkb)))


def polygonal(shapes: Iterable[Outline]) -> Footprints:
    """Those of the shapes that have ground."""
    return [one for one in shapes if isinstance(one, Polygon | MultiPolygon)]


def partition(
    outline: Outline, points: Degrees, weights: Sequence[int], *, parts: int, footprints: Footprints = ()
) -> Partition:
    """Parts of the outline, each connected, each with buildings, as even and compact as was found.

    points: lon, lat, shape (n, 2); weights: households of each, all 0 counts as all 1. The same input gives
    the same parts. A part is in several pieces only where the outline is. The outline keeps every vertex; the
    parts share theirs. New borders cross no footprint.
    Raises: TooFewBuildings.
    """
    graph = cell_graph(outline, points, footprints) if len(points) else None
    settled = (
        np.bincount(graph.vertex_of_site, minlength=graph.size) if graph else np.zeros(1, dtype=np.int64)
    )
    buildings = int((settled > 0).sum())
    if graph is None or buildings < parts:
        detail = (
            f"只有 {buildings} 处建筑，不能分成 {parts} 份 / {buildings} buildings cannot make {parts} parts"
        )
        raise TooFewBuildings(detail)
    counted = np.asarray(weights, dtype=np.int64) if any(weights) else np.ones(len(points), dtype=np.int64)
    heavy = np.bincount(graph.vertex_of_site, weights=counted, minlength=graph.size).astype(np.int64)
    cut = best_cut(graph, heavy, settled > 0, parts)
    polygons = _polygons(graph, cut.labels, parts)
    order = _reading_order(polygons)
    labels = np.argsort(order)[cut.labels[graph.vertex_of_site]]
    return Partition(
        labels=labels,
        polygons=tuple(flat(one) for one in _straightened(polygons[order], points, labels, footprints)),
        weights=tuple(np.bincount(labels, weights=weights, minlength=parts).astype(int).tolist()),
        balance=float(cut.weights.max() / cut.weights.mean()),
        cut_m=cut.border_m,
        method=cut.method,
    )


def _polygons(graph: CellGraph, labels: Numbers, parts: int) -> NDArray[np.object_]:
    of_face = labels[graph.vertex_of_face]
    united = [shapely.coverage_union_all(graph.faces[of_face == part]) for part in range(parts)]
    return np.array(united, dtype=object)


def _reading_order(polygons: NDArray[np.object_]) -> Numbers:
    plots = []
    for key, polygon in enumerate(polygons):
        _, south, _, north = polygon.bounds
        plots.append(Plot(key, polygon.centroid.x, polygon.centroid.y, north - south))
    return np.array([plot.key for plot in reading_order(plots)], dtype=np.int64)


def _straightened(
    polygons: NDArray[np.object_], points: Degrees, labels: Numbers, footprints: Footprints
) -> NDArray[np.object_]:
    """The parts with smoother inner borders that still keep off the buildings; the outer border stays."""
    for tolerance_m in _STRAIGHTEN_M:
        simpler: NDArray[np.object_] = shapely.coverage_simplify(
            polygons, tolerance_m / _METRES_PER_DEGREE, simplify_boundary=False
        )
        if _is_as_good(simpler, polygons, points, labels) and not _cuts_any(simpler, footprints):
            return simpler
    return polygons


def _is_as_good(
    simpler: NDArray[np.object_], polygons: NDArray[np.object_], points: Degrees, labels: Numbers
) -> bool:
    sites = shapely.points(points)
    before, after = polygons[labels], simpler[labels]
    inside = shapely.covers(before, sites)
    room = shapely.distance(shapely.boundary(before), sites)
    left = shapely.distance(shapely.boundary(after), sites)
    keeps_off = (shapely.covers(after, sites) & (left >= _KEPT_DISTANCE * room)) | ~inside
    return bool(keeps_off.all() and shapely.is_valid(simpler).all() and shapely.coverage_is_valid(simpler))


def _cuts_any(polygons: NDArray[np.object_], footprints: Footprints) -> bool:
    """Whether a footprint has ground in two parts."""
    walls = shapely.get_parts(np.array(list(footprints), dtype=object))
    wall, part = shapely.STRtree(polygons).query(walls, predicate="intersects")
    common = shapely.relate_pattern(walls[wall], polygons[part], "T********")
    return bool(len(wall)) and bool(np.bincount(wall[common]).max(initial=0) > 1)
