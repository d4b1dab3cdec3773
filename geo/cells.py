"""H3 cells: the raster in which coverage and heat are counted. The only file that knows h3.

Cells travel as uint64 arrays. Measured on one core of a shared 2-core machine, h3 4.5: cells_of 0.9-1.5 us a
point, polyfill about 5 us a cell (0.25 ms for a grid of 7 ha at resolution 11).
h3 4 has no vectorised entry points; a list comprehension over plain floats is the fastest public way.
"""

from collections.abc import Iterable

import h3.api.basic_int as h3
import numpy as np
from h3 import LatLngPoly
from numpy.typing import ArrayLike, NDArray
from shapely.geometry import LinearRing, Polygon
from shapely.geometry.base import BaseGeometry

Cells = NDArray[np.uint64]

_FINEST = 15  # of H3
_RESOLUTION_BITS = np.uint64(0xF << 52)

COVERAGE_RESOLUTION = 11  # cells of about 2,150 m2, edge 29 m: about a street's width


def polyfill(geometry: BaseGeometry, resolution: int = COVERAGE_RESOLUTION) -> Cells:
    """The cells whose centre lies inside, sorted; never none, so that no grid is too small to cover."""
    found: set[int] = set()
    for polygon in _polygons(geometry):
        rings = [_lat_lng(ring) for ring in (polygon.exterior, *polygon.interiors)]
        found.update(h3.h3shape_to_cells(LatLngPoly(rings[0], *rings[1:]), resolution))
    if not found and not geometry.is_empty:
        inner = geometry.representative_point()
        found.add(h3.latlng_to_cell(inner.y, inner.x, resolution))
    return np.array(sorted(found), dtype=np.uint64)


def cells_of(lon: ArrayLike, lat: ArrayLike, resolution: int = COVERAGE_RESOLUTION) -> Cells:
    """The cell of each position, in order; 0 where a coordinate is not finite."""
    longitudes, latitudes = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    finite = np.isfinite(longitudes) & np.isfinite(latitudes)
    cells = np.zeros(longitudes.shape, dtype=np.uint64)
    pairs = zip(latitudes[finite].tolist(), longitudes[finite].tolist(), strict=True)
    cell = h3.latlng_to_cell
    cells[finite] = [cell(y, x, resolution) for y, x in pairs]
    return cells


def parents_of(cells: ArrayLike, resolution: int) -> Cells:
    """The coarser cell around each cell, in order.

    By the bits of the index (https://h3geo.org/docs/core-library/h3Indexing): the resolution is replaced and
    the digits below it are set to 7, which says unused. A hundred times sooner than asking h3 one by one.
    """
    found = np.asarray(cells, dtype=np.uint64)
    unused = np.uint64((1 << 3 * (_FINEST - resolution)) - 1)
    parents: Cells = (found & ~_RESOLUTION_BITS) | np.uint64(resolution << 52) | unused
    return parents


def neighbours_of(cells: ArrayLike) -> Cells:
    """The cells and those that touch one of them, sorted."""
    found: set[int] = set()
    for cell in np.asarray(cells, dtype=np.uint64).tolist():
        found.update(h3.grid_disk(cell, 1))
    return np.array(sorted(found), dtype=np.uint64)


def rings_of(cells: ArrayLike) -> list[list[tuple[float, float]]]:
    """The closed outline of each cell in order, lon/lat, counterclockwise as RFC 7946 wants it."""
    rings = []
    for cell in np.asarray(cells, dtype=np.uint64).tolist():
        ring = [(round(lng, 7), round(lat, 7)) for lat, lng in h3.cell_to_boundary(cell)]
        rings.append([*ring, ring[0]])
    return rings


def names_of(cells: ArrayLike) -> list[str]:
    """Each cell as H3 writes it, such as 8b310b1a2c4dfff."""
    return [f"{cell:x}" for cell in np.asarray(cells, dtype=np.uint64).tolist()]


def centres_of(cells: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitude and latitude of the middle of each cell."""
    points = [h3.cell_to_latlng(cell) for cell in np.asarray(cells, dtype=np.uint64).tolist()]
    lat_lng = np.array(points, dtype=np.float64).reshape(-1, 2)
    return lat_lng[:, 1], lat_lng[:, 0]


def outline_of(cell: int) -> Polygon:
    """The hexagon of a cell, lon/lat."""
    return Polygon([(lng, lat) for lat, lng in h3.cell_to_boundary(cell)])


def packed(cells: Cells) -> bytes:
    """Cells as stored in a bytea column: little endian, sorted."""
    return np.sort(cells).astype("<u8").tobytes()


def unpacked(stored: bytes) -> Cells:
    """The cells of a bytea column."""
    return np.frombuffer(stored, dtype="<u8").astype(np.uint64)


def _polygons(geometry: BaseGeometry) -> Iterable[Polygon]:
    if isinstance(geometry, Polygon):
        return [geometry]
    return [part for part in getattr(geometry, "geoms", []) if isinstance(part, Polygon)]


def _lat_lng(ring: LinearRing) -> list[tuple[float, float]]:
    return [(lat, lng) for lng, lat, *_ in ring.coords[:-1]]
