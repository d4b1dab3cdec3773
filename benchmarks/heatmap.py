"""Heatmaps over 90 days: our stored sums, PostgreSQL over a row per patrol and cell, numpy over these rows.

The city is that of benchmarks/city.py, cut into streets of 100 grids as streets are; each grid is
patrolled twice a week and each patrol passes six of ten of its cells. The answers are compared cell by cell.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from sqlalchemy import Connection, Engine, text
from sqlalchemy.orm import Session

from access.scope import Scope
from benchmarks.city import CityGrid
from benchmarks.table import Line, seconds, taken
from core.clock import Week
from geo.cells import COVERAGE_RESOLUTION, Cells, packed, parents_of, polyfill
from patrol.coverage.days import Days
from patrol.coverage.ground import grounds_of
from patrol.coverage.queries import heat_on
from patrol.coverage.sums import (
    RESOLUTIONS,
    WEEK_RESOLUTIONS,
    Heat,
    Kind,
    Passes,
    StoredSum,
    added,
    cells_in,
    tally,
)

FIRST, LAST = date(2026, 8, 24), date(2026, 11, 21)  # 90 days, from Monday to Saturday
DAYS = Days(FIRST, LAST)
WEEKS = 13
WALKED = 0.6  # of a grid's cells, by each patrol
STREET_S, CITY_S = 0.05, 0.5
OVERVIEW = 9


@dataclass(frozen=True, slots=True, eq=False)
class Peers:
    """What a row per patrol and cell would hold: of one street, and of the city in coarse cells."""

    fine: Passes
    coarse: Passes


def small_streets(grids: list[CityGrid]) -> list[CityGrid]:
    """The same city with 100 level-3 grids to a street, as in reality: each level-1 grid is a street."""
    street_of: dict[int, str] = {}
    made = []
    for grid in grids:
        number = int(grid.path.split("/")[1])
        street = street_of.setdefault(number, f"32{number:04d}001")
        path = street + grid.path[grid.path.index("/") :]
        made.append(CityGrid(grid.grid_id, grid.level, grid.parent_id, path, street, grid.shape))
    return made


def first_streets(grids: list[CityGrid], count: int) -> list[CityGrid]:
    """The first streets alone, numbered anew from 1 as the database will number them."""
    wanted = {grid.street for grid in grids[:count]}
    number = {grid.grid_id: place for place, grid in enumerate((g for g in grids if g.street in wanted), 1)}
    made = []
    for grid in grids:
        if grid.grid_id in number:
            street, *steps = grid.path.rstrip("/").split("/")
            path = "/".join([street, *(str(number[int(step)]) for step in steps)]) + "/"
            parent_id = number[grid.parent_id] if grid.parent_id else None
            made.append(CityGrid(number[grid.grid_id], grid.level, parent_id, path, street, grid.shape))
    return made


def load_cells(engine: Engine, grids: list[CityGrid]) -> dict[str, list[Cells]]:
    """Every level-1 grid has the cells of its children; the answer is the cells of each grid by street."""
    by_street: dict[str, list[Cells]] = {}
    for grid in grids:
        if grid.level == 3:
            by_street.setdefault(grid.street, []).append(polyfill(grid.shape))
    tops = {grid.street: grid.grid_id for grid in grids if grid.level == 1}
    with engine.begin() as connection:
        statement = text("UPDATE grid_versions SET cells = :cells WHERE grid_id = :grid_id")
        rows = [
            {"cells": packed(np.unique(np.concatenate(cells))), "grid_id": tops[street]}
            for street, cells in by_street.items()
        ]
        connection.execute(statement, rows)
    return by_street


def passes_of_street(cells: list[Cells], seed: int) -> Passes:
    """Two patrols a week in each grid for thirteen weeks, on days that differ from grid to grid."""
    rng, parts = np.random.default_rng(seed), []
    every, grid = np.concatenate(cells), np.repeat(np.arange(len(cells)), [len(one) for one in cells])
    for number in range(WEEKS * 2):
        week, half = divmod(number, 2)
        passed = rng.random(len(every)) < WALKED
        days = FIRST.toordinal() + week * 7 + half * 3 + grid[passed] % 3
        patrols = number * len(cells) + grid[passed]
        dwell_s = rng.uniform(5, 60, len(days)).astype(np.float32).astype(np.float64)
        parts.append(Passes(every[passed], dwell_s, patrols, np.full(len(days), int(Kind.VISIT)), days))
    return Passes.joined(parts)


def rows_of(street: str, passes: Passes) -> Iterator[tuple[str, int, int, date, bytes]]:
    """What the roll-up stores of a street."""
    days: dict[tuple[int, date], StoredSum] = {}
    for ordinal in np.unique(passes.days).tolist():
        day = date.fromordinal(ordinal)
        of_day = passes.take(passes.days == ordinal)
        for resolution in RESOLUTIONS:
            cells = tally(of_day, resolution).records(day).tobytes()
            days[resolution, day] = StoredSum(day, cells)
            yield street, resolution, 1, day, cells
    for monday in sorted({Week.of_day(day).monday for _, day in days}):
        for resolution in WEEK_RESOLUTIONS:
            wanted = [(resolution, monday + timedelta(days=offset)) for offset in range(7)]
            of_week = [days[one] for one in wanted if one in days]
            yield street, resolution, 7, monday, added(of_week, cells_in(of_week)).records(monday).tobytes()


def load_sums(engine: Engine, by_street: dict[str, list[Cells]]) -> Peers:
    """The stored sums of the city; for the peers a row for each patrol and cell: fine ones of the first
    street, coarse ones of all.
    """
    coarse: list[Passes] = []
    with engine.begin() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        names = "street_code, resolution, days, first_day, cells"
        with driver.cursor().copy(f"COPY coverage_sums ({names}) FROM STDIN") as copy:
            for number, (street, cells) in enumerate(by_street.items()):
                passes = passes_of_street(cells, number)
                if number == 0:
                    fine = passes
                coarse.append(coarsened(passes, number))
                for *key, body in rows_of(street, passes):
                    copy.write_row((*key, "\\x" + body.hex()))
    peers = Peers(fine, Passes.joined(coarse))
    with engine.begin() as connection:
        explode(connection, "fine_cells", peers.fine)
        explode(connection, "coarse_cells", peers.coarse)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    return peers


def coarsened(passes: Passes, street: int) -> Passes:
    """One entry for each patrol and coarse cell."""
    key = np.stack([passes.patrols.astype(np.uint64), parents_of(passes.cells, OVERVIEW)])
    pairs, first, number = np.unique(key, axis=1, return_index=True, return_inverse=True)
    dwell_s = np.bincount(number.ravel(), passes.dwell_s, pairs.shape[1]).astype(np.float64)
    patrols = pairs[0].astype(np.int64) + street * 1_000_000
    return Passes(pairs[1], dwell_s, patrols, passes.kinds[first], passes.days[first])


def explode(connection: Connection, table: str, passes: Passes) -> None:
    """A table with an index over the days, as a plain design has it."""
    connection.execute(text(f"CREATE TABLE {table} (day date, patrol int8, cell int8, dwell_s float4)"))
    driver = connection.connection.driver_connection
    assert driver is not None
    columns = (passes.days, passes.patrols, passes.cells, passes.dwell_s)
    with driver.cursor().copy(f"COPY {table} FROM STDIN") as copy:
        for day, patrol, cell, dwell_s in zip(*(column.tolist() for column in columns), strict=True):
            copy.write_row((date.fromordinal(day), patrol, cell, dwell_s))
    connection.execute(text(f"CREATE INDEX ON {table} (day)"))


def by_sql(engine: Engine, table: str) -> dict[int, tuple[int, float]]:
    """Visits and seconds of each cell, by the database alone."""
    statement = text(
        f"SELECT cell, count(*), sum(dwell_s::float8) FROM {table}"
        " WHERE day BETWEEN :first AND :last GROUP BY cell"
    )
    with engine.connect() as connection:
        rows = connection.execute(statement, {"first": FIRST, "last": LAST}).all()
    return {cell: (visits, dwell_s) for cell, visits, dwell_s in rows}


def by_numpy(passes: Passes) -> int:
    """The same from rows that lie in memory already."""
    within = (passes.days >= FIRST.toordinal()) & (passes.days <= LAST.toordinal())
    cells, number = np.unique(passes.cells[within], return_inverse=True)
    np.bincount(number), np.bincount(number, passes.dwell_s[within])
    return len(cells)


def compare(ours: Heat, theirs: dict[int, tuple[int, float]]) -> None:
    """Every cell, before anything is timed."""
    visited = ours.take(ours.visits > 0)
    assert set(visited.cells.tolist()) == set(theirs), "other cells"
    for cell, visits, dwell_s in zip(
        visited.cells.tolist(), visited.visits.tolist(), visited.dwell_s.tolist(), strict=True
    ):
        assert theirs[cell][0] == visits, "other visits"
        assert abs(theirs[cell][1] - dwell_s) <= 1e-3 * dwell_s, "other seconds"


def run(engine: Engine, grids: list[CityGrid]) -> list[Line]:
    """`grids` are those of `small_streets`, loaded without cells."""
    by_street = load_cells(engine, grids)
    peers = load_sums(engine, by_street)
    street = next(iter(by_street))
    whole = (f"a street of {len(by_street[street])} grids, resolution 11", f"{street}/", COVERAGE_RESOLUTION)
    lines = measured(engine, whole, "fine_cells", peers.fine, STREET_S)
    city = (
        f"a city of {sum(len(cells) for cells in by_street.values()):,} grids, resolution 9",
        "",
        OVERVIEW,
    )
    return lines + measured(engine, city, "coarse_cells", peers.coarse, CITY_S)


def measured(
    engine: Engine, asked: tuple[str, str, int], table: str, rows: Passes, promise_s: float
) -> list[Line]:
    name, prefix, resolution = asked

    def ours() -> Heat:
        with Session(engine) as session:
            grounds = grounds_of(session, Scope((prefix,)), LAST, resolution)
            return heat_on(session, grounds, DAYS, resolution)

    compare(ours(), by_sql(engine, table))
    us = taken(ours, runs=7)
    sql, memory = seconds(lambda: by_sql(engine, table), runs=3), taken(lambda: by_numpy(rows), runs=3)
    work = f"heatmap over 90 days, {name} ({len(rows):,} rows of the peers)"
    floor, holds = f"≤ {promise_s * 1000:.0f} ms", us.wall_s <= promise_s
    return [
        Line(
            work,
            str(us),
            f"PostgreSQL, a row per patrol and cell {sql * 1000:.0f} ms",
            sql / us.wall_s,
            floor,
            holds,
        ),
        Line(work, str(us), f"numpy, the rows in memory {memory}", memory.wall_s / us.wall_s),
    ]
