"""Tiles of the city, zoom 10 to 15, beside tipg on the same table; then from the cache, scope checked."""

import math
import tempfile
from pathlib import Path
from urllib.parse import quote

import numpy as np
from sqlalchemy import Engine, make_url

from benchmarks.city import EAST, NORTH, SOUTH, WEST
from benchmarks.serving import Load, uvicorn, wrk
from benchmarks.signing_in import token_of_operator
from benchmarks.table import Line

SCRIPT = Path(__file__).with_name("get_each.lua")
TIPG_PYTHON = Path(__file__).resolve().parent.parent / ".venv-bench" / "bin" / "python"
ZOOMS = range(10, 16)
PER_ZOOM = 40
WEEK = "2026-W47"
PROMISED_RATIO = 5.0
PROMISED_CACHED = 5_000


def tile_of(lon: float, lat: float, zoom: int) -> tuple[int, int]:
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2
    return int((lon + 180) / 360 * 2**zoom), int(y * 2**zoom)


def tiles() -> list[tuple[int, int, int]]:
    """As many of every zoom, spread over the city, in mixed order."""
    rng = np.random.default_rng(1)
    lon, lat = rng.uniform(WEST, EAST, PER_ZOOM), rng.uniform(SOUTH, NORTH, PER_ZOOM)
    found = [(zoom, *tile_of(x, y, zoom)) for zoom in ZOOMS for x, y in zip(lon, lat, strict=True)]
    return [found[place] for place in rng.permutation(len(found))]


def load(address: str, pattern: str, token: str = "") -> Load:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(pattern.format(z=z, x=x, y=y) for z, x, y in tiles()))
        file.flush()
        wrk(address, SCRIPT, file.name, *[token][: bool(token)], seconds=3)  # warm-up
        measured = wrk(address, SCRIPT, file.name, *[token][: bool(token)])
    assert measured.failed == 0, measured
    return measured


def of_ours(url: str, token: str, cache_bytes: int) -> Load:
    env = {
        "XUNGE_DATABASE_URL": url,
        "XUNGE_TILES__CACHE_BYTES": str(cache_bytes),
        "XUNGE_LOG__LEVEL": "WARNING",
    }
    with uvicorn("benchmarks.applications:with_empty_put", env) as (address, _):
        return load(address, f"/tiles/grids/{{z}}/{{x}}/{{y}}.mvt?week={WEEK}", token)


def with_host(url: str) -> str:
    """The address with the socket's folder in the place of the host, where tipg's settings want one."""
    parsed = make_url(url)
    folder, port = str(parsed.query["host"]), parsed.query.get("port", "5432")
    return f"postgresql://{parsed.username}@{quote(folder, safe='')}:{port}/{parsed.database}"


def of_tipg(url: str) -> Load:
    env = {"DATABASE_URL": with_host(url), "TIPG_DB_SCHEMAS": '["public"]'}
    collection = "/collections/public.grid_versions/tiles/WebMercatorQuad/{z}/{x}/{y}?geom-column=geom"
    with uvicorn("tipg.main:app", env, python=TIPG_PYTHON) as (address, _):
        return load(address, collection)


def run(engine: Engine, url: str) -> list[Line]:
    token = token_of_operator(engine)
    tipg, fresh, cached = of_tipg(url), of_ours(url, token, 0), of_ours(url, token, 64 * 1024 * 1024)
    ratio = fresh.per_second / tipg.per_second
    return [
        Line(
            "grid tiles z10 to z15, made for each request",
            f"{fresh.per_second:,.0f}/s, p99 {fresh.p99_ms:.0f} ms",
            f"tipg {tipg.per_second:,.0f}/s, p99 {tipg.p99_ms:.0f} ms",
            ratio,
            "≥ 5x",
            ratio >= PROMISED_RATIO,
        ),
        Line(
            "grid tiles from the cache, scope checked",
            f"{cached.per_second:,.0f}/s, p99 {cached.p99_ms:.1f} ms",
            "",
            None,
            "≥ 5,000/s",
            cached.per_second >= PROMISED_CACHED,
        ),
    ]
