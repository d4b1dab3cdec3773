"""Tiles of the city, zoom 10 to 15, beside tipg on the same table; then from the cache, scope checked.

And tiles of zoom 10 one at a time, made for each request, beside tipg and the bare statement: there the most
grids are in one tile. "Cold" means that the process has no such tile; the database may well
have its pages in memory.
"""

import http.client
import math
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median
from urllib.parse import quote, urlsplit

import numpy as np
from sqlalchemy import Engine, make_url, text

from benchmarks.city import CityGrid, extent_of
from benchmarks.serving import Load, uvicorn, wrk
from benchmarks.signing_in import token_of_operator
from benchmarks.table import Line, seconds

SCRIPT = Path(__file__).with_name("get_each.lua")
TIPG_PYTHON = Path(__file__).resolve().parent.parent / ".venv-bench" / "bin" / "python"
ZOOMS = range(10, 16)
PER_ZOOM = 40
WEEK = "2026-W47"
PROMISED_RATIO = 5.0
PROMISED_CACHED = 5_000
OVERVIEW = 10
PROMISED_OVERVIEW_S = 0.020
ROUNDS = 5
# The grids that our tile of this zoom shows, and nothing else: no scope, no results, no day.
BARE = text("""
    SELECT ST_AsMVT(shown, 'grids', 4096, 'geom') FROM (
        SELECT g.code, v.name, ST_AsMVTGeom(v.geom_3857, ST_TileEnvelope(:z, :x, :y)) AS geom
        FROM grid_versions v JOIN grids g USING (grid_id)
        WHERE v.geom_3857 && ST_TileEnvelope(:z, :x, :y) AND g.level = 1
    ) AS shown
""")


def tile_of(lon: float, lat: float, zoom: int) -> tuple[int, int]:
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2
    return int((lon + 180) / 360 * 2**zoom), int(y * 2**zoom)


def tiles(grids: list[CityGrid]) -> list[tuple[int, int, int]]:
    """As many of every zoom, spread over the city, in mixed order."""
    rng = np.random.default_rng(1)
    west, south, east, north = extent_of(grids)
    lon, lat = rng.uniform(west, east, PER_ZOOM), rng.uniform(south, north, PER_ZOOM)
    found = [(zoom, *tile_of(x, y, zoom)) for zoom in ZOOMS for x, y in zip(lon, lat, strict=True)]
    return [found[place] for place in rng.permutation(len(found))]


def overview(grids: list[CityGrid]) -> list[tuple[int, int, int]]:
    """Every tile of zoom 10 that holds a part of the city."""
    return sorted({tile for tile in tiles(grids) if tile[0] == OVERVIEW})


def load(address: str, pattern: str, wanted: list[tuple[int, int, int]], token: str = "") -> Load:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(pattern.format(z=z, x=x, y=y) for z, x, y in wanted))
        file.flush()
        wrk(address, SCRIPT, file.name, *[token][: bool(token)], seconds=3)  # warm-up
        measured = wrk(address, SCRIPT, file.name, *[token][: bool(token)])
    assert measured.failed == 0, measured
    return measured


def slowest(address: str, pattern: str, wanted: list[tuple[int, int, int]], token: str = "") -> float:
    """Seconds for the tile that takes longest, each the median of some requests over one connection."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    slow = 0.0
    for z, x, y in wanted:
        taken = []
        for _ in range(ROUNDS + 1):
            started = time.perf_counter()
            connection.request("GET", pattern.format(z=z, x=x, y=y), headers=headers)
            reply = connection.getresponse()
            reply.read()
            taken.append(time.perf_counter() - started)
            assert reply.status in {200, 204}, reply.status
        slow = max(slow, median(taken[1:]))
    connection.close()
    return slow


OUR_TILES = f"/tiles/grids/{{z}}/{{x}}/{{y}}.mvt?week={WEEK}"
TIPG_TILES = "/collections/public.grid_versions/tiles/WebMercatorQuad/{z}/{x}/{y}?geom-column=geom"


def our_environment(url: str, cache_bytes: int) -> dict[str, str]:
    return {
        "XUNGE_DATABASE_URL": url,
        "XUNGE_TILES__CACHE_BYTES": str(cache_bytes),
        "XUNGE_LOG__LEVEL": "WARNING",
    }


def tipg_environment(url: str) -> dict[str, str]:
    return {"DATABASE_URL": with_host(url), "TIPG_DB_SCHEMAS": '["public"]'}


def with_host(url: str) -> str:
    """The address with the socket's folder in the place of the host, where tipg's settings want one."""
    parsed = make_url(url)
    folder, port = str(parsed.query["host"]), parsed.query.get("port", "5432")
    return f"postgresql://{parsed.username}@{quote(folder, safe='')}:{port}/{parsed.database}"


def run(engine: Engine, url: str, grids: list[CityGrid]) -> list[Line]:
    """Both kinds of measurement on one city."""
    token, wanted = token_of_operator(engine), tiles(grids)
    with uvicorn("tipg.main:app", tipg_environment(url), python=TIPG_PYTHON) as (address, _):
        tipg = load(address, TIPG_TILES, wanted)
        tipg_slowest = slowest(address, TIPG_TILES, overview(grids))
    with uvicorn("benchmarks.applications:with_empty_put", our_environment(url, 0)) as (address, _):
        fresh = load(address, OUR_TILES, wanted, token)
        our_slowest = slowest(address, OUR_TILES, overview(grids), token)
    with uvicorn("benchmarks.applications:with_empty_put", our_environment(url, 2**26)) as (address, _):
        cached = load(address, OUR_TILES, wanted, token)
    ratio, count = fresh.per_second / tipg.per_second, f"{len(grids):,} grids"
    return [
        Line(
            f"tiles z10 to z15 of {count}, made for each request",
            f"{fresh.per_second:,.0f}/s, p99 {fresh.p99_ms:.0f} ms",
            f"tipg {tipg.per_second:,.0f}/s, p99 {tipg.p99_ms:.0f} ms",
            ratio,
            "≥ 5x",
            ratio >= PROMISED_RATIO,
        ),
        of_overview(our_slowest, f"tipg {tipg_slowest * 1000:.0f} ms", tipg_slowest, count),
        of_overview(our_slowest, *bare(engine, grids), count),
        Line(
            "grid tiles from the cache, scope checked",
            f"{cached.per_second:,.0f}/s, p99 {cached.p99_ms:.1f} ms",
            "",
            None,
            "≥ 5,000/s",
            cached.per_second >= PROMISED_CACHED,
        ),
    ]


def of_overview(ours_s: float, peer: str, peer_s: float, count: str) -> Line:
    return Line(
        f"the slowest cold tile of z10, {count}",
        f"{ours_s * 1000:.0f} ms over HTTP",
        peer,
        peer_s / ours_s,
        "≤ 20 ms",
        ours_s <= PROMISED_OVERVIEW_S,
    )


def bare(engine: Engine, grids: list[CityGrid]) -> tuple[str, float]:
    """The bare statement for the tile that takes it longest: the floor of any server on PostGIS."""
    with engine.connect() as connection:
        slow = max(
            seconds(partial(connection.scalar, BARE, dict(zip("zxy", tile, strict=True))))
            for tile in overview(grids)
        )
    return f"bare ST_AsMVT of the same grids {slow * 1000:.0f} ms", slow
