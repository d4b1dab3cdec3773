"""The duties that DB32/T 2763-2015 asks for; those whose facts nobody records yet are switched off."""

from datetime import date
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from patrol.duties.models import Duty

_VALID_FROM = date(2015, 1, 1)  # earlier than anything counted

# code, zh, en, fact, subject, count, period, options, clause, is_on
_ROWS: tuple[tuple[str, str, str, str, str, int, str, dict[str, Any], str, bool], ...] = (
    ("patrols", "每周巡查", "weekly patrols", "patrols", "pair", 2, "week", {}, "11.2.1", True),
    ("full-visits", "全面走访", "full visits", "visits", "household", 2, "year", {}, "11.1.3", True),
    (
        "special-visits",
        "特殊家庭走访",
        "visits to special households",
        "visits",
        "household",
        1,
        "quarter",
        {"special_only": True},
        "7.1.3.1; A 16",
        True,
    ),
    (
        "comments",
        "每周点评",
        "weekly comments",
        "comments",
        "grid",
        1,
        "week",
        {"level": 2},
        "9.2.1.1; A 10",
        False,
    ),
    (
        "joint-meetings",
        "民情联席会",
        "joint meetings",
        "joint_meetings",
        "grid",
        1,
        "quarter",
        {"level": 2},
        "9.1.1.3; A 11",
        False,
    ),
    (
        "activities",
        "服务活动",
        "service activities",
        "activities",
        "grid",
        1,
        "month",
        {"level": 2},
        "A 12",
        False,
    ),
    (
        "summaries",
        "每月小结",
        "monthly summaries",
        "summaries",
        "grid",
        1,
        "month",
        {"level": 1},
        "9.1.1.2; A 13",
        False,
    ),
    ("reports", "工作报告", "reports", "reports", "grid", 1, "month", {"level": 2}, "9.3.3.1", False),
)
_FIELDS = ("code", "zh", "en", "fact", "subject", "count", "period", "options", "clause", "is_on")


def load_duties(session: Session) -> None:
    """Each duty of the standard has its row; one that is there already stays as it is."""
    common = {"path": "", "kind": "", "valid_from": _VALID_FROM}
    rows = [{**dict(zip(_FIELDS, row, strict=True)), **common} for row in _ROWS]
    constraint = "uq_duties_code_path_kind_valid_from"
    session.execute(insert(Duty).on_conflict_do_nothing(constraint=constraint), rows)
