"""Devices that people work with, and tokens for native trackers on them."""

import uuid
from typing import Any

from fastapi import APIRouter, Request, Response

from access.devices import end_tracker_token, list_devices, make_tracker_token, put_device, read_device
from api.dependencies import AppSettings, Reading, Writing
from api.paging import After, Limit, cursor_of, parse_cursor
from api.problems import problem_replies
from api.schemas.devices import DeviceIn, DeviceOut, DevicePage, TrackerTokenOut
from core.errors import Invalid, NotFound, Unauthenticated, Unavailable

router = APIRouter(prefix="/v1", tags=["devices"])

ALWAYS = (Invalid, Unauthenticated, Unavailable)
KNOWN: dict[int | str, dict[str, Any]] = {200: {"description": "You had worked with it before."}}


@router.put(
    "/devices/{device_id}",
    status_code=201,
    response_model=DeviceOut,
    responses=KNOWN | problem_replies(*ALWAYS),
)
def put_one(device_id: uuid.UUID, body: DeviceIn, call: Writing, response: Response) -> DeviceOut:
    """Say what this device is, that you work with it, and how many items wait on it; as often as you like."""
    is_new = put_device(call.session, call.actor, device_id, body.facts())
    response.status_code = 201 if is_new else 200
    return DeviceOut.of(read_device(call.session, call.actor, device_id))


@router.get("/devices", response_model=DevicePage, responses=problem_replies(*ALWAYS))
def read_all(call: Reading, after: After = None, limit: Limit = 50) -> DevicePage:
    """Your own devices; heads, operators and administrators also see those of their people."""
    place = parse_cursor(after) if after else None
    devices = list_devices(call.session, call.actor, after=place, limit=limit + 1)
    page = devices[:limit]
    more = cursor_of(page[-1].last_at, page[-1].device_id) if len(devices) > limit else None
    return DevicePage(items=[DeviceOut.of(one) for one in page], next=more)


@router.post(
    "/devices/{device_id}/tracker-token",
    status_code=201,
    response_model=TrackerTokenOut,
    responses=problem_replies(*ALWAYS, NotFound),
)
def post_tracker_token(
    request: Request, response: Response, *, device_id: uuid.UUID, call: Writing, settings: AppSettings
) -> TrackerTokenOut:
    """Let a native tracker on your device deliver your positions. A token it had before ends."""
    made = make_tracker_token(call.session, call.actor, device_id, settings.sync.tracker_token_days)
    response.headers["Cache-Control"] = "no-store"
    return TrackerTokenOut.of(device_id, made, settings.http.public_url or str(request.base_url))


@router.delete(
    "/devices/{device_id}/tracker-token", status_code=204, responses=problem_replies(*ALWAYS, NotFound)
)
def delete_tracker_token(device_id: uuid.UUID, call: Writing) -> None:
    """End the token of the tracker on your device; what it sends from now on is refused."""
    end_tracker_token(call.session, call.actor, device_id)
