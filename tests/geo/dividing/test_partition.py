"""Parts of a grid: whole, connected, even, and exactly the grid again when put together."""

from collections.abc import Sequence

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.dividing.graph_cut import BALANCE_TOLERANCE, best_cut
from geo.dividing.partition import Partition, TooFewBuildings, partition, parts_for
from geo.dividing.site_cells import cell_graph
from geo.fitting.topology import check_siblings

WEST, SOUTH, EAST, NORTH = 118.9, 32.1, 118.91, 32.105  # about 944 m by 554 m
OUTLINE = shapely.box(WEST, SOUTH, EAST, NORTH)
# Two fields with a road between them.
FIELDS = shapely.MultiPolygon(
    [shapely.box(WEST, SOUTH, 118.904, NORTH), shapely.box(118.905, SOUTH, EAST, NORTH)]
)
POND = OUTLINE - shapely.box(118.903, 32.102, 118.907, 32.103)
BEND = shapely.Polygon(
    [(WEST, SOUTH), (EAST, SOUTH), (EAST, 32.1013), (118.902, 32.1013), (118.902, NORTH), (WEST, NORTH)]
)


def rows(columns: int, lines: int) -> NDArray[np.float64]:
    """Buildings in rows, evenly over the outline."""
    lon = WEST + (np.arange(columns) + 0.5) * (EAST - WEST) / columns
    lat = SOUTH + (np.arange(lines) + 0.5) * (NORTH - SOUTH) / lines
    return np.array([(x, y) for y in lat for x in lon])


def fits_exactly(found: Partition, outline: BaseGeometry) -> bool:
    polygons = np.array(found.polygons, dtype=object)
    kept = set(map(tuple, shapely.get_coordinates(polygons)))
    return (
        bool(shapely.coverage_is_valid(polygons))
        and bool(shapely.is_valid(polygons).all())
        and abs(float(shapely.area(polygons).sum()) - outline.area) <= 1e-12 * outline.area
        and check_siblings(outline, found.polygons) == []
        and set(map(tuple, shapely.get_coordinates(outline))) <= kept
    )


def test_two_halves() -> None:
    """10 by 4 equal buildings: the shortest fair cut is the short side, half way."""
    found = partition(OUTLINE, rows(10, 4), [30] * 40, parts=2)
    assert found.weights == (600, 600)
    assert found.balance == 1.0
    assert found.cut_m == pytest.approx(554.4, abs=1.0)
    assert found.polygons[0].bounds == pytest.approx((WEST, SOUTH, 118.905, NORTH))
    assert found.labels.tolist() == [0, 0, 0, 0, 0, 1, 1, 1, 1, 1] * 4
    assert fits_exactly(found, OUTLINE)


def test_parts_are_even_in_households_not_in_ground() -> None:
    """Towers in the west: 10 of 60 against 30 of 20."""
    points = rows(10, 4)
    weights = [60 if lon < 118.9025 else 20 for lon, _ in points]
    found = partition(OUTLINE, points, weights, parts=2)
    assert sum(found.weights) == sum(weights)
    assert max(found.weights) <= 1.1 * sum(weights) / 2
    west, east = sorted(found.polygons, key=lambda part: float(part.centroid.x))
    assert west.area < 0.75 * east.area


@pytest.mark.parametrize("parts", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("outline", [OUTLINE, POND, BEND], ids=["box", "pond", "bend"])
def test_any_number_of_parts(outline: BaseGeometry, parts: int) -> None:
    points = np.array([point for point in rows(16, 8) if shapely.contains_xy(outline, *point)])
    found = partition(outline, points, [20] * len(points), parts=parts)
    assert len(found.polygons) == parts
    assert all(len(part.geoms) == 1 for part in found.polygons)
    assert fits_exactly(found, outline)
    fairest = -(-len(points) // parts) * parts / len(points)  # whole buildings
    assert found.balance <= max(fairest, 1 + BALANCE_TOLERANCE) + 1e-9


def test_the_same_again() -> None:
    points, weights = rows(9, 7), list(range(63))
    first, second = (partition(OUTLINE, points, weights, parts=4) for _ in range(2))
    assert first.labels.tolist() == second.labels.tolist()
    assert first.polygons == second.polygons


def test_parts_are_numbered_in_reading_order() -> None:
    found = partition(OUTLINE, rows(10, 4), [30] * 40, parts=4)
    west_to_east = [float(part.centroid.x) for part in found.polygons]
    assert west_to_east[:2] == sorted(west_to_east[:2])


def test_one_building_each() -> None:
    found = partition(OUTLINE, rows(3, 2), [1, 2, 3, 4, 5, 6], parts=6)
    assert sorted(found.weights) == [1, 2, 3, 4, 5, 6]
    assert fits_exactly(found, OUTLINE)


@pytest.mark.parametrize(
    "points",
    [[], [(118.901, 32.101)], [(118.901, 32.101)] * 5, [(118.901, 32.101), (118.9010000001, 32.101)]],
)
def test_fewer_buildings_than_parts(points: Sequence[tuple[float, float]]) -> None:
    with pytest.raises(TooFewBuildings) as raised:
        partition(OUTLINE, np.array(points).reshape(-1, 2), [10] * len(points), parts=2)
    assert f"只有 {min(len(points), 1)} 处建筑" in str(raised.value)


def test_buildings_at_one_position_stay_together() -> None:
    points = np.vstack((np.tile([[118.901, 32.101]], (3, 1)), [[118.909, 32.104]]))
    found = partition(OUTLINE, points, [10, 10, 10, 30], parts=2)
    assert found.weights == (30, 30)
    assert len(set(found.labels[:3].tolist())) == 1


def test_buildings_in_a_line() -> None:
    points = np.column_stack((np.linspace(118.9005, 118.9095, 12), np.full(12, 32.1025)))
    found = partition(OUTLINE, points, [30] * 12, parts=3)
    assert found.weights == (120, 120, 120)
    assert fits_exactly(found, OUTLINE)


def test_a_building_outside_counts_for_the_nearest_ground() -> None:
    points = np.vstack((rows(4, 2), [[118.92, 32.1025]]))
    found = partition(OUTLINE, points, [10] * 9, parts=2)
    assert sum(found.weights) == 90
    east = max(range(2), key=lambda part: float(found.polygons[part].centroid.x))
    assert found.labels[8] == east
    assert fits_exactly(found, OUTLINE)


def test_nobody_lives_there_then_buildings_count() -> None:
    found = partition(OUTLINE, rows(10, 4), [0] * 40, parts=2)
    assert found.weights == (0, 0)
    assert np.bincount(found.labels).tolist() == [20, 20]


def test_ground_in_two_pieces_is_cut_along_the_road_first() -> None:
    points = np.array([point for point in rows(20, 4) if shapely.contains_xy(FIELDS, *point)])
    found = partition(FIELDS, points, [10] * len(points), parts=2)
    assert fits_exactly(found, FIELDS)
    assert found.cut_m < 554.4
    assert found.balance <= 1 + BALANCE_TOLERANCE
    many = partition(FIELDS, points, [10] * len(points), parts=5)
    assert fits_exactly(many, FIELDS)
    assert sum(len(part.geoms) for part in many.polygons) <= 6


def test_no_border_through_a_building() -> None:
    """Long blocks whose positions were taken at their western ends: cells alone would cut them."""
    blocks = [
        shapely.box(x, y, x + 0.0010, y + 0.0002)
        for y in np.arange(32.1004, 32.1045, 0.0006)
        for x in np.arange(118.9003, 118.9088, 0.0012)
    ]
    points = np.array([(block.bounds[0] + 0.0001, block.bounds[1] + 0.0001) for block in blocks])
    cells_alone = partition(OUTLINE, points, [20] * len(points), parts=4)
    found = partition(OUTLINE, points, [20] * len(points), parts=4, footprints=blocks)

    def cut(of: Partition) -> int:
        return sum(
            sum(part.relate_pattern(block, "T********") for part in of.polygons) > 1 for block in blocks
        )

    assert cut(cells_alone) > 0
    assert cut(found) == 0
    assert fits_exactly(found, OUTLINE)


def test_borders_keep_off_the_buildings() -> None:
    points = rows(12, 6) + np.array([0.0002, 0.0001]) * np.array([[(-1) ** i] * 2 for i in range(72)])
    found = partition(OUTLINE, points, [20] * 72, parts=4)
    for point, label in zip(shapely.points(points), found.labels, strict=True):
        assert found.polygons[label].contains(point)
        assert found.polygons[label].boundary.distance(point) * 95_000 > 8


@pytest.mark.parametrize(
    ("total", "target", "parts"), [(700, 300, 2), (760, 300, 3), (100, 300, 1), (0, 300, 1)]
)
def test_how_many_parts(total: int, target: int, parts: int) -> None:
    assert parts_for(total, target) == parts


def test_the_cut_is_measured_in_metres() -> None:
    graph = cell_graph(OUTLINE, rows(2, 1))
    assert graph.size == 2
    assert graph.border_m == pytest.approx([554.4], abs=0.5)
    cut = best_cut(graph, np.array([5, 7]), np.array([True, True]), 2)
    assert sorted(cut.weights.tolist()) == [5, 7]


positions = st.tuples(
    st.integers(1, 9999).map(lambda step: WEST + step * (EAST - WEST) / 10_000),
    st.integers(1, 9999).map(lambda step: SOUTH + step * (NORTH - SOUTH) / 10_000),
)


@settings(max_examples=60)
@given(
    points=st.lists(positions, min_size=1, max_size=60),
    weights=st.lists(st.integers(0, 90), min_size=60, max_size=60),
    parts=st.integers(1, 6),
    outline=st.sampled_from([OUTLINE, POND, BEND]),
)
def test_whatever_the_buildings(
    points: list[tuple[float, float]], weights: list[int], parts: int, outline: BaseGeometry
) -> None:
    array = np.array(points)
    try:
        found = partition(outline, array, weights[: len(points)], parts=parts)
    except TooFewBuildings:
        assert len(cell_graph(outline, array).vertex_of_site) < parts or len(set(points)) < 2 * parts
        return
    assert fits_exactly(found, outline)
    assert all(len(part.geoms) == 1 for part in found.polygons)
    assert set(found.labels.tolist()) == set(range(parts))
    assert sum(found.weights) == sum(weights[: len(points)])
    for (lon, lat), label in zip(points, found.labels, strict=True):
        if shapely.contains_xy(outline, lon, lat):
            assert shapely.intersects_xy(found.polygons[label], lon, lat)


@settings(max_examples=30)
@given(
    points=st.lists(positions, min_size=48, max_size=80, unique=True),
    weights=st.lists(st.integers(10, 40), min_size=80, max_size=80),
    parts=st.integers(2, 4),
)
def test_even_wherever_many_small_buildings_allow_it(
    points: list[tuple[float, float]], weights: list[int], parts: int
) -> None:
    """With a dozen buildings or more to a part there is an even cut, and it is found."""
    found = partition(OUTLINE, np.array(points), weights[: len(points)], parts=parts)
    mean = sum(found.weights) / parts
    assert max(abs(weight - mean) for weight in found.weights) <= BALANCE_TOLERANCE * mean + 1e-9
