"""Where patrols have been: the heatmap of cells, and the shares of what a grid holds."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from api.day_ranges import AskedDays
from api.dependencies import Reading
from api.downloads import attachment
from api.paging import After, Limit
from api.problems import problem_replies
from api.routes.analysis import MEDIA_TYPES, TABLES
from api.schemas.coverage import (
    HeatFeaturesOut,
    HeatmapOut,
    SummaryOut,
    heatmap_geojson,
    heatmap_json,
)
from core.clock import now
from core.errors import FieldError, Forbidden, Invalid, Unauthenticated, Unavailable
from patrol.coverage.ground import Area, area_asked, area_of_street
from patrol.coverage.problems import TooManyCells
from patrol.coverage.queries import heatmap
from patrol.coverage.summary import summary_of
from patrol.coverage.table import coverage_csv, coverage_workbook
from patrol.rights import GridUnknown

router = APIRouter(prefix="/v1/coverage", tags=["coverage"])

GEOJSON = "application/geo+json"
HEATMAP: dict[int | str, dict[str, Any]] = {
    200: {"model": HeatmapOut, "content": {GEOJSON: {"schema": HeatFeaturesOut.model_json_schema()}}}
}
PROBLEMS = (Invalid, Unauthenticated, Forbidden, GridUnknown, Unavailable)

GridText = Annotated[str | None, Query(max_length=40, description="code; with everything below it")]
Resolution = Annotated[
    int | None,
    Query(ge=7, le=11, description="of H3: 11 is about 2,150 m2, 9 about 0.1 km2; else what suits the area"),
]


def area_to_sum_up(
    call: Reading,
    grid: GridText = None,
    street: Annotated[str | None, Query(pattern=r"^\d{9}$", description="nine digits")] = None,
) -> Area:
    """Raises: Invalid, GridUnknown, Forbidden."""
    if grid is not None and street is None:
        return area_asked(call.session, call.actor, grid)
    if street is not None and grid is None:
        return area_of_street(call.actor, street)
    detail = "street 与 grid 二选一 / name either a street or a grid"
    raise Invalid(errors=[FieldError("/query/street", "one-of", detail)])


SummedUp = Annotated[Area, Depends(area_to_sum_up, scope="function")]
Level = Annotated[int, Query(ge=1, le=3, description="floors and counters have no ground of their own")]


@router.get("", response_class=Response, responses={**HEATMAP, **problem_replies(*PROBLEMS, TooManyCells)})
def read_heatmap(
    call: Reading,
    days: AskedDays,
    grid: GridText = None,
    resolution: Resolution = None,
    form: Annotated[Literal["json", "geojson"], Query(alias="format")] = "json",
) -> Response:
    """Every cell of the grid, or of all that the caller may read, with its visits and seconds."""
    area = area_asked(call.session, call.actor, grid)
    found = heatmap(call.session, area, days, resolution)
    body = heatmap_json(found) if form == "json" else heatmap_geojson(found)
    media_type = "application/json" if form == "json" else GEOJSON
    return Response(body, media_type=media_type, headers={"Cache-Control": "private, no-store"})


@router.get("/summary", response_model=SummaryOut, responses=problem_replies(*PROBLEMS))
def read_summary(
    call: Reading,
    area: SummedUp,
    days: AskedDays,
    *,
    level: Level = 3,
    after: After = None,
    limit: Limit = 200,
) -> SummaryOut:
    """What was reached of each grid of a level: cells, checkpoints, buildings and households."""
    grids = summary_of(call.session, area, days, level)
    behind = [grid for grid in grids if after is None or grid.code > after]
    next_code = behind[limit - 1].code if len(behind) > limit else None
    return SummaryOut.of(behind[:limit], days, level, next_code=next_code)


@router.get(
    "/summary/export",
    response_class=Response,
    responses={200: {"content": TABLES}, **problem_replies(*PROBLEMS)},
)
def export_summary(
    call: Reading,
    area: SummedUp,
    days: AskedDays,
    *,
    level: Level = 3,
    form: Annotated[Literal["csv", "xlsx"], Query(alias="format")] = "xlsx",
) -> Response:
    """The shares as a file; the workbook has a second sheet that says what they are shares of."""
    grids = summary_of(call.session, area, days, level)
    body = coverage_csv(grids) if form == "csv" else coverage_workbook(grids, days, now())
    headers = {
        "Content-Disposition": attachment(f"巡查覆盖 {days.first} 至 {days.last}.{form}"),
        "Cache-Control": "private, no-store",
    }
    return Response(body, headers=headers, media_type=MEDIA_TYPES[form])
