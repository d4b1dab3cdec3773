"""Grids: list, read, history."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from access.queries import people_of_grid
from access.roles import Action
from access.scope import Actor, Scope, scope_of
from api.dependencies import Reading
from api.paging import After, Limit
from api.problems import problem_replies
from api.schemas.grids import (
    GridDetailOut,
    GridHistoryOut,
    GridPage,
    GridPeriodOut,
)
from core.clock import today
from core.errors import FieldError, Invalid, NotFound, Unauthenticated, Unavailable
from geo.queries import BBox, GridFilter, history_of, list_grids, read_grid

router = APIRouter(prefix="/v1", tags=["grids"])

ALWAYS = (Invalid, Unauthenticated, Unavailable)

Code = Annotated[str, Path(max_length=40, description="grid code")]


def wanted_box(
    bbox: Annotated[str | None, Query(max_length=100, description="west,south,east,north")] = None,
) -> BBox | None:
    """Raises: Invalid."""
    if bbox is None:
        return None
    try:
        west, south, east, north = (float(part) for part in bbox.split(","))
        if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
            raise ValueError(bbox)
    except ValueError:
        detail = "west,south,east,north in degrees, the smaller value first"
        raise Invalid(errors=[FieldError("/query/bbox", "bad-bbox", detail)]) from None
    return west, south, east, north


def wanted_grids(
    bbox: Annotated[BBox | None, Depends(wanted_box)],
    level: Annotated[int | None, Query(ge=1, le=5)] = None,
    parent: Annotated[str | None, Query(max_length=40, description="code of the grid above")] = None,
) -> GridFilter:
    return GridFilter(level, parent, bbox)


@router.get("/grids", response_model=GridPage, responses=problem_replies(*ALWAYS))
def read_grids(
    call: Reading,
    wanted: Annotated[GridFilter, Depends(wanted_grids)],
    after: After = None,
    limit: Limit = 200,
) -> GridPage:
    """Grids of the caller's scope, in the order of their codes."""
    scope = _visible(call.actor)
    grids = list_grids(call.session, scope, today(), wanted=wanted, after=after, limit=limit + 1)
    return GridPage.of(grids, limit)


@router.get("/grids/{code}", response_model=GridDetailOut, responses=problem_replies(*ALWAYS, NotFound))
def read_one_grid(call: Reading, code: Code) -> GridDetailOut:
    """One grid with its boundary, its ancestors and the people who answer for it."""
    day = today()
    grid = read_grid(call.session, _visible(call.actor), code, day)
    may_read_people = scope_of(call.actor, Action.READ_PEOPLE).covers(grid.path)
    people = people_of_grid(call.session, grid.grid_id, day) if may_read_people else []
    return GridDetailOut.of_detail(grid, people)


@router.get("/grids/{code}/children", response_model=GridPage, responses=problem_replies(*ALWAYS, NotFound))
def read_children(call: Reading, code: Code, after: After = None, limit: Limit = 200) -> GridPage:
    """The grids directly below one, as far as the caller sees them."""
    scope, day = _visible(call.actor), today()
    read_grid(call.session, scope, code, day)
    wanted = GridFilter(parent=code)
    return GridPage.of(
        list_grids(call.session, scope, day, wanted=wanted, after=after, limit=limit + 1), limit
    )


@router.get(
    "/grids/{code}/history", response_model=GridHistoryOut, responses=problem_replies(*ALWAYS, NotFound)
)
def read_history(call: Reading, code: Code) -> GridHistoryOut:
    """What the grid was called and how large it was, and when."""
    periods = history_of(call.session, _visible(call.actor), code)
    return GridHistoryOut(code=code, items=[GridPeriodOut.of(period) for period in periods])


def _visible(actor: Actor) -> Scope:
    return scope_of(actor, Action.READ_GRIDS)
