"""Where somebody walked: the own track always, others' for a verdict, for some days, each look audited."""

import json
import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from api.dependencies import AppSettings, Writing
from api.problems import problem_replies
from api.schemas.tracks import track_document
from core.errors import Forbidden, Invalid, NotFound, Unauthenticated, Unavailable
from geo.datums import Datum
from patrol.sight import Purpose, TrackClosed, see_track

router = APIRouter(prefix="/v1", tags=["patrols"])

GEOJSON = "application/geo+json"
FOUND: dict[int | str, dict[str, Any]] = {200: {"content": {GEOJSON: {}}}}


@router.get(
    "/patrols/{patrol_id}/track",
    response_class=Response,
    responses=FOUND
    | problem_replies(Invalid, Unauthenticated, Unavailable, NotFound, Forbidden, TrackClosed),
)
def read_track(
    patrol_id: uuid.UUID,
    call: Writing,
    settings: AppSettings,
    datum: Annotated[Datum, Query(description="of the positions in the reply")] = Datum.CGCS2000,
    reason: Annotated[Purpose, Query(description="why you look; kept in the trail")] = Purpose.REVIEW,
) -> Response:
    """The cleaned track as GeoJSON: walked stretches with times, gaps, check-ins."""
    view = see_track(call.session, call.actor, patrol_id, purpose=reason, limits=settings.patrol)
    body = json.dumps(track_document(view, datum), ensure_ascii=False, separators=(",", ":"))
    return Response(body, media_type=GEOJSON, headers={"Cache-Control": "no-store"})
