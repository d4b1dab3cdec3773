"""A week of a street and of a city, from stored segments to stored verdicts, in PostgreSQL.

The way that the worker goes: batches of one street in transactions of their own (`patrol.judge_many`), one
process for the street, two for the city, beside judging one by one (`patrol.judge`). Every patrol is an hour
at 5 s in lanes through its own grid. Some hundred walks are made, each turned at random, and moved to the
grids, so that no two near each other are alike and making them takes little of the time.
"""

import multiprocessing
import resource
import sys
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial
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
from patrol.fixes import BLOB_HEAD, Fixes, encode, in_batches
from patrol.judging.batch import batches, judge_many
from patrol.judging.judge import judge_patrol

WEEK = Week.parse("2026-W46")
PER_SEGMENT = 60
WALKS = 509  # a prime: grids beside each other have others
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


def walk(rng: np.random.Generator) -> Fixes:
    """An hour from the moment 0 in lanes around one place, in a direction of its own."""
    walked = np.arange(FIXES) * rng.uniform(0.9, 1.3) * STEP_S
    lane, along = np.divmod(walked, 220.0)
    x = np.where(lane % 2 == 0, along, 220.0 - along) - 110.0
    y = lane * rng.uniform(8.0, 14.0) - 100.0
    angle = rng.uniform(0, 2 * np.pi)
    x, y = x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)
    lon, lat = degrees(x + rng.normal(0, 4, FIXES), y + rng.normal(0, 4, FIXES))
    accuracy = rng.uniform(4, 18, FIXES).round(1)
    return Fixes(np.arange(FIXES) * STEP_S * 1000, lon, lat, accuracy, _ABSENT, _ABSENT, _ABSENT, _NO_MOCK)


def made_walks() -> list[list[bytes]]:
    """The stored blobs of WALKS different hours."""
    rng = np.random.default_rng(17)
    return [[encode(batch) for batch in in_batches(walk(rng), PER_SEGMENT)] for _ in range(WALKS)]


def moved(blobs: Sequence[bytes], outing: Outing) -> Iterator[bytes]:
    """The walk at the time and around the middle of the grid of an outing: only heads of blobs change."""
    middle = outing.grid.shape.centroid
    by_ms = round(outing.started_at.timestamp() * 1000)
    by_lon, by_lat = round((middle.x - LON_0) * 1e7), round((middle.y - LAT_0) * 1e7)
    for blob in blobs:
        *head, at_ms, step, lon, lat = BLOB_HEAD.unpack_from(blob)
        yield BLOB_HEAD.pack(*head, at_ms + by_ms, step, lon + by_lon, lat + by_lat) + blob[BLOB_HEAD.size :]


def load_patrols(engine: Engine, wanted: Iterable[Outing]) -> int:
    """Patrols with their segments as uploads leave them; the answer is the number of fixes."""
    walks, fixes = made_walks(), 0
    person = uuid.UUID(int=1)
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO people (person_id, name) VALUES (:id, '某') ON CONFLICT DO NOTHING"),
            {"id": person},
        )
        driver = connection.connection.driver_connection
        assert driver is not None
        for chunk in _chunks(wanted, 2000):
            fixes += _copy(driver.cursor(), chunk, person, walks)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    return fixes


def _copy(
    cursor: psycopg.Cursor, chunk: Sequence[Outing], person: uuid.UUID, walks: Sequence[Sequence[bytes]]
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
    names = "segment_id, patrol_id, seq, datum, body_hash, received_at, fix_count, fixes"
    with cursor.copy(f"COPY segments ({names}) FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(["uuid", "uuid", "int4", "text", "bytea", "timestamptz", "int2", "bytea"])
        for one in chunk:
            received_at = one.started_at + timedelta(hours=2)
            for seq, blob in enumerate(moved(walks[one.patrol_id.int % WALKS], one)):
                segment_id = uuid.UUID(int=one.patrol_id.int * 1000 + seq)
                head = (segment_id, one.patrol_id, seq, "EPSG:4490", b"\0" * 32, received_at)
                copy.write_row((*head, PER_SEGMENT, blob))
    return len(chunk) * FIXES


def _chunks(wanted: Iterable[Outing], size: int) -> Iterator[list[Outing]]:
    chunk: list[Outing] = []
    for one in wanted:
        chunk.append(one)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def judge_batches(engine: Engine, given: Iterable[Sequence[str]]) -> float:
    """Judge them in this process; processor seconds."""
    cpu = time.process_time()
    for ids in given:
        with Session(engine) as session, session.begin():
            judge_many(session, ids)
    return time.process_time() - cpu


@dataclass(frozen=True, slots=True)
class Judged:
    """What a process did for one street; the memory is the most it ever had."""

    patrols: int
    cpu_s: float
    memory_mib: float


@cache
def engine_of(url: str) -> Engine:
    """The connections of this process: a worker, too, opens them once."""
    return create_engine(url)


def judge_street(url: str, given: Sequence[Sequence[str]]) -> Judged:
    """The batches of one street, in this process."""
    cpu_s = judge_batches(engine_of(url), given)
    return Judged(sum(map(len, given)), cpu_s, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def told(results: Iterable[Judged], total: int) -> Iterator[Judged]:
    """The same, with a bar that tells how many patrols are judged and how long the rest may take."""
    done, begun = 0, time.perf_counter()
    for one in results:
        done += one.patrols
        spent_s = time.perf_counter() - begun
        bar = ("#" * (30 * done // total)).ljust(30, ".")
        rest = f"{spent_s:.0f} s, {spent_s * (total - done) / done:.0f} s left"
        print(f"\r[{bar}] {done:,} of {total:,} patrols, {rest}  ", end="", file=sys.stderr, flush=True)
        yield one
    print(file=sys.stderr)


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


def run_street(engine: Engine, _: str, grids: list[CityGrid]) -> list[Line]:
    """The patrols of one street, in one process that has judged before, as a worker has."""
    street = [grid for grid in grids if grid.level == 3][: STREET_PATROLS // 2]
    wanted = list(outings(street))
    fixes = load_patrols(engine, wanted)
    few = [str(one.patrol_id) for one in wanted[:ONE_BY_ONE]]
    one_by_one(engine, few[:10])
    alone_s = one_by_one(engine, few) / len(few) * len(wanted)
    forget(engine)
    given = [batch for batches_ in by_street(wanted) for batch in batches_]
    judge_batches(engine, given)
    forget(engine)
    wall = time.perf_counter()
    cpu_s = judge_batches(engine, given)
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
    """Two processes take street after street, as the two of a worker do."""
    wanted = list(outings([grid for grid in grids if grid.level == 3]))
    fixes = load_patrols(engine, wanted)
    streets = by_street(wanted)
    wall = time.perf_counter()
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        results = list(told(pool.imap_unordered(partial(judge_street, url), streets), len(wanted)))
    wall_s = time.perf_counter() - wall
    cpu_s, memory = sum(one.cpu_s for one in results), max(one.memory_mib for one in results)
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
