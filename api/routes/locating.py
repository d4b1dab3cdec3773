"""The grids at a position, at many, and the caller's own grids for a phone without a network."""

import json
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from access.roles import Action
from access.scope import scope_of
from api.datums import DatumText
from api.days import OnDay
from api.dependencies import Reading
from api.entity_tags import is_known
from api.problems import problem_replies
from api.schemas.locating import LocatedOut, LocatedPointsOut, LocateIn
from core.clock import today
from core.errors import Invalid, NotFound, Unauthenticated, Unavailable
from geo.datums import UnknownDatum
from geo.locating.batch import locate_points, read_points
from geo.locating.locate import OutsideChina, locate
from geo.locating.located_index import GridIndexes
from geo.pack import PackTooLarge, pack_content, pack_document

router = APIRouter(prefix="/v1", tags=["grids"])

ALWAYS = (Invalid, Unauthenticated, Unavailable)
# A road on a boundary belongs to both sides; a phone errs about this much.
_USUAL_ACCURACY_M = 15.0

StreetText = Annotated[str | None, Query(max_length=9, description="code of the one street to pack")]
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", max_length=1000)]
Coordinate = Annotated[float, Query(allow_inf_nan=False)]
Accuracy = Annotated[float, Query(ge=0, le=1000, description="metres the position may be off")]


def asked_position(lon: Coordinate, lat: Coordinate) -> tuple[float, float]:
    return lon, lat


Position = Annotated[tuple[float, float], Depends(asked_position)]


@router.get(
    "/grids/locate",
    response_model=LocatedOut,
    responses=problem_replies(*ALWAYS, UnknownDatum, OutsideChina),
)
def locate_position(
    call: Reading,
    position: Position,
    datum: DatumText,
    day: OnDay,
    accuracy_m: Accuracy = _USUAL_ACCURACY_M,
) -> LocatedOut:
    """The grid of the caller's scope at each level, with every grid that may be meant near a boundary."""
    scope = scope_of(call.actor, Action.READ_GRIDS)
    located = locate(call.session, scope, position, datum=datum, accuracy_m=accuracy_m, day=day)
    return LocatedOut.of(located, accuracy_m=accuracy_m, day=day)


@router.post(
    "/grids/locate",
    response_model=LocatedPointsOut,
    responses=problem_replies(*ALWAYS, UnknownDatum),
)
def locate_many(request: Request, call: Reading, asked: LocateIn) -> Response:
    """The grids of the caller's scope at up to 10,000 points; a point that is none is told by its index."""
    day = asked.on or today()
    points = read_points(asked.points, asked.datum, asked.accuracy_m)
    indexes: GridIndexes = request.app.state.grid_indexes
    dated = indexes.on(call.session, day)
    located = locate_points(dated, scope_of(call.actor, Action.READ_GRIDS), points)
    found = LocatedPointsOut.of(dated, points, located, day=day)
    # Serialised once: the framework would validate ten thousand rows again.
    return Response(found.model_dump_json(), media_type="application/json")


@router.get(
    "/grids/pack",
    response_class=Response,
    responses={
        200: {"content": {"application/geo+json": {}}},
        304: {"description": "The pack of If-None-Match is still right."},
        **problem_replies(*ALWAYS, NotFound, PackTooLarge),
    },
)
def read_pack(call: Reading, day: OnDay, street: StreetText = None, known: IfNoneMatch = None) -> Response:
    """The caller's grids, those above and directly beside them, simplified: GeoJSON to carry along."""
    scope = scope_of(call.actor, Action.READ_GRIDS)
    ends = [held.valid_to for held in call.actor.assignments if held.valid_to is not None]
    content = pack_content(
        call.session, scope, street_code=street, day=day, known_end=min(ends, default=None)
    )
    # Weak: the same pack asked for on another day differs in that day alone.
    headers = {"ETag": f"W/{content.etag}", "Cache-Control": "private, no-cache", "Vary": "Authorization"}
    if is_known(content.etag, known):
        return Response(status_code=304, headers=headers)
    body = json.dumps(pack_document(call.session, content), ensure_ascii=False, separators=(",", ":"))
    return Response(body, media_type="application/geo+json", headers=headers)
