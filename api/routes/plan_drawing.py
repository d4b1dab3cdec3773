"""The drawing tools of a division plan. Each says with If-Match which revision it is meant for."""

import uuid
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response

from access.division import editor_of, planning_scope
from api.dependencies import Call, Writing
from api.if_match import Guarded
from api.problems import problem_replies
from api.routes.plans import STEPS, PlanId, plan_reply
from api.schemas.plans import (
    BoundaryIn,
    GridEditIn,
    MergeIn,
    NewGridIn,
    PlanDetailOut,
    Ref,
    RepairIn,
    RepairOut,
    RetireIn,
    SplitIn,
    SubdivideIn,
    SubdivisionOut,
)
from geo.datums import UnknownDatum
from geo.dividing.partition import TooFewBuildings
from geo.fitting.editing import DoesNotDivide, NoGroundInside, PartsOverlap, split_by_line, split_by_parts
from geo.plans import drawing
from geo.plans.desk import Desk, take_up
from geo.plans.drawing import CannotDraw, Cut, NewGrid, NothingToUndo
from geo.plans.repairing import repair_plan
from geo.plans.sketches import BadShape, line_of, polygon_of
from geo.plans.world import NoSuchPlannedGrid
from registry.dividing import propose_parts, split_into
from registry.subdividing import NothingToSubdivide, TooManyBuildings

router = APIRouter(prefix="/v1", tags=["division plans"])

DRAWING = (*STEPS, NoSuchPlannedGrid, CannotDraw, BadShape, UnknownDatum)


def desk_of(call: Call, plan_id: uuid.UUID, revision: int | None) -> Desk:
    """The draft, to be drawn on."""
    return take_up(call.session, planning_scope(call.actor), editor_of(call.actor), plan_id, revision)


@dataclass(frozen=True, slots=True)
class Table:
    """A draft on the desk of whoever calls."""

    call: Call
    desk: Desk
    response: Response

    def filed(self, event: str, detail: dict[str, Any]) -> PlanDetailOut:
        """The plan as it is after the tool."""
        self.desk.file(event, detail)
        return plan_reply(self.call, self.desk.plan, self.response, world=self.desk.world)


def table_of(call: Writing, response: Response, plan_id: PlanId, revision: Guarded) -> Table:
    """Raises: PlanUnknown, PlanClosed, Outdated, Unguarded, Forbidden."""
    return Table(call, desk_of(call, plan_id, revision), response)


OnTable = Annotated[Table, Depends(table_of, scope="function")]
DryRun = Annotated[bool, Query(description="show what would happen and change nothing")]


def split_on(desk: Desk, body: SplitIn) -> dict[str, Any]:
    """Carry out a split; what to note of it in the timeline."""
    shape = desk.world.standing(body.grid).shape
    if shape is None or (body.line is None) == (body.parts is None):
        raise CannotDraw("请给出分割线 line 或各部分 parts 之一 / give either a line or the parts")
    if body.line is not None:
        parts = split_by_line(shape, line_of(body.line, body.datum))
    else:
        drawn = enumerate(body.parts or [])
        parts = split_by_parts(
            shape, [polygon_of(part, body.datum, f"/parts/{index}") for index, part in drawn]
        )
    cut = Cut(keep=body.keep, names=body.names, places=body.places)
    homes = drawing.split(desk.world, body.grid, parts, cut)
    return {"grid": body.grid, "parts": [home.name for home in homes]}


def merge_on(desk: Desk, body: MergeIn) -> dict[str, Any]:
    """Carry out a merge; what to note of it in the timeline."""
    home = drawing.merge(desk.world, body.grids, name=body.name, keep=body.keep)
    return {"grids": body.grids, "into": home.ref, "name": home.name}


def move_on(desk: Desk, body: BoundaryIn) -> dict[str, Any]:
    """Move a boundary; what to note of it in the timeline."""
    touched = drawing.move_boundary(desk.world, body.grid, polygon_of(body.geometry, body.datum))
    return {"grid": body.grid, "touched": [grid.ref for grid in touched]}


def retire_on(desk: Desk, body: RetireIn) -> dict[str, Any]:
    """Retire a grid; what to note of it in the timeline."""
    drawing.retire(desk.world, body.grid, body.into)
    return {"grid": body.grid, "into": body.into}


@router.post(
    "/plans/{plan_id}/split",
    response_model=PlanDetailOut,
    responses=problem_replies(*DRAWING, DoesNotDivide, PartsOverlap, NoGroundInside),
)
def split_grid(table: OnTable, body: SplitIn) -> PlanDetailOut:
    """Cut a grid by a line or into parts; what lies below goes with its ground."""
    return table.filed("split", split_on(table.desk, body))


@router.post("/plans/{plan_id}/merge", response_model=PlanDetailOut, responses=problem_replies(*DRAWING))
def merge_grids(table: OnTable, body: MergeIn) -> PlanDetailOut:
    """Make one grid of several."""
    return table.filed("merged", merge_on(table.desk, body))


@router.post(
    "/plans/{plan_id}/boundary",
    response_model=PlanDetailOut,
    responses=problem_replies(*DRAWING, NoGroundInside),
)
def move_boundary(table: OnTable, body: BoundaryIn) -> PlanDetailOut:
    """Give a grid this boundary; neighbours and everything below follow."""
    return table.filed("boundary", move_on(table.desk, body))


@router.post("/plans/{plan_id}/retire", response_model=PlanDetailOut, responses=problem_replies(*DRAWING))
def retire_grid(table: OnTable, body: RetireIn) -> PlanDetailOut:
    """Retire a grid."""
    return table.filed("retired", retire_on(table.desk, body))


@router.post("/plans/{plan_id}/grids", response_model=PlanDetailOut, responses=problem_replies(*DRAWING))
def draw_grid(table: OnTable, body: NewGridIn) -> PlanDetailOut:
    """Add a grid drawn by hand."""
    shape = None if body.geometry is None else polygon_of(body.geometry, body.datum)
    told = body.model_dump(exclude={"geometry", "datum"})
    made = drawing.draw(table.desk.world, NewGrid(**told, shape=shape, source_datum=body.datum))
    return table.filed("drawn", {"grid": made.ref, "name": made.name})


@router.patch(
    "/plans/{plan_id}/grids/{ref}", response_model=PlanDetailOut, responses=problem_replies(*DRAWING)
)
def edit_grid(table: OnTable, ref: Annotated[Ref, Path()], body: GridEditIn) -> PlanDetailOut:
    """Say something else of a grid."""
    said = body.model_dump(exclude_unset=True)
    drawing.edit(table.desk.world, ref, said)
    return table.filed("described", {"grid": ref, "fields": sorted(said)})


@router.delete(
    "/plans/{plan_id}/changes/{change_id}",
    response_model=PlanDetailOut,
    responses=problem_replies(*STEPS, NothingToUndo),
)
def undo_change(table: OnTable, change_id: uuid.UUID) -> PlanDetailOut:
    """Forget one change of the plan."""
    grid = drawing.undo(table.desk.world, change_id)
    return table.filed("undone", {"grid": grid.ref, "name": grid.name})


@router.post("/plans/{plan_id}/repair", response_model=RepairOut, responses=problem_replies(*STEPS))
def repair(table: OnTable, body: RepairIn, dry_run: DryRun = False) -> RepairOut:
    """Snap vertices, close gaps, resolve overlaps; what is too large for that remains as a fault."""
    desk = table.desk
    mended = repair_plan(desk.world, snap_m=body.snap_m, gap_m=body.gap_m)
    if not dry_run and mended.moved_m2:
        desk.file("repaired", {**body.model_dump(), "grids": len(mended.moved_m2)})
    return RepairOut.of(mended, dry_run=dry_run, revision=desk.plan.revision)


@router.post(
    "/plans/{plan_id}/subdivide",
    response_model=SubdivisionOut,
    responses=problem_replies(*DRAWING, NothingToSubdivide, TooFewBuildings, TooManyBuildings),
)
def subdivide(table: OnTable, body: SubdivideIn, dry_run: DryRun = False) -> SubdivisionOut:
    """Divide the buildings of a grid that is too large into compact, connected, even parts."""
    desk = table.desk
    proposal = propose_parts(desk, body.grid, target=body.households)
    if not dry_run:
        split_into(desk, body.grid, proposal)
    return SubdivisionOut.of(proposal, dry_run=dry_run, revision=desk.plan.revision)
