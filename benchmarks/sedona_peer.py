"""SedonaDB's side of benchmarks/locating.py; runs in .venv-bench, so it imports nothing of the product.

Arguments: file with `lon`, `lat` and the polygons (`wkb`) as numpy arrays; file for the answer: pairs of the
places of point and polygon, and wall and processor seconds of the join. Tables are in memory before the
clock starts.
"""

import sys
import time
from importlib import import_module
from pathlib import Path

import numpy as np

RUNS = 5
JOIN = "SELECT p.n AS point, g.n AS grid FROM points p JOIN grids g ON ST_Intersects(g.geometry, p.geometry)"


def main() -> None:
    asked, answered = Path(sys.argv[1]), Path(sys.argv[2])
    # Names that only that environment knows.
    shapely, geopandas, sedonadb = (import_module(name) for name in ("shapely", "geopandas", "sedonadb"))
    given = np.load(asked, allow_pickle=True)
    points = shapely.points(given["lon"], given["lat"])
    grids = shapely.from_wkb(given["wkb"])
    engine = sedonadb.connect()
    for name, shapes in (("points", points), ("grids", grids)):
        table = geopandas.GeoDataFrame({"n": np.arange(len(shapes))}, geometry=shapes)
        engine.create_data_frame(table).to_memtable().to_view(name)
    walls, cpus = [], []
    for _ in range(RUNS + 1):
        wall, cpu = time.perf_counter(), time.process_time()
        found = engine.sql(JOIN).to_arrow_table()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    point, grid = (found[name].to_numpy() for name in ("point", "grid"))
    np.savez(answered, point=point, grid=grid, taken=[np.median(walls[1:]), np.median(cpus[1:])])


if __name__ == "__main__":
    main()
