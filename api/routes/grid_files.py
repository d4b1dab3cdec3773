"""Grids from files and into files."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, File, Query, UploadFile

from access.roles import Action
from access.scope import scope_of
from api.datums import DatumText
from api.dependencies import Writing
from api.problems import problem_replies
from api.schemas.grids import ImportReportOut
from core.clock import today
from core.errors import Forbidden, Invalid, TooLarge, Unauthenticated, Unavailable
from geo.datums import UnknownDatum
from geo.geojson import UnreadableFile, read_features
from geo.importing import ImportOrder, import_grids

router = APIRouter(prefix="/v1", tags=["grids"])

ALWAYS = (Invalid, Unauthenticated, Unavailable)
_MAX_FILE_NAME = 200

GridFile = Annotated[UploadFile, File(description="GeoJSON FeatureCollection")]


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
