"""Household visits: record, correct, read; due lists, rounds, forms, needs. Every write may be repeated."""

import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from api.days import OnDay
from api.dependencies import AppSettings, Reading, Writing
from api.paging import After, Limit, cursor_of, parse_cursor
from api.problems import problem_replies, problem_response
from api.schemas.visit_planning import DueOut, DuePage, FormIn, FormOut, FormsOut, RouteOut
from api.schemas.visits import ListedNeedOut, ListedVisitOut, NeedPage, VisitOut, VisitPage, body_schema
from api.visit_queries import DueBehind, FromHere, StartHere, VisitDays, due_cursor_of
from core.errors import (
    DomainError,
    Forbidden,
    Invalid,
    NotFound,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from geo.datums import UnknownDatum
from geo.distances import metres_between
from patrol.rights import GridUnknown
from patrol.visits.advice import State
from patrol.visits.correcting import correct_visit
from patrol.visits.due import NOT_DONE, due_list
from patrol.visits.form_desk import forms_on, put_form
from patrol.visits.problems import (
    AnswersInvalid,
    CorrectionTooLate,
    HouseholdUnknown,
    VisitConflict,
    VisitFormInvalid,
    VisitFormTaken,
    VisitFormUnknown,
    VisitInvalid,
    VisitOfAnother,
    VisitOutOfScope,
    VisitUnknown,
)
from patrol.visits.queries import Cursor, VisitFilter, list_needs, list_visits, read_visit
from patrol.visits.recording import file_visits_waiting_for, record_visit
from patrol.visits.routing import MAX_HOUSEHOLDS, suggest_route
from patrol.visits.wire import MAX_BODY_BYTES, CorrectionIn, FormRef, VisitIn

router = APIRouter(prefix="/v1", tags=["visits"])

ALWAYS = (Invalid, Unauthenticated, Unavailable)
ASKED = (*ALWAYS, Forbidden, GridUnknown)
RECORDING = (*ALWAYS, TooLarge, VisitInvalid, VisitConflict, VisitFormUnknown, AnswersInvalid)
REPEATED: dict[int | str, dict[str, Any]] = {200: {"description": "It was there already; answered as then."}}
GridCode = Annotated[str | None, Query(max_length=40, description="code; with all grids below")]


def _body_of(kind: type[VisitIn] | type[CorrectionIn]) -> dict[str, Any]:
    content = {"application/json": {"schema": body_schema(kind)}}
    return {"requestBody": {"required": True, "content": content}}


async def whole_body(request: Request) -> bytes:
    """The bytes as they came: what cannot be read is kept as it was sent."""
    body = await request.body()
    if len(body) > MAX_BODY_BYTES:
        raise TooLarge(f"a visit has at most {MAX_BODY_BYTES // 1024} KiB", limit_bytes=MAX_BODY_BYTES)
    return body


# Named before the call in each handler: no connection waits for a slow network.
WholeBody = Annotated[bytes, Depends(whole_body)]


# ------------------------------------------------------------------------------------------------ due lists


@router.get("/visits/due", response_model=DuePage, responses=problem_replies(*ASKED, UnknownDatum))
def list_due(
    call: Reading,
    day: OnDay,
    here: FromHere,
    *,
    grid: GridCode = None,
    state: Annotated[list[State] | None, Query(description="only these; all but `done` if not given")] = None,
    after: DueBehind,
    limit: Limit = 50,
) -> DuePage:
    """Households that are to be visited, as the division of the day has them: special ones first, then the
    longest unvisited, door by door. Attempts are shown for what they are: not done.
    """
    states = frozenset(state) if state else NOT_DONE
    found = due_list(call.session, call.actor, grid, day, after=after, limit=limit + 1, states=states)
    page = found.lines[:limit]
    more = due_cursor_of(page[-1].cursor) if len(found.lines) > limit else None
    items = [
        DueOut.of(line, here and metres_between(here, (line.plate.lon, line.plate.lat))) for line in page
    ]
    return DuePage.of(found, day, items, more)


@router.get("/visits/route", response_model=RouteOut, responses=problem_replies(*ASKED, UnknownDatum))
def read_route(
    call: Reading,
    day: OnDay,
    start: StartHere,
    *,
    grid: GridCode = None,
    limit: Annotated[int, Query(ge=1, le=MAX_HOUSEHOLDS, description="households")] = 30,
) -> RouteOut:
    """A round over due households: what presses most, filled up with what lies near; ordered by nearest
    neighbour and 2-opt over the entrances, floors from below.
    """
    stops = suggest_route(call.session, call.actor, grid, day, start=start, limit=limit)
    return RouteOut.of(day, start, stops)


# --------------------------------------------------------------------------------------------------- visits


@router.put(
    "/visits/{visit_id}",
    status_code=201,
    response_model=VisitOut,
    openapi_extra=_body_of(VisitIn),
    responses=REPEATED | problem_replies(*RECORDING, HouseholdUnknown, VisitOutOfScope),
)
def put_visit(
    request: Request,
    response: Response,
    *,
    visit_id: uuid.UUID,
    body: WholeBody,
    call: Writing,
    settings: AppSettings,
) -> VisitOut | Response:
    """Record a visit under an id that the phone made, in any order, as often as needed.

    What cannot be filed is kept aside all the same; the problem names it in `kept_aside`.
    """
    outcome = record_visit(call.session, call.actor, visit_id, body, settings.patrol)
    if isinstance(outcome, DomainError):
        return problem_response(request, outcome)
    response.status_code = 200 if outcome.is_repeated else 201
    return VisitOut.of_detail(read_visit(call.session, call.actor, visit_id), settings.patrol)


@router.post(
    "/visits/{visit_id}/corrections",
    status_code=201,
    response_model=VisitOut,
    openapi_extra=_body_of(CorrectionIn),
    responses=REPEATED | problem_replies(*RECORDING, VisitUnknown, VisitOfAnother, CorrectionTooLate),
)
def post_correction(
    request: Request,
    response: Response,
    *,
    visit_id: uuid.UUID,
    body: WholeBody,
    call: Writing,
    settings: AppSettings,
) -> VisitOut | Response:
    """Say an own visit otherwise; what it said before is kept. Its id is in the body: it can be repeated."""
    outcome = correct_visit(call.session, call.actor, visit_id, body, settings.patrol)
    if isinstance(outcome, DomainError):
        return problem_response(request, outcome)
    response.status_code = 200 if outcome.is_repeated else 201
    return VisitOut.of_detail(read_visit(call.session, call.actor, visit_id), settings.patrol)


@router.get("/visits/{visit_id}", response_model=VisitOut, responses=problem_replies(*ALWAYS, NotFound))
def get_visit(visit_id: uuid.UUID, call: Reading, settings: AppSettings) -> VisitOut:
    """One visit with its answers, needs and versions."""
    return VisitOut.of_detail(read_visit(call.session, call.actor, visit_id), settings.patrol)


@router.get("/visits", response_model=VisitPage, responses=problem_replies(*ASKED))
def list_all(
    call: Reading,
    days: VisitDays,
    *,
    grid: GridCode = None,
    household: uuid.UUID | None = None,
    person: uuid.UUID | None = None,
    after: After = None,
    limit: Limit = 50,
) -> VisitPage:
    """Visits you may read, your own always, newest first."""
    wanted = VisitFilter(grid, household, person, *days)
    place = Cursor(*parse_cursor(after)) if after else None
    views = list_visits(call.session, call.actor, wanted, after=place, limit=limit + 1)
    page = views[:limit]
    more = cursor_of(page[-1].visit.at, page[-1].visit.visit_id) if len(views) > limit else None
    return VisitPage(items=[ListedVisitOut.of(view) for view in page], next=more)


# ---------------------------------------------------------------------------------------------------- needs


@router.get("/needs", response_model=NeedPage, responses=problem_replies(*ASKED))
def list_all_needs(
    call: Reading,
    *,
    grid: GridCode = None,
    status: Literal["open", "handed", "withdrawn"] | None = None,
    after: After = None,
    limit: Limit = 50,
) -> NeedPage:
    """What households need, as visits found it, newest first."""
    place = Cursor(*parse_cursor(after)) if after else None
    views = list_needs(call.session, call.actor, grid, status, after=place, limit=limit + 1)
    page = views[:limit]
    more = cursor_of(page[-1].need.found_at, page[-1].need.need_id) if len(views) > limit else None
    return NeedPage(items=[ListedNeedOut.of_view(view) for view in page], next=more)


# ---------------------------------------------------------------------------------------------------- forms


@router.get("/visit-forms", response_model=FormsOut, responses=problem_replies(*ALWAYS))
def read_forms(call: Reading, day: OnDay) -> FormsOut:
    """The forms to fill in on the day, with names in both languages, so that any client can render them."""
    return FormsOut(on=day, items=[FormOut.of_form(form) for form in forms_on(call.session, day)])


@router.put(
    "/visit-forms/{code}/{version}",
    status_code=201,
    response_model=FormOut,
    responses=REPEATED | problem_replies(*ALWAYS, Forbidden, VisitFormInvalid, VisitFormTaken),
)
def put_one_form(
    response: Response,
    *,
    code: Annotated[str, Path(pattern="^[a-z][a-z0-9_]{0,39}$")],
    version: Annotated[int, Path(ge=1, le=100_000)],
    body: FormIn,
    call: Writing,
) -> FormOut:
    """Make a version of a form; it never changes afterwards. Answers that waited for it are filed now."""
    put = put_form(call.session, call.actor, FormRef(code=code, version=version), body.draft())
    if put.is_new:
        file_visits_waiting_for(call.session, put.form)
    response.status_code = 201 if put.is_new else 200
    return FormOut.of_form(put.form)
