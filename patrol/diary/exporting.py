"""The diary as an office document (PDF) and as a table (Excel), in Chinese; names of residents masked."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from access.scope import Actor
from core import audit
from core.clock import today
from core.documents import render_pdf
from core.spreadsheets import Table, write_workbook
from patrol.diary.composing import Diary
from patrol.diary.entries import KINDS, WEEKDAYS_ZH, DiaryDay, Entry, clock_time, summary_zh

TEMPLATE = Path(__file__).parent / "templates" / "diary.typ"
_HEADERS = ("日期", "星期", "开始", "结束", "类别", "内容", "网格", "网格编码")
_WIDTHS = (12, 8, 8, 8, 8, 80, 22, 24)
_REMARK = "备注"


def diary_pdf(diary: Diary) -> bytes:
    """The document. Raises: FontMissing."""
    return render_pdf(TEMPLATE, document_data(diary))


def document_data(diary: Diary) -> dict[str, Any]:
    """What the template prints."""
    span = diary.span
    return {
        "title": "民情日志",
        "street": diary.street_name or "",
        "name": diary.person_name,
        "grids": "、".join(diary.grids) or "—",
        "span": _chinese_day(span.first)
        + ("" if span.first == span.last else f"至{_chinese_day(span.last)}"),
        "printed": _chinese_day(today()),
        "summary": summary_zh(diary.figures) or "本期没有记录。",
        "days": [_printed_day(day) for day in diary.days],
    }


def diary_workbook(diary: Diary) -> bytes:
    """One row for each fact and remark."""
    rows = [row for day in diary.days for row in _rows(day)]
    return write_workbook([Table("民情日志", _HEADERS, rows, _WIDTHS)])


def record_export(session: Session, actor: Actor, diary: Diary, form: str) -> None:
    """Whoever took somebody else's diary out of the system is on record."""
    if diary.person_id == actor.person_id:
        return
    audit.record(
        session,
        chain=diary.street_code or "",
        actor=actor.label,
        action="diary.exported",
        subject=f"diary:{diary.person_id}",
        detail={"from": str(diary.span.first), "to": str(diary.span.last), "format": form},
    )


def _printed_day(day: DiaryDay) -> dict[str, Any]:
    return {
        "day": _chinese_day(day.day),
        "weekday": WEEKDAYS_ZH[day.day.weekday()],
        "summary": summary_zh(day.figures),
        "entries": [
            {"time": _time(entry), "kind": KINDS.get(entry.kind, (entry.kind,))[0], "told": entry.zh}
            for entry in day.entries
        ],
        "remark": day.remark,
    }


def _rows(day: DiaryDay) -> Iterator[tuple[Any, ...]]:
    weekday = WEEKDAYS_ZH[day.day.weekday()]
    for entry in day.entries:
        kind = KINDS.get(entry.kind, (entry.kind,))[0]
        times = [at and clock_time(at) for at in (entry.at, entry.until)]
        yield day.day, weekday, *times, kind, entry.zh, entry.grid_name, entry.grid_code
    if day.remark:
        yield day.day, weekday, None, None, _REMARK, day.remark, None, None


def _time(entry: Entry) -> str:
    times = [clock_time(at) for at in (entry.at, entry.until) if at is not None]
    return "—".join(times) or "全天"


def _chinese_day(day: Any) -> str:
    return f"{day.year}年{day.month}月{day.day}日"
