"""Grids from files and into files."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, File, Query, Response, UploadFile

from access.roles import Action
from access.scope import scope_of
from api.datums import DatumText
from api.days import OnDay
from api.dependencies import Reading, Writing
from api.downloads import attachment
from api.problems import problem_replies
from api.schemas.grids import ImportReportOut
from core.clock import today
from core.errors import Forbidden, Invalid, TooLarge, Unauthenticated, Unavailable
from core.spreadsheets import UnreadableTable
from core.texts import WrongEncoding
from geo.datums import UnknownDatum
from geo.files.exporting import TooManyGrids, exported_grids
from geo.files.geojson import UnreadableFile
from geo.files.mapping import parse_mapping
from geo.files.reading import ReadOptions, read_grid_file
from geo.files.writing import KINDS, FileFormat, write_file
from geo.importing.grids import ImportOrder, import_grids

router = APIRouter(prefix="/v1", tags=["grids"])

ALWAYS = (Invalid, Unauthenticated, Unavailable)
UNREADABLE = (UnreadableFile, UnreadableTable, WrongEncoding)
_MAX_FILE_NAME = 200

GridUpload = Annotated[
    UploadFile,
    File(description="GeoJSON, GeoPackage, zipped Shapefile, KML/KMZ; Excel or CSV to change attributes"),
]
Layer = Annotated[str | None, Query(max_length=200, description="layer or sheet, when there are several")]
Encoding = Annotated[str | None, Query(max_length=20, description="of Shapefile and CSV text: GBK, UTF-8")]
Mapping = Annotated[
    str | None,
    Query(max_length=2000, description='field of each property as JSON: {"name": "WGMC", "code": "WGBM"}'),
]


def read_options(layer: Layer = None, encoding: Encoding = None, mapping: Mapping = None) -> ReadOptions:
    """What is said of a file that it does not say itself."""
    return ReadOptions(layer, encoding, parse_mapping(mapping))


Options = Annotated[ReadOptions, Depends(read_options)]


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


@router.post(
    "/grids/import",
    response_model=ImportReportOut,
    responses=problem_replies(
        *ALWAYS, Forbidden, TooLarge, UnreadableFile, UnreadableTable, WrongEncoding, UnknownDatum
    ),
)
def import_file(
    file: GridUpload, query: Annotated[ImportQuery, Depends(import_query)], options: Options, call: Writing
) -> ImportReportOut:
    """Import all grids of a file, or none: then `imported` is false and `rejected` says why.

    Rows of a table change grids that exist, found by their code, and leave their boundaries alone.
    """
    scope = scope_of(call.actor, Action.IMPORT_GRIDS)
    if scope.is_empty:
        raise Forbidden("您没有导入网格的权限 / none of your roles imports grids")
    features, named_datum, notes = read_grid_file(file.file.read(), file.filename or "", options)
    order = ImportOrder(
        query.datum, query.valid_from, query.dry_run, scope.covers, call.actor.label, named_datum
    )
    report = import_grids(call.session, features, order).with_hints(notes)
    name = (file.filename or "")[:_MAX_FILE_NAME]
    return ImportReportOut.of(report, file=name, dry_run=query.dry_run)


# ------------------------------------------------------------------------------------------- export


@dataclass(frozen=True, slots=True)
class ExportQuery:
    """Which grids as which kind of file."""

    file_format: FileFormat
    level: int | None
    street: str | None
    datum: str
    encoding: str


def export_query(
    file_format: Annotated[FileFormat, Query(alias="format")],
    level: Annotated[int | None, Query(ge=1, le=5)] = None,
    street: Annotated[str | None, Query(pattern="^[0-9]{9}$", description="code of a street")] = None,
    datum: DatumText = "EPSG:4490",
    encoding: Annotated[str, Query(max_length=20, description="of Shapefile and CSV text")] = "UTF-8",
) -> ExportQuery:
    return ExportQuery(file_format, level, street, datum, encoding)


@router.get(
    "/grids/export",
    response_class=Response,
    responses={
        200: {
            "description": "the file",
            "content": {kind.media_type: {} for kind in KINDS.values()},
        },
        **problem_replies(*ALWAYS, UnknownDatum, WrongEncoding, TooManyGrids),
    },
)
def export_file(call: Reading, query: Annotated[ExportQuery, Depends(export_query)], day: OnDay) -> Response:
    """The grids of the caller's scope as they stand on the day, as a file that can be imported again."""
    scope = scope_of(call.actor, Action.READ_GRIDS)
    grids = exported_grids(call.session, scope, day, level=query.level, street=query.street)
    body = write_file(grids, query.file_format, datum=query.datum, encoding=query.encoding)
    kind = KINDS[query.file_format]
    parts = [query.street, f"{query.level}级" if query.level else None, day.isoformat()]
    name = "_".join(["网格", *(part for part in parts if part)]) + kind.suffix
    headers = {"Content-Disposition": attachment(name), "Cache-Control": "private, no-store"}
    return Response(body, media_type=kind.media_type, headers=headers)
