"""The demo street: its shapes fit together, its codes are real codes, its figures are those announced."""

from collections import Counter
from functools import cache

import numpy as np
import pytest
import shapely

from geo.codes import parse
from geo.fitting.topology import boundary_fault, check_siblings, geodesic_area_m2
from geo.numbering import Plot, reading_order
from seeds.demo.places import COMMUNITIES, HOUSEHOLDS, MALL_FLOORS, MALL_SHOPS
from seeds.demo.street import DemoGrid, build_street

SEED = 2763


@cache
def street() -> tuple[DemoGrid, ...]:
    names = {code: f"社区{code[-3:]}社区居委会" for code in COMMUNITIES}
    return tuple(build_street(names, np.random.default_rng([SEED, 1])))


def of_level(level: int) -> list[DemoGrid]:
    return [grid for grid in street() if grid.level == level]


def shapes(grids: list[DemoGrid]) -> list[shapely.Polygon]:
    return [grid.shape.mapped for grid in grids if grid.shape]


def test_there_are_ten_forty_and_a_hundred_and_twenty_grids_and_a_mall() -> None:
    counters = sum(map(len, MALL_SHOPS.values()))
    assert Counter(grid.level for grid in street()) == {
        1: 10,
        2: 40,
        3: 120,
        4: len(MALL_FLOORS),
        5: counters,
    }


@pytest.mark.parametrize("level", [1, 2, 3])
def test_the_grids_of_a_level_form_a_coverage(level: int) -> None:
    assert shapely.coverage_is_valid(np.array(shapes(of_level(level)), dtype=object))


def test_children_fill_their_parent_exactly() -> None:
    for parent in [*of_level(1), *of_level(2)]:
        children = [grid for grid in street() if grid.parent is parent]
        (outline,) = shapes([parent])
        assert children
        assert check_siblings(outline, shapes(children)) == []
        assert shapely.equals(shapely.union_all(shapes(children)), outline)


def test_every_boundary_is_usable_and_lies_where_the_demo_lies() -> None:
    everything = shapes(list(street()))
    assert [boundary_fault(shape) for shape in everything] == [None] * 170
    west, south, east, north = shapely.total_bounds(everything)
    assert 118.90 < west < east < 118.96
    assert 32.08 < south < north < 32.13
    smallest, largest = np.percentile([geodesic_area_m2(shape) for shape in shapes(of_level(3))], [0, 100])
    assert 45_000 < smallest < largest < 400_000


def test_codes_are_valid_unique_and_in_reading_order() -> None:
    codes = [str(grid.code) for grid in street()]
    assert len(set(codes)) == len(codes)
    assert all(str(parse(code)) == code for code in codes)
    for community in of_level(1):
        assert community.code.is_undivided
        for level in (2, 3):
            own = [g for g in of_level(level) if g.code.community_code == community.code.community_code]
            plots = []
            for key, shape in enumerate(shapes(own)):
                plots.append(Plot(key, shape.centroid.x, shape.centroid.y, shape.bounds[3] - shape.bounds[1]))
            assert [plot.key for plot in reading_order(plots)] == list(range(len(own)))


def test_floors_and_counters_have_local_suffixes_and_no_shape() -> None:
    (block,) = {floor.parent for floor in of_level(4)}
    assert block
    assert [str(floor.code) for floor in of_level(4)] == [f"{block.code}-{n:03d}" for n in (1, 2, 3, 4)]
    for grid in [*of_level(4), *of_level(5)]:
        assert grid.shape is None
        assert grid.parent
        assert str(grid.code).startswith(f"{grid.parent.code}-")
        assert grid.attributes["floor"] in MALL_FLOORS
    assert all("shop" in counter.attributes for counter in of_level(5))


def test_households_follow_the_kind_and_add_up() -> None:
    for kind, usual in HOUSEHOLDS.items():
        of_kind = [grid.households or 0 for grid in of_level(3) if grid.kind == kind]
        assert 0.85 * usual < np.mean(of_kind) < 1.15 * usual
    totals = [sum(grid.households or 0 for grid in of_level(level)) for level in (1, 2, 3)]
    assert totals[0] == totals[1] == totals[2]
    assert 34_000 < totals[0] < 38_000


def test_names_are_unique_and_everything_is_marked_synthetic() -> None:
    names = [grid.name for grid in street()]
    assert len(set(names)) == len(names)
    assert all(grid.attributes["synthetic"] is True for grid in street())


def test_the_same_seed_draws_the_same_street() -> None:
    names = {code: f"社区{code[-3:]}社区居委会" for code in COMMUNITIES}
    again = build_street(names, np.random.default_rng([SEED, 1]))
    assert [(str(g.code), g.name, g.households) for g in again] == [
        (str(g.code), g.name, g.households) for g in street()
    ]
    assert all(shapely.equals_exact(a, b) for a, b in zip(shapes(again), shapes(list(street())), strict=True))
