"""Findings of patrols: filed under an id that the phone made, as often as needed, in any order."""

import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from api.dependencies import AppSettings, Reading, Writing
from api.paging import After, Limit, cursor_of, parse_cursor
from api.problems import problem_replies, problem_response
from api.raw_bodies import RawBody, body_of
from api.schemas.checklists import FindingOut, FindingPage
from api.spans import DaySpan, wanted_span
from core.errors import DomainError, Forbidden, Invalid, NotFound, TooLarge, Unauthenticated, Unavailable
from core.quarantine import QuarantineFull
from patrol.checklists.problems import FindingConflict, FindingInvalid
from patrol.checklists.queries import FindingFilter, list_findings, read_finding
from patrol.checklists.recording import record_finding
from patrol.checklists.wire import FindingIn
from patrol.queries import Cursor
from patrol.recording.problems import PatrolOfAnother, PatrolUnknown
from patrol.rights import GridUnknown

router = APIRouter(prefix="/v1", tags=["checklists"])

ALWAYS = (Invalid, Unauthenticated, Unavailable)
REPEATED: dict[int | str, dict[str, Any]] = {200: {"description": "It was there already; answered as then."}}


def wanted_findings(
    span: Annotated[DaySpan, Depends(wanted_span)],
    *,
    grid: Annotated[str | None, Query(max_length=40, description="code; with all grids below")] = None,
    patrol: uuid.UUID | None = None,
    result: Annotated[list[Literal["ok", "handled", "report"]] | None, Query()] = None,
) -> FindingFilter:
    return FindingFilter(grid, patrol, tuple(result or ()), span.starts_at, span.ends_at)


@router.put(
    "/findings/{finding_id}",
    status_code=201,
    response_model=FindingOut,
    openapi_extra=body_of(FindingIn),
    responses=REPEATED
    | problem_replies(
        *ALWAYS, QuarantineFull, TooLarge, FindingInvalid, FindingConflict, PatrolUnknown, PatrolOfAnother
    ),
)
def put_finding(
    request: Request,
    response: Response,
    *,
    finding_id: uuid.UUID,
    body: RawBody,
    call: Writing,
    settings: AppSettings,
) -> FindingOut | Response:
    """File what was found at one item: in order, handled on the spot, or to be reported as a hazard.

    Photos are named here and sent to /v1/photos/{sha256}, before or after. What cannot be filed is kept aside
    all the same; the problem names it in `kept_aside`.
    """
    outcome = record_finding(call.session, call.actor, finding_id, body, settings.patrol)
    if isinstance(outcome, DomainError):
        return problem_response(request, outcome)
    response.status_code = 200 if outcome.is_repeated else 201
    return FindingOut.of(read_finding(call.session, call.actor, finding_id))


@router.get("/findings/{finding_id}", response_model=FindingOut, responses=problem_replies(*ALWAYS, NotFound))
def get_finding(finding_id: uuid.UUID, call: Reading) -> FindingOut:
    """One finding with its photos."""
    return FindingOut.of(read_finding(call.session, call.actor, finding_id))


@router.get(
    "/findings",
    response_model=FindingPage,
    responses=problem_replies(*ALWAYS, GridUnknown, Forbidden),
)
def list_all(
    call: Reading,
    wanted: Annotated[FindingFilter, Depends(wanted_findings)],
    after: After = None,
    limit: Limit = 50,
) -> FindingPage:
    """Findings you may read, your own always, newest first."""
    place = Cursor(*parse_cursor(after)) if after else None
    views = list_findings(call.session, call.actor, wanted, after=place, limit=limit + 1)
    page = views[:limit]
    more = cursor_of(page[-1].at, page[-1].finding_id) if len(views) > limit else None
    return FindingPage(items=[FindingOut.of(view) for view in page], next=more)
