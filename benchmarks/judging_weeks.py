"""A week of a street and of a city, from stored segments to stored verdicts, in PostgreSQL.

The way that the worker goes: batches of one street in transactions of their own (`patrol.judge_many`), one
process for the street, two for the city, beside judging one by one (`patrol.judge`). Every patrol is an hour
at 5 s in lanes through its own grid, turned and shifted at random, so that no two are alike.
"""

import multiprocessing
import resource
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

import numpy as np
import psycopg
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from benchmarks.city import CityGrid
from benchmarks.judging import FIXES, STEP_S, degrees
from benchmarks.judging import LAT as LAT_0
from benchmarks.judging import LON as LON_0
from benchmarks.table import Line
from core.clock import Week
from patrol.batch_judging import batches, judge_many
from patrol.fixes import Fixes, encode, in_batches
from patrol.judging import judge_patrol

WEEK = Week.parse("2026-W46")
PER_SEGMENT = 60
STREET_PATROLS = 260
STREET_S, CITY_S = 1.0, 180.0
ONE_BY_ONE = 100  # as many are enough to tell the rate
_ABSENT = np.full(FIXES, np.nan)
_NO_MOCK = np.zeros(FIXES, np.bool_)


@dataclass(frozen=True, slots=True)
class Outing:
    """One patrol to be made."""

    patrol_id: uuid.UUID
    grid: CityGrid
    started_at: datetime


def outings(grids: Sequence[CityGrid], *, a_week: int = 2) -> Iterator[Outing]:
    """Two patrols of each grid, three days apart, at hours that differ."""
    for grid in grids:
        for number in range(a_week):
            hours = 1 + grid.grid_id * 7 % 9 + number * 72
            started_at = WEEK.starts_at + timedelta(hours=hours, minutes=grid.grid_id % 60)
            yield Outing(uuid.UUID(int=grid.grid_id * 10 + number), grid, started_at)


def walk(outing: Outing, rng: np.random.Generator) -> Fixes:
    """An hour in lanes around the middle of the grid, in a direction of its own."""
    walked = np.arange(FIXES) * rng.uniform(0.9, 1.3) * STEP_S
    lane, along = np.divmod(walked, 220.0)
    x = np.where(lane % 2 == 0, along, 220.0 - along) - 110.0
    y = lane * rng.uniform(8.0, 14.0) - 100.0
    angle = rng.uniform(0, 2 * np.pi)
    x, y = x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)
    lon, lat = degrees(x + rng.normal(0, 4, FIXES), y + rng.normal(0, 4, FIXES))
    middle = outing.grid.shape.centroid
    at_ms = round(outing.started_at.timestamp() * 1000) + np.arange(FIXES) * STEP_S * 1000
    accuracy = rng.uniform(4, 18, FIXES).round(1)
    moved = (lon - LON_0 + middle.x, lat - LAT_0 + middle.y)
    return Fixes(at_ms, *moved, accuracy, _ABSENT, _ABSENT, _ABSENT, _NO_MOCK)


def load_patrols(engine: Engine, wanted: Iterable[Outing]) -> int:
    """Patrols with their segments as uploads leave them; the answer is the number of fixes."""
    rng, fixes = np.random.default_rng(17), 0
    person = uuid.UUID(int=1)
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO people (person_id, name) VALUES (:id, '某') ON CONFLICT DO NOTHING"),
            {"id": person},
        )
        driver = connection.connection.driver_connection
        assert driver is not None
        for chunk in _chunks(wanted, 2000):
            fixes += _copy(driver.cursor(), chunk, person, rng)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    return fixes


def _copy(
    cursor: psycopg.Cursor, chunk: Sequence[Outing], person: uuid.UUID, rng: np.random.Generator
) -> int:
    names = (
        "patrol_id, person_id, grid_id, source, started_at, start_received_at, finished_at,"
        " finish_received_at"
    )
    with cursor.copy(f"COPY patrols ({names}) FROM STDIN") as copy:
        for one in chunk:
            finished_at = one.started_at + timedelta(seconds=FIXES * STEP_S)
            begun = (one.patrol_id, person, one.grid.grid_id, "app", one.started_at, one.started_at)
            copy.write_row((*begun, finished_at, finished_at))
    names, fixes = "segment_id, patrol_id, seq, datum, body_hash, received_at, fix_count, fixes", 0
    with cursor.copy(f"COPY segments ({names}) FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(["uuid", "uuid", "int4", "text", "bytea", "timestamptz", "int2", "bytea"])
        for one in chunk:
            received_at = one.started_at + timedelta(hours=2)
            for seq, batch in enumerate(in_batches(walk(one, rng), PER_SEGMENT)):
                segment_id = uuid.UUID(int=one.patrol_id.int * 1000 + seq)
                head = (segment_id, one.patrol_id, seq, "EPSG:4490", b"\0" * 32, received_at)
                copy.write_row((*head, len(batch), encode(batch)))
                fixes += len(batch)
    return fixes


def _chunks(wanted: Iterable[Outing], size: int) -> Iterator[list[Outing]]:
    chunk: list[Outing] = []
    for one in wanted:
        chunk.append(one)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def judge_batches(url: str, given: Sequence[Sequence[str]]) -> tuple[float, float]:
    """Judge them in this process; processor seconds and the most memory in MiB."""
    engine = create_engine(url)
    cpu = time.process_time()
    for ids in given:
        with Session(engine) as session, session.begin():
            judge_many(session, ids)
    engine.dispose()
    return time.process_time() - cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def by_street(wanted: Sequence[Outing]) -> list[list[list[str]]]:
    """Batches of each street, as `enqueue_week` makes them."""
    streets = groupby(sorted(wanted, key=lambda one: one.grid.street), key=lambda one: one.grid.street)
    return [
        [[str(one) for one in batch] for batch in batches([one.patrol_id for one in street])]
        for _, street in streets
    ]


def forget(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE patrol_verdicts"))
        connection.execute(text("DELETE FROM procrastinate_jobs"))


def run_street(engine: Engine, url: str, grids: list[CityGrid]) -> list[Line]:
    """The patrols of one street, in one process."""
    street = [grid for grid in grids if grid.level == 3][: STREET_PATROLS // 2]
    wanted = list(outings(street))
    fixes = load_patrols(engine, wanted)
    few = [str(one.patrol_id) for one in wanted[:ONE_BY_ONE]]
    one_by_one(engine, few[:10])
    alone_s = one_by_one(engine, few) / len(few) * len(wanted)
    forget(engine)
    given = [batch for batches_ in by_street(wanted) for batch in batches_]
    judge_batches(url, given)
    forget(engine)
    wall = time.perf_counter()
    cpu_s, _ = judge_batches(url, given)
    wall_s = time.perf_counter() - wall
    return [
        Line(
            f"judge a street week: {len(wanted)} patrols, {fixes:,} fixes, stored to stored",
            f"{wall_s:.2f} s (CPU {cpu_s:.2f} without PostgreSQL)",
            f"one by one {alone_s:.2f} s",
            alone_s / wall_s,
            f"≤ {STREET_S:.0f} s",
            wall_s <= STREET_S,
        )
    ]


def one_by_one(engine: Engine, ids: Sequence[str]) -> float:
    """Seconds of judging each in a transaction of its own."""
    begun = time.perf_counter()
    for one in ids:
        with Session(engine) as session, session.begin():
            judge_patrol(session, one)
    return time.perf_counter() - begun


def run_city(engine: Engine, url: str, grids: list[CityGrid]) -> list[Line]:
    """Two processes share the streets, as the two of a worker do."""
    wanted = list(outings([grid for grid in grids if grid.level == 3]))
    fixes = load_patrols(engine, wanted)
    streets = by_street(wanted)
    shares = [[batch for street in streets[half::2] for batch in street] for half in range(2)]
    wall = time.perf_counter()
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        results = pool.starmap(judge_batches, [(url, share) for share in shares])
    wall_s = time.perf_counter() - wall
    cpu_s, memory = sum(cpu for cpu, _ in results), max(mib for _, mib in results)
    with engine.connect() as connection:
        judged = connection.scalar(text("SELECT count(*) FROM patrol_verdicts"))
        valid = connection.scalar(text("SELECT count(*) FROM patrol_verdicts WHERE status = 'valid'"))
    assert judged == len(wanted)
    return [
        Line(
            f"judge a city week: {judged:,} patrols ({valid:,} valid), {fixes / 1e6:.0f} M fixes,"
            " two processes",
            f"{wall_s:.0f} s (CPU {cpu_s:.0f} without PostgreSQL), {memory:.0f} MiB a process",
            f"{fixes / wall_s / 1e3:.0f} thousand fixes/s",
            None,
            f"≤ {CITY_S:.0f} s",
            wall_s <= CITY_S,
        )
    ]
