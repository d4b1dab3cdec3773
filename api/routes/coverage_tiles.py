"""The tile layer `coverage`: cells of the caller's scope, coloured by what was walked.

Async and cached like the layer of grids (api/routes/tiles.py), and forgotten by the same notices.
"""

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from access.queries import extent_of
from access.roles import Action
from access.scope import Actor, Scope, scope_of
from api.day_ranges import AskedDays
from api.dependencies import BearerToken, Reading, settings_of
from api.problems import problem_replies
from api.routes.tiles import FIRST_ZOOM, WantedTile, middle_of, tile_actor, tile_cache
from api.tile_shortcut import MVT, TileShortcut, tile_reply
from core.database import reading
from core.errors import Forbidden, Invalid, Unauthenticated, Unavailable
from geo.queries import BBox
from geo.tiles.cache import Rendered, TileKey
from geo.tiles.grids import MAX_ZOOM, MIN_ZOOM, NoSuchTile, Tile
from patrol.coverage.days import Days
from patrol.coverage.tiles import FIELDS, LAYER, coverage_tile, fingerprint

router = APIRouter(tags=["tiles"])

PROBLEMS = (Invalid, Unauthenticated, Forbidden, Unavailable)


@dataclass(frozen=True, slots=True)
class CoverageAsked:
    """What is to be drawn, as the cache names it; None for the document about it."""

    days: Days
    ground_day: date  # the day whose grids are meant: another one after midnight
    tile: Tile | None


@router.get(
    "/tiles/coverage/{z}/{x}/{y}.mvt",
    response_class=Response,
    responses={
        200: {"content": {MVT: {}}},
        204: {"description": "Nothing of the caller's scope lies in this tile."},
        304: {"description": "The tile is the one in If-None-Match."},
        **problem_replies(*PROBLEMS, NoSuchTile),
    },
)
async def read_coverage_tile(
    request: Request, days: AskedDays, tile: WantedTile, token: BearerToken
) -> Response:
    """One tile of cells in the caller's scope; how large the cells are goes by the zoom."""
    scope = _readable(await tile_actor(request, token))
    key = TileKey(scope.key, CoverageAsked(days, days.ground_day, tile))
    found = tile_cache(request).find(key)
    if found is None:
        found = await run_in_threadpool(_render, request, key, scope)
    shortcut: TileShortcut = request.app.state.tile_shortcut
    shortcut.remember(request.scope, key)
    return tile_reply(request.headers.get("if-none-match"), found, MVT)


@router.get(
    "/tiles/coverage.json",
    response_class=Response,
    responses={
        200: {"content": {"application/json": {}}},
        304: {"description": "Nothing changed."},
        **problem_replies(*PROBLEMS),
    },
)
def read_coverage_document(request: Request, days: AskedDays, call: Reading) -> Response:
    """TileJSON 3; the tile address in it changes whenever what the tiles show changes."""
    scope = _readable(call.actor)
    key = TileKey(scope.key, CoverageAsked(days, days.ground_day, None))
    found = tile_cache(request).find(key) or _describe(request, key, scope, call.session)
    return tile_reply(request.headers.get("if-none-match"), found, "application/json")


def _readable(actor: Actor) -> Scope:
    """Where the actor may see results. Raises: Forbidden, when nowhere."""
    scope = scope_of(actor, Action.READ_COMPLIANCE)
    if scope.is_empty:
        raise Forbidden(
            "您没有查看覆盖情况的权限 / none of your roles shows coverage", action=Action.READ_COMPLIANCE
        )
    return scope


def _render(request: Request, key: TileKey, scope: Scope) -> Rendered:
    cache = tile_cache(request)
    ticket = cache.ticket()
    asked = key.request
    assert isinstance(asked, CoverageAsked)
    assert asked.tile is not None
    timeout_ms = settings_of(request).database.statement_timeout_ms
    with reading(request.app.state.sessions, timeout_ms=timeout_ms) as session:
        body = coverage_tile(session, scope, asked.tile, asked.days)
    rendered = Rendered.of(body)
    cache.keep(key, rendered, ticket)
    return rendered


def _describe(request: Request, key: TileKey, scope: Scope, session: Session) -> Rendered:
    cache = tile_cache(request)
    ticket = cache.ticket()
    asked = key.request
    assert isinstance(asked, CoverageAsked)
    version = fingerprint(session, scope, asked.days)
    document = _document(asked.days, version, extent_of(session, scope, asked.ground_day))
    rendered = Rendered.of(json.dumps(document, ensure_ascii=False).encode())
    cache.keep(key, rendered, ticket)
    return rendered


def _document(days: Days, version: str, bounds: BBox | None) -> dict[str, Any]:
    extent = {"bounds": bounds, "center": [*middle_of(bounds), FIRST_ZOOM]} if bounds else {}
    return {
        "tilejson": "3.0.0",
        "name": LAYER,
        "tiles": [f"/tiles/{LAYER}/{{z}}/{{x}}/{{y}}.mvt?from={days.first}&to={days.last}&v={version}"],
        "minzoom": MIN_ZOOM,
        "maxzoom": MAX_ZOOM,
        **extent,
        "vector_layers": [{"id": LAYER, "fields": dict(FIELDS), "minzoom": MIN_ZOOM, "maxzoom": MAX_ZOOM}],
    }
