"""Positions at every level: our index, shapely's STRtree (prepared polygons), SedonaDB, the PostGIS join.

Every answer is compared, point by point, before anything is timed.
"""

import io
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import shapely
from sqlalchemy import Engine, text

from benchmarks.city import EAST, NORTH, SOUTH, WEST, CityGrid
from benchmarks.table import Line, Taken, seconds, taken
from geo.locating.index import GridIndex, IndexedGrid

POINTS = 100_000
MANY_POINTS = 1_000_000
FEW_POINTS = 60  # a segment of a patrol
LEVELS = (1, 2, 3)
SEDONA = Path(__file__).with_name("sedona_peer.py")
PEER_PYTHON = Path(__file__).resolve().parent.parent / ".venv-bench" / "bin" / "python"


def positions(count: int, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.uniform(WEST, EAST, count), rng.uniform(SOUTH, NORTH, count)


class ByTree:
    """A tree of prepared polygons for each level."""

    def __init__(self, grids: list[CityGrid]) -> None:
        self._ids = {level: np.array([g.grid_id for g in grids if g.level == level]) for level in LEVELS}
        shapes = {level: [g.shape for g in grids if g.level == level] for level in LEVELS}
        self._trees = {level: shapely.STRtree(members) for level, members in shapes.items()}
        for members in shapes.values():
            shapely.prepare(members)

    def locate(self, lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
        points = shapely.points(lon, lat)
        found = np.zeros((len(lon), len(LEVELS)), dtype=np.int64)
        for column, (level, tree) in enumerate(self._trees.items()):
            point, polygon = tree.query(points, predicate="intersects")
            found[point[::-1], column] = self._ids[level][polygon[::-1]]  # the lowest wins on a boundary
        return found


def by_sedona(grids: list[CityGrid], lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, Taken]:
    """One join over all levels, tables in memory, every core of the machine."""
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder) / "asked.npz", Path(folder) / "answered.npz"
        wkb = np.array([shapely.to_wkb(grid.shape) for grid in grids], dtype=object)
        np.savez(asked, lon=lon, lat=lat, wkb=wkb)
        subprocess.run([PEER_PYTHON, SEDONA, asked, answered], check=True)
        said = np.load(answered)
        point, grid = said["point"], said["grid"]
        wall_s, cpu_s = said["taken"].tolist()
    order = np.argsort(-grid)  # the lowest has the last word
    ids, levels = (np.array([getattr(one, name) for one in grids]) for name in ("grid_id", "level"))
    found = np.zeros((len(lon), len(LEVELS)), dtype=np.int64)
    found[point[order], levels[grid[order]] - 1] = ids[grid[order]]
    return found, Taken(wall_s, cpu_s)


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
    indexed = [IndexedGrid(g.grid_id, g.level, g.parent_id, g.shape) for g in grids]
    index, tree = GridIndex(indexed), ByTree(grids)
    lon, lat = positions(POINTS)
    us = taken(lambda: index.locate(lon, lat))
    work = f"locate {POINTS:,} points at 3 levels of {len(grids):,} grids, one lookup"
    ours = f"{POINTS / us.wall_s / 1e6:.2f} M points/s, {us}"
    found = index.locate(lon, lat)[:, : len(LEVELS)]
    assert np.array_equal(found, tree.locate(lon, lat)), "the index and the tree disagree"
    peer = taken(lambda: tree.locate(lon, lat), runs=3)
    join = seconds(lambda: by_join(engine, lon, lat), runs=1, warm_up=0)
    return [
        Line(work, ours, f"shapely STRtree, prepared {peer}", peer.wall_s / us.wall_s),
        Line(work, ours, f"PostGIS join incl. copy {join * 1000:.0f} ms", join / us.wall_s),
        *[beside_sedona(index, grids, count) for count in (POINTS, MANY_POINTS)],
        few_points(index, tree),
        Line(
            f"build the index of {len(grids):,} grids",
            f"{seconds(lambda: GridIndex(indexed), runs=3, warm_up=0):.1f} s",
            "",
        ),
    ]


def beside_sedona(index: GridIndex, grids: list[CityGrid], count: int) -> Line:
    lon, lat = positions(count, seed=4)
    found, peer = by_sedona(grids, lon, lat)
    assert np.array_equal(index.locate(lon, lat)[:, : len(LEVELS)], found), "the index and SedonaDB disagree"
    us = taken(lambda: index.locate(lon, lat))
    ratio = peer.wall_s / us.wall_s
    ours = f"{count / us.wall_s / 1e6:.2f} M points/s, {us}"
    work = f"locate {count:,} points at 3 levels, one thread; equal point by point"
    return Line(work, ours, f"SedonaDB, all cores {peer}", ratio, "≥ 1x", ratio >= 1.0)


def few_points(index: GridIndex, tree: ByTree) -> Line:
    lon, lat = positions(FEW_POINTS, seed=5)
    us = seconds(lambda: index.locate(lon, lat), runs=200, warm_up=20)
    peer = seconds(lambda: tree.locate(lon, lat), runs=200, warm_up=20)
    return Line(
        f"locate {FEW_POINTS} points at 3 levels",
        f"{us * 1e6:.0f} us",
        f"shapely STRtree, prepared {peer * 1e6:.0f} us",
        peer / us,
    )
