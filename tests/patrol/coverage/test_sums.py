"""Sums of cells: what is counted once, what is added, and that rows add up to the facts."""

from datetime import date, timedelta

import h3
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import Week
from geo.cells import Cells, cells_of, parents_of
from patrol.coverage.sums import (
    CELL,
    WEEK_RESOLUTIONS,
    Heat,
    Kind,
    Passes,
    StoredSum,
    added,
    cells_in,
    merged,
    places_in,
    spans_of,
    tally,
)

MONDAY = date(2026, 11, 16)
HOME = h3.latlng_to_cell(32.105, 118.902, 11)
AROUND: Cells = np.array(sorted(h3.str_to_int(cell) for cell in h3.grid_disk(HOME, 12)), np.uint64)


def passes(*rows: tuple[int, int, Kind, int]) -> Passes:
    """Rows of place in AROUND, patrol, kind and days after Monday; ten seconds each."""
    place, patrol, kind, day = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    return Passes(AROUND[place], np.full(len(place), 10.0), patrol, kind, day + MONDAY.toordinal())


def test_a_patrol_visits_a_cell_once_however_coarse_it_is() -> None:
    child = h3.cell_to_children(h3.cell_to_parent(HOME, 10), 11)
    place = [int(np.flatnonzero(h3.str_to_int(cell) == AROUND)[0]) for cell in child[:3]]
    walked = passes(*((one, 1, Kind.VISIT, 0) for one in place), (place[0], 2, Kind.VISIT, 3))

    fine, coarse = tally(walked, 11), tally(walked, 10)

    assert sorted(fine.visits.tolist()) == [1, 1, 2]
    assert coarse.visits.tolist() == [2]
    assert coarse.dwell_s.tolist() == [40.0]
    assert coarse.last_day.tolist() == [MONDAY.toordinal() + 3]


def test_the_kinds_are_told_apart() -> None:
    heat = tally(passes((0, 1, Kind.VISIT, 0), (0, 2, Kind.UNCONFIRMED, 1), (1, 3, Kind.UNKNOWN, 2)), 11)
    assert heat.visits.tolist() == [1, 0]
    assert heat.unconfirmed.tolist() == [1, 0]
    assert heat.unknown.tolist() == [0, 1]
    assert heat.dwell_s.tolist() == [10.0, 0.0], "seconds of doubted patrols are not shown as spent there"
    assert heat.last_day.tolist() == [MONDAY.toordinal(), 0]


@pytest.mark.parametrize(
    ("first", "last", "mondays", "days"),
    [
        ("2026-11-16", "2026-11-22", ["2026-11-16"], []),
        ("2026-11-17", "2026-11-22", [], ["17", "18", "19", "20", "21", "22"]),
        ("2026-11-15", "2026-11-23", ["2026-11-16"], ["15", "23"]),
        ("2026-11-16", "2026-11-16", [], ["16"]),
    ],
)
def test_days_are_read_in_weeks_where_they_can(
    first: str, last: str, mondays: list[str], days: list[str]
) -> None:
    spans = spans_of(date.fromisoformat(first), date.fromisoformat(last), in_weeks=True)
    assert [monday.isoformat() for monday in spans.mondays] == mondays
    assert [f"{day:%d}" for day in spans.days] == days
    assert not spans_of(date.fromisoformat(first), date.fromisoformat(last), in_weeks=False).mondays


rows = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 5), st.sampled_from(list(Kind)), st.integers(0, 20)),
    min_size=1,
    max_size=80,
    unique_by=lambda row: (row[0], row[1], row[3], row[2]),
)


@given(rows=rows, first=st.integers(0, 20), length=st.integers(1, 21), resolution=st.integers(7, 11))
def test_stored_rows_add_up_to_the_facts(
    rows: list[tuple[int, int, Kind, int]], first: int, length: int, resolution: int
) -> None:
    # A patrol lies on one day, so its number says the day too.
    facts = passes(*((place, patrol * 100 + day, kind, day) for place, patrol, kind, day in rows))
    stored: dict[tuple[int, date], StoredSum] = {}
    for offset in range(21):
        day = MONDAY + timedelta(days=offset)
        of_day = facts.take(facts.days == day.toordinal())
        stored[1, day] = StoredSum(day, tally(of_day, resolution).records(day).tobytes())
    for monday in (MONDAY + timedelta(weeks=week) for week in range(3)):
        days = [stored[1, monday + timedelta(days=offset)] for offset in range(7)]
        stored[7, monday] = StoredSum(monday, added(days, cells_in(days)).records(monday).tobytes())
    begin, end = MONDAY + timedelta(days=first), MONDAY + timedelta(days=min(first + length, 21) - 1)
    if end < begin:
        return
    spans = spans_of(begin, end, in_weeks=resolution in WEEK_RESOLUTIONS)
    chosen = [stored[7, monday] for monday in spans.mondays] + [stored[1, day] for day in spans.days]
    inside = facts.take((facts.days >= begin.toordinal()) & (facts.days <= end.toordinal()))

    expected = tally(inside, resolution)
    found = added(chosen, expected.cells)

    for name in Heat.__slots__:
        assert getattr(found, name).tolist() == pytest.approx(getattr(expected, name).tolist()), name


def test_other_ground_is_left_out() -> None:
    day = StoredSum(
        MONDAY, tally(passes((3, 1, Kind.VISIT, 0), (9, 1, Kind.VISIT, 0)), 11).records(MONDAY).tobytes()
    )
    heat = added([day], AROUND[:5])
    assert heat.visits.tolist() == [0, 0, 0, 1, 0]
    assert added([], AROUND[:2]).visits.tolist() == [0, 0]
    assert len(added([day], np.empty(0, np.uint64))) == 0


def test_streets_share_coarse_cells() -> None:
    one, other = (tally(passes((place, 1, Kind.VISIT, place)), 9) for place in (0, 1))
    both = merged([one, other])
    assert both.visits.tolist() == [2]
    assert both.last_day.tolist() == [MONDAY.toordinal() + 1]


def test_numbers_that_do_not_fit_stay_at_the_largest() -> None:
    heat = Heat(
        AROUND[:1],
        np.array([70_000]),
        np.array([1e6]),
        np.array([0]),
        np.array([0]),
        np.array([MONDAY.toordinal()]),
    )
    assert heat.records(MONDAY)["visits"].tolist() == [65_535]
    assert CELL.itemsize == 20


def test_places() -> None:
    assert places_in(AROUND, AROUND[[2, 0]]).tolist() == [2, 0]
    assert places_in(AROUND[:2], AROUND[[5]]).tolist() == [-1]


def test_a_week_of_sums_is_the_iso_week() -> None:
    spans = spans_of(date(2026, 12, 28), date(2027, 1, 3), in_weeks=True)
    assert spans.mondays == (Week.parse("2026-W53").monday,)


def test_parents_are_those_of_h3() -> None:
    cells = cells_of([118.9, -70.1, 0.0], [32.1, -33.2, 89.9])
    for resolution in range(12):
        expected = [h3.str_to_int(h3.cell_to_parent(h3.int_to_str(int(cell)), resolution)) for cell in cells]
        assert parents_of(cells, resolution).tolist() == expected
