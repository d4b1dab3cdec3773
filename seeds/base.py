"""The rows without which nothing works: divisions, object codes, the default patrol policy."""

from datetime import date
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from patrol.models import PatrolPolicy

# The earliest day for which anything can be judged: DB32/T 2763-2015 is of that year.
POLICY_VALID_FROM = date(2015, 1, 1)

# Local settings, not from a standard: DB32/T 2763-2015 11.2.1 fixes only "twice a week" (design 7).
DEFAULT_THRESHOLDS: dict[str, Any] = {
    "min_minutes_in_grid": 20,
    "min_in_grid_ratio": 0.8,
    "min_coverage_ratio": 0.2,
    "min_checkpoint_ratio": 0.6,
    "min_metres": 0,
    "min_gap_hours": 12,
    "distinct_days": 2,
    "max_speed_mps": 8,
    "max_gap_s": 120,
    "max_accuracy_m": 50,
    "boundary_tolerance_m": 15,
}


def load_base(session: Session) -> None:
    """The code tables hold what the product ships; rows that are already there stay as they are."""
    _load_default_policy(session)


def _load_default_policy(session: Session) -> None:
    session.execute(
        insert(PatrolPolicy)
        .values(path="", kind="", valid_from=POLICY_VALID_FROM, thresholds=DEFAULT_THRESHOLDS)
        .on_conflict_do_nothing(constraint="uq_patrol_policies_path_kind_valid_from")
    )
