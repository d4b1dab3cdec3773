"""Policies as a street keeps them: bounds, versions, and which one holds."""

from dataclasses import fields
from datetime import timedelta
from typing import Any

import pytest

from core.clock import Week, today
from patrol.policies import Policy
from patrol.policy_desk import _first_monday
from patrol.thresholds import threshold_errors, thresholds


def test_every_threshold_has_words_a_unit_and_a_default_within_its_bounds() -> None:
    found = thresholds()
    assert [one.name for one in found] == [field.name for field in fields(Policy)]
    for one in found:
        assert one.unit, one.name
        assert one.zh != one.name, f"{one.name} has no words in patrol/thresholds.py"
        assert one.least <= one.default <= one.most, one.name
    assert list(threshold_errors(Policy().thresholds())) == []


def test_units_follow_from_names() -> None:
    units = {one.name: one.unit for one in thresholds()}
    assert units["max_speed_mps"] == "m/s"
    assert units["max_gap_s"] == "s"
    assert units["min_in_grid_ratio"] == "ratio"
    assert units["min_gap_hours"] == "h"
    assert units["boundary_tolerance_m"] == "m"


@pytest.mark.parametrize(
    ("given", "pointer", "code"),
    [
        ({"min_miles": 3}, "/thresholds/min_miles", "unknown-threshold"),
        ({"min_in_grid_ratio": 1.2}, "/thresholds/min_in_grid_ratio", "out-of-range"),
        ({"min_in_grid_ratio": -0.1}, "/thresholds/min_in_grid_ratio", "out-of-range"),
        ({"required_per_week": 2.5}, "/thresholds/required_per_week", "out-of-range"),
        ({"required_per_week": True}, "/thresholds/required_per_week", "out-of-range"),
        ({"min_minutes_in_grid": "20"}, "/thresholds/min_minutes_in_grid", "out-of-range"),
        ({"max_accuracy_m": 0}, "/thresholds/max_accuracy_m", "out-of-range"),
        ({"required_per_week": 10**400}, "/thresholds/required_per_week", "out-of-range"),
        ({"required_per_week": 2, "distinct_days": 3}, "/thresholds/distinct_days", "more-days-than-patrols"),
    ],
)
def test_what_is_no_threshold_is_named(given: dict[str, Any], pointer: str, code: str) -> None:
    assert [(error.pointer, error.code) for error in threshold_errors(given)] == [(pointer, code)]


def test_weeks_are_counted_by_the_policy_of_their_monday() -> None:
    monday = Week.of_day(today()).monday
    assert _first_monday(monday) == monday
    assert _first_monday(monday + timedelta(days=1)) == monday + timedelta(days=7)
    assert _first_monday(monday + timedelta(days=6)) == monday + timedelta(days=7)
