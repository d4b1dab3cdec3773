"""The index gives, for every point, what a look at every polygon gives."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from geo.locating.index import GridIndex, IndexedGrid
from geo.locating.raster import CellRaster


def brute_force(polygons: np.ndarray, lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """First polygon that covers each point, -1 for none."""
    covers = shapely.intersects_xy(polygons[:, None], lon[None, :], lat[None, :])
    return np.where(covers.any(axis=0), covers.argmax(axis=0), -1)


def random_polygon(rng: np.random.Generator) -> BaseGeometry:
    """Anything a city may have: stars, holes, several parts, needles."""
    middle, radius = np.array([118.5, 31.8]) + rng.uniform(0, 1, 2), float(10 ** rng.uniform(-3, -0.7))
    angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 12)))
    rays = radius * rng.uniform(0.2, 1.0, angles.size)
    shape = shapely.make_valid(
        shapely.Polygon(middle + np.column_stack((np.cos(angles), np.sin(angles))) * rays[:, None])
    )
    if rng.random() < 0.3:
        shape = shape.difference(shapely.Point(middle).buffer(radius * 0.2))
    if rng.random() < 0.3:
        shape = shape.union(shapely.Point(middle + radius).buffer(radius * 0.3, quad_segs=1))
    if rng.random() < 0.2:
        x, y = middle.tolist()
        shape = shapely.box(x, y, x + radius, y + radius / 500)
    polygons = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    return shapely.MultiPolygon(polygons)


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 60))
def test_any_heap_of_polygons_overlapping_or_not(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    polygons = np.array([random_polygon(rng) for _ in range(count)], dtype=object)
    polygons = polygons[~shapely.is_empty(polygons)]
    if not polygons.size:
        return
    vertices = shapely.get_coordinates(polygons)
    lon = np.concatenate((rng.uniform(118.2, 119.8, 2000), vertices[:, 0]))
    lat = np.concatenate((rng.uniform(31.5, 33.1, 2000), vertices[:, 1]))
    found = CellRaster(polygons).locate(lon, lat)
    assert np.array_equal(found, brute_force(polygons, lon, lat))


def test_points_on_cell_borders_and_straight_boundaries() -> None:
    """Edges that run exactly along the lattice of cells, points exactly on them."""
    xs = np.arange(5) * 0.25 + 118.0
    polygons = np.array([shapely.box(x, 32.0, x + 0.25, 32.25) for x in xs], dtype=object)
    lon, lat = (
        axis.ravel() for axis in np.meshgrid(np.arange(0, 1.5, 1 / 256) + 117.9, np.linspace(31.9, 32.3, 41))
    )
    found = CellRaster(polygons).locate(lon, lat)
    assert np.array_equal(found, brute_force(polygons, lon, lat))


def test_distant_cities_cost_no_raster_between_them() -> None:
    nanjing = [shapely.box(118 + i * 0.002, 32, 118.002 + i * 0.002, 32.002) for i in range(50)]
    kashgar = [shapely.box(76 + i * 0.002, 39, 76.002 + i * 0.002, 39.002) for i in range(50)]
    raster = CellRaster(np.array(nanjing + kashgar, dtype=object))
    assert raster._values.nbytes < 2**22
    assert raster.locate(np.array([118.001, 76.001, 100.0]), np.array([32.001, 39.001, 35.0])).tolist() == [
        0,
        50,
        -1,
    ]


def test_nowhere() -> None:
    raster = CellRaster(np.array([shapely.box(118, 32, 118.1, 32.1)], dtype=object))
    lon, lat = np.array([np.nan, 118.05, np.inf, -180.0]), np.array([32.05, np.nan, 32.05, 90.0])
    assert raster.locate(lon, lat).tolist() == [-1, -1, -1, -1]


# Level 1: 1 and 2 side by side. Level 2: 11, 12 in 1; 21 in 2. Level 3: 111, 112 fill 11; 121 half of 12.
WORLD = [
    IndexedGrid(1, 1, None, shapely.box(118.0, 32.0, 118.4, 32.2)),
    IndexedGrid(2, 1, None, shapely.box(118.4, 32.0, 118.8, 32.2)),
    IndexedGrid(11, 2, 1, shapely.box(118.0, 32.0, 118.2, 32.2)),
    IndexedGrid(12, 2, 1, shapely.box(118.2, 32.0, 118.4, 32.2)),
    IndexedGrid(21, 2, 2, shapely.box(118.4, 32.0, 118.8, 32.2)),
    IndexedGrid(111, 3, 11, shapely.box(118.0, 32.0, 118.1, 32.2)),
    IndexedGrid(112, 3, 11, shapely.box(118.1, 32.0, 118.2, 32.2)),
    IndexedGrid(121, 3, 12, shapely.box(118.2, 32.0, 118.3, 32.2)),
]


@pytest.mark.parametrize(
    ("lon", "expected"),
    [
        (118.05, [1, 11, 111, 0, 0]),
        (118.25, [1, 12, 121, 0, 0]),
        (118.35, [1, 12, 0, 0, 0]),  # level 3 does not reach here
        (118.6, [2, 21, 0, 0, 0]),
        (118.9, [0, 0, 0, 0, 0]),
        (118.1, [1, 11, 111, 0, 0]),  # between 111 and 112
        (118.2, [1, 11, 112, 0, 0]),  # between 112 and 121: one line of ancestors
        (118.4, [1, 12, 0, 0, 0]),  # between 12 and 21, no level 3
    ],
)
def test_every_level_at_a_point(lon: float, expected: list[int]) -> None:
    assert GridIndex(WORLD).locate([lon], [32.1]).tolist() == [expected]


def test_a_child_outside_its_parent_does_not_climb() -> None:
    """Its positions are looked up on the parent's level by themselves."""
    stray = IndexedGrid(211, 3, 11, shapely.box(118.5, 32.0, 118.6, 32.1))
    assert GridIndex([*WORLD, stray]).locate([118.55], [32.05]).tolist() == [[2, 21, 211, 0, 0]]


def test_a_millimetre_over_the_edge_still_climbs() -> None:
    over = IndexedGrid(113, 3, 11, shapely.box(118.05, 32.0, 118.1, 32.2 + 5e-9))
    grids = [grid for grid in WORLD if grid.level < 3]
    assert GridIndex([*grids, over]).locate([118.07], [32.2 + 4e-9]).tolist() == [[1, 11, 113, 0, 0]]


def test_no_grids_no_answers() -> None:
    index = GridIndex([])
    assert len(index) == 0
    assert index.locate([118.0, 119.0], [32.0, 32.0]).tolist() == [[0] * 5] * 2
    assert GridIndex(WORLD).locate([], []).shape == (0, 5)


def test_distance_to_the_boundary_is_in_metres() -> None:
    """0.01 degrees from the western edge: 944 m by the geodesic at 32.1 N."""
    distances = GridIndex(WORLD).distance_to_boundary_m([118.01, 117.99, 118.01], [32.1] * 3, [111, 111, 999])
    assert distances[:2] == pytest.approx([943.4, 943.4], abs=1.0)
    assert np.isnan(distances[2])
    assert GridIndex(WORLD).distance_to_boundary_m([118.0], [32.1], [1]) == pytest.approx([0.0])


def test_what_is_near_a_position() -> None:
    """0.0001 degrees east of the border between 111 and 112 is 9.4 m."""
    near = GridIndex(WORLD).near(3, [118.1001, 118.1001, 118.5], [32.1] * 3, [15.0, 5.0, 15.0])
    pairs = list(zip(near.point.tolist(), near.grid_id.tolist(), near.is_inside.tolist(), strict=True))
    assert pairs == [(0, 111, False), (0, 112, True), (1, 112, True)]
    assert near.boundary_m == pytest.approx([9.43, 9.43, 9.43], abs=0.02)
    assert not GridIndex([]).near(3, [118.1], [32.1], 15.0).point.size
