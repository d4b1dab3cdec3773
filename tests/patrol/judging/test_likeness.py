"""Two walks are one only when they keep together step by step: noise, shifts and cuts do not hide a copy."""

import numpy as np
import pytest

from patrol.fixes import Fixes
from patrol.judging.likeness import Trace, copied, middle_of, packed, together, trace_of, unpacked
from tests.patrol.walks import SOUTH, WEST, cleaned, lon_lat, patrol, shifted, track

LIMIT = 0.8


def noisy(fixes: Fixes, sigma_m: float, seed: int = 3) -> Fixes:
    lon, lat = lon_lat(*np.random.default_rng(seed).normal(0, sigma_m, (2, len(fixes))))
    return fixes.moved(fixes.lon + lon - WEST, fixes.lat + lat - SOUTH)


def traced(fixes: Fixes) -> Trace:
    trace = trace_of(cleaned(fixes))
    assert trace is not None
    return trace


WALK = traced(patrol(60))


def test_a_trace_is_stored_in_four_bytes_a_tick() -> None:
    stored = packed(WALK)
    assert len(stored) < 4 * len(WALK) + 30
    again = unpacked(stored)
    assert (again.first_tick, len(again)) == (WALK.first_tick, 121)
    np.testing.assert_allclose(again.lon, WALK.lon, atol=1e-9)


@pytest.mark.parametrize("sigma_m", [0, 3, 5, 8])
def test_two_phones_in_one_pocket_are_alike(sigma_m: float) -> None:
    likeness = together(WALK, traced(noisy(patrol(60), sigma_m)))
    assert likeness is not None
    assert likeness.ratio > LIMIT


@pytest.mark.parametrize("sigma_m", [0, 3, 5])
@pytest.mark.parametrize("hours", [3.3, 5.02, 20])
def test_a_track_played_at_another_hour_is_alike(sigma_m: float, hours: float) -> None:
    copy = traced(shifted(noisy(patrol(60), sigma_m), round(hours * 3600)))
    for one, other in ((WALK, copy), (copy, WALK)):
        likeness = copied(one, other, is_own=False)
        assert likeness is not None
        assert likeness.ratio > LIMIT


def test_a_copy_that_was_cut_is_alike() -> None:
    whole = shifted(noisy(patrol(60), 4), 6 * 3600)
    cut = whole.take((np.arange(len(whole)) > 80) & (np.arange(len(whole)) < 600))
    likeness = copied(WALK, traced(cut), is_own=False)
    assert likeness is not None
    assert likeness.ratio > LIMIT


@pytest.mark.parametrize("speed_mps", [1.0, 1.1, 1.22, 1.25, 1.3])
@pytest.mark.parametrize("minutes", [20, 30, 60])
def test_the_same_route_at_another_pace_is_another_walk(speed_mps: float, minutes: float) -> None:
    one = traced(noisy(patrol(minutes), 4))
    other = traced(shifted(noisy(patrol(minutes, speed_mps=speed_mps), 4, seed=5), 6 * 3600))
    likeness = copied(one, other, is_own=False)
    assert likeness is None or likeness.ratio < LIMIT


def test_one_person_on_one_route_is_no_copy_unless_it_is_exact() -> None:
    again = copied(WALK, traced(shifted(noisy(patrol(60, speed_mps=1.205), 4), 3600 * 5)), is_own=True)
    assert again is None or again.ratio < LIMIT
    doctored = copied(WALK, traced(shifted(noisy(patrol(60), 2), 3600 * 5)), is_own=True)
    assert doctored is not None
    assert doctored.ratio > LIMIT


def test_standing_together_is_not_walking_together() -> None:
    assert trace_of(cleaned(noisy(track(np.full(361, 200.0)), 1))) is None


@pytest.mark.parametrize("count", [0, 1, 5, 100])
def test_short_walks_are_not_compared(count: int) -> None:
    assert trace_of(cleaned(track(np.arange(count) * 6.0))) is None


def test_silence_is_no_place() -> None:
    whole = patrol(60)
    holed = whole.take((np.arange(len(whole)) < 200) | (np.arange(len(whole)) > 400))
    trace = traced(holed)
    assert np.isnan(trace.lon).sum() > 30
    assert np.isfinite(middle_of(trace)).all()
    likeness = together(WALK, trace)
    assert likeness is not None
    assert likeness.ratio > LIMIT


@pytest.mark.parametrize("limit", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("is_own", [True, False])
def test_nothing_above_a_limit_is_passed_over(limit: float, is_own: bool) -> None:
    """Only shifts that cannot be above it are left out, so what is found is the same to the last bit."""
    whole, rng = patrol(60), np.random.default_rng(11)
    others = [WALK, traced(patrol(25)), traced(patrol(60, speed_mps=1.25))]
    for sigma_m in (2.0, 6.0, 9.0, 14.0):
        moved = shifted(noisy(whole, sigma_m, seed=int(sigma_m)), int(rng.integers(0, 9000)))
        others += [traced(moved), traced(moved.take(np.arange(len(moved)) % 97 < 60))]
        others += [traced(moved.take(np.arange(int(rng.integers(300, 700)))))]
    for one in others:
        for other in others:
            for limited, full in (
                (copied(one, other, is_own=is_own, above=limit), copied(one, other, is_own=is_own)),
                (together(one, other, above=limit), together(one, other)),
            ):
                assert limited == (full if full is not None and full.ratio > limit else None)
