"""What a grid of each level may be made of, and how many households it should have. Rules only, no session.

Kinds are local words: one that is not listed here is allowed anywhere and only hinted at. A listed one at a
level or below a parent where clause 5.2 does not put it is a fault.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from geo.codes import Reason

# Of the tables in this file. Raise it with every change: reports name it, so that two can be compared.
NORMS_VERSION = "2026-1"

FIRST_LEVEL_WITHOUT_SHAPE = 4  # floors, shops of a mall, counters: DB32/T 2763-2015 5.2.5


@dataclass(frozen=True, slots=True)
class RuledGrid:
    """A grid as the level rules see it; `parent` is the `ref` of another one of the list."""

    ref: str
    level: int
    kind: str
    parent: str | None
    has_shape: bool
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """A listed kind: its name, and the kinds it may lie below where the clause narrows that."""

    zh: str
    en: str
    parents: frozenset[str] | None = None  # None: any kind of the level above


_WITH_FLOORS = frozenset(
    {"commercial", "mall", "market", "building", "unit", "shop", "campus", "comprehensive", "exclusive"}
)
_LOCAL = (
    ("comprehensive", Kind("综合网格", "comprehensive grid")),
    ("exclusive", Kind("专属网格", "exclusive grid")),
)

# By level. Clauses are those of DB32/T 2763-2015; S4 is 宜政办发〔2011〕74号 三(二)1.
KINDS: Mapping[int, Mapping[str, Kind]] = MappingProxyType(
    {
        1: {  # 5.2.1
            "community": Kind("社区", "community"),
            "village": Kind("村", "village"),
            **dict(_LOCAL),
        },
        2: {  # 5.2.2; 片区 of S4
            "area": Kind("片区", "area"),
            "lane": Kind("街巷", "lane"),
            "compound": Kind("小区", "compound"),
            "hamlet": Kind("自然村", "hamlet"),
            **dict(_LOCAL),
        },
        3: {  # 5.2.3; 楼组 of S4; the others name what the ground is used for and choose the patrol policy
            "building": Kind("楼栋", "building"),
            "building_group": Kind("楼组", "group of buildings"),
            "unit": Kind("驻区单位", "resident organisation"),
            "shop": Kind("商铺", "shop"),
            "group": Kind("居(村)民小组", "residents' group"),
            "residential": Kind("居民区", "residential"),
            "commercial": Kind("商业区", "commercial"),
            "mall": Kind("商场", "mall"),
            "market": Kind("市场", "market"),
            "campus": Kind("校园", "campus"),
            "village": Kind("村庄", "village"),
            **dict(_LOCAL),
        },
        4: {  # 5.2.5
            "floor": Kind("楼层", "floor", _WITH_FLOORS),
            "shop": Kind("独立门店", "independent shop", _WITH_FLOORS),
        },
        5: {"counter": Kind("柜台", "counter", frozenset({"floor", "shop"}))},  # 5.2.5
    }
)
# Which attributes say where a grid without a polygon is: one of them suffices.
PLACE_ATTRIBUTES: Mapping[int, tuple[str, ...]] = MappingProxyType(
    {4: ("floor", "shop"), 5: ("booth", "counter", "shop")}
)


def level_faults(grids: Sequence[RuledGrid]) -> list[tuple[str, Reason]]:
    """Every breach of clause 5.2, in the order of the grids; a parent outside the list is not judged."""
    by_ref = {grid.ref: grid for grid in grids}
    return [
        (grid.ref, reason)
        for grid in grids
        for reason in _faults(grid, by_ref.get(grid.parent) if grid.parent is not None else None)
    ]


def level_hints(grids: Sequence[RuledGrid]) -> list[tuple[str, Reason]]:
    """What is allowed and yet worth a look: unlisted kinds, floors and counters that do not say where."""
    return [(grid.ref, reason) for grid in grids for reason in _hints(grid)]


def _faults(grid: RuledGrid, parent: RuledGrid | None) -> Iterator[Reason]:
    if (grid.level == 1) != (grid.parent is None) or (parent and parent.level != grid.level - 1):
        zh = f"{grid.level} 级网格的上级应为" + (f" {grid.level - 1} 级网格" if grid.level > 1 else "街道")
        above = f"one of level {grid.level - 1}" if grid.level > 1 else "the street"
        en = f"a grid of level {grid.level} lies directly below {above}"
        yield Reason("level-parent", zh, en)
    if grid.has_shape and grid.level >= FIRST_LEVEL_WITHOUT_SHAPE:
        zh, en = "四、五级网格没有独立平面边界", "grids of level 4 and 5 have no plane boundary"
        yield Reason("level-shape", zh, en)
    if not grid.has_shape and grid.level < FIRST_LEVEL_WITHOUT_SHAPE:
        yield Reason("level-no-shape", "一至三级网格应有边界", "grids of level 1 to 3 have a boundary")
    yield from _kind_faults(grid, parent)


def _kind_faults(grid: RuledGrid, parent: RuledGrid | None) -> Iterator[Reason]:
    kind = KINDS.get(grid.level, {}).get(grid.kind)
    if kind is None:
        elsewhere = [level for level, kinds in KINDS.items() if grid.kind in kinds]
        if elsewhere:
            named = KINDS[elsewhere[0]][grid.kind]
            allowed = KINDS.get(grid.level, {}).values()
            yield Reason(
                "level-kind",
                f"{grid.level} 级网格不能是“{named.zh}”，可以是：{'、'.join(one.zh for one in allowed)}",
                f"a grid of level {grid.level} is no {named.en}; it may be: "
                f"{', '.join(one.en for one in allowed)}",
            )
    elif parent and kind.parents is not None and parent.kind not in kind.parents and _is_listed(parent):
        around = KINDS[parent.level][parent.kind]
        zh, en = f"“{kind.zh}”不能设在“{around.zh}”之下", f"a {kind.en} does not lie below a {around.en} grid"
        yield Reason("level-kind-parent", zh, en)


def _is_listed(grid: RuledGrid) -> bool:
    return grid.kind in KINDS.get(grid.level, {})


def _hints(grid: RuledGrid) -> Iterator[Reason]:
    if not any(grid.kind in kinds for kinds in KINDS.values()):
        zh, en = f"类型“{grid.kind}”不在通用类型表中", f"the kind {grid.kind!r} is not one of the common ones"
        yield Reason("kind-unlisted", zh, en)
    names = PLACE_ATTRIBUTES.get(grid.level, ())
    if names and not any(grid.attributes.get(name) for name in names):
        listed = ", ".join(names)
        yield Reason(
            "place-attribute-missing", f"缺少位置属性（{listed}）", f"none of {listed} says where it is"
        )


# ------------------------------------------------------------------------------------------------------- size


@dataclass(frozen=True, slots=True)
class SizeNorm:
    """How many households a grid should have. `least` and `most` already allow for the tolerance."""

    zh: str
    en: str
    least: int
    most: int
    aim: int  # what a proposal to subdivide works towards
    source: str


# The standards say "about"; a third to either side is this product's reading of it.
ABOUT = 1 / 3
# Where they give a range, its ends may be missed by this much.
RANGE_SLACK = 0.1


def _about(households: int, source: str) -> SizeNorm:
    return SizeNorm(
        f"{households} 户左右",
        f"about {households} households",
        round(households * (1 - ABOUT)),
        round(households * (1 + ABOUT)),
        households,
        source,
    )


def _between(least: int, most: int, source: str) -> SizeNorm:
    return SizeNorm(
        f"{least}–{most} 户",
        f"{least} to {most} households",
        round(least * (1 - RANGE_SLACK)),
        round(most * (1 + RANGE_SLACK)),
        (least + most) // 2,
        source,
    )


_CLAUSE = "DB32/T 2763-2015 5.2.4"
_S4 = "宜政办发〔2011〕74号 三(二)1"
LEVEL_3 = _about(300, _CLAUSE)
SCATTERED = _about(100, _CLAUSE)
AREA = _between(300, 500, _S4)
BUILDING_GROUP = _between(30, 50, _S4)

SCATTERED_KINDS = frozenset({"village"})
# Few people live in these, so they cannot be too small; they can be too large.
_WITHOUT_LEAST = frozenset(
    {"building", "unit", "shop", "commercial", "mall", "market", "campus", "exclusive"}
)


def is_scattered(kind: str, attributes: Mapping[str, Any]) -> bool:
    """Whether people live scattered there: the grid's attribute `scattered` says so, else its kind."""
    said = attributes.get("scattered")
    return said if isinstance(said, bool) else kind in SCATTERED_KINDS


def size_norm(
    level: int, kind: str, *, scattered: bool, kinds_below: Collection[str] = ()
) -> SizeNorm | None:
    """The norm a grid is measured by; None where the standards give none.

    The 片区 of S4 is an area made of 楼组; an area of whole level-3 grids is another thing, without a norm.
    """
    if level == 2 and kind == "area" and set(kinds_below) == {"building_group"}:
        return AREA
    if level != 3:
        return None
    if kind == "building_group":
        return BUILDING_GROUP
    return SCATTERED if scattered else LEVEL_3


def size_finding(
    level: int, kind: str, households: int | None, scattered: bool, *, kinds_below: Collection[str] = ()
) -> Reason | None:
    """Why this grid has too many or too few households; None when it keeps its norm or has none."""
    norm = size_norm(level, kind, scattered=scattered, kinds_below=kinds_below)
    if norm is None or households is None:
        return None
    if households > norm.most:
        return Reason(
            "grid-too-large",
            f"{households} 户，多于规范的 {norm.zh}（上限 {norm.most}）；{norm.source}",
            f"{households} households, more than {norm.en} (at most {norm.most}); {norm.source}",
        )
    if households < norm.least and kind not in _WITHOUT_LEAST:
        return Reason(
            "grid-too-small",
            f"{households} 户，少于规范的 {norm.zh}（下限 {norm.least}）；{norm.source}",
            f"{households} households, fewer than {norm.en} (at least {norm.least}); {norm.source}",
        )
    return None
