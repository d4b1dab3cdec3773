"""Made-up cities of irregular grids around Nanjing: 30,400 of level 3 in 304 communities, or 397,600 of them.

A mesh of jittered points: neighbours share their corners, so children fill their parents exactly.
"""

import json
from dataclasses import dataclass
from datetime import date

import numpy as np
import psycopg
import shapely
from sqlalchemy import Engine, text

from core.clock import Week
from geo.cells import packed, polyfill

WEST, SOUTH, EAST, NORTH = 118.40, 31.90, 119.10, 32.35
# 152 x 200 quads of level 3; 2 x 5 of them make a level-2 grid, 2 x 5 of those a community.
ROWS, COLUMNS = 152, 200
LARGE = (568, 700)  # 397,600 of level 3, of the same size on more ground
BLOCK = (2, 5)
STREETS = 20
GRID_COLUMNS = "code, level, parent_id, street_code, community_code, path"
VERSION_COLUMNS = (
    "grid_id, version, name, kind, households, geom, area_m2, cells, source_datum, attributes, valid_from"
)


@dataclass(frozen=True)
class CityGrid:
    grid_id: int
    level: int
    parent_id: int | None
    path: str
    street: str
    shape: shapely.Polygon


def corners(rows: int = ROWS, columns: int = COLUMNS, seed: int = 7) -> np.ndarray:
    """Mesh points, shape (rows + 1, columns + 1, 2), lon/lat; inner ones moved by up to a third of a cell."""
    rng = np.random.default_rng(seed)
    step = np.array([(EAST - WEST) / COLUMNS, (NORTH - SOUTH) / ROWS])
    lon, lat = np.meshgrid(WEST + np.arange(columns + 1) * step[0], NORTH - np.arange(rows + 1) * step[1])
    points = np.stack([lon, lat], axis=-1)
    points[1:-1, 1:-1] += rng.uniform(-0.33, 0.33, points[1:-1, 1:-1].shape) * step
    return points


def outline(mesh: np.ndarray, row: int, column: int, rows: int, columns: int) -> shapely.Polygon:
    """The polygon around a block of quads, running along every mesh point of its rim."""
    top = mesh[row, column : column + columns + 1]
    right = mesh[row : row + rows + 1, column + columns]
    bottom = mesh[row + rows, column : column + columns + 1][::-1]
    left = mesh[row : row + rows + 1, column][::-1]
    return shapely.Polygon(np.concatenate([top[:-1], right[:-1], bottom[:-1], left[:-1]]))


def make_city(size: tuple[int, int] = (ROWS, COLUMNS)) -> list[CityGrid]:
    """All grids, parents before children, numbered from 1."""
    mesh = corners(*size)
    grids: list[CityGrid] = []
    index: dict[tuple[int, int, int], CityGrid] = {}
    for level, factor in ((1, 2), (2, 1), (3, 0)):
        rows, columns = BLOCK[0] ** factor, BLOCK[1] ** factor
        for row in range(0, size[0], rows):
            for column in range(0, size[1], columns):
                parent = None
                if level > 1:
                    up = (BLOCK[0] ** (factor + 1), BLOCK[1] ** (factor + 1))
                    parent = index[level - 1, row // up[0], column // up[1]]
                grid_id = len(grids) + 1
                street = parent.street if parent else f"3201{13 + column * STREETS // size[1]:02d}007"
                path = f"{parent.path if parent else street + '/'}{grid_id}/"
                shape = outline(mesh, row, column, rows, columns)
                grid = CityGrid(grid_id, level, parent.grid_id if parent else None, path, street, shape)
                grids.append(grid)
                index[level, row // rows, column // columns] = grid
    return grids


def extent_of(grids: list[CityGrid]) -> tuple[float, float, float, float]:
    """West, south, east, north."""
    west, south, east, north = shapely.total_bounds(
        [grid.shape for grid in grids if grid.level == 1]
    ).tolist()
    return west, south, east, north


def code_of(grid_id: int) -> str:
    return f"999901{grid_id:014d}"


def load_city(engine: Engine, grids: list[CityGrid], *, with_cells: bool = True) -> None:
    """The city stands in an empty migrated database, with a week of results for every grid.

    Cells take 0.3 ms a grid and are of no use to tiles.
    """
    streets = sorted({grid.street for grid in grids})
    with engine.begin() as connection:
        for code in sorted({s[:6] for s in streets}) + streets:
            connection.execute(
                text(
                    "INSERT INTO divisions VALUES (:code, :code, NULL, 'benchmark', '2020-01-01', NULL)"
                    " ON CONFLICT DO NOTHING"
                ),
                {"code": code},
            )
        driver = connection.connection.driver_connection
        assert driver is not None
        cursor = driver.cursor()
        with cursor.copy(f"COPY grids ({GRID_COLUMNS}) FROM STDIN") as copy:
            for grid in grids:
                code = code_of(grid.grid_id)
                copy.write_row((code, grid.level, grid.parent_id, grid.street, code[6:18], grid.path))
        with cursor.copy(f"COPY grid_versions ({VERSION_COLUMNS}) FROM STDIN") as copy:
            for grid in grids:
                copy.write_row(_version_row(grid, with_cells=with_cells))
        _load_week(cursor, grids)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def _version_row(grid: CityGrid, *, with_cells: bool) -> tuple[object, ...]:
    geom = shapely.set_srid(shapely.MultiPolygon([grid.shape]), 4490)
    cells = packed(polyfill(grid.shape)) if with_cells and grid.level == 3 else None
    name, day = f"第{grid.grid_id}网格", date(2020, 1, 1)
    hexewkb = shapely.to_wkb(geom, hex=True, include_srid=True)
    return (grid.grid_id, 1, name, "residential", 300, hexewkb, 1.0, cells, "EPSG:4490", json.dumps({}), day)


def _load_week(cursor: psycopg.Cursor, grids: list[CityGrid]) -> None:
    monday = Week.of_day(date(2026, 11, 20)).monday
    with cursor.copy("COPY grid_weeks FROM STDIN") as copy:
        for grid in grids:
            pairs = 10 ** (3 - grid.level)
            met = grid.grid_id % (pairs + 1)
            copy.write_row((monday, grid.grid_id, pairs, met, 2 * pairs, met * 2))
