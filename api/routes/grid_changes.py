"""Changes that begin at one grid: each goes into a draft, the one named or a new one of its own."""

import uuid
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import Field

from access.division import editor_of, planning_scope
from api.dependencies import Call, Writing
from api.if_match import IfMatch
from api.problems import problem_replies
from api.routes.plan_drawing import (
    DRAWING,
    Table,
    desk_of,
    merge_on,
    move_on,
    retire_on,
    split_on,
)
from api.schemas.plans import (
    BoundaryIn,
    MergeIn,
    Name,
    PlanDetailOut,
    Ref,
    RetireIn,
    Shape,
    SplitIn,
)
from core.errors import NotFound
from core.storable import Body
from geo.fitting.editing import DoesNotDivide, NoGroundInside, PartsOverlap
from geo.plans.desk import begin_with, require_version

router = APIRouter(prefix="/v1", tags=["division plans"])

Code = Annotated[str, Path(max_length=40, description="grid code")]
REPLIES: dict[int | str, dict[str, Any]] = {
    **problem_replies(*DRAWING, NotFound, DoesNotDivide, PartsOverlap, NoGroundInside)
}


class Into(Body):
    """The draft that the change goes into; without one, a new draft for this day (tomorrow)."""

    plan: uuid.UUID | None = None
    valid_from: date | None = None


class SplitHereIn(Into):
    """As for a plan, without the grid."""

    line: Shape | None = None
    parts: Annotated[list[Shape] | None, Field(min_length=1, max_length=99)] = None
    datum: Annotated[str, Field(max_length=200)] = "EPSG:4490"
    keep: Annotated[int | None, Field(ge=0)] = None
    names: list[Name] | None = None
    places: list[str] | None = None


class MergeHereIn(Into, MergeIn):
    """As for a plan."""


class BoundaryHereIn(Into):
    """As for a plan, without the grid."""

    geometry: Shape
    datum: Annotated[str, Field(max_length=200)] = "EPSG:4490"


class RetireHereIn(Into):
    """As for a plan, without the grid."""

    into: Ref | None = None


@router.post("/grids/merge", status_code=201, response_model=PlanDetailOut, responses=REPLIES)
def merge_here(
    response: Response, call: Writing, body: MergeHereIn, version: IfMatch = None
) -> PlanDetailOut:
    """Make one grid of several, in a draft. If-Match names the version of the first."""
    table = _table(call, response, body.grids[0], body=body, version=version, title="合并网格")
    order = MergeIn(**body.model_dump(exclude=_OWN))
    return table.filed("merged", merge_on(table.desk, order))


@router.post("/grids/{code}/split", status_code=201, response_model=PlanDetailOut, responses=REPLIES)
def split_here(
    response: Response, call: Writing, code: Code, body: SplitHereIn, version: IfMatch = None
) -> PlanDetailOut:
    """Cut a grid, in a draft. If-Match names the version of the grid that is meant."""
    table = _table(call, response, code, body=body, version=version, title="拆分网格")
    order = SplitIn(grid=code, **body.model_dump(exclude=_OWN))
    return table.filed("split", split_on(table.desk, order))


@router.post("/grids/{code}/boundary", status_code=201, response_model=PlanDetailOut, responses=REPLIES)
def move_boundary_here(
    response: Response, call: Writing, code: Code, body: BoundaryHereIn, version: IfMatch = None
) -> PlanDetailOut:
    """Give a grid a new boundary, in a draft. If-Match names the version of the grid that is meant."""
    table = _table(call, response, code, body=body, version=version, title="调整边界")
    order = BoundaryIn(grid=code, **body.model_dump(exclude=_OWN))
    return table.filed("boundary", move_on(table.desk, order))


@router.post("/grids/{code}/retire", status_code=201, response_model=PlanDetailOut, responses=REPLIES)
def retire_here(
    response: Response, call: Writing, code: Code, body: RetireHereIn, version: IfMatch = None
) -> PlanDetailOut:
    """Retire a grid, in a draft. If-Match names the version of the grid that is meant."""
    table = _table(call, response, code, body=body, version=version, title="停用网格")
    order = RetireIn(grid=code, **body.model_dump(exclude=_OWN))
    return table.filed("retired", retire_on(table.desk, order))


_OWN = {"plan", "valid_from"}


def _table(
    call: Call, response: Response, code: str, *, body: Into, version: int | None, title: str
) -> Table:
    if body.plan is not None:
        desk = desk_of(call, body.plan, None)
    else:
        scope, editor = planning_scope(call.actor), editor_of(call.actor)
        facts = {"title": f"{title} {code}", "valid_from": body.valid_from}
        desk = begin_with(call.session, scope, editor, code, facts)
    require_version(desk, code, version)
    return Table(call, desk, response)
