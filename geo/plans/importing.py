"""Grids of a file into a plan: all of them, or none with a reason for each feature that cannot be.

Unlike geo/importing/ this takes shapes that overlap or leave gaps: a draft is where they are repaired. A
level-2 or level-3 grid without code and parent goes below the grid that most of its ground lies in.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely

from geo.codes import Reason
from geo.datums import same_datum
from geo.files.geojson import GridDraft, ReadFile, Rejection, read_drafts
from geo.files.reading import GridFile
from geo.files.tables import completed
from geo.importing.grids import told_where
from geo.importing.plan import Change, PlannedGrid, Surroundings, plan_import
from geo.plans.checking import drafts_of, standing_after
from geo.plans.desk import Desk
from geo.plans.records import street_path
from geo.plans.world import PlanGrid, World
from geo.queries import lookups_of_streets

_MOST = 0.5  # of its ground must lie in a grid that is to be taken for its parent


@dataclass(frozen=True, slots=True)
class PlanImportReport:
    """What a file brought into the plan."""

    total: int
    created: int
    changed: int
    unchanged: int
    rejected: tuple[Rejection, ...]
    hints: tuple[Reason, ...]
    imported: bool


def import_into(desk: Desk, file: GridFile, *, datum: str, level: int | None = None) -> PlanImportReport:
    """The plan holds all features as new or changed grids, or none; `level` is that of features without one.

    Raises: UnknownDatum.
    """
    world = desk.world
    features = [_levelled(feature, level) for feature in completed(file.features, world.around)]
    found = read_drafts(features, datum)
    for draft in found.drafts:
        draft.feature_ref = draft.feature_ref or f"feature {draft.index}"
    placed_by_ground = sum(_place_by_ground(world, found.drafts))
    shapes = {draft.index: draft.shape for draft in found.drafts if draft.shape is not None}
    placed, rejected = _placed(desk, found)
    rejected = list(told_where([*found.rejections, *rejected], features, shapes))
    if not rejected:
        _lay_over(world, placed, datum)
    changes = [grid.change for grid in placed]
    return PlanImportReport(
        total=len(features),
        created=changes.count(Change.CREATED),
        changed=changes.count(Change.CHANGED),
        unchanged=changes.count(Change.UNCHANGED),
        rejected=tuple(sorted(rejected, key=lambda rejection: rejection.index)),
        hints=(*file.notes, *_hints(file, datum, placed_by_ground)),
        imported=not rejected,
    )


def _placed(desk: Desk, found: ReadFile) -> tuple[list[PlannedGrid], list[Rejection]]:
    """The file's grids in the tree, among those that the plan holds already; and those without a place."""
    plan, world = desk.plan, desk.world
    laid = [draft for _, draft in drafts_of(world)]
    for draft in found.drafts:
        draft.index += len(laid)  # behind those of the plan
    lookups = lookups_of_streets(desk.session, {plan.street_code}, plan.valid_from)
    street = street_path(plan.street_code)
    around = Surroundings(
        standing_after(world), lookups, lambda path: path.startswith(street), plan.valid_from
    )
    repeated = {str(draft.code) for draft in found.drafts if draft.code}
    kept = [draft for draft in laid if str(draft.code) not in repeated]
    lost = {rejection.code for rejection in found.rejections if rejection.code}
    placed = plan_import([*kept, *found.drafts], lost, around)
    own = [grid for grid in placed.grids if grid.draft.index >= len(laid)]
    return own, list(_of_file(placed.rejections, len(laid)))


def _levelled(feature: Any, level: int | None) -> Any:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    if level is None or not isinstance(properties, dict) or properties.get("level") not in (None, ""):
        return feature
    return {**feature, "properties": {**properties, "level": level}}


def _place_by_ground(world: World, drafts: Sequence[GridDraft]) -> Iterator[bool]:
    """Give a parent to each draft that names none and lies mostly in one grid of the level above."""
    for draft in sorted(drafts, key=lambda draft: draft.level):
        if draft.level not in {2, 3} or draft.code or draft.parent_ref or draft.shape is None:
            continue
        above = [(grid.ref, grid.shape) for grid in world.grids.values() if _may_hold(grid, draft.level)]
        above += [
            (one.feature_ref, one.shape)
            for one in drafts
            if one.level == draft.level - 1 and one.feature_ref is not None
        ]
        shapes = np.array([shape for _, shape in above], dtype=object)
        shared = shapely.area(shapely.intersection(shapes, draft.shape)) / draft.shape.area
        if len(shared) and shared.max() > _MOST:
            draft.parent_ref = above[int(shared.argmax())][0]
            yield True


def _may_hold(grid: PlanGrid, level: int) -> bool:
    return grid.stands and grid.level == level - 1 and grid.shape is not None


def _of_file(rejections: Sequence[Rejection], offset: int) -> Iterator[Rejection]:
    """Those of the file's own features, with their places in the file."""
    for rejection in rejections:
        if rejection.index >= offset:
            yield replace(rejection, index=rejection.index - offset)


def _lay_over(world: World, placed: Sequence[PlannedGrid], datum: str) -> None:
    refs: dict[int, str] = {}
    for planned in sorted(placed, key=lambda grid: grid.level):
        refs[planned.draft.index] = _laid(world, planned, refs, datum).ref


def _laid(world: World, planned: PlannedGrid, refs: dict[int, str], datum: str) -> PlanGrid:
    draft = planned.draft
    if planned.stored is not None:
        grid = world.grids[str(planned.code)]
        if planned.change is Change.CHANGED or grid.action is not None:
            _say(world.change(grid), draft, datum)
        return grid
    blank = PlanGrid(
        ref="",
        level=draft.level,
        parent_ref=_parent_ref(planned, refs),
        name=draft.name,
        kind=draft.kind,
        households=draft.households,
        attributes=draft.attributes,
        shape=draft.shape,
        source_datum=datum,
        place=draft.parent_ref if draft.level == 1 else None,
        object_code=draft.object_code,
    )
    return world.create(blank, code=str(draft.code) if draft.code else None)


def _say(grid: PlanGrid, draft: GridDraft, datum: str) -> None:
    grid.name, grid.kind, grid.households = draft.name, draft.kind, draft.households
    grid.attributes, grid.shape, grid.source_datum = draft.attributes, draft.shape, datum


def _parent_ref(planned: PlannedGrid, refs: dict[int, str]) -> str | None:
    parent = planned.parent
    if isinstance(parent, PlannedGrid) and parent.stored is None:
        # New, from this file or laid into the plan before: those are called by the id of their change.
        return refs.get(parent.draft.index) or parent.draft.feature_ref
    return None if parent is None else str(parent.code)


def _hints(file: GridFile, datum: str, placed_by_ground: int) -> Iterator[Reason]:
    if file.named_datum is not None and not same_datum(file.named_datum, datum):
        zh = f"文件自称坐标系 {file.named_datum}，而声明为 {datum}"
        en = f"the file names {file.named_datum} as its datum, but {datum} was declared"
        yield Reason("datum-contradicted", zh, en)
    if placed_by_ground:
        zh = f"{placed_by_ground} 个网格未写明上级，已按位置归入"
        en = f"{placed_by_ground} grids named no parent and went below the grid they lie in"
        yield Reason("parent-by-ground", zh, en)
