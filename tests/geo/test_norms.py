"""Clause 5.2 as cases: what each level may be made of, and how large a grid should be."""

from typing import Any

import pytest

from geo.files.geojson import _DEFAULT_KINDS
from geo.norms import KINDS, RuledGrid, is_scattered, level_faults, level_hints, size_finding, size_norm
from seeds.demo import places


def ruled(
    ref: str,
    level: int,
    kind: str,
    parent: str | None = None,
    *,
    has_shape: bool | None = None,
    **attributes: Any,
) -> RuledGrid:
    return RuledGrid(ref, level, kind, parent, level < 4 if has_shape is None else has_shape, attributes)


COMMUNITY = ruled("c", 1, "community")
AREA = ruled("a", 2, "area", "c")
MALL = ruled("m", 3, "commercial", "a")
HOMES = ruled("h", 3, "residential", "a")
FLOOR = ruled("f", 4, "floor", "m", floor="B1")
COUNTER = ruled("k", 5, "counter", "f", booth="B1-01")
WORLD = [COMMUNITY, AREA, MALL, HOMES, FLOOR, COUNTER]


def codes(grids: list[RuledGrid]) -> list[tuple[str, str]]:
    return [(ref, reason.code) for ref, reason in level_faults(grids)]


def test_five_levels_as_the_clause_has_them() -> None:
    assert level_faults(WORLD) == []
    assert level_hints(WORLD) == []


@pytest.mark.parametrize(
    ("grid", "code"),
    [
        (ruled("x", 1, "lane"), "level-kind"),
        (ruled("x", 1, "residential"), "level-kind"),
        (ruled("x", 2, "community", "c"), "level-kind"),
        (ruled("x", 3, "lane", "a"), "level-kind"),
        (ruled("x", 3, "floor", "a"), "level-kind"),
        (ruled("x", 4, "residential", "m", floor="2"), "level-kind"),
        (ruled("x", 5, "floor", "f", booth="2"), "level-kind"),
        (ruled("x", 4, "floor", "h", floor="2"), "level-kind-parent"),
        (ruled("x", 4, "floor", "m", has_shape=True, floor="2"), "level-shape"),
        (ruled("x", 5, "counter", "f", has_shape=True, booth="2"), "level-shape"),
        (ruled("x", 3, "building", "a", has_shape=False), "level-no-shape"),
        (ruled("x", 3, "building", "c"), "level-parent"),
        (ruled("x", 2, "lane"), "level-parent"),
        (ruled("x", 1, "village", "c"), "level-parent"),
    ],
)
def test_what_the_clause_does_not_allow(grid: RuledGrid, code: str) -> None:
    assert codes([*WORLD, grid]) == [("x", code)]


@pytest.mark.parametrize(("level", "kind"), [(level, kind) for level in (1, 2, 3) for kind in KINDS[level]])
def test_every_listed_kind_stands_at_its_level(level: int, kind: str) -> None:
    assert codes([*WORLD, ruled("x", level, kind, {1: None, 2: "c", 3: "a"}[level])]) == []


def test_a_fault_names_what_is_allowed_in_both_languages() -> None:
    ((_, reason),) = level_faults([ruled("x", 1, "lane")])
    assert reason.zh == "1 级网格不能是“街巷”，可以是：社区、村、综合网格、专属网格"
    assert "community, village" in reason.en


def test_local_kinds_are_hints_everywhere_and_judge_nobody_below() -> None:
    port = ruled("p", 3, "port", "a")
    grids = [*WORLD, port, ruled("x", 4, "floor", "p", floor="2")]
    assert level_faults(grids) == []
    assert [(ref, reason.code) for ref, reason in level_hints(grids)] == [("p", "kind-unlisted")]


def test_floors_and_counters_that_do_not_say_where_are_hints() -> None:
    grids = [*WORLD, ruled("x", 4, "floor", "m"), ruled("y", 5, "counter", "f", booth="")]
    assert level_faults(grids) == []
    assert {ref: reason.code for ref, reason in level_hints(grids)} == {
        "x": "place-attribute-missing",
        "y": "place-attribute-missing",
    }


def test_a_parent_outside_the_list_is_not_judged() -> None:
    assert level_faults([ruled("x", 4, "floor", "elsewhere", floor="2")]) == []


def test_kinds_used_by_the_product_are_listed() -> None:
    for level, kind in _DEFAULT_KINDS.items():
        assert kind in KINDS[level]
    for kind in places.HOUSEHOLDS:
        assert kind in KINDS[3]
    assert places.COMMUNITY in KINDS[1]
    assert places.AREA in KINDS[2]
    assert places.FLOOR in KINDS[4]
    assert places.COUNTER in KINDS[5]


@pytest.mark.parametrize(
    ("level", "kind", "households", "scattered", "code"),
    [
        (3, "residential", 300, False, None),
        (3, "residential", 400, False, None),
        (3, "residential", 401, False, "grid-too-large"),
        (3, "residential", 200, False, None),
        (3, "residential", 199, False, "grid-too-small"),
        (3, "residential", None, False, None),
        (3, "village", 100, True, None),
        (3, "village", 134, True, "grid-too-large"),
        (3, "village", 66, True, "grid-too-small"),
        (3, "commercial", 0, False, None),
        (3, "commercial", 401, False, "grid-too-large"),
        (3, "building_group", 27, False, None),
        (3, "building_group", 26, False, "grid-too-small"),
        (3, "building_group", 55, False, None),
        (3, "building_group", 56, False, "grid-too-large"),
        (1, "community", 5000, False, None),
        (2, "area", 1200, False, None),
        (4, "floor", 1200, False, None),
    ],
)
def test_size(level: int, kind: str, households: int | None, scattered: bool, code: str | None) -> None:
    found = size_finding(level, kind, households, scattered)
    assert (found.code if found else None) == code


def test_an_area_is_measured_where_it_is_made_of_building_groups() -> None:
    def code(households: int, *below: str) -> str | None:
        found = size_finding(2, "area", households, False, kinds_below=below)
        return found.code if found else None

    assert code(550, "building_group") is None
    assert code(551, "building_group") == "grid-too-large"
    assert code(269, "building_group") == "grid-too-small"
    assert code(551, "building_group", "residential") is None


def test_the_attribute_goes_before_the_kind() -> None:
    assert is_scattered("village", {})
    assert not is_scattered("village", {"scattered": False})
    assert is_scattered("residential", {"scattered": True})
    assert not is_scattered("residential", {"scattered": "no"})


def test_a_finding_says_the_norm_and_its_source() -> None:
    found = size_finding(3, "residential", 512, False)
    assert found is not None
    assert found.zh == "512 户，多于规范的 300 户左右（上限 400）；DB32/T 2763-2015 5.2.4"
    norm = size_norm(3, "residential", scattered=False)
    assert norm is not None
    assert norm.aim == 300
