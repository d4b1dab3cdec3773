"""Vector tiles and their TileJSON.

Async, because most tiles come from the process' cache (docs/decisions/0006): such a request needs neither a
thread nor the database. What does, runs in a thread.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from access.cache import ActorCache
from access.queries import extent_of
from access.roles import Action
from access.scope import Actor, Scope, scope_of
from api.days import OnText, given_day
from api.dependencies import BearerToken, Reading, settings_of
from api.problems import problem_replies
from api.tile_shortcut import MVT, TileShortcut, tile_reply
from api.weeks import WeekText, week_or_now
from core.clock import Week, today
from core.database import reading
from core.errors import Invalid, NotFound, Unauthenticated, Unavailable
from geo.queries import BBox
from geo.tiles.cache import Rendered, TileCache, TileKey
from geo.tiles.grids import (
    GRID_LAYER,
    MAX_ZOOM,
    MIN_ZOOM,
    NoSuchTile,
    Tile,
    TileLayer,
    fingerprint,
    level_at,
    render_tile,
)
from patrol.layers import COMPLIANCE_LAYER

router = APIRouter(tags=["tiles"])

LAYERS: Mapping[str, TileLayer] = MappingProxyType({COMPLIANCE_LAYER.name: COMPLIANCE_LAYER})
PLAIN_LAYERS: Mapping[str, TileLayer] = MappingProxyType({GRID_LAYER.name: GRID_LAYER})
FIRST_ZOOM = 13  # of a map that opens on the middle
LevelText = Annotated[
    Literal["auto", "1", "2", "3"], Query(description="auto: the level that suits the zoom")
]


class NoSuchLayer(NotFound):
    """There is no such tile layer."""

    code = "no-such-layer"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be drawn: the results of a week on the shapes of a day.

    The day is always part of it, so that what was drawn before midnight is not found after it.
    """

    layer_name: str
    level: str
    week: Week
    day: date
    names_day: bool  # asked for by the client, so it belongs into the address of the tiles
    shows_results: bool = True

    @property
    def layer(self) -> TileLayer:
        return (LAYERS if self.shows_results else PLAIN_LAYERS)[self.layer_name]

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
    on: OnText = None,
) -> Asked:
    """Without a day the shapes are those of the week's last day, or of today while it runs.

    With a day and no week the results are those of the day's week. Raises: NoSuchLayer, Invalid.
    """
    if layer not in LAYERS:
        raise NoSuchLayer(f"layers: {', '.join(LAYERS)}")
    day = given_day(on)
    shown = Week.of_day(day) if day is not None and week is None else week_or_now(week)
    return Asked(layer, level, shown, day or min(today(), shown.sunday), names_day=day is not None)


async def tile_at(z: int, x: int, y: int) -> Tile:
    """Raises: NoSuchTile."""
    return Tile.at(z, x, y)


Wanted = Annotated[Asked, Depends(asked)]
WantedTile = Annotated[Tile, Depends(tile_at)]


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
async def read_tile(request: Request, wanted: Wanted, tile: WantedTile, token: BearerToken) -> Response:
    """One tile of the grids in the caller's scope."""
    wanted, scope = _seen_by(await tile_actor(request, token), wanted)
    key = TileKey(scope.key, (wanted, tile))
    found = tile_cache(request).find(key)
    if found is None:
        found = await run_in_threadpool(_render, request, wanted, tile, scope)
    shortcut: TileShortcut = request.app.state.tile_shortcut
    shortcut.remember(request.scope, key)
    return tile_reply(request.headers.get("if-none-match"), found, MVT)


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
    wanted, scope = _seen_by(call.actor, wanted)
    found = tile_cache(request).find(TileKey(scope.key, (wanted, None)))
    if found is None:
        found = _describe(request, wanted, scope, call.session)
    return tile_reply(request.headers.get("if-none-match"), found, "application/json")


def _seen_by(actor: Actor, wanted: Asked) -> tuple[Asked, Scope]:
    """Results are for those who may read compliance; whoever may not sees the grids alone."""
    scope = scope_of(actor, Action.READ_COMPLIANCE)
    if not scope.is_empty:
        return wanted, scope
    return replace(wanted, shows_results=False), scope_of(actor, Action.READ_GRIDS)


async def tile_actor(request: Request, token: str | None) -> Actor:
    """Who asks: remembered while a listener would hear of a change, else from the database."""
    if token is None:
        raise Unauthenticated
    actors: ActorCache = request.app.state.actors
    known = actors.known(token)
    return await run_in_threadpool(actors.actor_of, token) if known is None else known


def tile_cache(request: Request) -> TileCache:
    cache = request.app.state.tiles
    assert isinstance(cache, TileCache)
    return cache


def _render(request: Request, wanted: Asked, tile: Tile, scope: Scope) -> Rendered:
    cache = tile_cache(request)
    ticket = cache.ticket()
    timeout_ms = settings_of(request).database.statement_timeout_ms
    with reading(request.app.state.sessions, timeout_ms=timeout_ms) as session:
        level = wanted.level_or_all or level_at(tile.zoom)
        given = wanted.parameters
        body = render_tile(session, wanted.layer, tile, scope, level=level, day=wanted.day, parameters=given)
    rendered = Rendered.of(body)
    cache.keep(TileKey(scope.key, (wanted, tile)), rendered, ticket)
    return rendered


def _describe(request: Request, wanted: Asked, scope: Scope, session: Session) -> Rendered:
    cache = tile_cache(request)
    ticket = cache.ticket()
    level, given = wanted.level_or_all, wanted.parameters
    version = fingerprint(session, wanted.layer, scope, level=level, day=wanted.day, parameters=given)
    document = _document(wanted, version, extent_of(session, scope, wanted.day))
    rendered = Rendered.of(json.dumps(document, ensure_ascii=False).encode())
    cache.keep(TileKey(scope.key, (wanted, None)), rendered, ticket)
    return rendered


def _document(wanted: Asked, version: str, bounds: BBox | None) -> dict[str, Any]:
    layer = wanted.layer
    on = f"&on={wanted.day}" if wanted.names_day else ""
    query = f"level={wanted.level}&week={wanted.week}{on}&v={version}"
    extent = {"bounds": bounds, "center": [*middle_of(bounds), FIRST_ZOOM]} if bounds else {}
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


def middle_of(bounds: BBox) -> tuple[float, float]:
    west, south, east, north = bounds
    return (west + east) / 2, (south + north) / 2
