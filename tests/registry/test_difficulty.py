"""The local formula of clause 5.1.3, worked out by hand."""

import pytest

from registry.difficulty import FACTORS, MOST_OF_ONE_FACTOR, difficulties, staffing_finding, staffing_ratios


def grid(
    households: float = 0, shops: float = 0, organisations: float = 0, density: float = 0, area: float = 0
) -> dict[str, float]:
    return {
        "households": households,
        "shops": shops,
        "organisations": organisations,
        "households_per_km2": density,
        "area_m2": area,
    }


def test_weights_are_shares() -> None:
    assert sum(factor.weight for factor in FACTORS.values()) == pytest.approx(1)


def test_like_grids_are_all_one() -> None:
    assert difficulties([grid(300, 5, 1, 3000, 100_000)] * 3) == pytest.approx([1, 1, 1])


def test_by_hand() -> None:
    """Middles 300 households, 10 shops, 2 organisations, 3,000 per km2, 0.1 km2."""
    light = grid(150, 0, 2, 1500, 100_000)
    plain = grid(300, 10, 2, 3000, 100_000)
    heavy = grid(600, 40, 4, 3000, 200_000)
    assert difficulties([light, plain, heavy]) == pytest.approx(
        [
            0.35 * 0.5 + 0.20 * 0 + 0.15 * 1 + 0.15 * 0.5 + 0.15 * 1,
            1.0,
            0.35 * 2 + 0.20 * MOST_OF_ONE_FACTOR + 0.15 * 2 + 0.15 * 1 + 0.15 * 2,
        ]
    )


def test_what_no_grid_has_is_left_out() -> None:
    found = difficulties([grid(300, area=100), grid(150, area=100), grid(450, area=100)])
    assert found == pytest.approx([1.0, (0.35 * 0.5 + 0.15) / 0.5, (0.35 * 1.5 + 0.15) / 0.5])
    assert difficulties([grid(), grid()]) == [1.0, 1.0]
    assert difficulties([]) == []


def test_where_most_have_none_the_mean_is_the_middle() -> None:
    found = difficulties([grid(300, 0), grid(300, 0), grid(300, 30)])
    assert found == pytest.approx([0.35 / 0.55, 0.35 / 0.55, (0.35 + 0.20 * 3) / 0.55])


def test_staff_by_difficulty() -> None:
    assert staffing_ratios([1.0, 1.0, 2.0], [2, 1, 1]) == pytest.approx([2.0, 1.0, 0.5])
    assert staffing_ratios([1.0, 1.0], [0, 0]) == [None, None]
    assert staffing_ratios([], []) == []


@pytest.mark.parametrize(
    ("staff", "ratio", "code"),
    [
        (0, None, "no-staff"),
        (0, 0.0, "no-staff"),
        (1, None, None),
        (1, 0.66, "staff-below-difficulty"),
        (1, 0.67, None),
        (3, 2.0, None),
        (3, 2.1, "staff-above-difficulty"),
    ],
)
def test_when_staff_does_not_follow(staff: int, ratio: float | None, code: str | None) -> None:
    found = staffing_finding(staff, ratio)
    assert (found.code if found else None) == code


def test_a_finding_says_how_far_off() -> None:
    found = staffing_finding(1, 0.5)
    assert found is not None
    assert found.zh == "人员仅为按难度系数应有的 50%（5.1.3）"
