"""How long checking a whole city takes, beside shapely pair by pair and a self-join in PostGIS.

The city is asked twice: as it is, where everything fits, and with each corner of every level-3 grid up to
0.4 m off, where nearly every edge has a fault. The peers look for overlaps of siblings and for nothing else.
"""

from collections import defaultdict
from collections.abc import Mapping
from itertools import combinations

import numpy as np
import shapely
from sqlalchemy import Engine, text

from benchmarks.city import CityGrid
from benchmarks.table import Line, Taken, taken
from geo.fitting.faults import check_top, check_tree
from geo.fitting.topology import extent_of, polygons_of

OFF = 4e-6  # degrees, 0.4 m
LIMIT_S = 60.0
Shapes = Mapping[int, shapely.Polygon]

SELF_JOIN = text(
    """
    SELECT count(*)
    FROM grids one
    JOIN grids other ON other.parent_id IS NOT DISTINCT FROM one.parent_id AND other.grid_id > one.grid_id
    JOIN grid_versions a ON a.grid_id = one.grid_id
    JOIN grid_versions b ON b.grid_id = other.grid_id AND b.geom && a.geom
    WHERE ST_Area(ST_Intersection(a.geom, b.geom)) > 1e-13
    """
)


def run(engine: Engine, grids: list[CityGrid]) -> list[Line]:
    """Everything that can be wrong, in all families of all levels, in under a minute."""
    sound = {grid.grid_id: grid.shape for grid in grids}
    shaken = sound | {grid.grid_id: moved for grid, moved in _shaken(grids)}
    parents = {grid.grid_id: grid.parent_id for grid in grids}
    tops = {grid.grid_id: grid.shape for grid in grids if grid.level == 1}

    def city(shapes: Shapes) -> int:
        return len(check_tree(shapes, parents).faults) + len(check_top(tops, {}, gap_m=5.0).faults)

    def self_join() -> int:
        with engine.connect() as connection:
            return int(connection.execute(SELF_JOIN).scalar_one())

    if any(wrong := (city(sound), self_join(), _pair_by_pair(sound, parents))):
        raise RuntimeError(f"the city does not fit: {wrong}")
    by_pairs = taken(lambda: _pair_by_pair(sound, parents), runs=1, warm_up=0)
    by_postgis = taken(self_join, runs=1, warm_up=0)
    ours = taken(lambda: city(sound), runs=3)
    faults = city(shaken)
    ours_shaken = taken(lambda: city(shaken), runs=1, warm_up=0)
    pairs_shaken = taken(lambda: _pair_by_pair(shaken, parents), runs=1, warm_up=0)
    fits = f"check {len(grids)} grids that fit"
    return [
        _line(fits, ours, "shapely, pair by pair, overlaps only", by_pairs),
        _line(fits, ours, "PostGIS ST_Intersection self-join, overlaps only", by_postgis),
        _line(f"the same shaken: {faults} faults", ours_shaken, "shapely, pair by pair", pairs_shaken),
    ]


def _line(work: str, ours: Taken, peer: str, theirs: Taken) -> Line:
    return Line(
        work,
        str(ours),
        f"{peer}: {theirs}",
        theirs.wall_s / ours.wall_s,
        f"under {LIMIT_S:.0f} s",
        ours.wall_s < LIMIT_S,
    )


def _shaken(grids: list[CityGrid]) -> list[tuple[CityGrid, shapely.Polygon]]:
    rng = np.random.default_rng(5)
    found = []
    for grid in grids:
        if grid.level == 3:
            ring = shapely.get_coordinates(grid.shape)[:-1]
            found.append((grid, shapely.Polygon(ring + rng.uniform(-OFF, OFF, ring.shape))))
    return found


def _pair_by_pair(shapes: Shapes, parents: Mapping[int, int | None]) -> int:
    """Overlaps of siblings, as one writes it down at first: each with each, boxes compared before shapes."""
    families: dict[int | None, list[shapely.Polygon]] = defaultdict(list)
    for key, shape in shapes.items():
        families[parents[key]].append(shape)
    overlaps = 0
    for siblings in families.values():
        for one, other in combinations(siblings, 2):
            if one.intersects(other):
                common = polygons_of(one.intersection(other))
                overlaps += any(extent_of(part)[0] >= 0.5 for part in common)
    return overlaps
