"""Repairs on squares whose misfits are known, and on partitions shaken by chance."""

from collections.abc import Mapping

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from geo.fitting.arrangement import GRID_SIZE
from geo.fitting.repairing import Reach, propose_repair, repair_tree
from geo.fitting.topology import FaultKind, check_siblings, geodesic_area_m2

W, S, U = 118.9, 32.0, 0.01
M = 1 / 94_500 / U  # a metre from west to east, in hundredths of a degree


def plot(west: float, south: float, east: float, north: float) -> BaseGeometry:
    return box(W + west * U, S + south * U, W + east * U, S + north * U)


PARENT = plot(0, 0, 1, 1)
WEST, EAST = plot(0, 0, 0.5, 1), plot(0.5, 0, 1, 1)


def assert_fills(parent: BaseGeometry, children: Mapping[str, BaseGeometry]) -> None:
    shapes = np.array(list(children.values()), dtype=object)
    assert shapely.is_valid(shapes).all()
    assert shapely.coverage_is_valid(shapes)
    # Where boundaries meet a vertex is set, at most half a unit of the grid (0.05 mm) beside the rim.
    rounding = GRID_SIZE * float(shapely.length(shapes).sum())
    assert shapely.symmetric_difference(shapely.union_all(shapes), parent).area <= rounding
    assert abs(float(shapely.area(shapes).sum()) - parent.area) <= rounding


class TestOneFamily:
    def test_what_fits_is_left_alone(self) -> None:
        repair = propose_repair(PARENT, {"west": WEST, "east": EAST})
        assert (repair.shapes, repair.moved_m2, repair.remaining) == ({}, {}, [])

    def test_corners_that_nearly_meet_are_put_together(self) -> None:
        children = {"west": WEST, "east": plot(0.5 + 0.8 * M, 0, 1, 1)}
        repair = propose_repair(PARENT, children)
        assert list(repair.shapes) == ["east"]
        assert repair.shapes["east"].equals(EAST)
        assert repair.moved_m2["east"] == pytest.approx(0.8 * 1109, rel=0.01)
        assert repair.remaining == []

    @pytest.mark.parametrize("width_m", [0.3, 3.0, -0.3, -3.0, -40.0])
    def test_a_gap_or_an_overlap_between_two(self, width_m: float) -> None:
        children = {"west": WEST, "east": plot(0.5 + width_m * M, 0, 1, 1)}
        repair = propose_repair(PARENT, children)
        assert_fills(PARENT, children | repair.shapes)
        assert sum(repair.moved_m2.values()) == pytest.approx(abs(width_m) * 1109, rel=0.01)

    def test_a_wide_gap_remains(self) -> None:
        children = {"west": WEST, "east": plot(0.5 + 9 * M, 0, 1, 1)}
        repair = propose_repair(PARENT, children, parent_key="all")
        (left,) = repair.remaining
        assert (left.fault.kind, left.parent, left.grids) == (FaultKind.GAP, "all", ("west", "east"))
        wider = propose_repair(PARENT, children, reach=Reach(gap_m=10))
        assert_fills(PARENT, children | wider.shapes)

    def test_parts_outside_are_clipped_and_the_rim_is_filled(self) -> None:
        children = {"west": plot(-0.1, 0, 0.5, 1 - 3 * M), "east": EAST}
        repair = propose_repair(PARENT, children)
        assert_fills(PARENT, children | repair.shapes)
        assert repair.moved_m2["west"] == pytest.approx(
            0.1 * U * 94_500 * 1109 + 3 * M * 1109 * 472, rel=0.02
        )
        assert repair.moved_m2.get("east", 0.0) == 0.0  # at most a vertex more

    def test_vertices_that_need_not_move_are_kept_to_the_bit(self) -> None:
        fine = shapely.segmentize(plot(0, 0, 0.5, 1), 1e-5 / 3)
        children = {"west": fine, "east": plot(0.5 + 0.5 * M, 0, 1, 1)}
        repair = propose_repair(PARENT, children)
        assert "west" not in repair.shapes
        assert_fills(PARENT, children | repair.shapes)

    def test_a_child_wholly_outside_and_twins_are_left_to_people(self) -> None:
        away = propose_repair(PARENT, {"west": WEST, "east": EAST, "away": plot(2, 2, 3, 3)})
        assert [(left.fault.kind, left.grids) for left in away.remaining] == [(FaultKind.OUTSIDE, ("away",))]
        twins = propose_repair(PARENT, {"west": WEST, "east": EAST, "twin": EAST})
        assert [(left.fault.kind, left.grids) for left in twins.remaining] == [
            (FaultKind.OVERLAP, ("east", "twin"))
        ]

    def test_one_inside_another_is_cut_out_of_it(self) -> None:
        children = {"all": PARENT, "inner": plot(0.4, 0.4, 0.6, 0.6)}
        repair = propose_repair(PARENT, children)
        assert list(repair.shapes) == ["all"]
        assert_fills(PARENT, children | repair.shapes)


class TestWithoutParent:
    def test_a_slit_is_closed_and_the_outside_left_alone(self) -> None:
        children = {"west": WEST, "east": plot(0.5 + 3 * M, 0.1, 1, 1.1)}
        repair = propose_repair(None, children)
        after = children | repair.shapes
        assert repair.remaining == []
        assert check_siblings(None, list(after.values()), gap_m=5) == []
        total = sum(geodesic_area_m2(shape) for shape in after.values())
        before = sum(geodesic_area_m2(shape) for shape in children.values())
        assert total - before == pytest.approx(3 * 0.9 * 1109, rel=0.01)

    def test_a_neighbouring_street_does_not_move(self) -> None:
        children = {"west": plot(0, 0, 0.5 + 20 * M, 1)}
        repair = propose_repair(None, children, fixed=[EAST])
        assert repair.shapes["west"].equals(WEST)
        assert repair.remaining == []


def test_a_tree_is_repaired_from_the_top_down() -> None:
    shapes = {
        "all": PARENT,
        "west": plot(0, 0, 0.5 - 0.6 * M, 1),
        "east": EAST,
        "nw": plot(0, 0.5, 0.5 - 0.6 * M, 1),
        "sw": plot(0, 0, 0.5 - 0.6 * M, 0.5 - 3 * M),
    }
    parents = {"all": None, "west": "all", "east": "all", "nw": "west", "sw": "west"}
    repair = repair_tree(shapes, parents)
    after = shapes | repair.shapes
    assert set(repair.shapes) == {"east", "nw"}  # the earlier sibling keeps its corners
    assert repair.remaining == []
    assert_fills(PARENT, {key: after[key] for key in ("west", "east")})
    assert_fills(after["west"], {key: after[key] for key in ("nw", "sw")})


@st.composite
def shaken_partitions(draw: st.DrawFn) -> dict[str, BaseGeometry]:
    """A mesh of 2 to 16 quadrilaterals, each drawn again with every corner up to a metre off."""
    columns, rows = draw(st.integers(1, 4)), draw(st.integers(2, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    size_m = draw(st.sampled_from([0.02, 0.3, 1.0]))
    x, y = np.meshgrid(np.linspace(0, 1, columns + 1), np.linspace(0, 1, rows + 1))
    mesh = np.stack([x, y], axis=-1)
    mesh[1:-1, 1:-1] += rng.uniform(-0.05, 0.05, mesh[1:-1, 1:-1].shape)
    corner = np.array([W, S])
    found: dict[str, BaseGeometry] = {}
    for row in range(rows):
        for column in range(columns):
            ring = mesh[[row, row, row + 1, row + 1], [column, column + 1, column + 1, column]]
            off = rng.uniform(-size_m, size_m, ring.shape) / 111_320
            found[f"{row}-{column}"] = shapely.Polygon(corner + ring * U + off)
    return found


@settings(max_examples=60)
@given(shaken_partitions())
def test_a_shaken_partition_is_whole_again(children: dict[str, BaseGeometry]) -> None:
    repair = propose_repair(PARENT, children)
    after = children | repair.shapes
    assert repair.remaining == []
    if repair.shapes:
        assert_fills(PARENT, after)
    for key, shape in children.items():  # nothing moved far
        limit = 3 * shape.length * 111_320
        assert repair.moved_m2.get(key, 0.0) < limit
