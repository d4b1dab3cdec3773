"""Sums over cells: how passes become records, and how records of days become a heatmap. Pure functions.

A visit is a patrol that passed the cell, however often it came back. At a coarser resolution it is a patrol
that passed any cell inside, so it is counted from the passes and not from the finer sums.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from core.clock import Week
from geo.cells import COVERAGE_RESOLUTION, Cells, parents_of

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]

# One record of a stored row. Records of many rows are joined as bytes and read as one array.
CELL = np.dtype(
    [
        ("cell", "<u8"),
        ("dwell_s", "<f4"),
        ("visits", "<u2"),
        ("unconfirmed", "<u2"),
        ("unknown", "<u2"),  # patrols that may have passed while nobody knew where they were
        ("last", "<u2"),  # days from the first day of the row to the last visit
    ]
)
Records = NDArray[np.void]
_MOST = np.iinfo(np.uint16).max

RESOLUTIONS = range(7, COVERAGE_RESOLUTION + 1)
# Up to here a week's row saves reading: a patrol's cells fall together, and so do the days of a week.
WEEK_RESOLUTIONS = range(7, 10)


class Kind(IntEnum):
    """What a patrol's word for a cell is worth."""

    VISIT = 0
    UNCONFIRMED = 1
    UNKNOWN = 2


@dataclass(frozen=True, slots=True, eq=False)
class Passes:
    """Cells of patrols, one entry per patrol, cell and kind; parallel columns."""

    cells: Cells  # COVERAGE_RESOLUTION
    dwell_s: Float64
    patrols: Int64  # any number that tells the patrols apart
    kinds: Int64  # Kind
    days: Int64  # ordinals

    def __len__(self) -> int:
        return len(self.cells)

    def inside(self, ground: Cells) -> "Passes":
        """Those on cells of the ground, which is sorted."""
        return self.take(places_in(ground, self.cells) >= 0)

    def take(self, chosen: NDArray[np.bool_]) -> "Passes":
        return Passes(*(getattr(self, name)[chosen] for name in self.__slots__))

    @classmethod
    def joined(cls, parts: Sequence["Passes"]) -> "Passes":
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__))


@dataclass(frozen=True, slots=True, eq=False)
class Heat:
    """Figures per cell, parallel to `cells`, which are sorted; `last_day` is an ordinal or 0."""

    cells: Cells
    visits: Int64
    dwell_s: Float64
    unconfirmed: Int64
    unknown: Int64
    last_day: Int64

    def __len__(self) -> int:
        return len(self.cells)

    def take(self, chosen: NDArray[np.bool_]) -> "Heat":
        return Heat(*(getattr(self, name)[chosen] for name in self.__slots__))

    def on(self, ground: Cells, unknown: Cells) -> "Heat":
        """The figures on all cells of the ground; these of them are unknown by one patrol at least."""
        place = places_in(self.cells, ground)
        found = place >= 0

        def spread(values: Int64) -> Int64:
            return np.where(found, np.append(values, 0)[place], 0)

        return Heat(
            ground,
            spread(self.visits),
            np.where(found, np.append(self.dwell_s, 0.0)[place], 0.0),
            spread(self.unconfirmed),
            np.isin(ground, unknown).astype(np.int64),
            spread(self.last_day),
        )

    def records(self, first_day: date) -> Records:
        """The cells that have anything to say, as they are stored."""
        said = self.take((self.visits > 0) | (self.unconfirmed > 0) | (self.unknown > 0))
        made = np.zeros(len(said), CELL)
        made["cell"], made["dwell_s"] = said.cells, said.dwell_s
        for name in ("visits", "unconfirmed", "unknown"):
            made[name] = np.minimum(getattr(said, name), _MOST)
        made["last"] = np.where(said.last_day > 0, said.last_day - first_day.toordinal(), 0)
        return made


@dataclass(frozen=True, slots=True)
class StoredSum:
    """A stored row: the records of one day, or of seven from `first_day` on."""

    first_day: date
    cells: bytes


@dataclass(frozen=True, slots=True)
class Spans:
    """A range of days as whole ISO weeks and the days beside them."""

    mondays: tuple[date, ...]
    days: tuple[date, ...]


def spans_of(first: date, last: date, *, in_weeks: bool) -> Spans:
    """The fewest rows that make up the days from first to last, both included."""
    every = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    if not in_weeks:
        return Spans((), tuple(every))
    week = Week.of_day(first + timedelta(days=6))  # the first one that begins on or after the first day
    mondays = []
    while week.sunday <= last:
        mondays.append(week.monday)
        week = week.shifted(1)
    whole = {Week.of_day(monday) for monday in mondays}
    return Spans(tuple(mondays), tuple(day for day in every if Week.of_day(day) not in whole))


def tally(passes: Passes, resolution: int) -> Heat:
    """The figures of the passes per cell of the resolution."""
    parents = parents_of(passes.cells, resolution)
    cells, number = np.unique(parents, return_inverse=True)
    patrols = {kind: _patrols_per_cell(passes, number, len(cells), kind) for kind in Kind}
    visited = passes.kinds == Kind.VISIT
    last_day = np.zeros(len(cells), np.int64)
    np.maximum.at(last_day, number[visited], passes.days[visited])
    return Heat(
        cells=cells,
        visits=patrols[Kind.VISIT],
        dwell_s=np.bincount(number[visited], passes.dwell_s[visited], len(cells)).astype(np.float64),
        unconfirmed=patrols[Kind.UNCONFIRMED],
        unknown=patrols[Kind.UNKNOWN],
        last_day=last_day,
    )


def _patrols_per_cell(passes: Passes, number: Int64, count: int, kind: Kind) -> Int64:
    """How many different patrols say this of each cell."""
    chosen = passes.kinds == kind
    if not chosen.any():
        return np.zeros(count, np.int64)
    _, patrol = np.unique(passes.patrols[chosen], return_inverse=True)
    patrols = int(patrol.max()) + 1
    distinct = np.unique(number[chosen] * patrols + patrol)
    return np.bincount(distinct // patrols, minlength=count).astype(np.int64)


def added(rows: Iterable[StoredSum], ground: Cells) -> Heat:
    """The sum of rows of one resolution on the cells of the ground, which are sorted; others are left out."""
    stored = list(rows)
    records = np.frombuffer(b"".join(row.cells for row in stored), CELL)
    first = np.array([row.first_day.toordinal() for row in stored], np.int64)
    starts = np.repeat(first, [len(row.cells) // CELL.itemsize for row in stored])
    place = places_in(ground, records["cell"])
    return _summed(ground, np.where(place < 0, len(ground), place), records, starts)


def _summed(ground: Cells, place: Int64, records: Records, starts: Int64) -> Heat:
    """Sums by place; what lies elsewhere falls into one more place at the end, which is cut off."""

    def total(name: str) -> Float64:
        return np.bincount(place, records[name], len(ground) + 1)[:-1].astype(np.float64)

    last_day = np.zeros(len(ground) + 1, np.int64)
    np.maximum.at(last_day, place, np.where(records["visits"] > 0, starts + records["last"], 0))
    visits, unconfirmed, unknown = (
        total(name).astype(np.int64) for name in ("visits", "unconfirmed", "unknown")
    )
    return Heat(ground, visits, total("dwell_s"), unconfirmed, unknown, last_day[:-1])


def merged(heats: Sequence[Heat]) -> Heat:
    """The sum of figures that may name the same cells, as streets share coarse ones."""
    cells, number = np.unique(np.concatenate([heat.cells for heat in heats]), return_inverse=True)

    def total(name: str) -> Float64:
        values = np.concatenate([getattr(heat, name) for heat in heats])
        return np.bincount(number, values, len(cells)).astype(np.float64)

    last_day = np.zeros(len(cells), np.int64)
    np.maximum.at(last_day, number, np.concatenate([heat.last_day for heat in heats]))
    visits, unconfirmed, unknown = (
        total(name).astype(np.int64) for name in ("visits", "unconfirmed", "unknown")
    )
    return Heat(cells, visits, total("dwell_s"), unconfirmed, unknown, last_day)


def places_in(sorted_cells: Cells, wanted: Cells) -> Int64:
    """Where each cell stands among the sorted ones; -1 where it does not."""
    if not len(sorted_cells):
        return np.full(len(wanted), -1)
    place = np.minimum(np.searchsorted(sorted_cells, wanted), len(sorted_cells) - 1)
    return np.where(sorted_cells[place] == wanted, place, -1).astype(np.int64)


def cells_in(rows: Iterable[StoredSum]) -> Cells:
    """Every cell that the rows name, sorted."""
    return np.unique(np.frombuffer(b"".join(row.cells for row in rows), CELL)["cell"])
