"""Positions of native trackers, which record with the screen off: OsmAnd, Traccar Client and OwnTracks.

A tracker that gets an error sends the same again for ever. So whatever comes with a good token is answered
with 200: it was taken, kept aside, or is none of our business.
"""

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.orm import Session

from access.devices import Tracker, TrackerRefused, tracker_of
from access.tracker_throttle import TrackerThrottle
from api.dependencies import AppSettings, WriteSession
from api.problems import problem_replies
from core.clock import now
from core.errors import TooLarge, TooMany, Unavailable
from core.settings import Settings
from patrol.trackers.receiving import keep_aside, receive_message
from patrol.trackers.wire import (
    Message,
    TrackerUnreadable,
    read_json,
    read_owntracks,
    read_query,
    read_traccar,
)

router = APIRouter(prefix="/v1", tags=["trackers"])

MAX_BODY_BYTES = 64 * 1024
_LONGEST_HEADER = 1000
_MOST_FIELDS = 100
ALWAYS = problem_replies(TrackerRefused, TooLarge, TooMany, Unavailable)


@dataclass(frozen=True, slots=True)
class Delivery:
    """The token of a request, what it came with, and how that is read."""

    token: str | None
    sent: bytes
    read: Callable[[], Message]


async def _body(request: Request) -> bytes:
    body = await request.body()
    if len(body) > MAX_BODY_BYTES:
        kib = MAX_BODY_BYTES // 1024
        raise TooLarge(f"最多 {kib} KiB / at most {kib} KiB", limit_bytes=MAX_BODY_BYTES)
    return body


async def osmand_delivery(request: Request) -> Delivery:
    """Query, form or JSON, whichever it is. Raises: TooLarge."""
    body = await _body(request)
    query = request.scope["query_string"]
    if body.lstrip()[:1] == b"{":
        document = _document(body)
        token = document.get("device_id") if isinstance(document, dict) else None
        return Delivery(token if isinstance(token, str) else None, body, lambda: read_traccar(document))
    said = {**_fields(query), **_fields(body)}
    token = said.get("id") or said.get("deviceid")
    told = query + (b"&" if body else b"") + body
    return Delivery(token, told, lambda: read_query(said, received_at=now()))


async def owntracks_delivery(request: Request) -> Delivery:
    """JSON with HTTP Basic: the token is the password, the name is for the app alone. Raises: TooLarge."""
    request.state.challenge = 'Basic realm="xunge", charset="UTF-8"'
    body = await _body(request)
    return Delivery(_password(request), body, lambda: read_owntracks(read_json(body)) if body else Message())


FromOsmand = Annotated[Delivery, Depends(osmand_delivery)]
FromOwntracks = Annotated[Delivery, Depends(owntracks_delivery)]


@router.get("/ingest/osmand", response_class=Response, responses=ALWAYS)
@router.post("/ingest/osmand", response_class=Response, responses=ALWAYS)
def take_osmand(
    request: Request, delivery: FromOsmand, session: WriteSession, settings: AppSettings
) -> Response:
    """A position of OsmAnd or Traccar Client: `id` is the token; as query, form or JSON."""
    _take(request, session, delivery, settings)
    return Response(status_code=200)


@router.post("/ingest/owntracks", responses=ALWAYS)
def take_owntracks(
    request: Request, delivery: FromOwntracks, session: WriteSession, settings: AppSettings
) -> list[dict[str, Any]]:
    """A message of OwnTracks in HTTP mode. There is never a command or a friend in the reply."""
    _take(request, session, delivery, settings)
    return []


def _take(request: Request, session: Session, delivery: Delivery, settings: Settings) -> None:
    throttle: TrackerThrottle = request.app.state.tracker_throttle
    tracker = _tracker(request, session, delivery.token, throttle)
    try:
        message = delivery.read()
    except TrackerUnreadable as problem:
        throttle.admit(tracker.tracker_token_id, 1)
        keep_aside(session, tracker, problem, delivery.sent, settings.patrol)
        return
    throttle.admit(tracker.tracker_token_id, len(message.fixes))
    receive_message(session, tracker, message, settings.patrol)


def _tracker(request: Request, session: Session, token: str | None, throttle: TrackerThrottle) -> Tracker:
    try:
        if not token:
            raise TrackerRefused
        return tracker_of(session, token)
    except TrackerRefused:
        throttle.count_refused(request.client.host if request.client else "")
        raise


def _document(body: bytes) -> Any:
    """Laxly read: a number that is none must not hide the token beside it."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None  # the token would have stood in it


def _fields(text: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(text.decode(), max_num_fields=_MOST_FIELDS))
    except ValueError:
        return {}


def _password(request: Request) -> str | None:
    scheme, _, value = request.headers.get("authorization", "")[:_LONGEST_HEADER].partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(value.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return None
