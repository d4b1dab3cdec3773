"""Patrols: begin, upload, finish, read. Every write may be repeated."""

import uuid
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, File, Form, Query, Request, Response, UploadFile

from api.dependencies import AppSettings, Reading, Writing
from api.paging import After, Limit, cursor_of, parse_cursor
from api.problems import problem_replies, problem_response
from api.schemas.patrols import (
    FinishIn,
    ListedPatrolOut,
    PatrolOut,
    PatrolPage,
    SegmentOut,
    StartIn,
    segment_schema,
)
from api.weeks import WantedWeek
from core.errors import DomainError, Forbidden, Invalid, NotFound, TooLarge, Unauthenticated, Unavailable
from core.quarantine import QuarantineFull
from geo.datums import Datum
from patrol.queries import Cursor, PatrolFilter, list_patrols, read_patrol
from patrol.recording.gpx import MAX_GPX_BYTES, GpxInvalid
from patrol.recording.imports import import_track
from patrol.recording.problems import (
    PatrolConflict,
    PatrolFinished,
    PatrolFull,
    PatrolOfAnother,
    PatrolUnknown,
    SegmentConflict,
)
from patrol.recording.tracks import Finish, SegmentKey, Start, finish_patrol, record_segment, start_patrol
from patrol.recording.wire import MAX_BODY_BYTES, SegmentInvalid
from patrol.rights import GridUnknown

router = APIRouter(prefix="/v1", tags=["patrols"])

ALWAYS = (Invalid, Unauthenticated, Unavailable)
SEGMENT_BODY = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": segment_schema()}}}
}
REPEATED: dict[int | str, dict[str, Any]] = {200: {"description": "It was there already; answered as then."}}


class SegmentReply(msgspec.Struct):
    """SegmentOut, encoded without a detour."""

    segment_id: uuid.UUID
    stored: bool
    fixes: int
    repeated: bool


async def segment_body(request: Request) -> bytes:
    """The bytes as they came: what cannot be read is kept as it was sent."""
    body = await request.body()
    if len(body) > MAX_BODY_BYTES:
        kib = MAX_BODY_BYTES // 1024
        told = f"一段轨迹最多 {kib} KiB / a segment has at most {kib} KiB"
        raise TooLarge(told, limit_bytes=MAX_BODY_BYTES)
    return body


# Named before the call in each handler: no connection waits for a slow network.
SegmentBody = Annotated[bytes, Depends(segment_body)]


@router.put(
    "/patrols/{patrol_id}",
    status_code=201,
    response_model=PatrolOut,
    responses=REPEATED | problem_replies(*ALWAYS, QuarantineFull, Forbidden, GridUnknown, PatrolConflict),
)
def put_patrol(
    request: Request,
    response: Response,
    *,
    patrol_id: uuid.UUID,
    body: StartIn,
    call: Writing,
    settings: AppSettings,
) -> PatrolOut | Response:
    """Begin a patrol under an id that the phone made. What came of it before is filed now."""
    start = Start(body.grid_code, body.started_at, body.sent_at, body.device_id)
    outcome = start_patrol(call.session, call.actor, patrol_id, start, settings.patrol)
    if isinstance(outcome, DomainError):
        return problem_response(request, outcome)
    response.status_code = 200 if outcome.is_repeated else 201
    return PatrolOut.of(read_patrol(call.session, call.actor, patrol_id))


@router.put(
    "/patrols/{patrol_id}/segments/{segment_id}",
    status_code=201,
    response_model=SegmentOut,
    openapi_extra=SEGMENT_BODY,
    responses=REPEATED
    | problem_replies(
        *ALWAYS,
        QuarantineFull,
        SegmentInvalid,
        TooLarge,
        PatrolUnknown,
        PatrolOfAnother,
        SegmentConflict,
        PatrolFinished,
        PatrolFull,
    ),
)
def put_segment(
    request: Request,
    *,
    patrol_id: uuid.UUID,
    segment_id: uuid.UUID,
    body: SegmentBody,
    call: Writing,
    settings: AppSettings,
) -> Response:
    """Store a batch of 1 to 1000 positions under an id that the phone made, in any order, as often as needed.

    What cannot be filed is kept aside all the same; the problem names it in `kept_aside`.
    """
    key = SegmentKey(patrol_id, segment_id)
    outcome = record_segment(call.session, call.actor, key, body, settings.patrol)
    if isinstance(outcome, DomainError):
        return problem_response(request, outcome)
    reply = SegmentReply(segment_id, True, outcome.fix_count, outcome.is_repeated)
    # Written by hand: this is the one route that every phone calls every few minutes.
    status = 200 if outcome.is_repeated else 201
    return Response(msgspec.json.encode(reply), status, media_type="application/json")


@router.post(
    "/patrols/{patrol_id}/finish",
    response_model=PatrolOut,
    responses=problem_replies(*ALWAYS, QuarantineFull, PatrolUnknown, PatrolOfAnother, PatrolFinished),
)
def finish(
    request: Request, patrol_id: uuid.UUID, body: FinishIn, call: Writing, settings: AppSettings
) -> PatrolOut | Response:
    """End a patrol and have it judged. Segments still on their way are filed and judged when they come."""
    ending = Finish(body.finished_at, body.sent_at)
    outcome = finish_patrol(call.session, call.actor, patrol_id, ending, settings.patrol)
    if isinstance(outcome, DomainError):
        return problem_response(request, outcome)
    return PatrolOut.of(read_patrol(call.session, call.actor, patrol_id))


@router.get("/patrols/{patrol_id}", response_model=PatrolOut, responses=problem_replies(*ALWAYS, NotFound))
def get_patrol(patrol_id: uuid.UUID, call: Reading) -> PatrolOut:
    """One patrol with its verdict, every figure and reason."""
    return PatrolOut.of(read_patrol(call.session, call.actor, patrol_id))


@router.get("/patrols", response_model=PatrolPage, responses=problem_replies(*ALWAYS))
def list_all(
    call: Reading,
    *,
    week: WantedWeek,
    grid: Annotated[str | None, Query(max_length=40, description="code; with all grids below")] = None,
    person: uuid.UUID | None = None,
    after: After = None,
    limit: Limit = 50,
) -> PatrolPage:
    """Patrols you may read, your own always, newest first."""
    wanted = PatrolFilter(grid, week, person)
    place = Cursor(*parse_cursor(after)) if after else None
    views = list_patrols(call.session, call.actor, wanted, after=place, limit=limit + 1)
    page = views[:limit]
    more = cursor_of(page[-1].started_at, page[-1].patrol_id) if len(views) > limit else None
    return PatrolPage(items=[ListedPatrolOut.of(view) for view in page], next=more)


@router.post(
    "/patrols/import",
    status_code=201,
    response_model=PatrolOut,
    responses=problem_replies(*ALWAYS, GpxInvalid, TooLarge, Forbidden, GridUnknown, PatrolFull),
)
def import_gpx(
    file: Annotated[UploadFile, File(description="a GPX track")],
    grid_code: Annotated[str, Form(min_length=1, max_length=40)],
    call: Writing,
    settings: AppSettings,
    datum: Annotated[Datum, Form()] = Datum.WGS84,
) -> PatrolOut:
    """A whole patrol from a GPX file; the same file again is the same patrol."""
    content = file.file.read(MAX_GPX_BYTES + 1)
    patrol_id = import_track(
        call.session, call.actor, content, grid_code=grid_code, limits=settings.patrol, datum=datum
    )
    return PatrolOut.of(read_patrol(call.session, call.actor, patrol_id))
