"""Giving out grid numbers in reading order (CJ/T 349-2010 5.6, 5.7): rows north to south, each west to east.

A number is given once. Whoever calls passes every code ever used, retired ones too, as `taken`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from core.errors import Conflict
from geo.codes import FIRST_MERGED, UNDIVIDED, GridCode, parse

# To the reader's eye two grids stand in one row while their middles differ by less than half a grid's height.
BAND_PER_HEIGHT = 0.5


class SequenceExhausted(Conflict):
    """All numbers of this community and object code are used up."""

    code = "sequence-exhausted"


@dataclass(frozen=True, slots=True)
class Plot:
    """A grid waiting for its number. All in one unit: degrees or metres."""

    key: int
    x: float
    y: float
    height: float  # of its bounding box


def reading_order(plots: Iterable[Plot], *, band_height: float | None = None) -> list[Plot]:
    """The plots row by row; a row reaches `band_height` down from its northmost middle. Ties: x, then key."""
    southward = sorted(plots, key=lambda plot: (-plot.y, plot.x, plot.key))
    if not southward:
        return []
    if band_height is None:
        band_height = BAND_PER_HEIGHT * median(plot.height for plot in southward)
    rows: list[list[Plot]] = []
    for plot in southward:
        if not rows or rows[-1][0].y - plot.y > band_height:
            rows.append([])
        rows[-1].append(plot)
    return [plot for row in rows for plot in sorted(row, key=lambda plot: (plot.x, plot.key))]


def allocate(
    plots: Sequence[Plot],
    *,
    object_code: str,
    community_code: str,
    taken: Collection[GridCode],
    band_height: float | None = None,
) -> dict[int, GridCode]:
    """Codes for the subdivided grids of one community, by key, numbered in reading order.

    Raises: SequenceExhausted when 01-99 of this community and object code do not suffice.
    """
    used = {
        code.sequence
        for code in taken
        if code.object_code == object_code and code.community_code == community_code
    }
    free = [number for number in _digits(1, 99, 2) if number not in used]
    ordered = reading_order(plots, band_height=band_height)
    if len(ordered) > len(free):
        raise SequenceExhausted(
            f"社区 {community_code} 在对象代码 {object_code} 下的序号 01–99 仅余 {len(free)} 个，"
            f"需要 {len(ordered)} 个：请改用另一对象代码"
            f" / community {community_code} has {len(free)} of the numbers 01-99 left under object code"
            f" {object_code} and needs {len(ordered)}: use another object code",
            needed=len(ordered),
            left=len(free),
        )
    return {
        plot.key: parse(object_code + community_code + number)
        for plot, number in zip(ordered, free, strict=False)
    }


def allocate_merged(
    plots: Sequence[Plot],
    *,
    object_code: str,
    street_code: str,
    taken: Collection[GridCode],
    band_height: float | None = None,
) -> dict[int, GridCode]:
    """Codes for level-1 grids that each merge several communities of one street: numbers from 601 (5.6).

    A merged community number names an area whatever the object code, so it is taken for all object codes.
    Raises: SequenceExhausted.
    """
    used = {code.community for code in taken if code.street_code == street_code}
    free = [number for number in _digits(FIRST_MERGED, 999, 3) if number not in used]
    ordered = reading_order(plots, band_height=band_height)
    if len(ordered) > len(free):
        raise SequenceExhausted(
            f"街道 {street_code} 的合并社区号 601–999 已用完 / street {street_code} has no community number"
            " 601-999 left for merged communities",
            needed=len(ordered),
            left=len(free),
        )
    return {
        plot.key: parse(object_code + street_code + number + UNDIVIDED)
        for plot, number in zip(ordered, free, strict=False)
    }


def allocate_below(
    parent: GridCode, keys: Sequence[int], *, taken: Collection[GridCode]
) -> Mapping[int, GridCode]:
    """Local codes for floors below a level-3 grid or counters below a floor, in the order given.

    Raises: SequenceExhausted after 999.
    """
    depth = len(parent.suffix)
    used = {
        code.suffix[depth]
        for code in taken
        if len(code.suffix) > depth and code.plane == parent.plane and code.suffix[:depth] == parent.suffix
    }
    free = [number for number in _digits(1, 999, 3) if number not in used]
    if len(keys) > len(free):
        raise SequenceExhausted(
            f"网格 {parent} 的本地后缀 001–999 已用完 / grid {parent} has no local suffix 001-999 left",
            needed=len(keys),
            left=len(free),
        )
    return {key: parent.below(number) for key, number in zip(keys, free, strict=False)}


def _digits(first: int, last: int, width: int) -> list[str]:
    return [f"{number:0{width}d}" for number in range(first, last + 1)]
