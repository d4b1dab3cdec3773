"""The demo street as a tree of grids with codes, names, households and synthetic shapes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import shapely
from shapely import Polygon

from geo.codes import UNDIVIDED, GridCode, parse
from geo.numbering import Plot, allocate, allocate_below
from seeds.demo.places import (
    AREA,
    COMMUNITIES,
    COMMUNITY,
    COUNTER,
    FLOOR,
    GROUND,
    HOUSEHOLDS,
    MALL_FLOORS,
    MALL_NAME,
    MALL_SHOPS,
    OBJECT_CODE,
    Area,
)
from seeds.demo.plan import Weighted, draw_blocks, on_map

_NUMERALS = "一二三四五六七八九十"


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """A place twice: on the flat plan (metres) and on the map (degrees)."""

    flat: Polygon
    mapped: Polygon


@dataclass(frozen=True, slots=True, eq=False)
class DemoGrid:
    """A grid to be stored."""

    code: GridCode
    level: int
    parent: "DemoGrid | None"
    name: str
    kind: str
    households: int | None = None
    shape: Shape | None = None
    # Nobody shall take a grid of the demo for the real thing.
    attributes: dict[str, Any] = field(default_factory=lambda: {"synthetic": True})


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """A level-3 grid before it has a number."""

    shape: Shape
    households: int


def build_street(community_names: Mapping[str, str], rng: np.random.Generator) -> list[DemoGrid]:
    """Every grid of the street, level by level, so that parents come before their children."""
    flat = draw_blocks([_community_weight(areas, rng) for areas in COMMUNITIES.values()], rng)
    shapes = (Shape(*pair) for pair in zip(flat, on_map(flat), strict=True))
    grids: list[DemoGrid] = []
    for code, areas in COMMUNITIES.items():
        blocks = [[_Block(next(shapes), _households(area, rng)) for _ in range(area.grids)] for area in areas]
        for area, group in zip(areas, blocks, strict=True):
            group[0] = replace(group[0], households=group[0].households + area.crowded)
        grids += _community(code, community_names[code].removesuffix("居委会"), areas, blocks)
    grids += _mall(next(grid for grid in grids if grid.name == MALL_NAME))
    return sorted(grids, key=lambda grid: (grid.level, str(grid.code)))


def _community_weight(areas: Sequence[Area], rng: np.random.Generator) -> Weighted:
    parts = []
    for area in areas:
        lots = tuple(Weighted(GROUND[area.kind] * rng.uniform(0.75, 1.3)) for _ in range(area.grids))
        parts.append(Weighted(sum(lot.weight for lot in lots), lots))
    return Weighted(sum(part.weight for part in parts), tuple(parts))


def _households(area: Area, rng: np.random.Generator) -> int:
    return round(HOUSEHOLDS[area.kind] * rng.normal(1, 0.12))


def _community(
    community_code: str, name: str, areas: Sequence[Area], blocks: Sequence[Sequence[_Block]]
) -> Iterator[DemoGrid]:
    """A level-1 grid and all below it; names count in the order of the codes."""
    every_block = [block for group in blocks for block in group]
    root_code = parse(OBJECT_CODE + community_code + UNDIVIDED)
    root = DemoGrid(root_code, 1, None, name, COMMUNITY, *_united(every_block))
    yield root
    area_codes = _numbered([_united(group)[1] for group in blocks], community_code, [])
    block_codes = iter(_numbered([block.shape for block in every_block], community_code, area_codes))
    places = sorted(area_codes, key=str)
    for area, group, code in zip(areas, blocks, area_codes, strict=True):
        area_name = f"{name.removesuffix('社区')}{_NUMERALS[places.index(code)]}片"
        parent = DemoGrid(code, 2, root, area_name, AREA, *_united(group))
        yield parent
        numbered = sorted(zip([next(block_codes) for _ in group], group, strict=True), key=_by_code)
        for numeral, (block_code, block) in zip(_NUMERALS, numbered, strict=False):
            block_name = f"{area.road}{numeral}网格"
            yield DemoGrid(block_code, 3, parent, block_name, area.kind, block.households, block.shape)


def _by_code(numbered: tuple[GridCode, _Block]) -> str:
    return str(numbered[0])


def _united(blocks: Sequence[_Block]) -> tuple[int, Shape]:
    """Households and shape of the whole; shared edges vanish exactly."""
    flat = shapely.coverage_union_all([block.shape.flat for block in blocks])
    mapped = shapely.coverage_union_all([block.shape.mapped for block in blocks])
    return sum(block.households for block in blocks), Shape(_single(flat), _single(mapped))


def _single(shape: shapely.Geometry) -> Polygon:
    (part,) = shapely.get_parts(shape)
    assert isinstance(part, Polygon)
    return part


def _numbered(shapes: Sequence[Shape], community_code: str, taken: Sequence[GridCode]) -> list[GridCode]:
    """Codes in reading order (CJ/T 349-2010 5.7), in the order of the shapes."""
    plots = []
    for key, shape in enumerate(shapes):
        middle, (_, south, _, north) = shape.mapped.centroid, shape.mapped.bounds
        plots.append(Plot(key, middle.x, middle.y, north - south))
    codes = allocate(plots, object_code=OBJECT_CODE, community_code=community_code, taken=taken)
    return [codes[key] for key in range(len(shapes))]


def _mall(block: DemoGrid) -> Iterator[DemoGrid]:
    """Floors and counters of a level-3 grid (DB32/T 2763-2015 5.2.5); they have no polygon of their own."""
    floor_codes = allocate_below(block.code, range(len(MALL_FLOORS)), taken=())
    for index, (floor, floor_name) in enumerate(MALL_FLOORS.items()):
        attributes = {"synthetic": True, "floor": floor}
        parent = DemoGrid(floor_codes[index], 4, block, floor_name, FLOOR, attributes=attributes)
        yield parent
        shops = MALL_SHOPS[floor]
        shop_codes = allocate_below(parent.code, range(len(shops)), taken=())
        for number, shop in enumerate(shops):
            booth = f"{floor}-{number + 1:02d}"
            attributes = {"synthetic": True, "floor": floor, "booth": booth, "shop": shop}
            name = f"{floor_name}{shop}柜"
            yield DemoGrid(shop_codes[number], 5, parent, name, COUNTER, attributes=attributes)
