"""A sparse raster over polygons: which of them holds a point, read off for most cells, tested for the rest.

A cell crossed by no boundary lies in one polygon or in none, so its answer is stored. A cell crossed by a
boundary holds the list of polygons that reach into it, and those are tested exactly by GEOS: the raster
decides nothing near a boundary. Built with array operations only, so that tens of thousands of polygons take
seconds. Blocks of cells exist only where there are polygons: one deployment may hold distant cities.
"""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

Degrees = NDArray[np.float64]
Integers = NDArray[np.int64]

_CELLS_PER_POLYGON = 16  # along the side of the median polygon; then one point in six is tested exactly
_SIDE_BITS = 6
_SIDE = 2**_SIDE_BITS  # cells along a block
_AREA = _SIDE * _SIDE
_MAX_CELLS = 2**25  # 128 MiB; a coarser raster is slower, never wrong
_MAX_BLOCKS_IN_TABLE = 2**22
_POLYGONS_AT_ONCE = 4096  # bounds the memory while building
# Boundaries are widened by this part of a cell while cells are marked: far above rounding, far below a metre.
_MARGIN = 1e-6

_NOTHING = -1  # cell value; >= 0: wholly in that polygon; <= -2: row (-2 - value) of the lists


@dataclass(frozen=True, slots=True)
class _Frame:
    """The lattice of cells: lattice position = (lon/lat - origin) * per_degree."""

    origin: Degrees
    per_degree: float
    blocks_along: int
    blocks_up: int

    def lattice(self, xy: Degrees) -> Degrees:
        return (xy - self.origin) * self.per_degree


class CellRaster:
    """Finds the first polygon, in array order, that covers a point; a boundary belongs to its polygon."""

    def __init__(self, polygons: NDArray[np.object_]) -> None:
        self._polygons = polygons
        shapely.prepare(polygons)
        self._frame, used = _fit_frame(shapely.bounds(polygons))
        # Block 0 stands for everything outside: one gather answers "nothing" there.
        self._block_of = np.zeros(used.size, dtype=np.int64)
        self._block_of[used] = np.arange(1, np.count_nonzero(used) + 1)
        self._values = np.full((np.count_nonzero(used) + 1) * _AREA, _NOTHING, dtype=np.int32)
        crossings, holders = self._fill()
        self._list(crossings, holders)

    def locate(self, lon: Degrees, lat: Degrees) -> Integers:
        """Array position of the polygon at each point, -1 for none. Not a number is nowhere."""
        found = self._values[self._cells_at(lon, lat)].astype(np.int64)
        doubtful = np.flatnonzero(found < _NOTHING)
        # Neighbours together: a polygon still in the processor's cache is tested four times sooner.
        doubtful = doubtful[np.argsort(found[doubtful])]
        rows = -2 - found[doubtful]
        found[doubtful] = _NOTHING
        x, y = lon[doubtful], lat[doubtful]
        following, end = self._list_starts[rows], self._list_starts[rows + 1]
        while doubtful.size:
            candidates = self._lists[following]
            hit = shapely.intersects_xy(self._polygons[candidates], x, y)
            found[doubtful[hit]] = candidates[hit]
            following = following + 1
            still = np.flatnonzero(~hit & (following < end))
            doubtful, following, end = doubtful[still], following[still], end[still]
            x, y = x[still], y[still]
        return found

    def _cells_at(self, lon: Degrees, lat: Degrees) -> Integers:
        """Address of the cell at each point; one of block 0 for points outside."""
        column = (lon - self._frame.origin[0]) * self._frame.per_degree
        row = (lat - self._frame.origin[1]) * self._frame.per_degree
        inside = (column >= 0) & (column < self._frame.blocks_along * _SIDE)
        inside &= (row >= 0) & (row < self._frame.blocks_up * _SIDE)
        outside = ~inside
        column[outside] = row[outside] = 0.0  # the lattice starts with a margin: its first cell is empty
        return self._addresses(column.astype(np.int64), row.astype(np.int64))

    def _addresses(self, column: Integers, row: Integers) -> Integers:
        # Bits instead of // and %: neither is ever negative, and numpy divides whole numbers slowly.
        block = self._block_of[(row >> _SIDE_BITS) * self._frame.blocks_along + (column >> _SIDE_BITS)]
        addresses: Integers = block * _AREA + (row & _SIDE - 1) * _SIDE + (column & _SIDE - 1)
        return addresses

    # -------------------------------------------------------------------------------------- building

    def _fill(self) -> tuple[Integers, Integers]:
        """Open cells get their polygon; returned are (address, polygon) keys of crossed cells and holders."""
        crossings, holders = [], []
        count = self._polygons.size
        # From the last polygon to the first, so that the first one has the last word on a cell of several.
        for start in reversed(range(0, count, _POLYGONS_AT_ONCE)):
            edges = _edges(self._polygons[start : start + _POLYGONS_AT_ONCE], start, self._frame)
            column, row, polygon = _crossed_cells(edges)
            crossings.append(_distinct(self._addresses(column, row) * count + polygon))
            column, row, polygon = _cells_with_middle_inside(edges)
            address = self._addresses(column, row)
            self._values[address[::-1]] = polygon[::-1]
            holders.append(address * count + polygon)
        crossed = np.concatenate(crossings)
        self._values[crossed // count] = -2
        held = np.concatenate(holders)
        return crossed, held[self._values[held // count] == -2]

    def _list(self, crossings: Integers, holders: Integers) -> None:
        """Every crossed cell points to the list of polygons that cross or hold it, in array order."""
        count = self._polygons.size
        pairs = _distinct(np.concatenate((crossings, holders)))
        addresses, self._lists = pairs // count, (pairs % count).astype(np.int32)
        starts = np.flatnonzero(np.append(True, addresses[1:] != addresses[:-1]))
        self._values[addresses[starts]] = -2 - np.arange(starts.size)
        self._list_starts = np.append(starts, pairs.size)


def _fit_frame(bounds: Degrees) -> tuple[_Frame, NDArray[np.bool_]]:
    """A lattice whose cells suit the usual polygon, and which of its blocks a polygon's box reaches into."""
    sides = np.sqrt((bounds[:, 2] - bounds[:, 0]) * (bounds[:, 3] - bounds[:, 1]))
    cell = float(np.median(sides)) / _CELLS_PER_POLYGON
    while True:
        low = bounds[:, :2].min(axis=0) - 2 * cell
        span = bounds[:, 2:].max(axis=0) + 2 * cell - low
        along, up = (int(blocks) + 1 for blocks in span / cell / _SIDE)
        frame = _Frame(low, 1.0 / cell, along, up)
        if along * up <= _MAX_BLOCKS_IN_TABLE:
            used = _used_blocks(frame, bounds)
            if np.count_nonzero(used) * _AREA <= _MAX_CELLS:
                return frame, used
        cell *= 1.25


def _used_blocks(frame: _Frame, bounds: Degrees) -> NDArray[np.bool_]:
    """Which blocks a bounding box reaches into: a two-dimensional running sum over corners of boxes."""
    low = ((frame.lattice(bounds[:, :2]) - _MARGIN) // _SIDE).astype(np.int64)
    high = ((frame.lattice(bounds[:, 2:]) + _MARGIN) // _SIDE).astype(np.int64) + 1
    corners = np.zeros((frame.blocks_up + 1, frame.blocks_along + 1), dtype=np.int64)
    np.add.at(corners, (low[:, 1], low[:, 0]), 1)
    np.add.at(corners, (high[:, 1], high[:, 0]), 1)
    np.add.at(corners, (low[:, 1], high[:, 0]), -1)
    np.add.at(corners, (high[:, 1], low[:, 0]), -1)
    covered = corners.cumsum(axis=0).cumsum(axis=1)[:-1, :-1]
    return np.asarray(covered > 0).ravel()


# -------------------------------------------------------------------------------- from edges to cells


@dataclass(frozen=True, slots=True)
class _Edges:
    """Edges of polygons in lattice units, the lower end first."""

    x0: Degrees
    y0: Degrees
    x1: Degrees
    y1: Degrees
    polygon: Integers

    def x_at(self, edge: Integers, y: NDArray[np.floating]) -> Degrees:
        """Where an edge is at height y, held between its ends."""
        rise = self.y1[edge] - self.y0[edge]
        share = ((y - self.y0[edge]) / np.where(rise == 0, 1.0, rise)).clip(0.0, 1.0)
        x: Degrees = self.x0[edge] + share * (self.x1[edge] - self.x0[edge])
        return x


def _edges(polygons: NDArray[np.object_], first: int, frame: _Frame) -> _Edges:
    """Every edge of every ring; polygons are numbered from `first`."""
    parts, polygon_of_part = shapely.get_parts(polygons, return_index=True)
    rings, part_of_ring = shapely.get_rings(parts, return_index=True)
    xy, ring_of_point = shapely.get_coordinates(rings, return_index=True)
    joined = ring_of_point[1:] == ring_of_point[:-1]
    polygon = polygon_of_part[part_of_ring[ring_of_point[:-1][joined]]] + first
    start, end = frame.lattice(xy[:-1][joined]), frame.lattice(xy[1:][joined])
    upward = start[:, 1] <= end[:, 1]
    low, high = np.where(upward[:, None], start, end), np.where(upward[:, None], end, start)
    return _Edges(low[:, 0], low[:, 1], high[:, 0], high[:, 1], polygon)


def _crossed_cells(edges: _Edges) -> tuple[Integers, Integers, Integers]:
    """Column, row and polygon of every cell that an edge touches within the margin; repeats occur."""
    edge, row = _counted(_floor(edges.y0 - _MARGIN), _floor(edges.y1 + _MARGIN))
    entry, exit_ = edges.x_at(edge, row - _MARGIN), edges.x_at(edge, row + 1 + _MARGIN)
    level = edges.y0[edge] == edges.y1[edge]
    entry, exit_ = np.where(level, edges.x0[edge], entry), np.where(level, edges.x1[edge], exit_)
    stretch, column = _counted(
        _floor(np.minimum(entry, exit_) - _MARGIN), _floor(np.maximum(entry, exit_) + _MARGIN)
    )
    return column, row[stretch], edges.polygon[edge[stretch]]


def _cells_with_middle_inside(edges: _Edges) -> tuple[Integers, Integers, Integers]:
    """Column, row and polygon of every cell whose middle a polygon holds, by scan lines through the middles.

    Rounding can misjudge only middles that an edge passes through, and that edge crosses the cell.
    """
    edge, row = _counted(_floor(np.ceil(edges.y0 - 0.5)), _floor(np.ceil(edges.y1 - 0.5)) - 1)
    x, polygon = edges.x_at(edge, row + 0.5), edges.polygon[edge]
    order = np.lexsort((x, row, polygon))
    x, row, polygon = x[order], row[order], polygon[order]
    enters, leaves = x[0::2], x[1::2]  # a sound boundary meets every line an even number of times
    span, column = _counted(_floor(np.ceil(enters - 0.5)), _floor(np.ceil(leaves - 0.5)) - 1)
    return column, row[0::2][span], polygon[0::2][span]


def _counted(first: Integers, last: Integers) -> tuple[Integers, Integers]:
    """All whole numbers of each range, last included: position of the range, number."""
    counts = np.maximum(last - first + 1, 0)
    owner = np.repeat(np.arange(first.size), counts)
    offset = np.arange(owner.size) - np.repeat(counts.cumsum() - counts, counts)
    return owner, first[owner] + offset


def _floor(values: Degrees) -> Integers:
    return np.floor(values).astype(np.int64)


def _distinct(values: Integers) -> Integers:
    """Sorted, each once. numpy's own unique hashes first and took ten times as long on millions of keys."""
    ordered = np.sort(values)
    distinct: Integers = ordered[np.append(True, ordered[1:] != ordered[:-1])]
    return distinct
