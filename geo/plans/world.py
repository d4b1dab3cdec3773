"""The street as a plan will leave it: standing grids with the plan's changes laid over them, in memory.

Tools of geo/plans/drawing.py work on a World; `save` writes what they touched.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import shapely
from geoalchemy2.shape import from_shape
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session, defer

from core.errors import FieldError, Invalid
from geo.importing.plan import StoredGrid
from geo.models import CGCS2000, DivisionPlan, PlannedChange
from geo.stored_grids import stored_grids

CREATE, CHANGE, RETIRE = "create", "change", "retire"


class NoSuchPlannedGrid(Invalid):
    """The plan holds no such grid, neither by code nor as a new one."""

    code = "no-such-planned-grid"


@dataclass(slots=True, eq=False)
class PlanGrid:
    """A grid as the plan will have it; `ref` is its code or, before it has one, the id of its change."""

    ref: str
    level: int
    parent_ref: str | None
    name: str
    kind: str
    households: int | None
    attributes: dict[str, Any]
    shape: BaseGeometry | None
    source_datum: str
    stored: StoredGrid | None = None
    change_id: uuid.UUID | None = None
    action: str | None = None
    base_version_id: int | None = None
    place: str | None = None
    object_code: str | None = None
    code: str | None = None
    sources: list[int] = field(default_factory=list)

    @property
    def stands(self) -> bool:
        return self.action != RETIRE


class World:
    """Grids by reference; `touch` marks what has to be written."""

    def __init__(self, plan: DivisionPlan, grids: Sequence[PlanGrid], around: Mapping[str, StoredGrid]):
        self.plan = plan
        self.grids = {grid.ref: grid for grid in grids}
        self.around = around  # every stored grid, retired ones and neighbours of other streets too
        self._touched: dict[str, PlanGrid] = {}
        self._dropped: list[uuid.UUID] = []

    def standing(self, ref: str, pointer: str = "/grid") -> PlanGrid:
        """The grid of this reference. Raises: NoSuchPlannedGrid, also for one that the plan retires."""
        grid = self.grids.get(ref)
        if grid is None or not grid.stands:
            detail = f"方案中没有网格 {ref} / the plan has no grid {ref}"
            raise NoSuchPlannedGrid(detail, errors=[FieldError(pointer, "no-such-planned-grid", detail)])
        return grid

    def children(self, ref: str | None) -> list[PlanGrid]:
        """Standing grids directly below, those of level 1 for None."""
        return [grid for grid in self.grids.values() if grid.parent_ref == ref and grid.stands]

    def siblings(self, grid: PlanGrid) -> list[PlanGrid]:
        """Standing grids of the same parent, the grid itself among them."""
        return self.children(grid.parent_ref)

    def parent(self, grid: PlanGrid) -> PlanGrid | None:
        return self.grids.get(grid.parent_ref) if grid.parent_ref else None

    def top(self, grid: PlanGrid) -> PlanGrid:
        """The level-1 grid above, or the grid itself."""
        while (above := self.parent(grid)) is not None:
            grid = above
        return grid

    def neighbours(self) -> list[StoredGrid]:
        """Standing level-1 grids of other streets nearby."""
        street = self.plan.street_code
        return [
            grid
            for grid in self.around.values()
            if grid.level == 1 and not grid.is_retired and grid.code.street_code != street
        ]

    def change(self, grid: PlanGrid) -> PlanGrid:
        """The grid is about to differ from what is stored."""
        if grid.action is None:
            assert grid.stored is not None
            grid.action, grid.change_id = CHANGE, uuid.uuid4()
            grid.base_version_id = grid.stored.version_id
        self._touched[grid.ref] = grid
        return grid

    def create(self, like: PlanGrid, **differences: Any) -> PlanGrid:
        """A new grid of the plan: a copy of `like` with these fields instead."""
        change_id = uuid.uuid4()
        fields: dict[str, Any] = {
            "level": like.level,
            "parent_ref": like.parent_ref,
            "name": like.name,
            "kind": like.kind,
            "households": like.households,
            "attributes": dict(like.attributes),
            "shape": like.shape,
            "source_datum": like.source_datum,
            "place": like.place,
            "object_code": like.object_code or (like.stored.code.object_code if like.stored else None),
        }
        grid = PlanGrid(ref=str(change_id), change_id=change_id, action=CREATE, **fields | differences)
        self.grids[grid.ref] = self._touched[grid.ref] = grid
        return grid

    def retire(self, grid: PlanGrid) -> None:
        """The grid will stand no longer; a new one of the plan is simply forgotten."""
        if grid.action == CREATE:
            self.drop(grid)
            return
        self.change(grid).action = RETIRE
        stored = grid.stored
        assert stored is not None
        grid.name, grid.kind, grid.households = stored.name, stored.kind, stored.households
        grid.shape, grid.sources = stored.shape, []

    def drop(self, grid: PlanGrid) -> None:
        """The change is undone: a new grid vanishes with all below it, a stored one is as it was."""
        assert grid.change_id is not None
        self._dropped.append(grid.change_id)
        self._touched.pop(grid.ref, None)
        if grid.action == CREATE:
            for child in self.children(grid.ref):
                if child.action == CREATE:
                    self.drop(child)
            del self.grids[grid.ref]
        else:
            assert grid.stored is not None
            self.grids[grid.ref] = _as_stored(grid.stored, grid.parent_ref)

    def heirs_of(self, grid: PlanGrid) -> list[int]:
        """The stored grids that a successor of this one takes over from."""
        return [*grid.sources, *([grid.stored.grid_id] if grid.stored else [])]

    def save(self, session: Session) -> None:
        """What was touched is written; parents before children, because they refer to them."""
        if self._dropped:
            session.execute(delete(PlannedChange).where(PlannedChange.change_id.in_(self._dropped)))
        kept = [grid for grid in self._touched.values() if grid.action is not None]
        for grid in sorted(kept, key=lambda grid: grid.level):
            session.merge(self._row(grid))
            session.flush()
        self._touched.clear()
        self._dropped.clear()

    def _row(self, grid: PlanGrid) -> PlannedChange:
        above = self.parent(grid)
        shape = grid.shape
        return PlannedChange(
            change_id=grid.change_id,
            plan_id=self.plan.plan_id,
            action=grid.action,
            grid_id=grid.stored.grid_id if grid.stored else None,
            base_version_id=grid.base_version_id,
            level=grid.level,
            parent_id=above.stored.grid_id if above and above.stored else None,
            parent_change_id=above.change_id if above and above.stored is None else None,
            place=grid.place,
            object_code=grid.object_code,
            code=grid.code,
            name=grid.name,
            kind=grid.kind,
            households=grid.households,
            attributes=grid.attributes,
            geom=None if shape is None else from_shape(multi(shape), srid=CGCS2000),
            source_datum=grid.source_datum,
            sources=sorted(set(grid.sources)),
        )


def load_world(session: Session, plan: DivisionPlan) -> World:
    """The street as this plan will leave it."""
    rows = session.execute(
        select(PlannedChange, func.ST_AsBinary(PlannedChange.geom))
        .options(defer(PlannedChange.geom))
        .where(PlannedChange.plan_id == plan.plan_id)
        .order_by(PlannedChange.level, PlannedChange.change_id)
    ).all()
    shapes = {row.change_id: shapely.from_wkb(bytes(wkb)) if wkb else None for row, wkb in rows}
    tops = [shape for row, _ in rows if row.level == 1 and (shape := shapes[row.change_id]) is not None]
    around = stored_grids(session, {plan.street_code}, tops)
    grids = {grid.ref: grid for grid in _standing(around, plan.street_code)}
    refs = _Refs(around, [row for row, _ in rows])
    for row, _ in rows:
        grid = _laid_over(row, shapes[row.change_id], refs, around)
        grids[grid.ref] = grid
    return World(plan, list(grids.values()), around)


def _standing(around: Mapping[str, StoredGrid], street_code: str) -> Iterator[PlanGrid]:
    codes = {grid.grid_id: code for code, grid in around.items()}
    for grid in around.values():
        if grid.code.street_code == street_code and not grid.is_retired:
            yield _as_stored(grid, codes[grid.parent_id] if grid.parent_id is not None else None)


def _as_stored(stored: StoredGrid, parent_ref: str | None) -> PlanGrid:
    return PlanGrid(
        ref=str(stored.code),
        level=stored.level,
        parent_ref=parent_ref,
        name=stored.name,
        kind=stored.kind,
        households=stored.households,
        attributes=dict(stored.attributes),
        shape=stored.shape,
        source_datum=stored.source_datum,
        stored=stored,
        code=str(stored.code),
    )


class _Refs:
    """By what each change and each parent is called: by code as soon as the grid is stored."""

    def __init__(self, around: Mapping[str, StoredGrid], rows: Sequence[PlannedChange]) -> None:
        self._codes = {grid.grid_id: code for code, grid in around.items()}
        self._made = {row.change_id: row.code for row in rows if row.code in around}

    def of(self, grid_id: int | None, change_id: uuid.UUID | None) -> str | None:
        if grid_id is not None:
            return self._codes[grid_id]
        return None if change_id is None else self._made.get(change_id) or str(change_id)


def _laid_over(
    row: PlannedChange, shape: BaseGeometry | None, refs: _Refs, around: Mapping[str, StoredGrid]
) -> PlanGrid:
    ref = refs.of(row.grid_id, row.change_id)
    assert ref is not None
    stored = around.get(ref)
    return PlanGrid(
        ref=ref,
        level=row.level,
        parent_ref=refs.of(row.parent_id, row.parent_change_id),
        name=row.name,
        kind=row.kind,
        households=row.households,
        attributes=dict(row.attributes),
        shape=shape,
        source_datum=row.source_datum,
        stored=stored,
        change_id=row.change_id,
        action=row.action,
        base_version_id=row.base_version_id,
        place=row.place,
        object_code=row.object_code,
        code=str(stored.code) if stored else row.code,
        sources=list(row.sources),
    )


def multi(shape: BaseGeometry) -> MultiPolygon:
    """The shape in the form in which it is stored."""
    if isinstance(shape, MultiPolygon):
        return shape
    assert isinstance(shape, Polygon)
    return MultiPolygon([shape])
