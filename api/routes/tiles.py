"""Vector tiles and their TileJSON.

Async, because most tiles come from the process' cache (docs/decisions/0006): such a request needs neither a
thread nor the database. What does, runs in a thread.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from access.cache import ActorCache
from access.queries import extent_of
from access.roles import Action
from access.scope import Actor, Scope, scope_of
from api.dependencies import BearerToken, Reading, settings_of
from api.problems import problem_replies
from api.weeks import WeekText, week_or_now
from core.clock import Week, today
from core.database import reading
from core.errors import Invalid, NotFound, Unauthenticated, Unavailable
from geo.queries import BBox
from geo.tile_cache import Rendered, TileCache, TileKey
from geo.tiles import MAX_ZOOM, MIN_ZOOM, NoSuchTile, Tile, TileLayer, fingerprint, level_at, render_tile
from patrol.layers import COMPLIANCE_LAYER

router = APIRouter(tags=["tiles"])

LAYERS: Mapping[str, TileLayer] = MappingProxyType({COMPLIANCE_LAYER.name: COMPLIANCE_LAYER})
MVT = "application/vnd.mapbox-vector-tile"
# The reply depends on who asks, and a right may end at any time: kept by the browser, asked again each time.
CACHE_CONTROL = "private, no-cache"
_FIRST_ZOOM = 13  # of a map that opens on the middle
LevelText = Annotated[
    Literal["auto", "1", "2", "3"], Query(description="auto: the level that suits the zoom")
]


class NoSuchLayer(NotFound):
    """There is no such tile layer."""

    code = "no-such-layer"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be drawn; shapes are those of the week's last day, or of today while it runs."""

    layer: TileLayer
    level: str
    week: Week
    day: date

    @property
    def level_or_all(self) -> int | None:
        return None if self.level == "auto" else int(self.level)

    @property
    def parameters(self) -> dict[str, Any]:
        given = {"week": self.week.monday}
        return {name: given[name] for name in self.layer.parameters}


async def asked(
    layer: Annotated[str, Path(max_length=20)],
    level: LevelText = "auto",
    week: WeekText = None,
) -> Asked:
    """Raises: NoSuchLayer, Invalid."""
    if layer not in LAYERS:
        raise NoSuchLayer(f"layers: {', '.join(LAYERS)}")
    wanted = week_or_now(week)
    return Asked(LAYERS[layer], level, wanted, min(today(), wanted.monday + timedelta(days=6)))


Wanted = Annotated[Asked, Depends(asked)]


@router.get(
    "/tiles/{layer}/{z}/{x}/{y}.mvt",
    response_class=Response,
    responses={
        200: {"content": {MVT: {}}},
        204: {"description": "Nothing of the caller's scope lies in this tile."},
        304: {"description": "The tile is the one in If-None-Match."},
        **problem_replies(Invalid, NoSuchTile, Unauthenticated, NoSuchLayer, Unavailable),
    },
)
async def read_tile(request: Request, wanted: Wanted, token: BearerToken, z: int, x: int, y: int) -> Response:
    """One tile of the grids in the caller's scope."""
    tile = Tile.at(z, x, y)
    scope = scope_of(await _actor(request, token), Action.READ_GRIDS)
    key = TileKey(scope.key, (wanted.layer.name, z, x, y, wanted.level, wanted.week, wanted.day))
    found = _cache(request).find(key)
    if found is None:
        found = await run_in_threadpool(_render, request, wanted, tile, scope, key)
    return _reply(request, found, MVT)


@router.get(
    "/tiles/{layer}.json",
    response_class=Response,
    responses={
        200: {"content": {"application/json": {}}},
        304: {"description": "Nothing changed."},
        **problem_replies(Invalid, Unauthenticated, NoSuchLayer, Unavailable),
    },
)
def read_tile_document(request: Request, wanted: Wanted, call: Reading) -> Response:
    """TileJSON 3; the tile address in it changes whenever what the tiles show changes."""
    scope = scope_of(call.actor, Action.READ_GRIDS)
    cache = _cache(request)
    key = TileKey(scope.key, (wanted.layer.name, wanted.level, wanted.week, wanted.day))
    found = cache.find(key)
    if found is None:
        ticket = cache.ticket()
        version = fingerprint(
            call.session,
            wanted.layer,
            scope,
            level=wanted.level_or_all,
            day=wanted.day,
            parameters=wanted.parameters,
        )
        bounds = extent_of(call.session, scope, wanted.day)
        found = Rendered.of(json.dumps(_document(wanted, version, bounds), ensure_ascii=False).encode())
        cache.keep(key, found, ticket)
    return _reply(request, found, "application/json")


async def _actor(request: Request, token: str | None) -> Actor:
    """Who asks: remembered while a listener would hear of a change, else from the database."""
    if token is None:
        raise Unauthenticated
    actors: ActorCache = request.app.state.actors
    known = actors.known(token)
    return await run_in_threadpool(actors.actor_of, token) if known is None else known


def _cache(request: Request) -> TileCache:
    cache = request.app.state.tiles
    assert isinstance(cache, TileCache)
    return cache


def _render(request: Request, wanted: Asked, tile: Tile, scope: Scope, key: TileKey) -> Rendered:
    cache = _cache(request)
    ticket = cache.ticket()
    timeout_ms = settings_of(request).database.statement_timeout_ms
    with reading(request.app.state.sessions, timeout_ms=timeout_ms) as session:
        body = render_tile(
            session,
            wanted.layer,
            tile,
            scope,
            level=wanted.level_or_all or level_at(tile.zoom),
            day=wanted.day,
            parameters=wanted.parameters,
        )
    rendered = Rendered.of(body)
    cache.keep(key, rendered, ticket)
    return rendered


def _document(wanted: Asked, version: str, bounds: BBox | None) -> dict[str, Any]:
    layer = wanted.layer
    query = f"level={wanted.level}&week={wanted.week}&v={version}"
    extent = {"bounds": bounds, "center": [*_middle(bounds), _FIRST_ZOOM]} if bounds else {}
    return {
        "tilejson": "3.0.0",
        "name": layer.name,
        "tiles": [f"/tiles/{layer.name}/{{z}}/{{x}}/{{y}}.mvt?{query}"],
        "minzoom": MIN_ZOOM,
        "maxzoom": MAX_ZOOM,
        **extent,
        "vector_layers": [
            {"id": layer.name, "fields": dict(layer.fields), "minzoom": MIN_ZOOM, "maxzoom": MAX_ZOOM}
        ],
    }


def _middle(bounds: BBox) -> tuple[float, float]:
    west, south, east, north = bounds
    return (west + east) / 2, (south + north) / 2


def _reply(request: Request, rendered: Rendered, media_type: str) -> Response:
    headers = {"ETag": rendered.etag, "Cache-Control": CACHE_CONTROL, "Vary": "Authorization"}
    if not rendered.body:
        return Response(status_code=204, headers=headers)
    known = request.headers.get("if-none-match", "")
    if rendered.etag in (tag.strip().removeprefix("W/") for tag in known.split(",")):
        return Response(status_code=304, headers=headers)
    return Response(rendered.body, media_type=media_type, headers=headers)
