"""A member's phone: first sync, one with nothing new, one with a few changes, and a week that was not sent.

The member's grid has 900 households in 30 buildings with two residents each, 40 checkpoints, and visits.
"""

import json
import tempfile
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from api.app import create_app
from benchmarks.city import CityGrid
from benchmarks.signing_in import token_of_member
from benchmarks.table import Line, taken
from core.clock import now
from core.settings import DatabaseSettings, Settings

HOUSEHOLDS, BUILDINGS, CHECKPOINTS = 900, 30, 40
FIRST_MS, DELTA_MS, FIRST_KB = 300, 50, 300
SEGMENTS, FIXES = 12, 1000

_PLACES = text("""
WITH area AS (SELECT geom FROM grid_versions WHERE grid_id = :grid_id),
spots AS (
    SELECT row_number() OVER () AS n, (dumped).geom AS geom
    FROM (SELECT ST_Dump(ST_GeneratePoints(geom, :buildings, 7)) AS dumped FROM area) AS made
), houses AS (
    INSERT INTO buildings (building_id, street_code, name, kind, geom, source_datum, source, attributes,
        revision, changed_by)
    SELECT gen_random_uuid(), :street, n || '幢', 'residential', geom, 'EPSG:4490', 'benchmark', '{}', 1, ''
    FROM spots RETURNING building_id, name
), homes AS (
    INSERT INTO households (household_id, street_code, building_id, entrance, floor, room, kind, source_datum,
        source, attributes, revision, changed_by)
    SELECT gen_random_uuid(), :street, building_id, (n % 3 + 1)::text, (n / 3 + 1)::text, (n * 101)::text,
        'registered', 'EPSG:4490', 'benchmark', '{}', 1, ''
    FROM houses, generate_series(1, :households / :buildings) AS n RETURNING household_id
), people AS (
    INSERT INTO residents (resident_id, household_id, street_code, name, residence, attributes, revision,
        changed_by)
    SELECT gen_random_uuid(), household_id, :street, '王小明', 'registered', '{}', 1, ''
    FROM homes, generate_series(1, 2) RETURNING 1
), gates AS (
    INSERT INTO checkpoints (checkpoint_id, street_code, name, kind, building_id, floor, radius_m, short_code,
        generation, source_datum, source, attributes, revision, changed_by)
    SELECT gen_random_uuid(), :street, name || '单元门', 'indoor', building_id, '1', 30,
        left(md5(building_id::text || n), 8), 1, 'EPSG:4490', 'benchmark', '{}', 1, ''
    FROM houses, generate_series(1, 2) AS n LIMIT :checkpoints RETURNING 1
)
SELECT (SELECT count(*) FROM people), (SELECT count(*) FROM gates)
""")
_VISITS = text("""
INSERT INTO visits (visit_id, household_id, person_id, at, received_at, outcome, theme, answers, note, photos,
    body_hash)
SELECT gen_random_uuid(), household_id, (SELECT person_id FROM people LIMIT 1),
    now() - n * interval '70 days', now(), 'met', 'routine', '{}', '', '{}', ''
FROM households, generate_series(1, 3) AS n
""")
_CHANGE = text("""
UPDATE households SET room = room || 'A', revision = revision + 1
WHERE household_id IN (SELECT household_id FROM households ORDER BY household_id LIMIT 5)
""")


def week_of_tracks(patrol_id: uuid.UUID) -> list[dict[str, Any]]:
    """12 segments of 1000 fixes: what a phone has after a week of walking, near the limit of one batch."""
    start = now() - timedelta(hours=20)
    return [
        {
            "kind": "segment",
            "id": str(uuid.uuid4()),
            "parent": str(patrol_id),
            "body": {
                "seq": number,
                "datum": "EPSG:4326",
                "fixes": [
                    {
                        "at": (start + timedelta(seconds=5 * (number * FIXES + fix))).isoformat(),
                        "lon": 118.9,
                        "lat": round(32.1 + fix * 1e-6, 6),
                        "accuracy_m": 5.0,
                    }
                    for fix in range(FIXES)
                ],
            },
        }
        for number in range(SEGMENTS)
    ]


def fill(engine: Engine, grid: CityGrid) -> None:
    values = {
        "grid_id": grid.grid_id,
        "street": grid.street,
        "buildings": BUILDINGS,
        "households": HOUSEHOLDS,
        "checkpoints": CHECKPOINTS,
    }
    with Session(engine) as session, session.begin():
        session.execute(_PLACES, values)
        session.execute(_VISITS)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def run(engine: Engine, url: str, grids: list[CityGrid]) -> list[Line]:
    grid = next(one for one in grids if one.level == 3)
    token, patrol_id = token_of_member(engine, grid)
    fill(engine, grid)
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home), database=DatabaseSettings(pool_size=5)).with_database(url)
        app = create_app(settings)
        http = TestClient(app, headers={"Authorization": f"Bearer {token}", "Accept-Encoding": "gzip"})
        lines = [*_down(engine, http), _up(http, patrol_id)]
        app.state.engine.dispose()
    return lines


def _down(engine: Engine, http: TestClient) -> list[Line]:
    first = taken(lambda: http.get("/v1/sync"), runs=5)
    reply = http.get("/v1/sync")
    page = reply.json()
    assert len(page["changed"]["households"]) == HOUSEHOLDS, page["changed"].keys()
    wire_kb, raw_kb = int(reply.headers["content-length"]) / 1000, len(reply.content) / 1000
    known = {"since": page["cursor"]}
    nothing = taken(lambda: http.get("/v1/sync", params=known), runs=15)
    with engine.begin() as connection:
        connection.execute(_CHANGE)
    few = taken(lambda: http.get("/v1/sync", params=known), runs=15)
    assert len(http.get("/v1/sync", params=known).json()["changed"]["households"]) == 5
    what = f"{HOUSEHOLDS} households, {CHECKPOINTS} checkpoints"
    first_holds = first.wall_s * 1000 <= FIRST_MS and wire_kb <= FIRST_KB
    return [
        Line(
            f"first sync of a member: {what}",
            f"{first}, {wire_kb:.0f} kB on the wire",
            f"raw {raw_kb:.0f} kB",
            None,
            f"≤ {FIRST_MS} ms, ≤ {FIRST_KB} kB",
            first_holds,
        ),
        _delta("delta sync, nothing new", nothing),
        _delta("delta sync, 5 households changed", few),
    ]


def _delta(work: str, measured: Any) -> Line:
    return Line(work, str(measured), "", None, f"≤ {DELTA_MS} ms", measured.wall_s * 1000 <= DELTA_MS)


def _up(http: TestClient, patrol_id: uuid.UUID) -> Line:
    body = json.dumps({"items": week_of_tracks(patrol_id)})
    reply = None

    def send() -> None:
        nonlocal reply
        reply = http.post("/v1/sync", content=body)

    first = taken(send, runs=1, warm_up=0)
    again = taken(send, runs=5)
    assert reply is not None
    outcomes = {item["outcome"] for item in reply.json()["items"]}
    assert outcomes == {"duplicate"}, outcomes
    work = f"batch of {SEGMENTS * FIXES:,} fixes in {SEGMENTS} segments, {len(body) / 1e6:.1f} MB"
    return Line(work, f"{first}", f"sent again {again}", None, "≤ 5 s per 5,000 fixes", first.wall_s <= 12)
