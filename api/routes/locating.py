"""The grids at a position."""

from typing import Annotated

from fastapi import APIRouter, Query

from access.roles import Action
from access.scope import scope_of
from api.datums import DatumText
from api.dependencies import Reading
from api.problems import problem_replies
from api.schemas.grids import LocatedOut
from core.clock import today
from core.errors import Invalid, Unauthenticated, Unavailable
from geo.datums import UnknownDatum
from geo.locating import OutsideChina, locate

router = APIRouter(prefix="/v1", tags=["grids"])

ALWAYS = (Invalid, Unauthenticated, Unavailable)
# A road on a boundary belongs to both sides; a phone errs about this much.
_USUAL_ACCURACY_M = 15.0

Coordinate = Annotated[float, Query(allow_inf_nan=False)]
Accuracy = Annotated[float, Query(ge=0, le=1000, description="metres the position may be off")]


@router.get(
    "/grids/locate",
    response_model=LocatedOut,
    responses=problem_replies(*ALWAYS, UnknownDatum, OutsideChina),
)
def locate_position(
    call: Reading,
    lon: Coordinate,
    lat: Coordinate,
    datum: DatumText,
    accuracy_m: Accuracy = _USUAL_ACCURACY_M,
) -> LocatedOut:
    """The grid of the caller's scope at each level, with every grid that may be meant near a boundary."""
    scope = scope_of(call.actor, Action.READ_GRIDS)
    position = (lon, lat)
    located = locate(call.session, scope, position, datum=datum, accuracy_m=accuracy_m, day=today())
    return LocatedOut.of(located)
