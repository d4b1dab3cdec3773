"""What could not be filed: see it, and try again."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.dependencies import AppSettings, Reading, Writing
from api.paging import After, Limit, cursor_of, parse_cursor
from api.problems import problem_replies, problem_response
from api.schemas.quarantine import KeptItemOut, KeptPage, RefiledOut
from api.sync.calling import ReadPlates
from api.sync.kinds import Sender
from api.sync.receiving import KindUnknown
from api.sync.refiling import refile
from core.errors import DomainError, Forbidden, Invalid, NotFound, Unauthenticated, Unavailable
from patrol.problems import PatrolConflict, PatrolFinished, PatrolOfAnother, PatrolUnknown, SegmentConflict
from patrol.queries import Cursor, list_kept
from patrol.wire import SegmentInvalid

router = APIRouter(prefix="/v1", tags=["quarantine"])

ALWAYS = (Invalid, Unauthenticated, Unavailable)
STILL = (
    PatrolUnknown,
    PatrolOfAnother,
    PatrolConflict,
    SegmentConflict,
    PatrolFinished,
    SegmentInvalid,
    KindUnknown,
)


@router.get("/quarantine", response_model=KeptPage, responses=problem_replies(*ALWAYS))
def list_quarantine(
    call: Reading,
    refiled: Annotated[bool, Query(description="also what has been filed since")] = False,
    after: After = None,
    limit: Limit = 50,
) -> KeptPage:
    """Your own kept items; heads, operators and administrators also see those of their people."""
    place = Cursor(*parse_cursor(after)) if after else None
    items = list_kept(call.session, call.actor, after=place, limit=limit + 1, with_refiled=refiled)
    page = items[:limit]
    more = cursor_of(page[-1].received_at, page[-1].quarantine_id) if len(items) > limit else None
    return KeptPage(items=[KeptItemOut.of(item) for item in page], next=more)


@router.post(
    "/quarantine/{quarantine_id}/refile",
    response_model=RefiledOut,
    responses=problem_replies(*ALWAYS, NotFound, Forbidden, *STILL),
)
def refile_item(
    request: Request, quarantine_id: uuid.UUID, call: Writing, settings: AppSettings, plates: ReadPlates
) -> RefiledOut | Response:
    """Try once more to file something of your own; if it still cannot be, the answer says why today."""
    outcome = refile(call.session, Sender(call.actor, settings, plates), quarantine_id)
    if isinstance(outcome, DomainError):
        return problem_response(request, outcome)
    return RefiledOut(repeated=outcome)
