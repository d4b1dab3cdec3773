"""CJ/T 349-2010 5.6 and 5.7: numbers run left to right, top to bottom, and are given once."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.codes import parse
from geo.numbering import Plot, SequenceExhausted, allocate, allocate_below, allocate_merged, reading_order

COMMUNITY = "320113007001"


def lattice(columns: int, rows: int, *, jitter: float = 0.0) -> list[Plot]:
    """Unit squares; keys count left to right, top to bottom."""
    rng = random.Random(1)
    return [
        Plot(
            row * columns + column,
            column + rng.uniform(-jitter, jitter),
            -row + rng.uniform(-jitter, jitter),
            1.0,
        )
        for row in range(rows)
        for column in range(columns)
    ]


@pytest.mark.parametrize("jitter", [0.0, 0.1, 0.24])
def test_rows_run_from_north_to_south_and_west_to_east(jitter: float) -> None:
    plots = lattice(5, 4, jitter=jitter)
    random.Random(2).shuffle(plots)
    assert [plot.key for plot in reading_order(plots)] == list(range(20))


def test_band_height_decides_what_is_one_row() -> None:
    plots = [Plot(1, x=0.0, y=0.0, height=1.0), Plot(2, x=-1.0, y=-0.7, height=1.0)]
    assert [plot.key for plot in reading_order(plots)] == [1, 2]
    assert [plot.key for plot in reading_order(plots, band_height=0.8)] == [2, 1]


def test_ties_go_by_x_then_key() -> None:
    plots = [Plot(9, 1.0, 0.0, 1.0), Plot(3, 1.0, 0.0, 1.0), Plot(5, 0.0, 0.0, 1.0)]
    assert [plot.key for plot in reading_order(plots)] == [5, 3, 9]


def test_codes_follow_the_reading_order() -> None:
    codes = allocate(lattice(3, 2), object_code="990000", community_code=COMMUNITY, taken=[])
    assert [str(codes[key])[-2:] for key in range(6)] == ["01", "02", "03", "04", "05", "06"]
    assert all(code.community_code == COMMUNITY for code in codes.values())


def test_a_number_once_given_is_never_given_again() -> None:
    """Retired codes are passed as taken."""
    taken = [parse(f"990000{COMMUNITY}01"), parse(f"990000{COMMUNITY}03")]
    codes = allocate(lattice(2, 1), object_code="990000", community_code=COMMUNITY, taken=taken)
    assert [codes[key].sequence for key in (0, 1)] == ["02", "04"]


def test_other_communities_and_object_codes_are_other_name_spaces() -> None:
    taken = [parse("990000" + "320113007002" + "01"), parse(f"990100{COMMUNITY}01")]
    codes = allocate(lattice(1, 1), object_code="990000", community_code=COMMUNITY, taken=taken)
    assert codes[0].sequence == "01"


def test_running_out_of_numbers_names_the_way_out() -> None:
    with pytest.raises(SequenceExhausted) as caught:
        allocate(lattice(10, 10), object_code="990000", community_code=COMMUNITY, taken=[])
    assert "another object code" in str(caught.value)
    assert caught.value.extra == {"needed": 100, "left": 99}


def test_00_is_not_given_to_a_subdivided_grid() -> None:
    codes = allocate(lattice(11, 9), object_code="990000", community_code=COMMUNITY, taken=[])
    assert sorted(code.sequence for code in codes.values()) == [f"{number:02d}" for number in range(1, 100)]


def test_merged_communities_are_numbered_from_601_per_street() -> None:
    taken = [parse("990100" + "320113007601" + "00")]
    codes = allocate_merged(lattice(2, 1), object_code="990000", street_code="320113007", taken=taken)
    assert [str(codes[key]) for key in (0, 1)] == ["990000320113007602" + "00", "990000320113007603" + "00"]


def test_floors_and_counters_are_numbered_below_their_grid() -> None:
    mall = parse(f"990000{COMMUNITY}07")
    floors = allocate_below(mall, [5, 6], taken=[mall.below("001")])
    assert [str(floors[key]) for key in (5, 6)] == [f"{mall}-002", f"{mall}-003"]
    counters = allocate_below(floors[5], [1], taken=[floors[5].below("001"), floors[6].below("002")])
    assert str(counters[1]) == f"{mall}-002-002"


plots = st.lists(
    st.builds(
        Plot,
        key=st.integers(0, 10**6),
        x=st.floats(118, 119),
        y=st.floats(31, 33),
        height=st.floats(0.0001, 0.1),
    ),
    max_size=99,
    unique_by=lambda plot: plot.key,
)


@given(plots, st.randoms())
def test_the_order_of_the_file_does_not_matter(items: list[Plot], rng: random.Random) -> None:
    ordered = reading_order(items)
    rng.shuffle(items)
    assert reading_order(items) == ordered


@given(plots, st.sets(st.integers(1, 99)))
def test_given_numbers_are_fresh_and_distinct(items: list[Plot], used: set[int]) -> None:
    taken = [parse(f"990000{COMMUNITY}{number:02d}") for number in used]
    if len(items) > 99 - len(used):
        with pytest.raises(SequenceExhausted):
            allocate(items, object_code="990000", community_code=COMMUNITY, taken=taken)
        return
    codes = allocate(items, object_code="990000", community_code=COMMUNITY, taken=taken)
    given_out = {int(code.sequence) for code in codes.values()}
    assert len(given_out) == len(items)
    assert not given_out & used
