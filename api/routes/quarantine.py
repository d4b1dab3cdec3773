"""What could not be filed: see it, and try again."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.dependencies import AppSettings, Reading, Writing
from api.paging import After, Limit, cursor_of, parse_cursor
from api.problems import problem_replies, problem_response
from api.schemas.quarantine import KeptItemOut, KeptPage, RefiledOut
from api.sync.calling import ReadPlates
from api.sync.kinds import ItemInvalid, Sender
from api.sync.receiving import KindUnknown
from api.sync.refiling import refile
from core.errors import (
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    NotFound,
    Outdated,
    TooMany,
    Unauthenticated,
    Unavailable,
    Unguarded,
)
from patrol.appeals import problems as of_appeals
from patrol.checklists import problems as of_checklists
from patrol.diary.remarking import RemarkConflict
from patrol.queries import Cursor, list_kept
from patrol.recording import problems as of_patrols
from patrol.recording.wire import SegmentInvalid
from patrol.rights import GridUnknown
from patrol.trackers.wire import TrackerUnreadable
from patrol.visits import problems as of_visits
from registry.people import problems as of_households
from registry.problems import PlateUnknown

router = APIRouter(prefix="/v1", tags=["quarantine"])

ALWAYS = (Invalid, Unauthenticated, Unavailable)
# What may still be in the way, by kind of item; those of a batch (api/sync/kinds.py) come in both ways.
OF_PATROLS = (
    of_patrols.PatrolUnknown,
    of_patrols.PatrolOfAnother,
    of_patrols.PatrolConflict,
    of_patrols.PatrolFinished,
    of_patrols.PatrolFull,
    of_patrols.SegmentConflict,
    of_patrols.CheckInConflict,
    of_patrols.GapConflict,
    of_patrols.CheckpointUnknown,
    GridUnknown,
    PlateUnknown,
    SegmentInvalid,
    TrackerUnreadable,
)
OF_FINDINGS = (
    of_checklists.FindingInvalid,
    of_checklists.FindingConflict,
    of_checklists.ThemesConflict,
    RemarkConflict,
)
OF_APPEALS = (
    of_appeals.AppealConflict,
    of_appeals.AppealOpen,
    of_appeals.AppealOverlaps,
    of_appeals.AppealTooLate,
)
OF_VISITS = (
    of_visits.VisitInvalid,
    of_visits.VisitConflict,
    of_visits.VisitUnknown,
    of_visits.VisitOfAnother,
    of_visits.VisitOutOfScope,
    of_visits.VisitFormUnknown,
    of_visits.AnswersInvalid,
    of_visits.CorrectionTooLate,
    of_visits.HouseholdUnknown,
)
OF_HOUSEHOLDS = (
    of_households.HouseholdCodeTaken,
    of_households.HouseholdOutside,
    of_households.HouseholdRetired,
    of_households.ResidentElsewhere,
    of_households.ResidentErased,
    of_households.ResidentKnown,
    Outdated,
    Unguarded,
)
STILL = (
    *OF_PATROLS,
    *OF_FINDINGS,
    *OF_APPEALS,
    *OF_VISITS,
    *OF_HOUSEHOLDS,
    Conflict,
    TooMany,
    ItemInvalid,
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
