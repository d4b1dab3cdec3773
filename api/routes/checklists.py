"""Checklists of chapter 7 in their versions; themes and results of patrols."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from api.days import OnDay
from api.dependencies import AppSettings, Reading, Writing
from api.if_match import IfMatch, tagged
from api.problems import problem_replies, problem_response
from api.raw_bodies import RawBody, body_of
from api.schemas.checklists import ChecklistOut, ChecklistsOut, PatrolChecklistsOut
from core.errors import (
    DomainError,
    Forbidden,
    Invalid,
    NotFound,
    Outdated,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unguarded,
)
from core.quarantine import QuarantineFull
from geo.queries import NotOnThatDay
from patrol.checklists.keeping import ChecklistDraft, put_checklist
from patrol.checklists.problems import ChecklistUnknown, FindingInvalid, ThemesConflict
from patrol.checklists.queries import checklist_versions, checklists_of_grid, progress_of
from patrol.checklists.recording import record_results, set_themes
from patrol.checklists.wire import ResultsIn, ThemesIn
from patrol.recording.problems import PatrolOfAnother, PatrolUnknown
from patrol.rights import GridUnknown

router = APIRouter(prefix="/v1", tags=["checklists"])

ALWAYS = (Invalid, Unauthenticated, Unavailable)
OF_PHONES = (*ALWAYS, QuarantineFull, TooLarge, FindingInvalid, PatrolUnknown, PatrolOfAnother)
REPEATED: dict[int | str, dict[str, Any]] = {200: {"description": "It was there already; answered as then."}}
Code = Annotated[str, Path(pattern="^[a-z][a-z0-9_]{0,39}$")]


@router.get(
    "/checklists", response_model=ChecklistsOut, responses=problem_replies(*ALWAYS, NotFound, NotOnThatDay)
)
def read_checklists(
    call: Reading, day: OnDay, grid: Annotated[str, Query(max_length=40, description="code")]
) -> ChecklistsOut:
    """The checklists that hold for a grid on a day."""
    return ChecklistsOut.of(checklists_of_grid(call.session, call.actor, grid, day))


@router.get(
    "/checklists/{code}", response_model=ChecklistsOut, responses=problem_replies(*ALWAYS, ChecklistUnknown)
)
def read_versions(code: Code, call: Reading, response: Response) -> ChecklistsOut:
    """Every version of a checklist that concerns you, newest first; ETag is the newest."""
    rows = checklist_versions(call.session, call.actor, code)
    tagged(response, rows[0].version)
    return ChecklistsOut.of(rows)


@router.put(
    "/checklists/{code}",
    status_code=201,
    response_model=ChecklistOut,
    responses=REPEATED | problem_replies(*ALWAYS, Forbidden, GridUnknown, Outdated, Unguarded),
)
def put_version(
    code: Code, body: ChecklistDraft, revision: IfMatch, call: Writing, response: Response
) -> ChecklistOut:
    """Make a new version of a checklist; If-Match names the newest you know. Older ones stay as they are."""
    kept = put_checklist(call.session, call.actor, code, body, revision=revision)
    response.status_code = 201 if kept.is_new else 200
    tagged(response, kept.row.version)
    return ChecklistOut.of(kept.row)


# ------------------------------------------------------------------------------------------------ of a patrol


@router.get(
    "/patrols/{patrol_id}/checklists",
    response_model=PatrolChecklistsOut,
    responses=problem_replies(*ALWAYS, NotFound),
)
def read_progress(patrol_id: uuid.UUID, call: Reading) -> PatrolChecklistsOut:
    """The checklists of a patrol, item by item with what was found, and how much is done."""
    return PatrolChecklistsOut.of(patrol_id, progress_of(call.session, call.actor, patrol_id))


@router.put(
    "/patrols/{patrol_id}/checklists/{code}",
    status_code=201,
    response_model=PatrolChecklistsOut,
    openapi_extra=body_of(ResultsIn),
    responses=REPEATED | problem_replies(*OF_PHONES),
)
def put_results(
    request: Request,
    response: Response,
    *,
    patrol_id: uuid.UUID,
    code: Code,
    body: RawBody,
    call: Writing,
    settings: AppSettings,
) -> PatrolChecklistsOut | Response:
    """Say of many items at once that they were in order; what was not is a finding of its own."""
    outcome = record_results(call.session, call.actor, patrol_id, code, body, limits=settings.patrol)
    if isinstance(outcome, DomainError):
        return problem_response(request, outcome)
    response.status_code = 200 if outcome.is_repeated else 201
    return PatrolChecklistsOut.of(patrol_id, progress_of(call.session, call.actor, patrol_id))


@router.put(
    "/patrols/{patrol_id}/themes",
    response_model=PatrolChecklistsOut,
    openapi_extra=body_of(ThemesIn),
    responses=problem_replies(*OF_PHONES, ThemesConflict),
)
def put_themes(
    request: Request, patrol_id: uuid.UUID, body: RawBody, call: Writing, settings: AppSettings
) -> PatrolChecklistsOut | Response:
    """Say what a patrol is made for (11.2.2). What was said last by the phone's clock holds."""
    outcome = set_themes(call.session, call.actor, patrol_id, body, settings.patrol)
    if isinstance(outcome, DomainError):
        return problem_response(request, outcome)
    return PatrolChecklistsOut.of(patrol_id, progress_of(call.session, call.actor, patrol_id))
