"""A simplified coverage is still a coverage, and says where one is as the exact one does."""

from itertools import pairwise

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geo.fitting.editing import split_by_line
from geo.locating.index import GridIndex, IndexedGrid
from geo.pack import TOLERANCES_M, simplified
from tests.geo.curvy import CELL_DEG, NORTH, WEST, CurvyDistrict

TOLERANCE_M = TOLERANCES_M[0]


def multi(shapes: np.ndarray) -> np.ndarray:
    return np.array([shapely.MultiPolygon([shape]) for shape in shapes], dtype=object)


def edges_of(shape: BaseGeometry) -> set[frozenset[tuple[float, float]]]:
    ring = [tuple(position) for position in shapely.get_coordinates(shape).tolist()]
    return {frozenset(edge) for edge in pairwise(ring)}


def test_common_edges_stay_common_vertex_by_vertex() -> None:
    exact = multi(CurvyDistrict(6, 6).cells())
    done = simplified(exact, TOLERANCE_M)
    assert shapely.get_num_coordinates(done.shapes).sum() < 0.9 * shapely.get_num_coordinates(exact).sum()
    assert shapely.coverage_is_valid(done.shapes)
    assert shapely.is_ccw(shapely.get_exterior_ring(shapely.get_geometry(done.shapes, 0))).all()
    edges = [edges_of(shape) for shape in done.shapes]
    for row in range(6):
        for column in range(5):
            here, east = edges[row * 6 + column], edges[row * 6 + column + 1]
            exact_length = (
                exact[row * 6 + column].boundary.intersection(exact[row * 6 + column + 1].boundary).length
            )
            common = [shapely.LineString(edge).length for edge in here & east]
            assert len(common) > 1
            assert sum(common) > 0.9 * exact_length


def test_it_says_where_one_is_except_within_the_tolerance_of_a_boundary() -> None:
    exact = multi(CurvyDistrict(8, 8).cells())
    done = simplified(exact, TOLERANCE_M)
    rng = np.random.default_rng(2)
    span = 8 * CELL_DEG
    lon = rng.uniform(WEST - CELL_DEG, WEST + span + CELL_DEG, 20_000)
    lat = rng.uniform(NORTH - span - CELL_DEG, NORTH + CELL_DEG, 20_000)

    def index_of(shapes: np.ndarray) -> GridIndex:
        return GridIndex([IndexedGrid(number, 3, None, shape) for number, shape in enumerate(shapes, 1)])

    here, there = index_of(exact), index_of(done.shapes)
    exactly, coarsely = here.locate(lon, lat)[:, 2], there.locate(lon, lat)[:, 2]
    other = np.flatnonzero(exactly != coarsely)
    assert 0 < other.size < 0.02 * lon.size
    # Whoever is told another grid, or none, stands near the boundary of the right one or of that one.
    right = here.distance_to_boundary_m(lon[other], lat[other], exactly[other])
    told = here.distance_to_boundary_m(lon[other], lat[other], coarsely[other])
    assert np.fmin(right, told).max() <= done.deviation_m + 0.01
    assert done.deviation_m <= TOLERANCE_M


def test_a_spike_moves_no_boundary_beyond_the_tolerance() -> None:
    """Removing by area alone would cut a tip 30 m long and 5 cm wide."""
    left, tip = 118.9, 118.9 + 0.0003
    spike = shapely.Polygon(
        [(left, 32.1), (118.901, 32.1), (118.901, 32.101), (left, 32.101), (left, 32.1005), (tip, 32.1005002),
         (left, 32.1005005)]
    )  # fmt: skip
    done = simplified(multi(np.array([spike], dtype=object)), TOLERANCE_M)
    assert done.deviation_m <= TOLERANCE_M


def test_a_narrow_lane_between_grids_survives() -> None:
    lane = [shapely.box(118.9, 32.1, 118.91, 32.1000002), shapely.box(118.9, 32.1000002, 118.91, 32.11)]
    done = simplified(multi(np.array(lane, dtype=object)), TOLERANCE_M)
    assert shapely.is_valid(done.shapes).all()
    assert not shapely.is_empty(done.shapes).any()


def test_a_neighbour_of_a_split_grid_gets_the_vertex_that_it_lacks() -> None:
    """The cut ends on an edge of the right neighbour, which has no vertex there."""
    cells = multi(CurvyDistrict(1, 2).cells())
    west, south, east, north = cells[0].bounds
    middle = (south + north) / 2
    cut = shapely.LineString([(west - 0.001, middle), (east + 0.001, middle)])
    shapes = np.empty(3, dtype=object)
    shapes[:] = [*split_by_line(cells[0], cut), cells[1]]
    assert not shapely.coverage_is_valid(shapes)
    done = simplified(shapes, TOLERANCE_M)
    assert shapely.coverage_is_valid(done.shapes)
    assert done.deviation_m <= TOLERANCE_M
