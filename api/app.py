"""The application factory: wires settings, database, routes and the built front end together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
from fastapi import FastAPI

from access.cache import ActorCache
from access.throttle import SignInThrottle
from access.tracker_throttle import TrackerThrottle
from api import problems
from api.basemaps import hosts_of
from api.gis_sign_in import GisPasswords
from api.middleware import BodyCap, RequestContext
from api.pages import pages
from api.routes import (
    absences,
    analysis,
    appeals,
    auth,
    basemap,
    calendar,
    checklists,
    checkpoints,
    compliance,
    coverage,
    coverage_tiles,
    devices,
    diary,
    duties,
    duty_rules,
    findings,
    grid_changes,
    grid_codes,
    grid_files,
    grids,
    health,
    households,
    ingest,
    locating,
    ogc,
    organisations,
    patrol_evidence,
    patrol_tracks,
    patrols,
    personal_data,
    photos,
    places,
    plan_drawing,
    plan_files,
    plans,
    policies,
    quarantine,
    registry_files,
    residents,
    samples,
    sync,
    teams,
    tiles,
    topology,
    visits,
)
from api.tile_shortcut import TileDoor, TileShortcut
from core.database import Sessions, make_engine, make_sessions, make_snapshots
from core.settings import Settings
from core.signals import Listener
from geo.locating.located_index import GridIndexes
from geo.tiles.cache import TileCache
from registry.throttle import GuessThrottle

# In this order: /v1/grids/locate is not the grid called "locate".
ROUTERS = (
    auth,
    grid_codes,
    locating,
    topology,
    grid_changes,
    plans,
    plan_drawing,
    plan_files,
    grid_files,
    grids,
    checkpoints,
    places,
    organisations,
    samples,
    registry_files,  # /v1/households/export is not a household
    households,
    personal_data,  # /v1/residents/search is not a resident
    residents,
    patrols,
    visits,
    patrol_evidence,
    checklists,
    findings,
    diary,
    photos,
    appeals,
    policies,
    patrol_tracks,
    compliance,
    coverage,
    coverage_tiles,
    duties,
    duty_rules,
    calendar,
    analysis,
    quarantine,
    sync,
    devices,
    ingest,
    teams,
    absences,
    basemap,  # /tiles/base is not the layer called "base"
    tiles,
    ogc,
    health,
)
DESCRIPTION = "Grid patrol backend and GIS service (DB32/T 2763-2015). 网格巡查后端与地理信息服务。"


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """The listener and the database pool live exactly as long as the process serves."""
    settings: Settings = app.state.settings
    # A handler that runs must find a connection: never more threads than connections.
    anyio.to_thread.current_default_thread_limiter().total_tokens = settings.database.pool_size
    listener: Listener | None = app.state.listener
    if listener is not None:
        listener.start()
    yield
    if listener is not None:
        listener.stop()
    if app.state.engine is not None:
        app.state.engine.dispose()


def _slow_down_guessers(app: FastAPI, settings: Settings) -> None:
    app.state.sign_in_throttle = SignInThrottle(settings.access)
    app.state.guess_throttle = GuessThrottle()
    app.state.tracker_throttle = TrackerThrottle(settings.sync)


def create_app(
    settings: Settings, sessions: Sessions | None = None, listener: Listener | None = None
) -> FastAPI:
    """An application over its own pool, or over the sessions a test hands in."""
    app = FastAPI(
        title="Xunge 巡格",
        version="0.1.0",
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
    )
    app.state.settings = settings
    app.state.engine = None
    app.state.listener = listener
    if sessions is None:
        app.state.engine = make_engine(settings, lock_timeout_ms=settings.database.lock_timeout_ms)
        sessions = make_sessions(app.state.engine, quarantine_bytes=settings.sync.quarantine_bytes)
        url = app.state.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        app.state.listener = listener or Listener(url)
    app.state.sessions = sessions
    app.state.snapshots = sessions if app.state.engine is None else make_snapshots(app.state.engine)
    _slow_down_guessers(app, settings)
    app.state.gis_passwords = GisPasswords(sessions, app.state.sign_in_throttle, settings.access)
    app.state.actors = ActorCache(
        sessions, app.state.listener, timeout_ms=settings.database.statement_timeout_ms
    )
    app.state.tiles = TileCache(app.state.listener, capacity_bytes=settings.tiles.cache_bytes)
    app.state.grid_indexes = GridIndexes(app.state.listener)
    app.state.tile_shortcut = TileShortcut(app.state.actors, app.state.tiles)
    problems.install(app)
    for module in ROUTERS:
        app.include_router(module.router)
    if settings.http.web_dist.is_dir():
        app.router.routes.append(pages(settings.http.web_dist))
    app.add_middleware(BodyCap, http=settings.http, max_photo_bytes=settings.photos.max_bytes)
    app.add_middleware(RequestContext, hosts=hosts_of(settings.basemap))
    app.add_middleware(TileDoor, shortcut=app.state.tile_shortcut)
    return app
