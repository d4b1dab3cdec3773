"""Verdicts: every check with its figure, doubts to a person, cells on the way, one answer in any order."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.cells import cells_of
from patrol.fixes import Fixes, decode, encode, in_batches, join
from patrol.judging.cleaning import Flag
from patrol.judging.reasons import of_check
from patrol.judging.verdicts import Status, Verdict, judge, walked_path
from patrol.policies import Policy
from tests.patrol.walks import check, cleaned, judged, lon_lat, patrol, shifted, square, track

SHORT = Policy(min_coverage_ratio=0)


def row(verdict: Verdict) -> tuple[object, ...]:
    """A verdict as something that can be compared."""
    return (
        verdict.status,
        verdict.results,
        verdict.flags,
        verdict.fix_count,
        verdict.observed_s,
        verdict.in_grid_s,
        verdict.length_m,
        verdict.coverage_ratio,
        verdict.cells.tobytes(),
        verdict.dwell_s.tobytes(),
    )


def test_an_honest_patrol_is_valid_with_every_check_shown() -> None:
    verdict = judged(patrol(30))

    assert verdict.status is Status.VALID
    assert [(result.check, result.passed) for result in verdict.results] == [
        ("minutes_in_grid", True),
        ("in_grid_ratio", True),
        ("coverage_ratio", True),
    ]
    assert check(verdict, "minutes_in_grid").measured == 30
    assert check(verdict, "in_grid_ratio").measured == 1
    assert verdict.coverage_ratio == pytest.approx(0.55, abs=0.1)
    assert verdict.length_m == pytest.approx(1800 * 1.2, rel=0.1)
    assert verdict.flags == {}
    assert verdict.fix_count == 361


def test_too_short_is_invalid_and_says_how_short() -> None:
    verdict = judged(patrol(19.99))

    assert verdict.status is Status.INVALID
    result = check(verdict, "minutes_in_grid")
    assert (result.measured, result.required, result.passed) == (19.9, 20, False)
    assert of_check(result.members()).zh.startswith("在本网格内只有 19.9 分钟，要求至少 20 分钟。")
    assert of_check(result.members()).en.startswith("Only 19.9 minutes inside the grid; at least 20 are")


def test_exactly_enough_is_enough() -> None:
    assert check(judged(patrol(20)), "minutes_in_grid").passed


def test_time_outside_the_grid_is_shown_and_not_counted() -> None:
    inside, outside = patrol(20), shifted(track(500 + np.arange(120) * 1.2, 500.0), 1325)

    verdict = judged(join([inside, outside]))

    assert verdict.status is Status.INVALID
    assert verdict.flags == {"out_of_grid": 120}
    assert check(verdict, "minutes_in_grid").passed
    ratio = check(verdict, "in_grid_ratio")
    assert not ratio.passed
    assert ratio.measured == pytest.approx(20 / 30, abs=0.01)
    assert "66." in of_check(ratio.members()).zh


def test_walking_on_the_boundary_is_inside_within_the_tolerance() -> None:
    along_the_rim = track(np.linspace(0, 390, 361), -10.0)
    assert judged(along_the_rim, SHORT).status is Status.VALID
    assert judged(along_the_rim, SHORT, square(tolerance_m=0)).status is Status.INVALID


def test_standing_in_one_corner_does_not_cover_the_grid() -> None:
    drift = np.random.default_rng(3).normal(0, 2, (2, 361))
    verdict = judged(track(100 + drift[0], 100 + drift[1]))

    assert verdict.status is Status.INVALID
    assert [result.check for result in verdict.results if not result.passed] == ["coverage_ratio"]


def test_gaps_are_not_time_on_patrol() -> None:
    walk = patrol(40)
    verdict = judged(walk.take(np.r_[0:120, 300:481]))  # 15 minutes of silence

    assert verdict.observed_s == 2400 - 905
    assert check(verdict, "minutes_in_grid").measured == 24.9


def test_metres_are_asked_for_only_where_the_policy_does() -> None:
    assert not any(result.check == "metres" for result in judged(patrol(30)).results)
    verdict = judged(patrol(30), Policy(min_metres=5000))
    assert verdict.status is Status.INVALID
    assert check(verdict, "metres").unit == "m"


def test_nothing_recorded_is_invalid() -> None:
    verdict = judged(patrol(30).take(np.arange(0)))
    assert verdict.status is Status.INVALID
    assert (verdict.fix_count, verdict.observed_s, len(verdict.cells)) == (0, 0, 0)


@pytest.mark.parametrize("minutes", [30, 5])
def test_a_mock_position_goes_to_a_person(minutes: int) -> None:
    walk = patrol(minutes)
    verdict = judged(replace(walk, mock=np.arange(len(walk)) == 7))

    assert verdict.status is Status.PENDING_REVIEW
    assert verdict.flags == {"mock": 1}
    assert check(verdict, "mock_fixes").code == "mock-positions"


def test_mock_positions_before_the_start_are_nobodys_business() -> None:
    walk = patrol(30)
    track_ = cleaned(replace(walk, mock=np.arange(361) < 2), from_s=10)
    assert judge(track_, square(), Policy()).status is Status.VALID


def test_a_frozen_position_goes_to_a_person() -> None:
    verdict = judged(track([200.0] * 361, 200.0))

    assert verdict.status is Status.PENDING_REVIEW
    assert check(verdict, "frozen_ratio").measured == 1
    assert verdict.flags == {"stale": 349}


def test_standing_still_half_the_time_is_no_doubt() -> None:
    # A receiver may hold its position while a worker visits a household.
    walk = patrol(40)
    index = np.minimum(np.arange(481), 240)
    assert judged(walk.moved(walk.lon[index], walk.lat[index])).status is Status.VALID


def test_constant_accuracy_is_a_doubt_only_where_the_policy_says_so() -> None:
    strict = Policy(max_constant_accuracy_fixes=300)
    walk = patrol(30)
    varied = replace(walk, accuracy_m=np.where(np.arange(361) == 5, 6.0, 5.0))

    assert judged(walk).status is Status.VALID
    assert judged(walk, strict).status is Status.PENDING_REVIEW
    assert judged(varied, strict).status is Status.VALID
    assert judged(replace(walk, accuracy_m=np.full(361, np.nan)), strict).status is Status.VALID


def test_two_trails_at_once_go_to_a_person() -> None:
    verdict = judged(join([patrol(30), shifted(track(600 + np.arange(100) * 6.0, 700.0), 302)]))
    assert verdict.status is Status.PENDING_REVIEW
    assert check(verdict, "second_trail_fixes").measured == 100


def test_no_cell_on_the_way_is_missed() -> None:
    # One fix in 110 m: the cells between two fixes were walked through too.
    area = square(1000)
    east = np.arange(60, 960, 110.0)
    walk = track(east, 300 + east * 0.4, step_s=90)

    verdict = judged(walk, area=area)

    fine_east = np.linspace(60, 940, 20_000)
    lon, lat = lon_lat(fine_east, 300 + fine_east * 0.4)
    cells, count = np.unique(cells_of(lon, lat), return_counts=True)
    # A corner cut shorter than 10 m may be missed.
    crossed = cells[count * 880 / 20_000 * np.hypot(1, 0.4) >= 10]
    assert np.isin(crossed, verdict.cells).all()
    assert len(crossed) >= 20
    assert verdict.dwell_s.sum() == pytest.approx(8 * 90)


def test_a_gap_covers_no_cells() -> None:
    far_apart = track([0.0, 300.0], step_s=121)
    assert len(judged(far_apart).cells) == 0


def test_dwell_is_the_time_spent() -> None:
    drift = np.random.default_rng(3).normal(0, 1, (2, 61))
    verdict = judged(track(100 + drift[0], 100 + drift[1]))
    assert verdict.dwell_s.sum() == pytest.approx(300)
    assert verdict.dwell_s.dtype == np.float64
    assert np.all(np.diff(verdict.cells.astype(np.int64)) > 0)


def test_the_walked_path_breaks_at_gaps() -> None:
    walk = patrol(30)
    stretches = walked_path(cleaned(walk.take(np.r_[0:100, 125:361])))
    assert [len(lon) for lon, _ in stretches] == [100, 236]


def test_flags_are_counted_by_name() -> None:
    walk = patrol(30)
    noisy = replace(walk, accuracy_m=np.where(np.arange(361) % 50 == 0, 80.0, 5.0))
    assert judged(noisy).flags == {"inaccurate": 8}
    assert {flag.name for flag in Flag} >= {"INACCURATE", "OUTSIDE_PATROL"}


def uploaded(batches: list[Fixes]) -> Fixes:
    return decode([encode(part) for batch in batches for part in in_batches(batch, 1000)])


@settings(max_examples=40)
@given(st.data())
def test_any_partition_order_and_repetition_gives_the_identical_verdict(data: st.DataObject) -> None:
    walk = join([patrol(25), shifted(track(600 + np.arange(30) * 6.0, 700.0), 302)])
    walk = replace(walk, mock=np.arange(len(walk)) == 9)
    expected = row(judged(walk))
    cuts = data.draw(st.lists(st.integers(1, len(walk) - 1), unique=True, max_size=12))
    shuffled = np.random.default_rng(data.draw(st.integers(0, 2**32))).permutation(len(walk))
    batches = [walk.take(part) for part in np.split(shuffled, sorted(cuts))]
    sent = data.draw(st.permutations(batches)) + data.draw(st.lists(st.sampled_from(batches), max_size=6))

    assert row(judged(uploaded(sent))) == expected
