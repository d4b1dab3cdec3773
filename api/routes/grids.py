"""Grids: list, read, find by position, import."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, File, Path, Query, UploadFile

from access.queries import people_of_grid
from access.roles import Action
from access.scope import Actor, Scope, scope_of
from api.dependencies import Reading, Writing
from api.paging import After, Limit
from api.problems import problem_replies
from api.schemas.grids import (
    GridDetailOut,
    GridHistoryOut,
    GridPage,
    GridPeriodOut,
    ImportReportOut,
    LocatedOut,
)
from core.clock import today
from core.errors import FieldError, Forbidden, Invalid, NotFound, TooLarge, Unauthenticated, Unavailable
from geo.datums import UnknownDatum
from geo.geojson import UnreadableFile, read_features
from geo.importing import ImportOrder, import_grids
from geo.locating import OutsideChina, locate
from geo.queries import BBox, GridFilter, history_of, list_grids, read_grid

router = APIRouter(prefix="/v1", tags=["grids"])

ALWAYS = (Invalid, Unauthenticated, Unavailable)
_MAX_FILE_NAME = 200
# A road on a boundary belongs to both sides; a phone errs about this much.
_USUAL_ACCURACY_M = 15.0

Code = Annotated[str, Path(max_length=40, description="grid code")]
DatumText = Annotated[
    str,
    Query(max_length=20, description="EPSG:4490, EPSG:4326, GCJ02, BD09 or the EPSG code of a projection"),
]
Coordinate = Annotated[float, Query(allow_inf_nan=False)]
Accuracy = Annotated[float, Query(ge=0, le=1000, description="metres the position may be off")]
GridFile = Annotated[UploadFile, File(description="GeoJSON FeatureCollection")]


def wanted_box(
    bbox: Annotated[str | None, Query(max_length=100, description="west,south,east,north")] = None,
) -> BBox | None:
    """Raises: Invalid."""
    if bbox is None:
        return None
    try:
        west, south, east, north = (float(part) for part in bbox.split(","))
        if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
            raise ValueError(bbox)
    except ValueError:
        detail = "west,south,east,north in degrees, the smaller value first"
        raise Invalid(errors=[FieldError("/query/bbox", "bad-bbox", detail)]) from None
    return west, south, east, north


def wanted_grids(
    bbox: Annotated[BBox | None, Depends(wanted_box)],
    level: Annotated[int | None, Query(ge=1, le=5)] = None,
    parent: Annotated[str | None, Query(max_length=40, description="code of the grid above")] = None,
) -> GridFilter:
    return GridFilter(level, parent, bbox)


@dataclass(frozen=True, slots=True)
class ImportQuery:
    """How a file is to be read and from when it holds."""

    datum: str
    dry_run: bool
    valid_from: date


def import_query(
    datum: DatumText,
    dry_run: Annotated[bool, Query(description="say what would happen and change nothing")] = False,
    valid_from: Annotated[date | None, Query(description="today by default")] = None,
) -> ImportQuery:
    return ImportQuery(datum, dry_run, valid_from or today())


@router.get("/grids", response_model=GridPage, responses=problem_replies(*ALWAYS))
def read_grids(
    call: Reading,
    wanted: Annotated[GridFilter, Depends(wanted_grids)],
    after: After = None,
    limit: Limit = 200,
) -> GridPage:
    """Grids of the caller's scope, in the order of their codes."""
    scope = _visible(call.actor)
    grids = list_grids(call.session, scope, today(), wanted=wanted, after=after, limit=limit + 1)
    return GridPage.of(grids, limit)


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
    scope = _visible(call.actor)
    position = (lon, lat)
    located = locate(call.session, scope, position, datum=datum, accuracy_m=accuracy_m, day=today())
    return LocatedOut.of(located)


@router.post(
    "/grids/import",
    response_model=ImportReportOut,
    responses=problem_replies(*ALWAYS, Forbidden, TooLarge, UnreadableFile, UnknownDatum),
)
def import_file(
    file: GridFile, query: Annotated[ImportQuery, Depends(import_query)], call: Writing
) -> ImportReportOut:
    """Import all grids of a GeoJSON file, or none: then `imported` is false and `rejected` says why."""
    scope = scope_of(call.actor, Action.IMPORT_GRIDS)
    if scope.is_empty:
        raise Forbidden("您没有导入网格的权限 / none of your roles imports grids")
    features, named_datum = read_features(file.file.read())
    order = ImportOrder(
        query.datum, query.valid_from, query.dry_run, scope.covers, call.actor.label, named_datum
    )
    report = import_grids(call.session, features, order)
    name = (file.filename or "")[:_MAX_FILE_NAME]
    return ImportReportOut.of(report, file=name, dry_run=query.dry_run)


@router.get("/grids/{code}", response_model=GridDetailOut, responses=problem_replies(*ALWAYS, NotFound))
def read_one_grid(call: Reading, code: Code) -> GridDetailOut:
    """One grid with its boundary, its ancestors and the people who answer for it."""
    day = today()
    grid = read_grid(call.session, _visible(call.actor), code, day)
    may_read_people = scope_of(call.actor, Action.READ_PEOPLE).covers(grid.path)
    people = people_of_grid(call.session, grid.grid_id, day) if may_read_people else []
    return GridDetailOut.of_detail(grid, people)


@router.get("/grids/{code}/children", response_model=GridPage, responses=problem_replies(*ALWAYS, NotFound))
def read_children(call: Reading, code: Code, after: After = None, limit: Limit = 200) -> GridPage:
    """The grids directly below one, as far as the caller sees them."""
    scope, day = _visible(call.actor), today()
    read_grid(call.session, scope, code, day)
    wanted = GridFilter(parent=code)
    return GridPage.of(
        list_grids(call.session, scope, day, wanted=wanted, after=after, limit=limit + 1), limit
    )


@router.get(
    "/grids/{code}/history", response_model=GridHistoryOut, responses=problem_replies(*ALWAYS, NotFound)
)
def read_history(call: Reading, code: Code) -> GridHistoryOut:
    """What the grid was called and how large it was, and when."""
    periods = history_of(call.session, _visible(call.actor), code)
    return GridHistoryOut(code=code, items=[GridPeriodOut.of(period) for period in periods])


def _visible(actor: Actor) -> Scope:
    return scope_of(actor, Action.READ_GRIDS)
