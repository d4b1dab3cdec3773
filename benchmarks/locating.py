"""100,000 positions at every level: our index, shapely's STRtree (prepared polygons), the PostGIS join."""

import io

import numpy as np
import shapely
from sqlalchemy import Engine, text

from benchmarks.city import EAST, NORTH, SOUTH, WEST, CityGrid
from benchmarks.table import Line, seconds
from geo.index import GridIndex, IndexedGrid

POINTS = 100_000
LEVELS = (1, 2, 3)


def positions(seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.uniform(WEST, EAST, POINTS), rng.uniform(SOUTH, NORTH, POINTS)


def by_tree(trees: dict[int, shapely.STRtree], lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """Position of the containing polygon per level (-1 none), with the tree's prepared predicate."""
    points = shapely.points(lon, lat)
    found = np.full((len(lon), len(LEVELS)), -1)
    for column, tree in enumerate(trees.values()):
        point, polygon = tree.query(points, predicate="intersects")
        found[point[::-1], column] = polygon[::-1]  # the lowest polygon wins on a boundary
    return found


def by_join(engine: Engine, lon: np.ndarray, lat: np.ndarray) -> int:
    """Rows of the point-in-polygon join over all levels, grids as the outer side (its faster plan)."""
    with engine.connect() as connection:
        connection.execute(text("CREATE TEMP TABLE asked (place geometry(Point, 4490)) ON COMMIT DROP"))
        driver = connection.connection.driver_connection
        assert driver is not None
        rows = io.StringIO("\n".join(f"SRID=4490;POINT({x} {y})" for x, y in zip(lon, lat, strict=True)))
        with driver.cursor().copy("COPY asked FROM STDIN") as copy:
            copy.write(rows.read())
        connection.execute(text("CREATE INDEX ON asked USING gist (place)"))
        connection.execute(text("ANALYZE asked"))
        join = "SELECT count(*) FROM grid_versions g JOIN asked a ON ST_Intersects(g.geom, a.place)"
        count = connection.scalar(text(join))
        connection.rollback()
    assert isinstance(count, int)
    return count


def run(engine: Engine, grids: list[CityGrid]) -> list[Line]:
    lon, lat = positions()
    index = GridIndex([IndexedGrid(g.grid_id, g.level, g.parent_id, g.shape) for g in grids])
    shapes = {level: [g.shape for g in grids if g.level == level] for level in LEVELS}
    ids = {level: np.array([g.grid_id for g in grids if g.level == level] + [0]) for level in LEVELS}
    trees = {level: shapely.STRtree(members) for level, members in shapes.items()}
    for members in shapes.values():
        shapely.prepare(members)

    ours = index.locate(lon, lat)[:, : len(LEVELS)]
    theirs = by_tree(trees, lon, lat)
    for column, level in enumerate(LEVELS):
        assert np.array_equal(ours[:, column], ids[level][theirs[:, column]]), (
            "the index and the tree disagree"
        )

    us = seconds(lambda: index.locate(lon, lat))
    tree = seconds(lambda: by_tree(trees, lon, lat), runs=3)
    join = seconds(lambda: by_join(engine, lon, lat), runs=1, warm_up=0)
    rate = f"{POINTS / us / 1e6:.2f} M points/s ({us * 1000:.0f} ms)"
    work = f"locate {POINTS:,} points at 3 levels of {len(grids):,} grids"
    return [
        Line(work, rate, f"shapely STRtree, prepared {tree * 1000:.0f} ms", tree / us),
        Line(work, rate, f"PostGIS join incl. copy {join * 1000:.0f} ms", join / us),
    ]
