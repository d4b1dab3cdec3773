"""Splits, merges and moved boundaries on squares whose areas can be worked out by hand."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
import shapely
from shapely.geometry import LineString, box
from shapely.geometry.base import BaseGeometry

from geo.fitting.editing import (
    DoesNotDivide,
    NoGroundInside,
    PartsOverlap,
    cut_children,
    follow,
    merge,
    move_boundary,
    noded,
    split_by_line,
    split_by_parts,
)

# 1 km by 1 km, as four quarters; u is a hundredth of a degree
W, S, U = 118.9, 32.0, 0.01


def plot(west: float, south: float, east: float, north: float) -> BaseGeometry:
    """A rectangle in hundredths of a degree from the corner of the square."""
    return box(W + west * U, S + south * U, W + east * U, S + north * U)


def line(*points: tuple[float, float]) -> LineString:
    return LineString([(W + x * U, S + y * U) for x, y in points])


SQUARE = plot(0, 0, 1, 1)
QUARTERS = {
    "nw": plot(0, 0.5, 0.5, 1),
    "ne": plot(0.5, 0.5, 1, 1),
    "sw": plot(0, 0, 0.5, 0.5),
    "se": plot(0.5, 0, 1, 0.5),
}


def shares(shapes: Mapping[str, BaseGeometry]) -> dict[str, float]:
    """Areas in parts of the square."""
    return {key: round(shape.area / SQUARE.area, 6) for key, shape in shapes.items()}


def assert_fills(parent: BaseGeometry, children: Sequence[BaseGeometry]) -> None:
    assert shapely.coverage_is_valid(np.array(children, dtype=object))
    total = shapely.union_all(children)
    assert shapely.symmetric_difference(total, parent).area <= 1e-9 * parent.area
    assert sum(child.area for child in children) == pytest.approx(parent.area, rel=1e-9)


class TestSplitByLine:
    def test_parts_come_in_reading_order(self) -> None:
        parts = split_by_line(SQUARE, line((-1, 0.25), (2, 0.25)))
        assert [round(part.area / SQUARE.area, 6) for part in parts] == [0.75, 0.25]
        assert_fills(SQUARE, parts)
        west, east = split_by_line(SQUARE, line((0.25, 2), (0.25, -1)))
        assert west.area < east.area

    def test_a_line_that_ends_a_little_inside_is_drawn_on(self) -> None:
        near = 4 / 111_320 / U  # 4 m
        parts = split_by_line(SQUARE, line((near, 0.5), (0.6, 0.6), (1 - near, 0.5)))
        assert len(parts) == 2
        assert_fills(SQUARE, parts)

    @pytest.mark.parametrize(
        "blind",
        [
            line((0.1, 0.5), (2, 0.5)),  # ends 95 m inside
            line((2, 2), (3, 3)),
            line((0, 0), (1, 0)),  # along the boundary
            line((-1, -0.0000001), (2, -0.0000001)),
            LineString(),
        ],
    )
    def test_a_line_that_does_not_divide(self, blind: LineString) -> None:
        with pytest.raises(DoesNotDivide):
            split_by_line(SQUARE, blind)

    def test_several_crossings(self) -> None:
        zigzag = line((0.2, -1), (0.2, 2), (0.6, 2), (0.6, -1))
        parts = split_by_line(SQUARE, zigzag)
        assert [round(part.area / SQUARE.area, 6) for part in parts] == [0.2, 0.4, 0.4]

    def test_a_hole_and_a_line_through_it(self) -> None:
        ring = SQUARE.difference(plot(0.25, 0.25, 0.75, 0.75))
        with pytest.raises(DoesNotDivide):
            split_by_line(ring, line((-1, 0.5), (0.5, 0.5)))
        upper, lower = split_by_line(ring, line((-1, 0.5), (2, 0.5)))
        assert upper.area == pytest.approx(lower.area, rel=1e-6)
        assert_fills(ring, [upper, lower])

    def test_islands_that_the_line_misses_go_with_the_nearest_part(self) -> None:
        shape = shapely.union_all([SQUARE, plot(1.1, 0.8, 1.2, 0.9), plot(-0.2, 0, -0.1, 0.1)])
        upper, lower = split_by_line(shape, line((-0.05, 0.5), (1.05, 0.5)))
        assert [len(part.geoms) for part in (upper, lower)] == [2, 2]
        assert_fills(shape, [upper, lower])

    def test_the_vertices_that_were_there_are_kept_to_the_bit(self) -> None:
        odd = shapely.Polygon([(W + 1 / 3e5, S + 1 / 7e5), (W + U + 1e-12, S), (W + U / 3, S + U / 7)])
        parts = split_by_line(odd, line((0.3, 2), (0.4, -1)))
        kept = {tuple(xy) for xy in shapely.get_coordinates(parts)}
        assert {tuple(xy) for xy in shapely.get_coordinates(odd)} <= kept


class TestSplitByParts:
    def test_what_is_left_over_becomes_a_part(self) -> None:
        parts = split_by_parts(SQUARE, [plot(0.3, -1, 0.5, 2)])
        assert [round(part.area / SQUARE.area, 6) for part in parts] == [0.2, 0.3, 0.5]
        assert_fills(SQUARE, parts)

    def test_parts_that_fill_the_shape_but_for_digits(self) -> None:
        off = 2e-8 / U
        parts = split_by_parts(SQUARE, [plot(0, 0, 0.5 - off, 1), plot(0.5 + off, off, 1, 1)])
        assert len(parts) == 2
        assert_fills(SQUARE, parts)

    def test_overlapping_parts(self) -> None:
        with pytest.raises(PartsOverlap) as caught:
            split_by_parts(SQUARE, [plot(0, 0, 0.5, 1), plot(0.45, 0, 1, 1)])
        assert caught.value.extra["parts"] == [0, 1]

    def test_a_part_elsewhere(self) -> None:
        with pytest.raises(NoGroundInside):
            split_by_parts(SQUARE, [plot(0, 0, 0.5, 1), plot(3, 3, 4, 4)])

    @pytest.mark.parametrize("parts", [[], [plot(-1, -1, 2, 2)]])
    def test_one_part_is_no_division(self, parts: list[BaseGeometry]) -> None:
        with pytest.raises(DoesNotDivide):
            split_by_parts(SQUARE, parts)


class TestMerge:
    def test_shared_edges_are_dissolved(self) -> None:
        merged = merge([QUARTERS["nw"], QUARTERS["ne"], QUARTERS["se"]])
        assert merged.is_connected
        assert len(merged.shape.geoms) == 1
        assert merged.shape.area == pytest.approx(0.75 * SQUARE.area, rel=1e-9)

    def test_a_sliver_between_them_is_closed(self) -> None:
        merged = merge([plot(0, 0, 0.5 - 1e-7 / U, 1), plot(0.5, 0, 1, 1)])
        assert not merged.is_connected  # open at both ends: nothing encloses it
        ring = SQUARE.difference(plot(0.4, 0.4, 0.6, 0.6))
        filled = merge([ring, plot(0.4 + 1e-8 / U, 0.4, 0.6, 0.6)])
        assert filled.is_connected
        assert filled.shape.area == pytest.approx(SQUARE.area, rel=1e-12)

    def test_grids_that_only_touch_in_a_corner_are_not_connected(self) -> None:
        merged = merge([QUARTERS["nw"], QUARTERS["se"]])
        assert not merged.is_connected
        assert len(merged.shape.geoms) == 2


class TestMoveBoundary:
    def test_siblings_give_and_take(self) -> None:
        moved = move_boundary(QUARTERS, "nw", plot(0, 0.4, 0.6, 1), SQUARE)
        assert shares(moved.shapes) == {"nw": 0.36, "ne": 0.2, "sw": 0.2, "se": 0.24}
        assert moved.emptied == ()
        assert moved.uncovered is None
        assert_fills(SQUARE, list((QUARTERS | dict(moved.shapes)).values()))

    def test_ground_given_up_goes_to_the_longest_border(self) -> None:
        moved = move_boundary(QUARTERS, "nw", plot(0, 0.6, 0.5, 1), SQUARE)
        assert shares(moved.shapes) == {"nw": 0.2, "sw": 0.3}
        assert_fills(SQUARE, list(noded(QUARTERS | dict(moved.shapes)).values()))

    def test_it_stays_inside_the_parent(self) -> None:
        moved = move_boundary(QUARTERS, "nw", plot(-1, 0.5, 0.5, 2), SQUARE)
        assert moved.shapes == {}
        with pytest.raises(NoGroundInside):
            move_boundary(QUARTERS, "nw", plot(2, 2, 3, 3), SQUARE)

    def test_level_1_may_take_empty_ground_and_leave_ground(self) -> None:
        moved = move_boundary(QUARTERS, "nw", plot(-0.5, 0.5, 0.5, 1), None)
        assert shares(moved.shapes) == {"nw": 0.5}
        lonely = move_boundary({"only": SQUARE}, "only", plot(0, 0, 0.5, 1), None)
        assert lonely.uncovered is not None
        assert lonely.uncovered.area == pytest.approx(0.5 * SQUARE.area, rel=1e-9)

    def test_a_sibling_may_lose_everything(self) -> None:
        moved = move_boundary(QUARTERS, "nw", plot(0, 0, 0.5, 1), SQUARE)
        assert moved.emptied == ("sw",)
        assert shares(moved.shapes) == {"nw": 0.5}

    def test_a_boundary_that_came_back_rounded_moves_nothing(self) -> None:
        third = {"a": plot(0, 0, 1 / 3, 1), "b": plot(1 / 3, 0, 1, 1)}
        rounded = shapely.transform(third["a"], lambda xy: np.round(xy, 7))
        assert move_boundary(third, "a", rounded, SQUARE).shapes == {}


PARENTS = {"west": plot(0, 0, 0.5, 1), "east": plot(0.5, 0, 1, 1)}
CHILDREN = {
    "west": {"nw": QUARTERS["nw"], "sw": QUARTERS["sw"]},
    "east": {"ne": QUARTERS["ne"], "se": QUARTERS["se"]},
}


class TestFollow:
    def test_children_follow_their_parents(self) -> None:
        after = move_boundary(PARENTS, "west", plot(0, 0, 0.6, 1), SQUARE).shapes
        moved = follow(CHILDREN, PARENTS, after)
        # the strip touches both western children equally long; the first has it
        assert shares(moved.shapes) == {"nw": 0.35, "ne": 0.2, "se": 0.2}
        whole = {**CHILDREN["west"], **CHILDREN["east"]} | dict(moved.shapes)
        family = noded(whole | {f"parent {key}": shape for key, shape in after.items()})
        assert_fills(family["parent west"], [family["nw"], family["sw"]])
        assert_fills(family["parent east"], [family["ne"], family["se"]])

    def test_a_child_whose_ground_all_went_is_named(self) -> None:
        after = {"west": SQUARE.difference(QUARTERS["se"]), "east": QUARTERS["se"]}
        moved = follow(CHILDREN, PARENTS, after)
        assert moved.emptied == ("ne",)
        assert shares(moved.shapes) == {"nw": 0.5}

    def test_an_island_goes_to_the_nearest_child(self) -> None:
        island = plot(1.2, 0.1, 1.3, 0.2)
        after = {"east": shapely.union_all([PARENTS["east"], island])}
        moved = follow({"east": CHILDREN["east"]}, {"east": PARENTS["east"]}, after)
        assert shares(moved.shapes) == {"se": 0.26}

    def test_children_cannot_follow_to_where_none_of_them_was(self) -> None:
        moved = follow({"east": CHILDREN["east"]}, {"east": PARENTS["east"]}, {"east": plot(3, 3, 4, 4)})
        assert set(moved.emptied) == {"ne", "se"}
        assert moved.uncovered is not None

    def test_without_children_there_is_nothing_to_follow(self) -> None:
        assert follow({}, PARENTS, PARENTS).shapes == {}


class TestCutChildren:
    def test_a_child_in_two_parts_has_its_larger_piece_first(self) -> None:
        parts = split_by_line(SQUARE, line((-1, 0.4), (2, 0.4)))
        found = cut_children(QUARTERS, parts)
        assert {key: [index for index, _ in pieces] for key, pieces in found.items()} == {
            "nw": [0],
            "ne": [0],
            "sw": [1, 0],
            "se": [1, 0],
        }
        pieces = [piece for one in found.values() for _, piece in one]
        assert_fills(SQUARE, pieces)

    def test_a_line_along_a_boundary_by_hand_cuts_nobody(self) -> None:
        off = 0.5 / 111_320 / U  # half a metre
        parts = split_by_line(SQUARE, line((-1, 0.5 + off), (0.3, 0.5 - off), (2, 0.5 + off)))
        found = cut_children(QUARTERS, parts)
        assert {key: [index for index, _ in pieces] for key, pieces in found.items()} == {
            "nw": [0],
            "ne": [0],
            "sw": [1],
            "se": [1],
        }
        assert_fills(SQUARE, [piece for one in found.values() for _, piece in one])


def test_noded_adds_vertices_where_borders_meet_and_leaves_the_rest_alone() -> None:
    family = {"west": plot(0, 0, 0.5, 1), "ne": QUARTERS["ne"], "se": QUARTERS["se"], "all": SQUARE}
    result = noded(family)
    assert result["ne"] is family["ne"]
    assert len(shapely.get_coordinates(result["west"])) == 6
    assert len(shapely.get_coordinates(result["all"])) == 8
    assert_fills(result["all"], [result["west"], result["ne"], result["se"]])
