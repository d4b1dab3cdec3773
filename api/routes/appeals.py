"""Appeals (补签) of workers, reviews of doubts, and the decisions of those above."""

import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from api.dependencies import AppSettings, Call, Reading, Writing
from api.paging import After, Limit, cursor_of, parse_cursor
from api.problems import problem_replies, problem_response
from api.schemas.appeals import (
    AppealIn,
    AppealOut,
    AppealPage,
    DecidedOut,
    DecisionsOut,
    PatrolAppealIn,
    ReviewOut,
    ReviewPage,
    RulingIn,
)
from api.weeks import WantedWeek
from core.errors import DomainError, Forbidden, Invalid, NotFound, Unauthenticated, Unavailable
from core.quarantine import QuarantineFull
from patrol.appeals.asking import put_appeal, withdraw_appeal
from patrol.appeals.deciding import decide_appeal, review_patrol
from patrol.appeals.problems import (
    AlreadyDecided,
    AppealConflict,
    AppealOpen,
    AppealOverlaps,
    AppealTooLate,
    AppealUnknown,
    AppealWithdrawn,
    NothingToReview,
    OwnPatrol,
)
from patrol.appeals.queries import (
    AppealFilter,
    decisions_on,
    list_appeals,
    list_reviews,
    read_appeal,
    read_review,
)
from patrol.queries import Cursor
from patrol.recording.problems import PatrolOfAnother, PatrolUnknown
from patrol.recording.tracks import Filed
from patrol.rights import GridUnknown

router = APIRouter(prefix="/v1", tags=["appeals"])

ALWAYS = (Invalid, Unauthenticated, Unavailable)
ASKING = (
    QuarantineFull,
    PatrolUnknown,
    PatrolOfAnother,
    AppealConflict,
    AppealOpen,
    AppealOverlaps,
    AppealTooLate,
)
REPEATED: dict[int | str, dict[str, Any]] = {200: {"description": "It was there already; answered as then."}}
GridCode = Annotated[str | None, Query(max_length=40, description="code; with all grids below")]


@router.post(
    "/patrols/{patrol_id}/appeals",
    status_code=201,
    response_model=AppealOut,
    responses=REPEATED | problem_replies(*ALWAYS, *ASKING),
)
def appeal_for_patrol(
    request: Request, patrol_id: uuid.UUID, body: PatrolAppealIn, call: Writing, settings: AppSettings
) -> Response | AppealOut:
    """Ask that one of your patrols count. It may come late, twice, and before the patrol itself."""
    outcome = put_appeal(call.session, call.actor, body.id, body.claim(patrol_id), settings.patrol)
    return _filed(request, call, body.id, outcome)


@router.put(
    "/appeals/{appeal_id}",
    status_code=201,
    response_model=AppealOut,
    responses=REPEATED | problem_replies(*ALWAYS, Forbidden, GridUnknown, *ASKING),
)
def put_one(
    request: Request, appeal_id: uuid.UUID, body: AppealIn, call: Writing, settings: AppSettings
) -> Response | AppealOut:
    """Ask that a patrol count: a recorded one, or one that could not be recorded at all."""
    outcome = put_appeal(call.session, call.actor, appeal_id, body.claim(), settings.patrol)
    return _filed(request, call, appeal_id, outcome)


def _filed(
    request: Request, call: Call, appeal_id: uuid.UUID, outcome: Filed | DomainError
) -> Response | AppealOut:
    if isinstance(outcome, DomainError):
        return problem_response(request, outcome)
    shown = AppealOut.of(read_appeal(call.session, call.actor, appeal_id))
    if not outcome.is_repeated:
        return shown
    return Response(shown.model_dump_json(), 200, media_type="application/json")


@router.get("/appeals", response_model=AppealPage, responses=problem_replies(*ALWAYS))
def read_appeals(
    call: Reading,
    *,
    week: WantedWeek,
    grid: GridCode = None,
    state: Literal["open", "decided"] | None = None,
    person: uuid.UUID | None = None,
    after: After = None,
    limit: Limit = 50,
) -> AppealPage:
    """Your own appeals and those you may decide on, newest first; withdrawn ones are among the decided."""
    wanted = AppealFilter(grid, week, None if state is None else state == "open", person)
    place = Cursor(*parse_cursor(after)) if after else None
    views = list_appeals(call.session, call.actor, wanted, after=place, limit=limit + 1)
    page = views[:limit]
    more = cursor_of(page[-1].received_at, page[-1].appeal_id) if len(views) > limit else None
    return AppealPage(items=[AppealOut.of(view) for view in page], next=more)


@router.get(
    "/appeals/{appeal_id}", response_model=AppealOut, responses=problem_replies(*ALWAYS, AppealUnknown)
)
def read_one(appeal_id: uuid.UUID, call: Reading) -> AppealOut:
    """One appeal with its patrol."""
    return AppealOut.of(read_appeal(call.session, call.actor, appeal_id))


@router.post(
    "/appeals/{appeal_id}/withdraw",
    response_model=AppealOut,
    responses=problem_replies(*ALWAYS, AppealUnknown, AlreadyDecided),
)
def withdraw(appeal_id: uuid.UUID, call: Writing) -> AppealOut:
    """Take back your own open appeal."""
    withdraw_appeal(call.session, call.actor, appeal_id)
    return AppealOut.of(read_appeal(call.session, call.actor, appeal_id))


@router.post(
    "/appeals/{appeal_id}/decision",
    response_model=AppealOut,
    responses=problem_replies(
        *ALWAYS, AppealUnknown, OwnPatrol, AlreadyDecided, AppealWithdrawn, AppealOverlaps
    ),
)
def decide(appeal_id: uuid.UUID, body: RulingIn, call: Writing) -> AppealOut:
    """Accept or reject, as head or leader above. The week counts accordingly, also when it is closed."""
    decide_appeal(call.session, call.actor, appeal_id, body.ruling())
    return AppealOut.of(read_appeal(call.session, call.actor, appeal_id))


@router.get("/reviews", response_model=ReviewPage, responses=problem_replies(*ALWAYS))
def read_reviews(
    call: Reading,
    *,
    grid: GridCode = None,
    state: Literal["open", "decided"] = "open",
    after: After = None,
    limit: Limit = 50,
) -> ReviewPage:
    """Patrols that wait for your look, oldest first, with the doubts; `decided` for what needs none more."""
    place = Cursor(*parse_cursor(after)) if after else None
    is_decided = state == "decided"
    views = list_reviews(
        call.session, call.actor, grid_code=grid, decided=is_decided, after=place, limit=limit + 1
    )
    page = views[:limit]
    last = page[-1].patrol if len(views) > limit else None
    more = cursor_of(last.started_at, last.patrol_id) if last else None
    return ReviewPage(items=[ReviewOut.of(view) for view in page], next=more)


@router.post(
    "/patrols/{patrol_id}/review",
    response_model=ReviewOut,
    responses=problem_replies(
        *ALWAYS, Forbidden, NotFound, OwnPatrol, NothingToReview, AlreadyDecided, AppealOpen
    ),
)
def review(patrol_id: uuid.UUID, body: RulingIn, call: Writing) -> ReviewOut:
    """Decide on the doubts about a patrol, as head or leader above."""
    review_patrol(call.session, call.actor, patrol_id, body.ruling())
    return ReviewOut.of(read_review(call.session, call.actor, patrol_id))


@router.get(
    "/patrols/{patrol_id}/decisions",
    response_model=DecisionsOut,
    responses=problem_replies(*ALWAYS, NotFound),
)
def read_decisions(patrol_id: uuid.UUID, call: Reading) -> DecisionsOut:
    """Everything decided on a patrol, and what had been computed each time."""
    found = decisions_on(call.session, call.actor, patrol_id)
    return DecisionsOut(items=[DecidedOut.of(one) for one in found])
