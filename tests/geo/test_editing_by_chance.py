"""Whatever is cut and moved, nothing is lost, nothing overlaps, and neighbours and children still fit."""

from collections.abc import Sequence

import numpy as np
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Polygon
from shapely.geometry.base import BaseGeometry

from geo.fitting.arrangement import GRID_SIZE
from geo.fitting.editing import (
    DoesNotDivide,
    NoGroundInside,
    cut_children,
    follow,
    move_boundary,
    noded,
    split_by_line,
)

W, S, U = 118.9, 32.0, 0.01
SIDE = 4  # a mesh of 4 by 4 grids, each of 2 by 2 children

CHANCE = settings(max_examples=40)


def mesh(seed: int, side: int) -> np.ndarray:
    """Corners of side x side quadrilaterals that fill about a square kilometre; odd to the last digit."""
    rng = np.random.default_rng(seed)
    points = np.stack(np.meshgrid(np.linspace(0, 1, side + 1), np.linspace(0, 1, side + 1)), axis=-1)
    return np.array([W, S]) + (points + rng.uniform(-0.3, 0.3, points.shape) / side) * U


def block(points: np.ndarray, row: int, column: int, size: int) -> Polygon:
    """The polygon around size x size quadrilaterals, along every corner of its rim."""
    rows, columns = slice(row, row + size + 1), slice(column, column + size + 1)
    top, right = points[row, columns], points[rows, column + size]
    bottom, left = points[row + size, columns][::-1], points[rows, column][::-1]
    return Polygon(np.concatenate([top[:-1], right[:-1], bottom[:-1], left[:-1]]))


def family(points: np.ndarray, size: int) -> dict[str, BaseGeometry]:
    steps = range(0, len(points) - 1, size)
    return {f"{row}.{column}": block(points, row, column, size) for row in steps for column in steps}


@st.composite
def lines(draw: st.DrawFn) -> LineString:
    place = st.floats(-0.2, 1.2, allow_nan=False)
    points = draw(st.lists(st.tuples(place, place), min_size=2, max_size=6, unique=True))
    return LineString([(W + x * U, S + y * U) for x, y in points])


@st.composite
def blobs(draw: st.DrawFn) -> BaseGeometry:
    """The hull of some points, up to the whole square."""
    place = st.floats(0.05, 0.95, allow_nan=False)
    points = draw(st.lists(st.tuples(place, place), min_size=3, max_size=7, unique=True))
    hull = shapely.convex_hull(shapely.multipoints([(W + x * U, S + y * U) for x, y in points]))
    assume(hull.area > 1e-4 * U * U)
    return hull


def assert_partition(whole: BaseGeometry, parts: Sequence[BaseGeometry]) -> None:
    shapes = np.array(list(parts), dtype=object)
    assert shapely.is_valid(shapes).all()
    assert shapely.coverage_is_valid(shapes)
    # Where a line meets a boundary a vertex is set, at most half a unit of the grid (0.05 mm) beside it.
    rounding = GRID_SIZE * float(shapely.length(shapes).sum())
    assert abs(float(shapely.area(shapes).sum()) - whole.area) <= rounding
    assert shapely.symmetric_difference(shapely.union_all(shapes), whole).area <= rounding


@CHANCE
@given(st.integers(0, 10_000), lines(), st.booleans())
def test_parts_sum_to_the_whole(seed: int, line: LineString, with_hole: bool) -> None:
    shape: BaseGeometry = block(mesh(seed, 8), 0, 0, 8)
    if with_hole:
        shape = shape.difference(block(mesh(seed, 8), 3, 3, 2))
    try:
        parts = split_by_line(shape, line)
    except DoesNotDivide:
        return
    assert len(parts) > 1
    assert_partition(shape, parts)


@CHANCE
@given(st.integers(0, 10_000), lines())
def test_the_children_of_a_divided_grid_fill_its_parts(seed: int, line: LineString) -> None:
    points = mesh(seed, SIDE)
    whole, children = block(points, 0, 0, SIDE), family(points, 1)
    try:
        parts = split_by_line(whole, line)
    except DoesNotDivide:
        return
    found = cut_children(children, parts)
    assert all(found.values())
    for index, part in enumerate(parts):
        inside = [piece for pieces in found.values() for where, piece in pieces if where == index]
        assert_partition(part, inside)


@CHANCE
@given(st.integers(0, 10_000), blobs(), st.sampled_from(["0.0", "2.2", "4.6"]))
def test_siblings_and_children_follow_a_moved_boundary(seed: int, drawn: BaseGeometry, key: str) -> None:
    points = mesh(seed, 2 * SIDE)
    whole, parents, children = block(points, 0, 0, 2 * SIDE), family(points, 2), family(points, 1)
    try:
        moved = move_boundary(parents, key, drawn, whole)
    except NoGroundInside:
        return
    after = {**{name: one for name, one in parents.items() if name not in moved.emptied}, **moved.shapes}
    assert moved.uncovered is None
    assert_partition(whole, list(noded(after).values()))
    below = {
        parent: {name: one for name, one in children.items() if parents[parent].covers(one.centroid)}
        for parent in parents
    }
    touched = {name: parents[name] for name in (*moved.shapes, *moved.emptied)}
    followed = follow({name: below[name] for name in touched}, touched, moved.shapes)
    assume(followed.uncovered is None)  # a parent may move to where none of its children was
    now = {**{name: one for name, one in children.items() if name not in followed.emptied}, **followed.shapes}
    everything = noded({**{f"parent {name}": one for name, one in after.items()}, **now})
    assert_partition(whole, [everything[name] for name in now])
    for name, one in after.items():
        kept = set(below[name]) & set(now)
        if kept:
            assert_partition(one, [everything[child] for child in kept])
