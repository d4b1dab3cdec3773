"""The grid index of a day, read from the database once and kept while it is certain to be what is stored.

Kept indexes follow docs/decisions/0006: what this process has checked counts until a notice comes. After one,
or while no listener is connected, the stored versions are compared by a fingerprint before the index is used:
most notices are of weekly results and change no boundary.

Memory, measured on 33,744 grids of 5 to 59 vertices: 150 MiB an index in each serving process, 1.6 s to build
on one core. At most two are kept.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import shapely
from sqlalchemy import Integer, Select, Text, cast, func, literal_column, select
from sqlalchemy.orm import Session

from core.signals import GRIDS, Listener
from geo.locating.index import GridIndex, IndexedGrid
from geo.models import Grid, GridVersion
from geo.queries import standing_on, version_on

DEEPEST_PLANE_LEVEL = 3
_KEPT = 2  # today's, and one that somebody asks for beside it
_ROWS_AT_ONCE = 10_000  # of a cursor: bounds memory and the time of each statement


@dataclass(frozen=True, slots=True)
class GridName:
    """What is said of a grid that was found; `below` counts its floors and its counters (levels 4 and 5)."""

    code: str
    name: str
    path: str
    below: tuple[int, int]


@dataclass(frozen=True, slots=True)
class DatedIndex:
    """The grids from `since` until before `until`; None: no end of this state is known."""

    index: GridIndex
    names: dict[int, GridName]
    since: date
    until: date | None
    asking: threading.Lock  # prepared geometries complete themselves when asked: one thread at a time

    def holds_on(self, day: date) -> bool:
        return self.since <= day and (self.until is None or day < self.until)


@dataclass(slots=True)
class _Kept:
    dated: DatedIndex
    fingerprint: str
    notices: int  # heard when the fingerprint was last compared


class GridIndexes:
    """The indexes of this process; safe between threads."""

    def __init__(self, listener: Listener | None) -> None:
        self._listener = listener
        self._kept: list[_Kept] = []  # most recently used first
        self._notices = 0
        self._lock = threading.Lock()
        if listener is not None:
            listener.subscribe(self._on_notice)

    def on(self, session: Session, day: date) -> DatedIndex:
        """The index of a day, as stored; the first caller builds it while others wait."""
        with self._lock:
            notices, hears = self._notices, self._listener is not None and self._listener.is_connected
            kept = next((kept for kept in self._kept if kept.dated.holds_on(day)), None)
            if kept is None or not hears or kept.notices != notices:
                kept = self._checked(session, kept, day, notices)
            self._kept = [kept, *(other for other in self._kept if other is not kept)][:_KEPT]
            return kept.dated

    def _checked(self, session: Session, kept: _Kept | None, day: date, notices: int) -> _Kept:
        """The same when nothing it was made of has changed, else a new one; others of old states go."""
        fingerprint = _fingerprint(session)
        if kept is not None and kept.fingerprint == fingerprint:
            kept.notices = notices
            return kept
        self._kept = [other for other in self._kept if other.fingerprint == fingerprint]
        return _Kept(load_index(session, day), fingerprint, notices)

    def _on_notice(self, topic: str, _: str) -> None:
        if topic == GRIDS:
            self._notices += 1  # one listener thread: no lock, so that it never waits for a build


def load_index(session: Session, day: date) -> DatedIndex:
    """The index of all grids that stand on this day."""
    since, until = unchanged_around(session, day)
    below = {row.grid_id: (row.floors, row.counters) for row in session.execute(_below(day))}
    names: dict[int, GridName] = {}
    grids: list[IndexedGrid] = []
    for rows in session.execute(_plane_grids(day)).partitions(_ROWS_AT_ONCE):
        shapes = shapely.from_wkb(np.array([bytes(row.wkb) for row in rows], dtype=object))
        for row, shape in zip(rows, shapes, strict=True):
            grids.append(IndexedGrid(row.grid_id, row.level, row.parent_id, shape))
            names[row.grid_id] = GridName(row.code, row.name, row.path, below.get(row.grid_id, (0, 0)))
    return DatedIndex(GridIndex(grids), names, since, until, threading.Lock())


def unchanged_around(session: Session, day: date) -> tuple[date, date | None]:
    """The days around this one through which every grid stays as it is: the first, and the next change."""
    starts = select(GridVersion.valid_from.label("day"))
    ends = select(GridVersion.valid_to).where(GridVersion.valid_to.is_not(None))
    retirements = select(Grid.retired_on).where(Grid.retired_on.is_not(None))
    changes = starts.union(ends, retirements).subquery()
    row = session.execute(
        select(
            func.max(changes.c.day).filter(changes.c.day <= day).label("since"),
            func.min(changes.c.day).filter(changes.c.day > day).label("until"),
        )
    ).one()
    return row.since or date.min, row.until


def standing_below(day: date) -> Select[int, str]:
    """Grids without a plane of their own on this day."""
    return (
        select(Grid.level, Grid.path)
        .join(GridVersion, GridVersion.grid_id == Grid.grid_id)
        .where(Grid.level > DEEPEST_PLANE_LEVEL, version_on(day), standing_on(day))
    )


def _below(day: date) -> Select[int, int, int]:
    """How many floors and counters each level-3 grid holds; its id is the fourth part of their paths."""
    found = standing_below(day).subquery()
    grid_id = cast(func.split_part(found.c.path, "/", DEEPEST_PLANE_LEVEL + 1), Integer).label("grid_id")
    floors = func.count().filter(found.c.level == 4).label("floors")
    counters = func.count().filter(found.c.level == 5).label("counters")
    return select(grid_id, floors, counters).group_by(grid_id)


def _plane_grids(day: date) -> Select[Any]:
    """Read in parts: a statement of a large city would exceed the time of one."""
    return (
        select(
            Grid.grid_id,
            Grid.level,
            Grid.parent_id,
            Grid.code,
            Grid.path,
            GridVersion.name,
            func.ST_AsBinary(GridVersion.geom).label("wkb"),
        )
        .join(GridVersion, GridVersion.grid_id == Grid.grid_id)
        .where(GridVersion.geom.is_not(None), version_on(day), standing_on(day))
        .execution_options(yield_per=_ROWS_AT_ONCE)
    )


def _fingerprint(session: Session) -> str:
    """Changes with every row of grids and versions that is written: PostgreSQL says who wrote it where."""
    parts = [_hashed(session, statement) for statement in _row_states()]
    return "-".join(parts)


def _row_states() -> Iterator[Select[Any]]:
    for table, key in ((Grid, Grid.grid_id), (GridVersion, GridVersion.version_id)):
        writer, place = (
            cast(literal_column(f"{table.__tablename__}.{name}"), Text) for name in ("xmin", "ctid")
        )
        state = func.hashtextextended(func.concat_ws(":", key, writer, place), 0)
        yield select(func.bit_xor(state), func.count()).select_from(table)


def _hashed(session: Session, statement: Select[Any]) -> str:
    total, count = session.execute(statement).one()
    return f"{total or 0:x}.{count}"
