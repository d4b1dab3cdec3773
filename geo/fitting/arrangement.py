"""The faces between all boundaries of a family of grids, and who owns which: the ground of every edit.

GEOS nodes the linework by snap rounding to a fixed grid of 1e-9 degrees (0.1 mm) and builds the faces, which
share their vertices exactly; a shape made of faces therefore fits its neighbours without gap or overlap.
Vertices of the shapes given come back as they were, to the last bit.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Generic, TypeVar

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon
from shapely.geometry.base import BaseGeometry

from geo.fitting.topology import Tolerance, extent_of, flat, polygons_of

GRID_SIZE = 1e-9  # degrees
_PER_DEGREE = 1e9
_METRES_PER_DEGREE = 111_320.0

Key = TypeVar("Key", bound=Hashable)
Mask = NDArray[np.bool_]  # one truth per face, or per owner and face


class Arrangement:
    """All faces bounded by the given shapes and lines; none of them is crossed by any."""

    def __init__(self, shapes: Iterable[BaseGeometry], drawn: Iterable[BaseGeometry] = ()) -> None:
        """Vertices of `shapes` are kept to the bit, those of `drawn` are rounded to the grid."""
        kept = list(shapes)
        linework = [shapely.boundary(one) if _is_areal(one) else one for one in (*kept, *drawn)]
        noded = shapely.union_all(linework, grid_size=GRID_SIZE)
        faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
        self.faces: NDArray[np.object_] = _restored(faces, shapely.get_coordinates(kept))
        self._points = shapely.point_on_surface(self.faces)
        self._tree = shapely.STRtree(self._points)

    def inside(self, shapes: Sequence[BaseGeometry]) -> Mask:
        """Which faces lie in which shape: one row per shape."""
        found = np.zeros((len(shapes), len(self.faces)), dtype=np.bool_)
        if len(shapes) and len(self.faces):
            rows, faces = self._tree.query(np.array(shapes, dtype=object), predicate="contains")
            found[rows, faces] = True
        return found

    def union(self, faces: Mask) -> MultiPolygon:
        """The ground of these faces as one shape, every vertex on its rim kept."""
        return flat(shapely.coverage_union_all(self.faces[faces]))

    def pieces(self, faces: Mask) -> list[Mask]:
        """These faces in groups that hang together along edges."""
        if not faces.any():
            return []
        number = np.flatnonzero(faces)
        parts = shapely.get_parts(shapely.coverage_union_all(self.faces[number]))
        part_of, face = shapely.STRtree(self._points[number]).query(parts, predicate="contains")
        groups = np.zeros((len(parts), len(self.faces)), dtype=np.bool_)
        groups[part_of, number[face]] = True
        return list(groups)

    def is_noise(self, faces: Mask, tolerance: Tolerance) -> bool:
        """Whether all that these faces make is too thin or too small to mean anything."""
        parts = polygons_of(shapely.coverage_union_all(self.faces[faces]))
        return all(tolerance.is_noise(*extent_of(part)) for part in parts)

    def single(self, faces: Mask) -> list[Mask]:
        """Each of these faces by itself."""
        number = np.flatnonzero(faces)
        each = np.zeros((len(number), len(self.faces)), dtype=np.bool_)
        each[np.arange(len(number)), number] = True
        return list(each)

    def borders_m(self, faces: Mask, owned: Mask) -> NDArray[np.float64]:
        """How long a border these faces share with each owner, by the metric of the middle latitude."""
        left, right, length_m = self._edges
        along = np.zeros(len(self.faces))
        for inner, outer in ((left, right), (right, left)):
            rim = faces[inner] & ~faces[outer]
            np.add.at(along, outer[rim], length_m[rim])
        shared: NDArray[np.float64] = owned.astype(np.float64) @ along
        return shared

    @cached_property
    def _edges(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """The two faces on either side of each inner edge, and its length."""
        rings, face_of_ring = shapely.get_rings(self.faces, return_index=True)
        xy, ring = shapely.get_coordinates(rings, return_index=True)
        within = ring[:-1] == ring[1:]
        start, end = _keys(xy[:-1][within]), _keys(xy[1:][within])
        face = face_of_ring[ring[:-1][within]]
        low, high = np.minimum(start, end), np.maximum(start, end)
        order = np.lexsort((high.imag, high.real, low.imag, low.real))
        low, high, face = low[order], high[order], face[order]
        twin = np.flatnonzero((low[:-1] == low[1:]) & (high[:-1] == high[1:]))
        step = (high[twin] - low[twin]) / _PER_DEGREE * _METRES_PER_DEGREE
        shrink = np.cos(np.radians(xy[:, 1].mean())) if len(xy) else 1.0
        return face[twin], face[twin + 1], np.hypot(step.real * shrink, step.imag)


class Ground(Generic[Key]):
    """Who owns which faces, to be changed face by face; drafts may overlap, so a face can have two owners."""

    def __init__(self, arrangement: Arrangement, shapes: Mapping[Key, BaseGeometry]) -> None:
        self.arrangement = arrangement
        self.keys = list(shapes)
        self.owned = arrangement.inside(list(shapes.values()))
        self._before = self.owned.copy()

    @property
    def covered(self) -> Mask:
        """Faces that belong to somebody."""
        return np.asarray(self.owned.any(axis=0))

    def row(self, key: Key) -> int:
        return self.keys.index(key)

    def take(self, row: int, faces: Mask) -> None:
        """These faces belong to this owner alone."""
        self.owned[:, faces] = False
        self.owned[row, faces] = True

    def give(self, faces: Mask, rows: Sequence[int]) -> int | None:
        """These faces belong to the owner with the longest border; to nobody when none touches."""
        self.owned[:, faces] = False
        lengths = self.arrangement.borders_m(faces, self.owned[rows])
        if not len(lengths) or lengths.max() <= 0:
            return None
        heir = rows[int(lengths.argmax())]
        self.owned[heir, faces] = True
        return heir

    def nearest(self, faces: Mask, rows: Sequence[int]) -> int | None:
        """The owner whose ground is nearest to these faces; None when none has any."""
        here = self.arrangement.union(faces)
        away = {
            row: shapely.distance(here, self.arrangement.union(self.owned[row]))
            for row in rows
            if self.owned[row].any()
        }
        return min(away, key=lambda row: away[row]) if away else None

    def sweep(self, family: Sequence[int], tolerance: Tolerance) -> None:
        """Slivers cut off from the rest of an owner's ground go to the neighbour they border most."""
        for row in family:
            if (self.owned[row] == self._before[row]).all():
                continue
            pieces = self.arrangement.pieces(self.owned[row])
            slivers = [piece for piece in pieces if self.arrangement.is_noise(piece, tolerance)]
            if len(slivers) < len(pieces):
                for piece in slivers:
                    others = [other for other in family if other != row]
                    if self.give(piece, others) is None:
                        self.owned[row, piece] = True

    def uncovered(self) -> MultiPolygon | None:
        """Ground that belonged to somebody and now belongs to nobody."""
        bare = self._before.any(axis=0) & ~self.covered
        return self.arrangement.union(bare) if bare.any() else None

    def changed(self) -> tuple[dict[Key, MultiPolygon], tuple[Key, ...]]:
        """New shapes of the owners whose ground changed, and those who have none left."""
        shapes: dict[Key, MultiPolygon] = {}
        emptied: list[Key] = []
        for row in np.flatnonzero((self.owned != self._before).any(axis=1)).tolist():
            if self.owned[row].any():
                shapes[self.keys[row]] = self.arrangement.union(self.owned[row])
            else:
                emptied.append(self.keys[row])
        return shapes, tuple(emptied)


def _is_areal(shape: BaseGeometry) -> bool:
    return shape.geom_type in {"Polygon", "MultiPolygon"}


def _keys(xy: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Positions on the grid as whole numbers, rounded as GEOS rounds: half up. Complex, to sort in pairs."""
    keys: NDArray[np.complex128] = np.floor(xy * _PER_DEGREE + 0.5) @ np.array([1, 1j])
    return keys


def _restored(faces: NDArray[np.object_], originals: NDArray[np.float64]) -> NDArray[np.object_]:
    """The faces with the vertices that rounding moved put back where they were.

    A vertex moves by less than the grid, which can only matter where a line passes that close; there the
    rounded faces, which always fit, are kept.
    """
    known, first = np.unique(_keys(originals), return_index=True)
    if not len(known) or not len(faces):
        return faces

    def back(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        keys = _keys(xy)
        place = np.minimum(np.searchsorted(known, keys), len(known) - 1)
        same = known[place] == keys
        return np.where(same[:, np.newaxis], originals[first[place]], xy)

    restored: NDArray[np.object_] = shapely.transform(faces, back)
    sound = shapely.is_valid(restored).all() and shapely.coverage_is_valid(restored)
    return restored if sound else faces
