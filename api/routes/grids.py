"""Grids: list, read, history; on any day."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Response

from access.queries import people_of_grid
from access.roles import Action
from access.scope import Actor, Scope, scope_of
from api.days import OnDay
from api.dependencies import Reading
from api.entity_tags import is_known, tag_of
from api.paging import After, Limit
from api.problems import problem_replies
from api.schemas.grids import GridDetailOut, GridHistoryOut, GridPage
from core.errors import FieldError, Invalid, NotFound, Unauthenticated, Unavailable
from geo.history import history_of, successions_of
from geo.queries import BBox, GridFilter, NotOnThatDay, list_grids, read_grid

router = APIRouter(prefix="/v1", tags=["grids"])

ALWAYS = (Invalid, Unauthenticated, Unavailable)

Code = Annotated[str, Path(max_length=40, description="grid code")]
IfNoneMatch = Annotated[str | None, Header(max_length=1000, description="entity tag of the copy at hand")]
KNOWN = "The grid is still in the version of If-None-Match; who answers for it may have changed."
# The tag says nothing about the people in the reply: no browser shall keep and revalidate it by itself.
UNSTORED = {"Cache-Control": "private, no-store", "Vary": "Authorization"}


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
    day: OnDay,
    after: After = None,
    limit: Limit = 200,
) -> GridPage:
    """Grids of the caller's scope as they stand on the day, in the order of their codes."""
    scope = _visible(call.actor)
    grids = list_grids(call.session, scope, day, wanted=wanted, after=after, limit=limit + 1)
    return GridPage.of(grids, limit)


@router.get(
    "/grids/{code}",
    response_model=GridDetailOut,
    responses={304: {"description": KNOWN}, **problem_replies(*ALWAYS, NotFound, NotOnThatDay)},
)
def read_one_grid(
    call: Reading, code: Code, day: OnDay, response: Response, if_none_match: IfNoneMatch = None
) -> GridDetailOut | Response:
    """One grid with its boundary, its ancestors and the people who answer for it.

    The entity tag names the version of the grid, for If-Match of whoever changes it.
    """
    grid = read_grid(call.session, _visible(call.actor), code, day)
    headers = {"ETag": tag_of(grid.version_id), **UNSTORED}
    if is_known(headers["ETag"], if_none_match):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    may_read_people = scope_of(call.actor, Action.READ_PEOPLE).covers(grid.path)
    people = people_of_grid(call.session, grid.grid_id, day) if may_read_people else []
    return GridDetailOut.of_detail(grid, people)


@router.get(
    "/grids/{code}/children",
    response_model=GridPage,
    responses=problem_replies(*ALWAYS, NotFound, NotOnThatDay),
)
def read_children(call: Reading, code: Code, day: OnDay, after: After = None, limit: Limit = 200) -> GridPage:
    """The grids directly below one on the day, as far as the caller sees them."""
    scope = _visible(call.actor)
    read_grid(call.session, scope, code, day)
    wanted = GridFilter(parent=code)
    return GridPage.of(
        list_grids(call.session, scope, day, wanted=wanted, after=after, limit=limit + 1), limit
    )


@router.get(
    "/grids/{code}/history", response_model=GridHistoryOut, responses=problem_replies(*ALWAYS, NotFound)
)
def read_history(call: Reading, code: Code) -> GridHistoryOut:
    """Every version of a grid, past and planned, by whom, and which grids it came from and went over into."""
    history = history_of(call.session, _visible(call.actor), code)
    may_read_people = scope_of(call.actor, Action.READ_PEOPLE).covers(history.path)
    successions = successions_of(call.session, history.grid_id)
    return GridHistoryOut.of_history(code, history, successions, names_people=may_read_people)


def _visible(actor: Actor) -> Scope:
    return scope_of(actor, Action.READ_GRIDS)
