"""What may have been passed while nothing was recorded."""

import numpy as np
import pytest

from geo.area import distances_m
from geo.cells import centres_of
from patrol.coverage.silences import REACH_MPS, Silence, reachable, silences_of
from tests.patrol.walks import START_MS, cleaned, lon_lat, square, track

CELLS = square().cells


def place(east_m: float, north_m: float) -> tuple[float, float]:
    lon, lat = lon_lat(east_m, north_m)
    return float(lon), float(lat)


def test_a_walk_without_breaks_has_none() -> None:
    walked = cleaned(track(np.arange(0, 300, 6.0)), from_s=0, to_s=250)
    assert list(silences_of(walked, started_ms=START_MS, finished_ms=START_MS + 250_000, longest_s=120)) == []


def test_a_break_lies_between_two_positions() -> None:
    before, after = track(np.arange(0, 60, 6.0)), track(np.arange(0, 60, 6.0), start_s=400)
    fixes = type(before)(
        *(np.concatenate([getattr(before, name), getattr(after, name)]) for name in before.__slots__)
    )
    walked = cleaned(fixes, from_s=0, to_s=1000)
    found = list(silences_of(walked, started_ms=START_MS, finished_ms=START_MS + 1_000_000, longest_s=120))
    assert [round(silence.seconds) for silence in found] == [355, 555]
    assert found[0].before is not None
    assert found[0].after is not None
    assert found[1].after is None, "the phone was silent until the finish"


def test_nothing_recorded_at_all_leaves_everything_open() -> None:
    walked = cleaned(track([]), from_s=0, to_s=600)
    (silence,) = silences_of(walked, started_ms=START_MS, finished_ms=START_MS + 600_000, longest_s=120)
    assert (silence.before, silence.after) == (None, None)
    assert len(reachable(silence, CELLS)) == len(CELLS)


@pytest.mark.parametrize("seconds", [130.0, 200.0, 400.0])
def test_only_what_could_be_reached_and_left_in_time(seconds: float) -> None:
    silence = Silence(seconds, place(50, 200), place(150, 200))
    found = reachable(silence, CELLS)
    assert 0 < len(found) < len(CELLS)
    lon, lat = centres_of(CELLS)
    way = np.zeros(len(CELLS))
    for end in (silence.before, silence.after):
        assert end is not None
        way += distances_m(lon, lat, *(np.full(len(CELLS), value) for value in end))
    certain = CELLS[way <= REACH_MPS * seconds]
    assert np.isin(certain, found).all()
    assert not np.isin(CELLS[way > REACH_MPS * seconds + 61], found).any()


def test_from_a_single_end_everything_around_it() -> None:
    near, far = (Silence(130.0, place(*where), None) for where in ((200, 200), (5000, 200)))
    assert 0 < len(reachable(near, CELLS)) < len(CELLS)
    assert len(reachable(far, CELLS)) == 0


def test_faster_than_on_foot_leaves_the_straight_way_open() -> None:
    found = reachable(Silence(130.0, place(0, 200), place(400, 200)), CELLS)
    assert 0 < len(found) < len(CELLS)
