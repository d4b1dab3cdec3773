"""Thresholds as they are stored, and the mistakes a person can make in them."""

from typing import Any

import pytest

from patrol.policies import Policy


def test_what_a_row_leaves_out_has_its_default() -> None:
    assert Policy.of({}) == Policy()
    assert Policy.of({"min_minutes_in_grid": 5}) == Policy(min_minutes_in_grid=5.0)


def test_thresholds_survive_storing() -> None:
    policy = Policy(min_metres=300, distinct_days=1)
    assert Policy.of(policy.thresholds()) == policy


@pytest.mark.parametrize(
    ("thresholds", "message"),
    [
        ({"min_minuts": 5}, "unknown threshold 'min_minuts'"),
        ({"min_metres": -1}, "must be a number from 0"),
        ({"min_metres": "300"}, "must be a number from 0"),
        ({"min_metres": float("nan")}, "must be a number from 0"),
        ({"distinct_days": True}, "must be a number from 0"),
        ({"distinct_days": 1.5}, "must be a whole number"),
    ],
)
def test_a_wrong_threshold_is_named(thresholds: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Policy.of(thresholds)
