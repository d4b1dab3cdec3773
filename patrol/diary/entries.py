"""What a diary is made of: facts of a day as sentences, and what they add up to. Pure.

Whatever records facts adds its provider to PROVIDERS, so that nobody types a thing twice.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from access.roles import Action
from core.clock import LOCAL_ZONE, day_begins

MAX_DAYS = 93  # a quarter
WEEKDAYS_ZH = ("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日")
KINDS: dict[str, tuple[str, str]] = {
    "patrol": ("巡查", "patrol"),
    "check": ("检查", "check"),
    "finding": ("发现", "finding"),
    "visit": ("走访", "visit"),
    "absence": ("请假", "absence"),
    "substitute": ("顶岗", "standing in"),
}
# Figures in the order of a summary: name -> Chinese and English with a place for the number.
_FIGURES: dict[str, tuple[str, str]] = {
    "patrols": ("巡查 {} 次", "{} patrols"),
    "patrol_minutes": ("共 {} 分钟", "{} minutes"),
    "patrols_counted": ("计入 {} 次", "{} counted"),
    "items_checked": ("检查 {} 项", "{} items checked"),
    "handled": ("现场处理 {} 项", "{} put right on the spot"),
    "reported": ("上报 {} 项", "{} to be reported"),
    "visits": ("走访 {} 户次", "{} visits"),
    "visits_met": ("见面 {} 户次", "{} met"),
}


@dataclass(frozen=True, slots=True)
class Span:
    """Days from the first to the last."""

    first: date
    last: date

    @property
    def starts_at(self) -> datetime:
        return day_begins(self.first)

    @property
    def ends_at(self) -> datetime:
        return day_begins(self.last + timedelta(days=1))

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=number) for number in range((self.last - self.first).days + 1)]


@dataclass(frozen=True, slots=True)
class Entry:
    """One fact; the sentences leave the time to `at` and `until`. Without one it holds for the whole day.

    `path` is of the grid where it happened; others see it who may do `seen_by` there. None is a fact about
    the person: whoever may read the diary at all sees it.
    """

    kind: str
    day: date
    at: datetime | None
    until: datetime | None
    zh: str
    en: str
    path: str | None
    grid_code: str | None = None
    grid_name: str | None = None
    item_id: uuid.UUID | None = None
    seen_by: Action = Action.READ_PATROLS
    figures: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DiaryDay:
    """A day: its facts in order of time, what they add up to, and the worker's own remark."""

    day: date
    entries: tuple[Entry, ...]
    remark: str

    @property
    def figures(self) -> dict[str, int]:
        return added_up(self.entries)


Provider = Callable[[Session, uuid.UUID, Span], Iterable[Entry]]
PROVIDERS: dict[str, Provider] = {}  # by the name of what is told


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """What holds for the whole day first, then by time."""
    return sorted(entries, key=lambda one: (one.day, one.at is not None, one.at or one.day, one.kind))


def added_up(entries: Iterable[Entry]) -> dict[str, int]:
    """The figures of these facts."""
    total: Counter[str] = Counter()
    for entry in entries:
        total.update(entry.figures)
    return {name: total[name] for name in _FIGURES if total[name]}


def summary_zh(figures: Mapping[str, int]) -> str:
    """The figures as a sentence; empty without any."""
    told = [zh.format(figures[name]) for name, (zh, _) in _FIGURES.items() if figures.get(name)]
    return f"{'，'.join(told)}。" if told else ""


def summary_en(figures: Mapping[str, int]) -> str:
    """The same in English."""
    told = [en.format(figures[name]) for name, (_, en) in _FIGURES.items() if figures.get(name)]
    return f"{', '.join(told)}." if told else ""


def clock_time(moment: datetime) -> str:
    """Hours and minutes for people in China."""
    return f"{moment.astimezone(LOCAL_ZONE):%H:%M}"
