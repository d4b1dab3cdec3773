"""Do the shapes of an import fit among themselves and with what is stored? Pure.

Overlaps and parts outside the parent reject features; gaps and slivers are told as hints, because a street
may be drawn community by community.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.codes import Reason
from geo.datums import Degrees, suspect_datum
from geo.files.geojson import Rejection
from geo.fitting.topology import Fault, FaultKind, check_siblings
from geo.importing.plan import Change, Place, PlannedGrid, StoredGrid


@dataclass(frozen=True, slots=True)
class Fit:
    """What does not fit, and what is worth knowing."""

    rejections: tuple[Rejection, ...]
    hints: tuple[Reason, ...]


def check_fit(grids: Sequence[PlannedGrid], stored: Mapping[str, StoredGrid]) -> Fit:
    """Every new or changed shape against its siblings and its parent.

    `stored` holds the grids around, level-1 grids of neighbouring streets too.
    """
    planned = {str(grid.code): grid for grid in grids}
    rejections: list[Rejection] = []
    thin: Counter[FaultKind] = Counter()
    gaps = 0
    for parent, children in _families(grids, stored, planned):
        if not any(_is_new(place) for place in (*children, *([parent] if parent else []))):
            continue
        shapes = [shape for child in children if (shape := child.shape) is not None]
        for fault in check_siblings(parent.shape if parent else None, shapes):
            if fault.kind is FaultKind.SLIVER:
                thin[fault.source] += 1
            elif fault.kind is FaultKind.GAP:
                gaps += 1
            else:
                rejections += _blamed(fault, parent, children)
    return Fit(tuple(rejections), tuple(_hints(thin, gaps)))


def suspect_file(grids: Sequence[PlannedGrid], datum: str) -> Reason | None:
    """A hint when the whole file lies where another datum would put it.

    Asked of grids whose place is known from the database: their former shape, or a stored parent.
    """
    known = [
        (grid, reference.shape)
        for grid in grids
        if (reference := _reference(grid)) is not None and reference.shape is not None
    ]
    if not known:
        return None
    drawn = np.array([grid.draft.drawn for grid, _ in known], dtype=object)
    points = shapely.get_coordinates(shapely.point_on_surface(drawn))
    areas = np.array([shape for _, shape in known], dtype=object)
    shapely.prepare(areas)

    def inside(lon: Degrees, lat: Degrees) -> NDArray[np.bool_]:
        return np.asarray(shapely.intersects_xy(areas, lon, lat), dtype=np.bool_)

    suspicion = suspect_datum(points[:, 0], points[:, 1], datum, inside)
    if suspicion is None:
        return None
    zh, _, en = str(suspicion).partition(" / ")
    return Reason("datum-suspected", zh, en)


def _reference(grid: PlannedGrid) -> StoredGrid | None:
    if grid.draft.drawn is None:
        return None
    return grid.stored or (grid.parent if isinstance(grid.parent, StoredGrid) else None)


def _families(
    grids: Sequence[PlannedGrid], stored: Mapping[str, StoredGrid], planned: Mapping[str, PlannedGrid]
) -> Iterator[tuple[Place | None, list[Place]]]:
    """Parents with all their children as they will be, planned ones first; level 1 is one family."""
    parents: dict[str, Place] = {}
    children: dict[str, list[Place]] = defaultdict(list)
    stored_by_id = {grid.grid_id: grid for grid in stored.values()}
    for grid in grids:
        key = str(grid.parent.code) if grid.parent else ""
        if grid.shape is not None:
            children[key].append(grid)
            if grid.parent:
                parents[key] = planned.get(key, grid.parent)
        parents[str(grid.code)] = grid
    for code, old in stored.items():
        if old.shape is None or old.is_retired or code in planned:
            continue
        key = str(stored_by_id[old.parent_id].code) if old.parent_id is not None else ""
        if key in children or key in planned:
            children[key].append(old)
    for key, family in children.items():
        yield parents.get(key), family


def _is_new(place: Place) -> bool:
    return isinstance(place, PlannedGrid) and place.change is not Change.UNCHANGED


def _blamed(fault: Fault, parent: Place | None, children: Sequence[Place]) -> Iterator[Rejection]:
    """The feature that must change: the later one of two that overlap, a child, or the parent."""
    touched = [children[index] for index in fault.indices]
    new = [place for place in touched if isinstance(place, PlannedGrid) and _is_new(place)]
    area = f"{fault.area_m2:.0f}"
    if fault.kind is FaultKind.OVERLAP and new:
        late = max(new, key=lambda grid: grid.draft.index)
        other = next(place for place in touched if place is not late)
        zh = f"与网格 {_named(other)} 重叠 {area} 平方米"
        en = f"overlaps grid {_named(other)} by {area} m2"
        yield _rejection(late, "overlap", zh, en, fault)
    elif fault.kind is FaultKind.OUTSIDE and new:
        assert parent is not None
        zh = f"有 {area} 平方米在上级网格 {_named(parent)} 之外"
        en = f"{area} m2 lie outside the parent {_named(parent)}"
        yield _rejection(new[0], "outside-parent", zh, en, fault)
    elif fault.kind is FaultKind.OUTSIDE and isinstance(parent, PlannedGrid) and _is_new(parent):
        zh = f"新边界使下级网格 {_named(touched[0])} 有 {area} 平方米落在其外"
        en = f"the new boundary leaves {area} m2 of its child {_named(touched[0])} outside"
        yield _rejection(parent, "child-outside", zh, en, fault)


def _named(place: Place) -> str:
    if isinstance(place, PlannedGrid):
        return f"{place.code} (#{place.draft.index} {place.draft.name})"
    return f"{place.code} ({place.name})"


def _rejection(grid: PlannedGrid, code: str, zh: str, en: str, fault: Fault) -> Rejection:
    at = fault.geometry.representative_point()
    return Rejection(grid.draft.index, str(grid.code), "/geometry", Reason(code, zh, en), at=(at.x, at.y))


def _hints(thin: Counter[FaultKind], gaps: int) -> Iterator[Reason]:
    if gaps:
        zh = f"{gaps} 处未被下级网格覆盖（DB32/T 2763-2015 4.1 要求全覆盖）"
        en = f"{gaps} places of parents are not covered by children (clause 4.1 asks for full coverage)"
        yield Reason("coverage-gaps", zh, en)
    if thin:
        count = sum(thin.values())
        zh = f"{count} 处狭缝或狭条，宽不足 1 米：相邻边界的顶点应一致"
        en = f"{count} slivers thinner than 1 m: neighbouring boundaries should share their vertices"
        yield Reason("slivers", zh, en)
