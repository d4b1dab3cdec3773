"""The thresholds a patrol is judged by.

All of them are local settings: DB32/T 2763-2015 clause 11.2.1 asks for two patrols a week and says nothing
of duration, distance or coverage. They travel as the JSON of PatrolPolicy.thresholds; what a row leaves out
has the default below.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Policy:
    """Thresholds with their unit in the name; 0 switches a minimum or a doubt off."""

    required_per_week: int = 2  # clause 11.2.1; the only figure here that a standard gives
    min_minutes_in_grid: float = 20.0
    min_in_grid_ratio: float = 0.8  # of the observed time
    min_coverage_ratio: float = 0.2  # of the grid's H3 resolution 11 cells
    # Enough of the one or of the other, in a grid with checkpoints: stairs are no cells on a map.
    min_checkpoint_ratio: float = 0.6  # of the checkpoints standing in the grid on the day
    min_dwell_s: float = 20.0  # within the radius of an outdoor checkpoint
    max_indoor_minutes: float = 15.0  # that two plates of one building prove without a position between them
    min_metres: float = 0.0  # off: metres walked reward laps, not work
    min_gap_hours: float = 12.0  # between the starts of two patrols that count
    distinct_days: int = 2  # different local days the required patrols must fall on
    max_speed_mps: float = 8.0  # faster is a jump or a car; a bicycle stays below
    max_gap_s: float = 120.0  # a longer silence is a gap: nobody knows where the worker was
    max_accuracy_m: float = 50.0  # a fix the phone itself trusts less is kept but proves nothing
    # a road on the boundary belongs to both sides; GPS errs about this much
    boundary_tolerance_m: float = 15.0
    # Positions no real receiver gives: reviewed by a person, never punished automatically.
    max_frozen_ratio: float = 0.9  # of the observed time spent at exactly one position after another
    max_constant_accuracy_fixes: int = 0  # off: some phones report 5 m all day long
    max_jump_ratio: float = 0.3  # of the fixes, faster than max_speed_mps
    # Two patrols are alike when the walkers were so close together for so much of the time that they moved.
    max_alike_ratio: float = 0.8
    max_people_per_device: int = 1  # whose patrols of one day may come from one phone
    max_clock_skew_s: float = 300.0  # a phone's clock that errs more is corrected, and a person looks
    max_check_in_distance_m: float = 300.0  # of the phone from the plate that it scanned

    @classmethod
    def of(cls, thresholds: Mapping[str, Any]) -> Self:
        """Policy of a stored row. Raises ValueError for a name or a value that is none."""
        known = {field.name: type(field.default) for field in fields(cls)}
        unknown = sorted(set(thresholds) - set(known))
        if unknown:
            raise ValueError(f"unknown threshold {unknown[0]!r}")
        given: dict[str, Any] = {
            name: _number(name, value, known[name]) for name, value in thresholds.items()
        }
        return cls(**given)

    def thresholds(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """A policy with the part of the tree, the kind of grid and the day from which it holds."""

    policy_id: int
    path: str  # prefix of the grid's path
    kind: str  # "" is any kind
    valid_from: date
    policy: Policy


def policy_for(rows: Iterable[PolicyRow], *, path: str, kind: str, day: date) -> PolicyRow:
    """The policy of a grid on a day: the longest path wins, then the kind, then the newest.

    Raises: LookupError where not even the default of the code tables is there.
    """
    fitting = [
        row for row in rows if path.startswith(row.path) and row.kind in ("", kind) and row.valid_from <= day
    ]
    if not fitting:
        raise LookupError(f"no patrol policy holds on {day}; load the code tables")
    return max(fitting, key=lambda row: (len(row.path), row.kind != "", row.valid_from))


def _number(name: str, value: Any, kind: type) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise ValueError(f"threshold {name} must be a number from 0, not {value!r}")
    if kind is int and value != int(value):
        raise ValueError(f"threshold {name} must be a whole number, not {value!r}")
    number: float = kind(value)
    return number
