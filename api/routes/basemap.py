"""What lies below the grids: base maps of the settings, base layers of the owner."""

import json
import re
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import FileResponse

from access.roles import Action
from access.scope import scope_of
from api.basemaps import PMTILES_ADDRESS, offered_basemaps
from api.datums import DatumText
from api.dependencies import AppSettings, Call, Reading, Writing, read_call
from api.problems import problem_replies
from api.routes.grid_files import UNREADABLE, GridUpload, Options
from api.routes.tiles import WantedTile
from api.schemas.basemaps import BaseLayerOut, BasemapOut, BasemapsOut, LayerReportOut
from api.tile_shortcut import MVT, tile_reply
from core.errors import FieldError, Forbidden, Invalid, NotFound, TooLarge, Unauthenticated, Unavailable
from geo.datums import UnknownDatum
from geo.files.reading import read_grid_file
from geo.tiles.base_layers import (
    BASE_LAYERS,
    LayerOrder,
    NoSuchBaseLayer,
    empty_layer,
    fingerprint_of_base,
    import_layer,
    layer_named,
    list_layers,
    render_base_tile,
)
from geo.tiles.cache import Rendered
from geo.tiles.grids import MAX_ZOOM, MIN_ZOOM, NoSuchTile

router = APIRouter(tags=["base map"])

ALWAYS = (Invalid, Unauthenticated, Unavailable)
_MAX_FILE_NAME = 200
_AREA = re.compile(r"\d{2}|\d{4}|\d{6}|\d{9}/|")

LayerName = Annotated[str, Path(max_length=20, description="green, water, building, road, rail, boundary")]
Area = Annotated[
    str, Query(max_length=10, description='"" for everywhere, 6 digits of a county, 9 and "/" of a street')
]


@dataclass(frozen=True, slots=True)
class LayerQuery:
    """How a file is to be read, and for which area."""

    datum: DatumText
    area: Area = ""
    dry_run: Annotated[bool, Query(description="say what would happen and change nothing")] = False


Wanted = Annotated[LayerQuery, Depends()]


@router.get("/v1/basemap", response_model=BasemapsOut, responses=problem_replies(*ALWAYS))
def read_basemaps(call: Reading, settings: AppSettings) -> BasemapsOut:
    """Base maps to choose from, the plain one first, and the layers that it is drawn from."""
    return BasemapsOut(
        basemaps=[BasemapOut.of(one) for one in offered_basemaps(settings.basemap)],
        layers=[BaseLayerOut.of(stored) for stored in list_layers(call.session)],
    )


@router.get(
    PMTILES_ADDRESS,
    response_class=FileResponse,
    dependencies=[Depends(read_call, scope="function")],
    responses={
        206: {"description": "The bytes asked for with Range."},
        **problem_replies(*ALWAYS, NotFound),
    },
)
def read_pmtiles(settings: AppSettings) -> FileResponse:
    """The PMTiles file of the settings; readers ask for ranges of it."""
    path = settings.basemap.pmtiles
    if path is None or not path.is_file():
        raise NotFound
    return FileResponse(path, media_type="application/vnd.pmtiles")


@router.get(
    "/tiles/base.json",
    response_class=Response,
    responses={200: {"content": {"application/json": {}}}, **problem_replies(*ALWAYS)},
)
def read_base_document(request: Request, call: Reading) -> Response:
    """TileJSON 3 of the base layers; the tile address in it changes when they do."""
    document = _document(fingerprint_of_base(call.session))
    body = Rendered.of(json.dumps(document, ensure_ascii=False).encode())
    return tile_reply(request.headers.get("if-none-match"), body, "application/json")


def _document(version: str) -> dict[str, Any]:
    return {
        "tilejson": "3.0.0",
        "name": "base",
        "tiles": [f"/tiles/base/{{z}}/{{x}}/{{y}}.mvt?v={version}"],
        "minzoom": MIN_ZOOM,
        "maxzoom": MAX_ZOOM,
        "vector_layers": [
            {
                "id": layer.name,
                "description": f"{layer.zh} / {layer.en}",
                "fields": {"name": "name", "kind": "kind", "code": "division code of a boundary"},
                "minzoom": layer.min_zoom,
                "maxzoom": MAX_ZOOM,
            }
            for layer in BASE_LAYERS.values()
        ],
    }


@router.get(
    "/tiles/base/{z}/{x}/{y}.mvt",
    response_class=Response,
    responses={
        200: {"content": {MVT: {}}},
        204: {"description": "Nothing lies in this tile."},
        **problem_replies(*ALWAYS, NoSuchTile),
    },
)
def read_base_tile(request: Request, call: Reading, tile: WantedTile) -> Response:
    """One tile of all base layers."""
    rendered = Rendered.of(render_base_tile(call.session, tile))
    return tile_reply(request.headers.get("if-none-match"), rendered, MVT)


@router.post(
    "/v1/base-layers/{name}/import",
    response_model=LayerReportOut,
    responses=problem_replies(*ALWAYS, *UNREADABLE, Forbidden, TooLarge, UnknownDatum, NoSuchBaseLayer),
)
def import_base_layer(
    file: GridUpload,
    call: Writing,
    name: LayerName,
    query: Annotated[LayerQuery, Depends()],
    options: Options,
) -> LayerReportOut:
    """Replace a layer of an area by the features of a file, all of them or none."""
    _require(call, name, query.area)
    source = (file.filename or "")[:_MAX_FILE_NAME]
    order = LayerOrder(name, query.area, query.datum, source, call.actor.label, query.dry_run)
    report = import_layer(call.session, read_grid_file(file.file.read(), source, options), order)
    return LayerReportOut.of(report, order)


@router.delete(
    "/v1/base-layers/{name}",
    status_code=204,
    responses=problem_replies(*ALWAYS, Forbidden, NoSuchBaseLayer),
)
def delete_base_layer(call: Writing, name: LayerName, area: Area = "") -> None:
    """Empty a layer of an area."""
    _require(call, name, area)
    empty_layer(call.session, name, area, actor=call.actor.label)


def _require(call: Call, name: str, area: str) -> None:
    """Raises: NoSuchBaseLayer, Invalid, Forbidden."""
    layer_named(name)
    if not _AREA.fullmatch(area):
        detail = "应为空、2/4/6 位区划代码或“街道代码/” / empty, 2, 4 or 6 digits, or 9 digits and /"
        raise Invalid(detail, errors=[FieldError("/query/area", "not-an-area", detail)])
    if not scope_of(call.actor, Action.IMPORT_GRIDS).covers(area):
        raise Forbidden("您无权更换此范围的底图图层 / you may not change the base layers of this area")
