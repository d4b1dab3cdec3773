"""The tools of division work, on a World: split, merge, move a boundary, draw, retire, edit, undo.

A grid's level and parent never change (docs/decisions/0008). Ground that comes under another parent is
therefore made a new grid there, which takes over from the old one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from shapely.geometry.base import BaseGeometry

from core.errors import Conflict, FieldError, Invalid
from geo.codes import FIRST_MERGED
from geo.fitting import editing
from geo.plans.world import CREATE, PlanGrid, World

_LEVELS_WITH_SHAPE = range(1, 4)
_MOST_PARTS = 99  # there are no more codes below one parent


class CannotDraw(Invalid):
    """This cannot be done to these grids."""

    code = "cannot-draw"


class NothingToUndo(Conflict):
    """The plan holds no such change."""

    code = "nothing-to-undo"


@dataclass(frozen=True, slots=True)
class NewGrid:
    """A grid drawn by hand; `parent` is a grid's reference or, for level 1, a community or street code."""

    level: int
    parent: str
    name: str
    kind: str
    households: int | None
    shape: BaseGeometry | None
    source_datum: str
    attributes: Mapping[str, Any]
    object_code: str | None = None


@dataclass(frozen=True, slots=True)
class Cut:
    """How a grid is to be split: which part keeps the code, what the parts are called and what lives there.

    The first name is that of the first part, and so on. `places` are communities of level-1 parts.
    """

    keep: int | None = None
    names: Sequence[str] | None = None
    places: Sequence[str] | None = None
    households: Sequence[int | None] | None = None


def split(world: World, ref: str, parts: Sequence[BaseGeometry], cut: Cut) -> list[PlanGrid]:
    """One part keeps the grid's code, the others are new grids; what lies below goes with its ground.

    Returns the grids of the parts, in their order. Raises: NoSuchPlannedGrid, CannotDraw.
    """
    grid = world.standing(ref)
    _refuse_cut(grid, parts, cut)
    keep = cut.keep if cut.keep is not None else int(np.argmax([part.area for part in parts]))
    heirs = world.heirs_of(grid)
    homes: list[PlanGrid] = []
    own_name = grid.name
    for index, part in enumerate(parts):
        place = cut.places[index] if cut.places else grid.place
        home = world.change(grid) if index == keep else world.create(grid, sources=heirs, place=place)
        home.name = cut.names[index] if cut.names else _numbered_name(own_name, index, keep)
        home.households = cut.households[index] if cut.households else None
        home.shape = part
        homes.append(home)
    _share_out(world, grid, homes)
    return homes


def merge(world: World, refs: Sequence[str], *, name: str | None, keep: str | None) -> PlanGrid:
    """The grids are one, which takes over from all; what lay below them lies below it.

    The largest keeps its code unless `keep` names another. Level-1 grids are communities: several of them
    make a merged one, which gets a code of its own from 601 on (CJ/T 349-2010 5.6).
    Raises: NoSuchPlannedGrid, CannotDraw.
    """
    grids = [world.standing(ref, "/grids") for ref in dict.fromkeys(refs)]
    _refuse_merge(grids, keep)
    ground = editing.merge([grid.shape for grid in grids if grid.shape is not None]).shape
    heirs = [source for grid in grids for source in world.heirs_of(grid)]
    counts = [grid.households for grid in grids]
    households = sum(count for count in counts if count is not None) if None not in counts else None
    largest = max(grids, key=lambda grid: grid.shape.area if grid.shape is not None else 0.0)
    kept = next((grid for grid in grids if grid.ref == keep), largest)
    if kept.level == 1 and not _is_merged(kept):
        home = world.create(kept, sources=heirs, place=world.plan.street_code, shape=ground)
    else:
        home = world.change(kept)
        home.sources = heirs
        home.shape = ground
    home.name, home.households = name or home.name, households
    for grid in grids:
        if grid is not home:
            for child in world.children(grid.ref):
                _move(world, child, home)
            world.retire(grid)
    return home


def move_boundary(world: World, ref: str, shape: BaseGeometry) -> list[PlanGrid]:
    """The grid has this boundary; its neighbours, and whatever lies below them, follow.

    Returns every grid whose shape changed. Raises: NoSuchPlannedGrid, CannotDraw.
    """
    grid = world.standing(ref)
    _refuse_shapeless(grid)
    parent = world.parent(grid)
    family = _shapes(world.siblings(grid))
    moved = editing.move_boundary(family, ref, shape, parent.shape if parent else None)
    before: Mapping[str, BaseGeometry] = family
    touched: list[PlanGrid] = []
    while moved.shapes or moved.emptied:
        touched += _reshaped(world, moved)
        old = {key: before[key] for key in (*moved.shapes, *moved.emptied)}
        below = {key: _shapes(world.children(key)) for key in old}
        before = {key: shape for shapes in below.values() for key, shape in shapes.items()}
        if not before:
            break
        moved = editing.follow(below, old, moved.shapes)
    return touched


def _reshaped(world: World, moved: editing.Moved[str]) -> list[PlanGrid]:
    """Grids have their new shapes; one without ground left is succeeded by whoever has most of it."""
    for ref in moved.emptied:
        gone = world.standing(ref)
        if gone.shape is None:
            continue
        shared = {key: shape.intersection(gone.shape).area for key, shape in moved.shapes.items()}
        if shared:
            heir = world.change(world.grids[max(shared, key=lambda key: shared[key])])
            heir.sources += world.heirs_of(gone)
            for child in world.children(ref):
                if child.shape is None:
                    _move(world, child, heir)
    touched = []
    for key, shape in moved.shapes.items():
        grid = world.change(world.grids[key])
        grid.shape = shape
        touched.append(grid)
    for ref in moved.emptied:
        world.retire(world.grids[ref])
    return touched


def retire(world: World, ref: str, into: str | None) -> None:
    """The grid stands no longer; `into` takes over all, without it what lies below is retired too.

    Raises: NoSuchPlannedGrid, CannotDraw.
    """
    if into is not None:
        taker = world.standing(into, "/into")
        if taker.level == 1 and not _is_merged(taker):
            raise _cannot("/into", "merge-communities", "合并社区请用合并 / to join communities, merge them")
        merge(world, [into, ref], name=taker.name, keep=into)
        return
    grid = world.standing(ref)
    for child in world.children(ref):
        retire(world, child.ref, None)
    world.retire(grid)


def draw(world: World, new: NewGrid) -> PlanGrid:
    """A new grid of the plan. Raises: NoSuchPlannedGrid, CannotDraw."""
    if (new.level in _LEVELS_WITH_SHAPE) != (new.shape is not None):
        detail = "一至三级网格须有边界，四、五级没有 / levels 1 to 3 have a boundary, 4 and 5 have none"
        raise _cannot("/geometry", "level-shape", detail)
    parent = None if new.level == 1 else world.standing(new.parent, "/parent")
    if parent is not None and parent.level != new.level - 1:
        detail = (
            f"上级应为 {new.level - 1} 级网格 / the parent of level {new.level} has level {new.level - 1}"
        )
        raise _cannot("/parent", "parent-level", detail)
    blank = PlanGrid(
        ref="",
        level=new.level,
        parent_ref=parent.ref if parent else None,
        name=new.name,
        kind=new.kind,
        households=new.households,
        attributes=dict(new.attributes),
        shape=new.shape,
        source_datum=new.source_datum,
        place=None if parent else new.parent,
        object_code=new.object_code,
    )
    return world.create(blank)


def edit(world: World, ref: str, said: Mapping[str, Any]) -> PlanGrid:
    """The grid has these facts: name, kind, households, attributes. Raises: NoSuchPlannedGrid."""
    grid = world.change(world.standing(ref))
    for name, value in said.items():
        setattr(grid, name, value)
    return grid


def undo(world: World, change_id: object) -> PlanGrid:
    """The change is forgotten: a new grid vanishes, a stored one is as it was. Raises: NothingToUndo."""
    grid = next((grid for grid in world.grids.values() if grid.change_id == change_id), None)
    if grid is None:
        raise NothingToUndo
    world.drop(grid)
    return grid


# ------------------------------------------------------------------------------------- what lies below


def _share_out(world: World, grid: PlanGrid, homes: Sequence[PlanGrid]) -> None:
    """Each child of the split grid goes with its ground; one that the cut crosses is split too."""
    children = world.children(grid.ref)
    shaped = _shapes(children)
    pieces = editing.cut_children(shaped, [home.shape for home in homes if home.shape is not None])
    for child in children:
        if child.ref not in shaped:  # floors and counters stay with the part that keeps the code
            _move(world, child, grid if grid in homes else homes[0])
            continue
        found = [(homes[index], piece) for index, piece in pieces[child.ref]]
        if len(found) == 1:
            _reshape(world, _move(world, child, found[0][0]), found[0][1])
        else:
            _cut_child(world, child, found)


def _cut_child(world: World, child: PlanGrid, pieces: Sequence[tuple[PlanGrid, BaseGeometry]]) -> None:
    """The piece under the old parent keeps the child's code; without one, the child is retired."""
    heirs = world.heirs_of(child)
    homes: list[PlanGrid] = []
    stays = None
    for number, (home, piece) in enumerate(pieces):
        if home.ref == child.parent_ref and stays is None:
            stays = world.change(child)
            stays.shape, stays.households = piece, None
            homes.append(stays)
        else:
            name = _numbered_name(child.name, number, 0)
            made = world.create(
                child, parent_ref=home.ref, sources=heirs, shape=piece, households=None, name=name
            )
            homes.append(made)
    _share_out(world, child, homes)
    if stays is None:
        world.retire(child)


def _move(world: World, grid: PlanGrid, home: PlanGrid) -> PlanGrid:
    """The grid lies below `home`: a new grid of the plan changes its parent, a stored one is succeeded."""
    if grid.parent_ref == home.ref:
        return grid
    if grid.action == CREATE:
        world.change(grid).parent_ref = home.ref
        return grid
    moved = world.create(grid, parent_ref=home.ref, sources=world.heirs_of(grid))
    for child in world.children(grid.ref):
        _move(world, child, moved)
    world.retire(grid)
    return moved


def _reshape(world: World, grid: PlanGrid, shape: BaseGeometry) -> None:
    """The grid has this shape; one that has it already is not touched."""
    if grid.shape is None or not grid.shape.equals_exact(shape, normalize=True):
        world.change(grid).shape = shape


def _shapes(grids: Sequence[PlanGrid]) -> dict[str, BaseGeometry]:
    return {grid.ref: grid.shape for grid in grids if grid.shape is not None}


def _numbered_name(name: str, index: int, keep: int) -> str:
    return name if index == keep else f"{name}（{index + 1}）"


# --------------------------------------------------------------------------------------------- refusals


def _refuse_cut(grid: PlanGrid, parts: Sequence[BaseGeometry], cut: Cut) -> None:
    _refuse_shapeless(grid)
    if len(parts) < 2:
        raise _cannot("/parts", "not-divided", "未能分成两部分 / this leaves the grid in one piece")
    if len(parts) > _MOST_PARTS:
        detail = f"最多分成 {_MOST_PARTS} 部分 / at most {_MOST_PARTS} parts, not {len(parts)}"
        raise _cannot("/parts", "too-many-parts", detail)
    if cut.keep is not None and cut.keep >= len(parts):
        raise _cannot("/keep", "no-such-part", f"只有 {len(parts)} 部分 / there are {len(parts)} parts")
    if cut.names is not None and len(cut.names) != len(parts):
        raise _cannot("/names", "length", f"应有 {len(parts)} 个名称 / {len(parts)} names are needed")
    if grid.level == 1 and (cut.places is None or len(cut.places) != len(parts)):
        detail = (
            "一级网格即社区：请给出各部分的社区代码（先在区划表中设立新社区）"
            " / level 1 is a community: name each part's community, after adding it to the division table"
        )
        raise _cannot("/places", "community-needed", detail)


def _refuse_merge(grids: Sequence[PlanGrid], keep: str | None) -> None:
    for grid in grids:
        _refuse_shapeless(grid)
    if len(grids) < 2:
        raise _cannot("/grids", "too-few", "至少两个网格 / at least two grids")
    if len({grid.parent_ref for grid in grids}) > 1 or len({grid.level for grid in grids}) > 1:
        detail = "只能合并同一上级的网格 / only grids of the same parent can be merged"
        raise _cannot("/grids", "other-parent", detail)
    if keep is not None and keep not in {grid.ref for grid in grids}:
        raise _cannot("/keep", "not-merged", "须为被合并的网格之一 / must be one of the merged grids")


def _refuse_shapeless(grid: PlanGrid) -> None:
    if grid.shape is None:
        detail = "四、五级网格没有平面边界 / grids of level 4 and 5 have no plane boundary"
        raise _cannot("/grid", "no-shape", detail)


def _is_merged(grid: PlanGrid) -> bool:
    """Whether a level-1 grid merges several communities already."""
    return grid.stored is not None and int(grid.stored.code.community) >= FIRST_MERGED


def _cannot(pointer: str, code: str, detail: str) -> CannotDraw:
    return CannotDraw(detail, errors=[FieldError(pointer, code, detail)])
