"""Households and residents as tables: imported with a reason per row, exported masked or in full."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, File, Query, Response, UploadFile

from access.roles import Action
from api.dependencies import AppSettings, Reading, Writing
from api.downloads import attachment
from api.problems import problem_replies
from api.routes.places import ALWAYS, XLSX
from api.schemas.registry_files import FullExportIn, ResidentsReportOut
from core.clock import today
from core.errors import Forbidden, NotFound, TooLarge
from core.logs import mask
from core.secrecy import KeyMissing, key_ring
from core.spreadsheets import UnreadableTable
from core.texts import WrongEncoding
from registry.people.columns import template
from registry.people.exporting import export_in_full, export_masked
from registry.people.files import read_residents
from registry.people.importing import ResidentsOrder, import_residents
from registry.people.problems import TooManyLooks
from registry.people.rights import require_somewhere

router = APIRouter(prefix="/v1/households", tags=["households"])

TYPES = {"xlsx": XLSX, "csv": "text/csv"}
TABLES: dict[int | str, dict[str, Any]] = {200: {"content": {XLSX: {}, "text/csv": {}}}}
_MAX_FILE_NAME = 200

Grid = Annotated[str | None, Query(max_length=40, description="code; with all grids below")]


@router.post(
    "/import",
    response_model=ResidentsReportOut,
    responses=problem_replies(*ALWAYS, Forbidden, TooLarge, UnreadableTable, WrongEncoding, KeyMissing),
)
def import_file(
    file: Annotated[UploadFile, File(description=".xlsx or .csv, a row for each resident")],
    street: Annotated[str, Query(pattern="^[0-9]{9}$", description="code of the street they live in")],
    call: Writing,
    settings: AppSettings,
    *,
    dry_run: Annotated[bool, Query(description="say what would happen and change nothing")] = False,
) -> ResidentsReportOut:
    """Import all rows of a table, or none: then `imported` is false and `rejected` says why, row by row."""
    require_somewhere(call.actor, Action.WRITE_HOUSEHOLDS)
    name = (file.filename or "")[:_MAX_FILE_NAME]
    found = read_residents(file.file.read(), name, today())
    order = ResidentsOrder(street, today(), dry_run)
    report = import_residents(call.session, call.actor, found, order, keys=key_ring(settings))
    return ResidentsReportOut.of(report, file=mask(name), dry_run=dry_run)


@router.get("/template.xlsx", response_class=Response, responses=TABLES | problem_replies(*ALWAYS, Forbidden))
def read_template(call: Reading) -> Response:
    """The columns that an import knows, an example, and a sheet that explains them."""
    require_somewhere(call.actor, Action.WRITE_HOUSEHOLDS)
    return _download(template(), "户和居民-模板", "xlsx")


@router.get(
    "/export",
    response_class=Response,
    responses=TABLES | problem_replies(*ALWAYS, Forbidden, NotFound, TooLarge, KeyMissing),
)
def export(
    call: Reading,
    settings: AppSettings,
    grid: Grid = None,
    form: Annotated[Literal["xlsx", "csv"], Query(alias="format")] = "xlsx",
) -> Response:
    """Households of the caller's scope with those who live there; names and numbers are masked."""
    body = export_masked(call.session, call.actor, grid, form, keys=key_ring(settings))
    return _download(body, f"户和居民-{grid or today()}", form)


@router.post(
    "/export",
    response_class=Response,
    responses=TABLES | problem_replies(*ALWAYS, Forbidden, NotFound, TooLarge, KeyMissing, TooManyLooks),
)
def export_full(body: FullExportIn, call: Writing, settings: AppSettings) -> Response:
    """The same with full names and numbers; who took it, of what and why is in the trail."""
    keys, limits = key_ring(settings), settings.privacy
    table = export_in_full(
        call.session, call.actor, body.grid, body.format, body.why, keys=keys, limits=limits
    )
    return _download(table, f"户和居民-全-{body.grid or today()}", body.format)


def _download(body: bytes, name: str, form: str) -> Response:
    named = {"Content-Disposition": attachment(f"{name}.{form}"), "Cache-Control": "private, no-store"}
    return Response(body, media_type=TYPES[form], headers=named)
