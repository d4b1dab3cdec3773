"""Faults of whole trees and their GeoJSON, on the square quarters of test_editing."""

import json

import pytest
import shapely
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from geo.fitting.faults import check_top, check_tree, families, fault_collection
from geo.fitting.topology import FaultKind, check_siblings

W, S, U = 118.9, 32.0, 0.01


def plot(west: float, south: float, east: float, north: float) -> BaseGeometry:
    return box(W + west * U, S + south * U, W + east * U, S + north * U)


PARENTS = {"all": None, "west": "all", "east": "all", "nw": "west", "sw": "west"}
SHAPES = {
    "all": plot(0, 0, 1, 1),
    "west": plot(0, 0, 0.5, 1),
    "east": plot(0.4, 0, 1, 1),
    "nw": plot(0, 0.6, 0.5, 1),
    "sw": plot(-0.1, 0, 0.5, 0.5),
}


def test_families_come_from_the_top_down() -> None:
    assert list(families(SHAPES, PARENTS)) == [
        (None, ["all"]),
        ("all", ["west", "east"]),
        ("west", ["nw", "sw"]),
    ]
    below = {key: shape for key, shape in SHAPES.items() if key != "all"}
    assert list(families(below, PARENTS)) == [("west", ["nw", "sw"])]


def test_every_fault_names_its_parent_and_its_children() -> None:
    found = check_tree(SHAPES, PARENTS)
    assert [(one.fault.kind, one.parent, one.grids) for one in found.faults] == [
        (FaultKind.OVERLAP, "all", ("west", "east")),
        (FaultKind.OUTSIDE, "west", ("sw",)),
        (FaultKind.GAP, "west", ("nw", "sw")),
    ]
    assert found.totals == {"overlap": 1, "gap": 1, "outside": 1, "sliver": 0}
    assert (found.grids, found.families, found.complete_share) == (4, 2, 0.0)
    gap = found.faults[2].fault
    assert gap.width_m == pytest.approx(2 * 473 * 110.9 / (2 * (473 + 110.9)), rel=0.01)


def test_a_tree_without_families_has_no_share() -> None:
    assert check_tree({"all": SHAPES["all"]}, PARENTS).complete_share is None


class TestTop:
    def test_overlaps_with_the_neighbouring_street_but_not_within_it(self) -> None:
        beside = {"b": plot(0.9, 0, 2, 1), "c": plot(1.5, 0, 3, 1)}
        found = check_top({"a": plot(0, 0, 1, 1)}, beside, gap_m=5)
        assert [(one.fault.kind, one.grids) for one in found.faults] == [(FaultKind.OVERLAP, ("a", "b"))]

    @pytest.mark.parametrize(("gap_m", "kinds"), [(5.0, ["gap"]), (2.0, []), (0.0, [])])
    def test_a_slit_between_two_is_a_gap_when_narrow(self, gap_m: float, kinds: list[str]) -> None:
        slit = 3 / 94_500 / U  # 3 m at this latitude
        found = check_top({"a": plot(0, 0, 1, 1), "b": plot(1 + slit, 0.2, 2, 1)}, {}, gap_m=gap_m)
        assert [one.fault.kind for one in found.faults] == kinds
        for one in found.faults:
            assert one.grids == ("a", "b")
            assert one.fault.area_m2 == pytest.approx(3 * 0.8 * 1109, rel=0.02)

    def test_what_they_enclose_is_a_gap_however_wide(self) -> None:
        ring = plot(0, 0, 1, 1).difference(plot(0.2, 0.2, 0.8, 0.8))
        (hole,) = check_top({"a": ring, "b": plot(0.4, 0.2, 0.8, 0.8)}, {}, gap_m=1).faults
        assert (hole.fault.kind, hole.grids) == (FaultKind.GAP, ("a", "b"))
        assert hole.fault.geometry.area == pytest.approx(0.12 * U * U, rel=1e-6)

    def test_nothing_at_all(self) -> None:
        assert check_top({}, {"b": SHAPES["east"]}, gap_m=5).families == 0


def test_geojson_follows_rfc_7946_with_the_largest_first() -> None:
    found = check_tree(SHAPES, PARENTS)
    shown = fault_collection(found.faults, lambda key: {"code": key, "name": key.upper()})
    areas = [feature["properties"]["area_m2"] for feature in shown["features"]]
    assert areas == sorted(areas, reverse=True)
    for feature in json.loads(json.dumps(shown))["features"]:
        shape = shapely.geometry.shape(feature["geometry"])
        assert shapely.is_ccw(shapely.get_exterior_ring(shape))
        assert shape.contains(shapely.Point(feature["properties"]["at"]))
    gap = shown["features"][-1]["properties"]
    assert set(gap) == {"kind", "source", "area_m2", "width_m", "at", "grids", "parent"}


def test_a_sibling_inside_another_overlaps_it() -> None:
    (fault,) = check_siblings(None, [plot(0, 0, 1, 1), plot(0.4, 0.4, 0.6, 0.6)])
    assert (fault.kind, fault.indices) == (FaultKind.OVERLAP, (0, 1))
