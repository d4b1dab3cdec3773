"""A segment of 60 fixes over HTTP, durable, beside an empty authenticated PUT of the same application."""

import json
import tempfile
import uuid
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine, text

from benchmarks.city import CityGrid
from benchmarks.judging import BATCH, walk
from benchmarks.serving import resident_mib, uvicorn, wrk
from benchmarks.signing_in import token_of_member
from benchmarks.table import Line
from core.clock import now
from patrol.fixes import Fixes, in_batches

SCRIPT = Path(__file__).with_name("put_segments.lua")
PROMISED_SHARE = 0.5
PROMISED_BYTES = 20
PROMISED_MIB = 300


def body(fixes: Fixes) -> str:
    """A segment as a telephone sends it, of this very hour."""
    start = now() - timedelta(minutes=30)
    rows = [
        {
            "at": (start + timedelta(seconds=5 * place)).isoformat(timespec="milliseconds"),
            "lon": round(float(fixes.lon[place]), 7),
            "lat": round(float(fixes.lat[place]), 7),
            "accuracy_m": round(float(fixes.accuracy_m[place]), 1),
        }
        for place in range(len(fixes))
    ]
    return json.dumps({"seq": 0, "datum": "EPSG:4326", "fixes": rows})


def stored_bytes_per_fix(engine: Engine) -> float:
    """Table, indexes and TOAST of all segments over their fixes."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE segments"))
        size, fixes = connection.execute(
            text("SELECT pg_total_relation_size('segments'), sum(fix_count) FROM segments")
        ).one()
    return float(size) / float(fixes)


def run(engine: Engine, url: str, grids: list[CityGrid]) -> list[Line]:
    token, patrol_id = token_of_member(engine, next(grid for grid in grids if grid.level == 3))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "segment.json"
        file.write_text(body(next(iter(in_batches(walk(), BATCH)))), encoding="utf-8")
        env = {"XUNGE_DATABASE_URL": url, "XUNGE_LOG__LEVEL": "WARNING"}
        with uvicorn("benchmarks.applications:with_empty_put", env) as (address, pid):
            segment = f"/v1/patrols/{patrol_id}/segments/{{segment}}"
            floor = wrk(address, SCRIPT, "/v1/empty", str(file), token)
            ours = wrk(address, SCRIPT, segment, str(file), token)
            again = wrk(address, SCRIPT, segment.format(segment=uuid.uuid4()), str(file), token)
            memory = resident_mib(pid)
    assert floor.failed == ours.failed == again.failed == 0, (floor, ours, again)
    share, size = ours.per_second / floor.per_second, stored_bytes_per_fix(engine)
    beside = f"empty authenticated PUT {floor.per_second:,.0f}/s"
    return [
        Line(
            "upload a segment of 60 fixes, durable, one process",
            f"{ours.per_second:,.0f}/s, p99 {ours.p99_ms:.0f} ms",
            beside,
            share,
            "≥ 0.5x",
            share >= PROMISED_SHARE,
        ),
        Line(
            "the same segment sent again",
            f"{again.per_second:,.0f}/s, p99 {again.p99_ms:.0f} ms",
            beside,
            again.per_second / floor.per_second,
        ),
        Line("stored bytes per fix, all indexes", f"{size:.1f}", "", None, "≤ 20", size <= PROMISED_BYTES),
        Line("one server process", f"{memory:.0f} MiB", "", None, "≤ 300 MiB", memory <= PROMISED_MIB),
    ]
