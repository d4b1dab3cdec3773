"""Checkpoints and their plates: read, keep, print, find again."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from access.roles import Action
from access.scope import scope_of
from api.days import OnDay
from api.dependencies import AppSettings, Reading, Writing
from api.if_match import IfMatch, tagged
from api.problems import problem_replies
from api.routes.places import ALWAYS, KEEPING, REPEATED, Behind, PlaceLimit, WantedPlaces, readable
from api.schemas.places import CheckpointOut, CheckpointPage, PlateIn, PlateOut, next_of
from core.clock import today
from core.documents import FontMissing
from core.errors import FieldError, Forbidden, Invalid, NotFound, TooMany
from registry.checkpoints import TooManyPlates, reissue_plate, resolve_short_code, resolve_token, sheet_of
from registry.drafts import CheckpointDraft
from registry.keeping import put_place, retire_place
from registry.models import Checkpoint
from registry.plates import PlateProof, plate_keys
from registry.problems import NothingToPrint, PlaceCodeTaken, PlaceRetired, PlateUnknown
from registry.qr_sheet import checkpoint_sheet
from registry.queries import list_places, read_place
from registry.throttle import GuessThrottle

router = APIRouter(prefix="/v1", tags=["places"])

PDF = "application/pdf"
SHEET: dict[int | str, dict[str, Any]] = {200: {"content": {PDF: {}}}}


@router.get("/checkpoints", response_model=CheckpointPage, responses=problem_replies(*ALWAYS, NotFound))
def read_checkpoints(
    call: Reading, wanted: WantedPlaces, day: OnDay, after: Behind, limit: PlaceLimit = 200
) -> CheckpointPage:
    """Checkpoints of the caller's scope, each with the grid it lies in on the day."""
    scope, keeper = readable(call.actor), scope_of(call.actor, Action.MANAGE_PLACES)
    found = list_places(call.session, Checkpoint, scope, day, wanted=wanted, after=after, limit=limit + 1)
    items = [CheckpointOut.of(one, keeper) for one in found]
    return CheckpointPage(items=items[:limit], next=next_of(items, limit))


# Before {checkpoint_id}: the sheet is not a checkpoint of that name.
@router.get(
    "/checkpoints/sheet.pdf",
    response_class=Response,
    responses=SHEET
    | problem_replies(*ALWAYS, Forbidden, NotFound, NothingToPrint, TooManyPlates, FontMissing),
)
def print_sheet(
    request: Request,
    call: Writing,
    settings: AppSettings,
    grid: Annotated[str | None, Query(max_length=40, description="code; with all grids below")] = None,
) -> Response:
    """Plates to be printed, cut and put up. Whoever holds the sheet holds the tokens: printing is audited."""
    day = today()
    sheet = sheet_of(call.session, call.actor, grid, day)
    base_url = settings.http.public_url or str(request.base_url)
    keys = plate_keys(settings)
    body = checkpoint_sheet(sheet.checkpoints, keys, base_url=base_url, street=sheet.street, day=day)
    headers = {"Content-Disposition": 'inline; filename="checkpoints.pdf"', "Cache-Control": "no-store"}
    return Response(body, media_type=PDF, headers=headers)


@router.post(
    "/checkpoints/resolve",
    response_model=PlateOut,
    responses=problem_replies(*ALWAYS, PlateUnknown, TooMany),
)
def resolve(request: Request, call: Reading, body: PlateIn, settings: AppSettings) -> PlateOut:
    """The checkpoint whose plate was scanned (`token`, or the whole address) or typed (`short_code`)."""
    if (body.token is None) == (body.short_code is None):
        detail = "token 与 short_code 二选一 / give either token or short_code"
        raise Invalid(detail, errors=[FieldError("/token", "one-of-two", detail)])
    scope, keeper = readable(call.actor), scope_of(call.actor, Action.MANAGE_PLACES)
    if body.token is not None:
        found = resolve_token(call.session, scope, plate_keys(settings), body.token, today())
        return PlateOut(shown=PlateProof.TOKEN, checkpoint=CheckpointOut.of(found, keeper))
    throttle: GuessThrottle = request.app.state.guess_throttle
    with throttle.guarding(call.actor.person_id):
        found = resolve_short_code(call.session, scope, body.short_code or "", today())
    return PlateOut(shown=PlateProof.SHORT_CODE, checkpoint=CheckpointOut.of(found, keeper))


@router.get(
    "/checkpoints/{checkpoint_id}",
    response_model=CheckpointOut,
    responses=problem_replies(*ALWAYS, NotFound),
)
def read_checkpoint(call: Reading, checkpoint_id: uuid.UUID, day: OnDay, response: Response) -> CheckpointOut:
    """One checkpoint; retired ones too."""
    found = read_place(call.session, Checkpoint, readable(call.actor), checkpoint_id, day)
    tagged(response, found.place.revision)
    return CheckpointOut.of(found, scope_of(call.actor, Action.MANAGE_PLACES))


@router.put(
    "/checkpoints/{checkpoint_id}",
    status_code=201,
    response_model=CheckpointOut,
    responses=REPEATED | problem_replies(*KEEPING, PlaceCodeTaken),
)
def put_checkpoint(
    response: Response, *, checkpoint_id: uuid.UUID, body: CheckpointDraft, revision: IfMatch, call: Writing
) -> CheckpointOut:
    """Make a checkpoint under an id of the client's, or change it, then with If-Match."""
    kept = put_place(call.session, call.actor, checkpoint_id, body, revision=revision)
    response.status_code = 201 if kept.is_new else 200
    return read_checkpoint(call, checkpoint_id, today(), response)


@router.post(
    "/checkpoints/{checkpoint_id}/retire",
    response_model=CheckpointOut,
    responses=problem_replies(*ALWAYS, Forbidden, NotFound),
)
def retire_checkpoint(checkpoint_id: uuid.UUID, call: Writing, response: Response) -> CheckpointOut:
    """The checkpoint stands no more; its plate is found no more."""
    retire_place(call.session, call.actor, Checkpoint, checkpoint_id)
    return read_checkpoint(call, checkpoint_id, today(), response)


@router.post(
    "/checkpoints/{checkpoint_id}/plate",
    response_model=CheckpointOut,
    responses=problem_replies(*ALWAYS, Forbidden, NotFound, PlaceRetired),
)
def replace_plate(checkpoint_id: uuid.UUID, call: Writing, response: Response) -> CheckpointOut:
    """A new token and short code; every plate printed before is worthless. Print the sheet again."""
    reissue_plate(call.session, call.actor, checkpoint_id)
    return read_checkpoint(call, checkpoint_id, today(), response)
