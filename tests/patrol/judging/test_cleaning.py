"""Cleaning: one bad fix costs itself, a silence is not walked, and order never matters."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrol.fixes import Fixes, join
from patrol.judging.cleaning import CleanTrack, Flag
from tests.patrol.walks import cleaned, lon_lat, patrol, shifted, track


def flagged(result: CleanTrack, flag: Flag) -> list[int]:
    return np.flatnonzero(result.flags & flag).tolist()


def at_metres(fixes: Fixes, index: list[int], east_m: float, north_m: float) -> Fixes:
    """The same fixes with some of them put elsewhere."""
    lon, lat = fixes.lon.copy(), fixes.lat.copy()
    lon[index], lat[index] = lon_lat(east_m, north_m)
    return fixes.moved(lon, lat)


def test_an_honest_walk_has_no_flags() -> None:
    result = cleaned(patrol(30))

    assert not result.flags.any()
    assert result.walked.all()
    assert result.leg_s.sum() == 1800
    assert result.leg_m.sum() == pytest.approx(1800 * 1.2, rel=0.1)


def test_no_fixes_are_an_empty_track() -> None:
    result = cleaned(patrol(30).take(np.arange(0)))
    assert len(result.kept) == len(result.leg_s) == 0


def test_one_fix_has_no_legs() -> None:
    result = cleaned(track([0.0]))
    assert (len(result.kept), len(result.leg_s)) == (1, 0)


@pytest.mark.parametrize("bad", [[0], [0, 1], [100], [100, 101, 102], [359, 360]], ids=str)
def test_a_jump_costs_only_the_fixes_that_jumped(bad: list[int]) -> None:
    # Seen in a real track: the first two fixes lay 140 m away from the rest, which was right.
    result = cleaned(at_metres(patrol(30), bad, 50_000, -900))

    assert flagged(result, Flag.JUMP) == bad
    assert len(result.kept) == 361 - len(bad)


def test_a_receiver_that_stalls_and_leaps_loses_the_stalled_fixes() -> None:
    # It repeats a position while the walker moves on, then leaps 130 m: the leap is no walk.
    walk = track(np.arange(200) * 6.0)
    stalled = walk.moved(np.where(np.arange(200) // 20 == 4, walk.lon[80], walk.lon), walk.lat)

    result = cleaned(stalled)

    lost = flagged(result, Flag.JUMP)
    assert 0 < len(lost) <= 20
    assert set(lost) <= set(range(80, 101))
    speeds = result.leg_m[result.walked] / result.leg_s[result.walked]
    assert speeds.max() < 8 + 2


def test_scattered_bad_fixes_leave_the_rest_walked() -> None:
    bad = list(range(5, 360, 9))
    result = cleaned(at_metres(patrol(30), bad, 3_000, 3_000))

    assert flagged(result, Flag.JUMP) == bad
    assert result.walked.all()


def test_inaccurate_fixes_stay_but_prove_nothing() -> None:
    walk = patrol(30)
    accuracy = walk.accuracy_m.copy()
    accuracy[10:14] = 50.1
    result = cleaned(replace(walk, accuracy_m=accuracy))

    assert flagged(result, Flag.INACCURATE) == [10, 11, 12, 13]
    assert len(result.fixes) == 361
    assert result.walked.all()  # 25 s between the fixes around them is no gap


def test_an_accuracy_that_is_not_stated_is_not_inaccurate() -> None:
    walk = patrol(30)
    assert not cleaned(replace(walk, accuracy_m=np.full(361, np.nan))).flags.any()


def test_a_long_silence_is_a_gap() -> None:
    walk = patrol(30)
    kept = np.r_[0:100, 125:361]  # 130 s of silence

    result = cleaned(walk.take(kept))

    assert not result.flags.any()
    assert np.flatnonzero(~result.walked).tolist() == [99]
    assert result.leg_s[result.walked].sum() == 1800 - 130


def test_a_bus_ride_in_the_silence_is_no_jump() -> None:
    first = track(np.arange(100) * 6.0)
    second = shifted(track(5_000 + np.arange(100) * 6.0), 500 + 300)

    result = cleaned(join([first, second]))

    assert not result.flags.any()
    assert (~result.walked).sum() == 1


def test_a_teleport_is_a_jump_even_after_a_silence() -> None:
    first = track(np.arange(100) * 6.0)
    second = shifted(track(100_000 + np.arange(40) * 6.0), 500 + 300)

    result = cleaned(join([first, second]))

    assert flagged(result, Flag.JUMP) == list(range(100, 140))


@pytest.mark.parametrize("step_s", [1.0, 5.0])
def test_a_car_is_not_a_patrol(step_s: float) -> None:
    # At one fix a second the errors of two fixes hide the speed between them; half a minute shows it.
    result = cleaned(track(np.arange(600) * 15.0 * step_s, step_s=step_s))

    assert not result.walked.any()
    assert len(flagged(result, Flag.JUMP)) >= 570  # the others have two minutes of silence around them


def test_a_car_ride_in_between_costs_the_ride() -> None:
    speed = np.full(720, 1.2)
    speed[300:360] = 12.0  # five minutes by car
    result = cleaned(track(np.cumsum(speed * 5)))

    walked_s = result.leg_s[result.walked].sum()
    assert 3600 - 300 - 60 <= walked_s <= 3600 - 300 + 10
    assert set(flagged(result, Flag.JUMP)) <= set(range(290, 372))


def test_a_bicycle_is_fast_enough() -> None:
    result = cleaned(track(np.arange(360) * 6.5 * 5))
    assert not result.flags.any()
    assert result.walked.all()


def test_mock_fixes_are_flagged_and_kept() -> None:
    walk = patrol(30)
    result = cleaned(replace(walk, mock=np.arange(361) == 7))
    assert flagged(result, Flag.MOCK) == [7]
    assert len(result.kept) == 361


def test_fixes_before_the_start_and_after_the_finish_are_outside() -> None:
    result = cleaned(patrol(30), from_s=10, to_s=1790)

    assert flagged(result, Flag.OUTSIDE_PATROL) == [0, 1, 359, 360]
    assert result.leg_s.sum() == 1780


def test_the_better_of_two_fixes_with_one_time_stays() -> None:
    walk = patrol(30)
    worse = replace(walk.take(np.array([50])), accuracy_m=np.array([9.0]), lon=walk.lon[50:51] + 1e-4)
    mock = replace(walk.take(np.array([60])), accuracy_m=np.array([1.0]), mock=np.array([True]))

    for parts in ([walk, worse, mock], [mock, worse, walk]):
        result = cleaned(join(parts))
        assert flagged(result, Flag.DUPLICATE) == [51, 62]
        assert flagged(result, Flag.MOCK) == [62]
        assert len(result.kept) == 361


def test_a_fix_that_came_twice_is_one_fix() -> None:
    walk = patrol(30)
    result = cleaned(join([walk, walk.take(np.arange(40, 90)), walk.take(np.arange(5))]))
    assert len(result.fixes) == 361
    assert not result.flags.any()


def test_a_position_repeated_for_a_minute_is_stale() -> None:
    walk = patrol(30)
    index = np.where((np.arange(361) >= 100) & (np.arange(361) < 150), 100, np.arange(361))
    result = cleaned(walk.moved(walk.lon[index], walk.lat[index]))
    assert set(range(112, 140)) <= set(flagged(result, Flag.STALE))
    assert not flagged(result, Flag.STALE)[0] < 112


def test_two_trails_at_once_are_seen() -> None:
    walk = patrol(30)
    elsewhere = shifted(track(600 + np.arange(100) * 6.0, 700.0), 302)

    result = cleaned(join([walk, elsewhere]))

    assert result.has_second_trail
    assert len(flagged(result, Flag.CLOCK_SKEW)) == 100
    assert not flagged(result, Flag.JUMP)
    assert result.leg_s.sum() == 1800


def test_a_clock_put_back_by_half_an_hour_is_seen() -> None:
    first = track(np.arange(400) * 6.0)
    second = shifted(track(2400 + np.arange(200) * 6.0), 2000 - 1800 + 2.5)
    result = cleaned(join([first, second]))
    assert result.has_second_trail
    assert len(result.kept) == 400


@settings(max_examples=40)
@given(st.data())
def test_order_batches_and_repeats_do_not_matter(data: st.DataObject) -> None:
    walk = join(
        [
            at_metres(patrol(10), [3, 40, 41], 900, 900),
            shifted(track(800 + np.arange(30) * 6.0, 700.0), 151),
            replace(track([5.0, 6.0], accuracy_m=40.0)),
        ]
    )
    expected = cleaned(walk)
    indices = np.arange(len(walk))
    order = data.draw(st.permutations(indices.tolist()))
    extra = data.draw(st.lists(st.sampled_from(indices.tolist()), max_size=30))

    result = cleaned(walk.take(np.array(order + extra)))

    assert np.array_equal(result.fixes.at_ms, expected.fixes.at_ms)
    assert np.array_equal(result.fixes.lon, expected.fixes.lon)
    assert np.array_equal(result.flags, expected.flags)
    assert np.array_equal(result.kept, expected.kept)
    assert np.array_equal(result.walked, expected.walked)
