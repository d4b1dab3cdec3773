"""What a diary tells of patrols: when, where, how long, and whether they count."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Date, Row, Select, and_, cast, func, select
from sqlalchemy.orm import Session

from core.clock import LOCAL_ZONE, Week, local_date
from geo.models import Grid, GridVersion
from geo.queries import version_on
from patrol.checklists.fields import FIELDS, ServiceField
from patrol.checklists.models import PatrolThemes
from patrol.diary.entries import PROVIDERS, Entry, Span
from patrol.judging import reasons
from patrol.judging.verdicts import Status, effective_status
from patrol.models import Patrol, PatrolVerdict
from patrol.weeks.counting import Counted
from patrol.weeks.standing import counts_of

_DAY: ColumnElement[Any] = cast(func.timezone(LOCAL_ZONE.key, Patrol.started_at), Date)


def tell_patrols(session: Session, person_id: uuid.UUID, span: Span) -> Iterator[Entry]:
    """Each patrol that began in these days."""
    rows = session.execute(_patrols(person_id, span)).all()
    judged = [(person_id, row.grid_id, Week.of(row.started_at)) for row in rows if row.status is not None]
    counts = counts_of(session, judged)
    for row in rows:
        yield _entry(row, counts.get(row.patrol_id))


def _patrols(person_id: uuid.UUID, span: Span) -> Select[Any]:
    return (
        select(
            Patrol.patrol_id,
            Patrol.grid_id,
            Patrol.started_at,
            Patrol.finished_at,
            Grid.code,
            Grid.path,
            func.coalesce(GridVersion.name, Grid.code).label("grid_name"),
            PatrolVerdict.status,
            PatrolVerdict.decision,
            PatrolVerdict.results,
            PatrolThemes.themes,
        )
        .join(Grid, Grid.grid_id == Patrol.grid_id)
        .outerjoin(GridVersion, and_(GridVersion.grid_id == Grid.grid_id, version_on(_DAY)))
        .outerjoin(PatrolVerdict, PatrolVerdict.patrol_id == Patrol.patrol_id)
        .outerjoin(PatrolThemes, PatrolThemes.patrol_id == Patrol.patrol_id)
        .where(
            Patrol.person_id == person_id,
            Patrol.started_at >= span.starts_at,
            Patrol.started_at < span.ends_at,
        )
        .order_by(Patrol.started_at)
    )


def _entry(row: Row[Any], count: Counted | None) -> Entry:
    minutes = _minutes(row)
    themes_zh, themes_en = _themes(row.themes or [])
    worth_zh, worth_en = _worth(row, count)
    if row.finished_at is None:
        zh = f"开始在{row.grid_name}巡查{themes_zh}，{worth_zh}"
        en = f"Began a patrol of {row.grid_name}{themes_en}; {worth_en}"
    else:
        zh = f"在{row.grid_name}巡查 {minutes} 分钟{themes_zh}，{worth_zh}"
        en = f"Patrolled {row.grid_name} for {minutes} minutes{themes_en}; {worth_en}"
    counted = {"patrols_counted": 1} if count is not None and count.counted else {}
    return Entry(
        kind="patrol",
        day=local_date(row.started_at),
        at=row.started_at,
        until=row.finished_at,
        zh=zh,
        en=en,
        path=row.path,
        grid_code=row.code,
        grid_name=row.grid_name,
        item_id=row.patrol_id,
        figures={"patrols": 1, "patrol_minutes": minutes, **counted},
    )


def _minutes(row: Row[Any]) -> int:
    if row.finished_at is None:
        return 0
    took: timedelta = row.finished_at - row.started_at
    return round(took.total_seconds() / 60)


def _themes(codes: list[str]) -> tuple[str, str]:
    names = [FIELDS[ServiceField(code)] for code in codes]
    if not names:
        return "", ""
    zh, en = "、".join(one.zh for one in names), ", ".join(one.en for one in names)
    return f"（主题：{zh}）", f" (for {en})"


def _worth(row: Row[Any], count: Counted | None) -> tuple[str, str]:
    """What became of the patrol, with the reason where it does not count."""
    if row.status is None:
        if row.finished_at is None:
            return "尚未结束。", "not finished yet."
        return "等待判定。", "waiting to be judged."
    status = effective_status(row.status, row.decision)
    zh, en = _STATUS[status]
    if count is not None and count.counted:
        return f"{zh}，计入本周次数。", f"{en}, counted in its week."
    why = _failed(row) if status is Status.INVALID and row.decision is None else []
    if not why and count is not None and count.reason is not None and status is not Status.INVALID:
        why = [(count.reason.zh, count.reason.en)]
    if not why:
        return f"{zh}，未计入本周次数。", f"{en}, not counted."
    told_zh, told_en = "".join(one for one, _ in why), " ".join(one for _, one in why)
    return f"{zh}，未计入本周次数：{told_zh}", f"{en}, not counted: {told_en}"


_STATUS: dict[Status, tuple[str, str]] = {
    Status.VALID: ("判定有效", "valid"),
    Status.INVALID: ("未达到要求", "does not meet the requirements"),
    Status.PENDING_REVIEW: ("等待人工复核", "waiting for review"),
    Status.ACCEPTED: ("经复核认定有效", "accepted on review"),
}


def _failed(row: Row[Any]) -> list[tuple[str, str]]:
    failing = (reasons.of_check(result) for result in row.results if not result["passed"])
    return [(one.zh, one.en) for one in failing]


PROVIDERS["patrol"] = tell_patrols
