"""Grids of a file into a division plan."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.datums import DatumText
from api.if_match import tagged
from api.problems import problem_replies
from api.routes.grid_files import UNREADABLE, GridUpload, Options
from api.routes.plan_drawing import OnTable
from api.routes.plans import STEPS
from api.schemas.plans import PlanImportOut
from core.errors import TooLarge
from geo.datums import UnknownDatum
from geo.files.reading import read_grid_file
from geo.plans.importing import import_into

router = APIRouter(prefix="/v1", tags=["division plans"])

_MAX_FILE_NAME = 200
LevelOfAll = Annotated[int | None, Query(ge=1, le=5, description="of features that name none")]


@router.post(
    "/plans/{plan_id}/import",
    response_model=PlanImportOut,
    responses=problem_replies(*STEPS, *UNREADABLE, TooLarge, UnknownDatum),
)
def import_file_into_plan(
    table: OnTable, file: GridUpload, datum: DatumText, options: Options, level: LevelOfAll = None
) -> PlanImportOut:
    """Lay all grids of a file into the plan, or none: then `imported` is false and `rejected` says why.

    Shapes may overlap or leave gaps: they are repaired in the plan.
    """
    desk = table.desk
    name = (file.filename or "")[:_MAX_FILE_NAME]
    found = read_grid_file(file.file.read(), file.filename or "", options)
    report = import_into(desk, found, datum=datum, level=level)
    if report.imported and (report.created or report.changed):
        counts = {"created": report.created, "changed": report.changed, "unchanged": report.unchanged}
        desk.file("imported", {"file": name, "datum": datum, **counts})
    tagged(table.response, desk.plan.revision)
    return PlanImportOut.of(report, datum=datum, revision=desk.plan.revision)
