"""Tiles that this process has rendered already, answered before the framework is reached.

A map asks for dozens of tiles at every move. Routing, validation and the request's bookkeeping cost several
times what finding the bytes costs, so a tile asked for by the same address as before takes the short way. Who
asks is checked all the same, on every request, by the same two caches (docs/decisions/0006).
"""

from collections.abc import Iterable

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from access.cache import ActorCache
from access.roles import Action
from access.scope import scope_of
from api.entity_tags import is_known
from api.metrics import TILE_CACHE
from core.clock import today
from geo.tiles.cache import Rendered, TileCache, TileKey

MVT = "application/vnd.mapbox-vector-tile"
# The reply depends on who asks, and a right may end at any time: kept by the browser, asked again each time.
CACHE_CONTROL = "private, no-cache"
_PATHS = "/tiles/"
_REMEMBERED = 20_000  # addresses; then all are forgotten, which costs one long way each
_BEARER = b"bearer "


class TileShortcut:
    """Which cached tile an address means to whom; only the long way adds to it."""

    def __init__(self, actors: ActorCache, tiles: TileCache) -> None:
        self._actors = actors
        self._tiles = tiles
        # The day is part of it: the same address shows another week after midnight.
        self._keys: dict[tuple[object, ...], TileKey] = {}

    def remember(self, asked: Scope, key: TileKey) -> None:
        """The next request for the same address by somebody of the same scope finds this tile."""
        if len(self._keys) >= _REMEMBERED:
            self._keys.clear()
        self._keys[(*_address(asked), key.scope)] = key

    def find(self, asked: Scope) -> Rendered | None:
        """The tile, if this token is known to the process and may see it, and it is still current."""
        token = _bearer_token(asked["headers"])
        actor = self._actors.known(token) if token else None
        if actor is None:
            return None
        # Only for those who may read results; the others' plain tiles take the long way.
        prefixes = scope_of(actor, Action.READ_COMPLIANCE).key
        key = self._keys.get((*_address(asked), prefixes)) if prefixes else None
        return self._tiles.find(key) if key is not None else None


class TileDoor:
    """Answers what the shortcut finds; everything else goes on to the application."""

    def __init__(self, app: ASGIApp, shortcut: TileShortcut) -> None:
        self.app = app
        self.shortcut = shortcut

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET" and scope["path"].startswith(_PATHS):
            found = self.shortcut.find(scope)
            if found is not None:
                TILE_CACHE.labels("hit").inc()
                known = (_header(scope["headers"], b"if-none-match") or b"").decode("latin-1")
                await tile_reply(known, found, MVT)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def tile_reply(if_none_match: str | None, rendered: Rendered, media_type: str) -> Response:
    """The bytes, or only word that they are the ones the client has, or that there is nothing."""
    headers = {"ETag": rendered.etag, "Cache-Control": CACHE_CONTROL, "Vary": "Authorization"}
    if not rendered.body:
        return Response(status_code=204, headers=headers)
    if is_known(rendered.etag, if_none_match):
        return Response(status_code=304, headers=headers)
    return Response(rendered.body, media_type=media_type, headers=headers)


def _address(asked: Scope) -> tuple[object, ...]:
    return asked["path"], asked["query_string"], today()


def _header(headers: Iterable[tuple[bytes, bytes]], wanted: bytes) -> bytes | None:
    return next((value for name, value in headers if name == wanted), None)


def _bearer_token(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    value = _header(headers, b"authorization")
    if value is None or value[: len(_BEARER)].lower() != _BEARER:
        return None
    return value[len(_BEARER) :].decode("latin-1")
