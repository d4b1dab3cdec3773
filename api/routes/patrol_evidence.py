"""What a patrol proves itself by beside its track, and what it still needs. Every write may be repeated."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from api.dependencies import AppSettings, Reading, Writing
from api.problems import problem_replies, problem_response
from api.routes.patrols import ALWAYS, REPEATED
from api.schemas.patrol_evidence import CheckInIn, CheckInOut, GapIn, GapStoredOut, ProgressOut
from core.errors import DomainError, FieldError, Invalid, NotFound, TooMany
from core.quarantine import QuarantineFull
from patrol.presence.plates import Plates
from patrol.presence.recording import record_check_in, record_gap
from patrol.progress import progress_of
from patrol.recording.filing import ItemKey
from patrol.recording.problems import (
    CheckInConflict,
    CheckpointUnknown,
    GapConflict,
    PatrolOfAnother,
    PatrolUnknown,
)
from registry.plates import plate_keys
from registry.problems import PlateUnknown

router = APIRouter(prefix="/v1", tags=["patrols"])


def plates_of(request: Request, settings: AppSettings) -> Plates:
    """The keys that open plates, and the brake of this process for those who guess codes."""
    return Plates(plate_keys(settings), request.app.state.guess_throttle)


ReadPlates = Annotated[Plates, Depends(plates_of)]


@router.put(
    "/patrols/{patrol_id}/check-ins/{check_in_id}",
    status_code=201,
    response_model=CheckInOut,
    responses=REPEATED
    | problem_replies(
        *ALWAYS,
        PlateUnknown,
        CheckpointUnknown,
        PatrolUnknown,
        PatrolOfAnother,
        CheckInConflict,
        TooMany,
        QuarantineFull,
    ),
)
def put_check_in(
    request: Request,
    response: Response,
    *,
    patrol_id: uuid.UUID,
    check_in_id: uuid.UUID,
    body: CheckInIn,
    call: Writing,
    plates: ReadPlates,
    settings: AppSettings,
) -> CheckInOut | Response:
    """Check in at a checkpoint under an id that the phone made: by plate, short code or position.

    A replaced plate, a checkpoint elsewhere or a time outside the patrol is stored all the same; the verdict
    says why it proves nothing.
    """
    if sum(one is not None for one in (body.checkpoint_id, body.token, body.short_code)) != 1:
        detail = "checkpoint_id、token、short_code 三选一 / give one of checkpoint_id, token and short_code"
        raise Invalid(detail, errors=[FieldError("/token", "one-of-three", detail)])
    key, limits = ItemKey(patrol_id, check_in_id), settings.patrol
    filed = record_check_in(call.session, call.actor, key, body.claim(), limits, plates=plates)
    if isinstance(filed, DomainError):
        return problem_response(request, filed)
    response.status_code = 200 if filed.is_repeated else 201
    return CheckInOut.of(check_in_id, filed)


@router.put(
    "/patrols/{patrol_id}/gaps/{gap_id}",
    status_code=201,
    response_model=GapStoredOut,
    responses=REPEATED
    | problem_replies(*ALWAYS, QuarantineFull, PatrolUnknown, PatrolOfAnother, GapConflict),
)
def put_gap(
    request: Request,
    response: Response,
    *,
    patrol_id: uuid.UUID,
    gap_id: uuid.UUID,
    body: GapIn,
    call: Writing,
    settings: AppSettings,
) -> GapStoredOut | Response:
    """Report a time of the patrol that the phone did not record, and why: unknown is not "not walked"."""
    key = ItemKey(patrol_id, gap_id)
    filed = record_gap(call.session, call.actor, key, body.claim(), settings.patrol)
    if isinstance(filed, DomainError):
        return problem_response(request, filed)
    response.status_code = 200 if filed.is_repeated else 201
    return GapStoredOut(gap_id=gap_id, stored=True, repeated=filed.is_repeated)


@router.get(
    "/patrols/{patrol_id}/progress",
    response_model=ProgressOut,
    responses=problem_replies(*ALWAYS, NotFound),
)
def get_progress(patrol_id: uuid.UUID, call: Reading) -> ProgressOut:
    """What is still missing for this patrol to count, judged on what has arrived; nothing is stored."""
    return ProgressOut.of(progress_of(call.session, call.actor, patrol_id))
