"""Vector tiles of H3 cells: which cells a tile holds, and the cells with their attributes as bytes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.cells import Cells, centres_of, names_of, outline_of
from geo.queries import BBox
from geo.tiles.grids import Tile

# Cells are then about ten to twenty-five pixels wide.
_RESOLUTION_BELOW_ZOOM = ((9, 7), (11, 8), (13, 9), (14, 10))
_FINEST_RESOLUTION = 11
# From the middle of a cell to its corner, in degrees at 60 degrees north.
_REACH_DEG = {7: 0.03, 8: 0.012, 9: 0.0045, 10: 0.0017, 11: 0.0007}

# ST_Transform moves nothing visible from CGCS2000 to web mercator; the buffer is that of geo/tiles/grids.py.
_TILE = text(
    """
    SELECT ST_AsMVT(shown, :layer, 4096, 'geom') FROM (
        SELECT given.cell, given.visits, given.dwell_s, given.unconfirmed, given.state, ST_AsMVTGeom(
            ST_Transform(ST_GeomFromWKB(given.wkb, 4490), 3857),
            ST_TileEnvelope(:zoom, :column, :row), 4096, 64, true
        ) AS geom
        FROM unnest(
            CAST(:cells AS text[]), CAST(:outlines AS bytea[]), CAST(:visits AS integer[]),
            CAST(:dwell_s AS integer[]), CAST(:unconfirmed AS integer[]), CAST(:states AS text[])
        ) AS given(cell, wkb, visits, dwell_s, unconfirmed, state)
    ) AS shown WHERE geom IS NOT NULL
    """
)


@dataclass(frozen=True, slots=True, eq=False)
class DrawnCells:
    """Cells with what a tile says of each; parallel."""

    cells: Cells
    visits: Sequence[int]
    dwell_s: Sequence[int]
    unconfirmed: Sequence[int]
    states: Sequence[str]


def resolution_at(zoom: int) -> int:
    """The resolution that suits a zoom."""
    return next((finer for below, finer in _RESOLUTION_BELOW_ZOOM if zoom < below), _FINEST_RESOLUTION)


def box_of(tile: Tile) -> BBox:
    """The tile in degrees, widened by the reach of a cell: a hexagon on the edge belongs to both sides."""
    reach = _REACH_DEG[resolution_at(tile.zoom)]
    west, north = _corner(tile.zoom, tile.column, tile.row)
    east, south = _corner(tile.zoom, tile.column + 1, tile.row + 1)
    return west - reach, south - reach, east + reach, north + reach


def cells_within(cells: Cells, box: BBox) -> Cells:
    """Those whose centre lies in the box, in order."""
    lon, lat = centres_of(cells)
    west, south, east, north = box
    within: Cells = cells[(lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)]
    return within


def render_cells(session: Session, layer: str, tile: Tile, drawn: DrawnCells) -> bytes:
    """The tile as Mapbox vector tile, empty bytes when none of the cells lies in it."""
    if not len(drawn.cells):
        return b""
    given = {
        "layer": layer,
        "zoom": tile.zoom,
        "column": tile.column,
        "row": tile.row,
        "cells": names_of(drawn.cells),
        "outlines": [shapely.to_wkb(outline_of(cell)) for cell in drawn.cells.tolist()],
        "visits": list(drawn.visits),
        "dwell_s": list(drawn.dwell_s),
        "unconfirmed": list(drawn.unconfirmed),
        "states": list(drawn.states),
    }
    return bytes(session.scalar(_TILE, given) or b"")


def _corner(zoom: int, column: int, row: int) -> tuple[float, float]:
    """Longitude and latitude of the north-west corner of a tile."""
    tiles = 2.0**zoom
    lat = math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * row / tiles))))
    return column / tiles * 360.0 - 180.0, lat
