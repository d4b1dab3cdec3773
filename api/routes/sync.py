"""One address for everything that waited on a phone, and one for everything it carries along."""

import uuid
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from api.problems import problem_replies, problem_response
from api.schemas.sync import KnownIn, KnownOut, SyncPageOut, SyncReceiptOut, batch_schema
from api.sync.calling import Calling
from api.sync.receiving import BatchInvalid, Desk, TooManyItems, parse_batch
from api.sync.sending import encoded, known_items, next_page
from core.errors import Invalid, TooLarge, Unauthenticated, Unavailable

router = APIRouter(prefix="/v1", tags=["sync"])

ALWAYS = (Invalid, Unauthenticated, Unavailable)
BATCH_BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": batch_schema()}}}}


async def batch_body(request: Request) -> bytes:
    """The bytes as they came: what cannot be read is kept as it was sent."""
    return await request.body()


# Named before the call in the handler: no connection waits for a slow network.
BatchBody = Annotated[bytes, Depends(batch_body)]
Since = Annotated[str | None, Query(max_length=64, description="`cursor` of the last reply that was kept")]
DeviceId = Annotated[uuid.UUID | None, Query(description="made by the app; each device has its own cursor")]
AcceptEncoding = Annotated[str, Header(max_length=400)]


@router.post(
    "/sync",
    response_model=SyncReceiptOut,
    openapi_extra=BATCH_BODY,
    responses=problem_replies(*ALWAYS, BatchInvalid, TooManyItems, TooLarge),
)
def post_batch(request: Request, body: BatchBody, call: Calling) -> Response:
    """File up to 500 items that waited on the phone, with an outcome for each; send it again if in doubt.

    Whatever cannot be filed is kept aside with its reason. A batch is at most as large as any JSON body.
    """
    try:
        batch = parse_batch(body)
    except BatchInvalid as problem:
        return problem_response(request, Desk(call.sessions, call.sender).keep_batch(problem, body))
    sender = replace(call.sender, device_id=batch.device_id, sent_at=batch.sent_at)
    told = SyncReceiptOut.of(Desk(call.sessions, sender).receive(batch), batch.sent_at)
    return Response(told.model_dump_json(), media_type="application/json")


@router.get("/sync", response_model=SyncPageOut, responses=problem_replies(*ALWAYS))
def get_changes(
    call: Calling, since: Since = None, device: DeviceId = None, accept_encoding: AcceptEncoding = ""
) -> Response:
    """What the phone lacks of what it is to carry; everything, when it has no cursor or an unknown one."""
    body, headers = encoded(next_page(call, since, device), accept_encoding)
    return Response(body, media_type="application/json", headers=headers)


@router.post("/sync/known", response_model=KnownOut, responses=problem_replies(*ALWAYS))
def ask_known(call: Calling, body: KnownIn) -> KnownOut:
    """Which of these items of yours are here: ask after the epoch changed or a count went back."""
    return KnownOut.of(body, known_items(call, [one.named() for one in body.items]))
