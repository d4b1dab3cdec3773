"""Working days: published ones as published, others Monday to Friday and provisional."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.models import AuditEntry, CalendarDay
from core.work_calendar import Day, DayKind, WorkCalendar, load_calendar, put_day
from seeds.work_calendar import load_work_calendar, published_days

AS_PUBLISHED = WorkCalendar({day.day: day for year in (2025, 2026) for day in published_days(year)})
# A busy machine is no fault of a rule.
DAYS = st.dates(date(2024, 12, 1), date(2027, 3, 1))


@pytest.mark.parametrize(
    ("day", "kind", "name", "is_provisional"),
    [
        (date(2026, 9, 30), DayKind.WORKDAY, "", False),
        (date(2026, 10, 1), DayKind.HOLIDAY, "国庆节", False),
        (date(2026, 10, 3), DayKind.HOLIDAY, "国庆节", False),  # a Saturday
        (date(2026, 10, 10), DayKind.WORKDAY, "国庆节", False),  # a Saturday worked instead
        (date(2026, 10, 11), DayKind.REST, "", False),
        (date(2026, 2, 17), DayKind.HOLIDAY, "春节", False),
        (date(2027, 10, 1), DayKind.WORKDAY, "", True),  # a Friday; nobody has published 2027
        (date(2027, 10, 2), DayKind.REST, "", True),
    ],
)
def test_days_are_as_published_or_derived(day: date, kind: DayKind, name: str, is_provisional: bool) -> None:
    found = AS_PUBLISHED.day(day)
    assert (found.kind, found.name, found.is_provisional) == (kind, name, is_provisional)


def test_a_year_has_as_many_working_days_as_the_state_council_gave_it() -> None:
    # 261 days from Monday to Friday, 19 of them off, 6 weekend days worked.
    assert AS_PUBLISHED.workdays_between(date(2026, 1, 1), date(2026, 12, 31)) == 248
    assert not AS_PUBLISHED.is_provisional(date(2026, 1, 1), date(2026, 12, 31))
    assert AS_PUBLISHED.is_provisional(date(2026, 12, 31), date(2027, 1, 1))


@pytest.mark.parametrize(
    ("day", "workdays", "expected"),
    [
        (date(2026, 9, 30), 1, date(2026, 10, 8)),
        (date(2026, 10, 8), 2, date(2026, 10, 10)),  # Saturday is worked
        (date(2026, 10, 8), -1, date(2026, 9, 30)),
        (date(2026, 10, 3), 0, date(2026, 10, 3)),
        (date(2026, 12, 31), 1, date(2027, 1, 1)),  # as long as nobody has published New Year
    ],
)
def test_working_days_are_added(day: date, workdays: int, expected: date) -> None:
    assert AS_PUBLISHED.add_workdays(day, workdays) == expected


@given(day=DAYS, workdays=st.integers(1, 80))
def test_adding_and_counting_agree(day: date, workdays: int) -> None:
    later = AS_PUBLISHED.add_workdays(day, workdays)
    assert AS_PUBLISHED.is_workday(later)
    assert AS_PUBLISHED.workdays_between(day + timedelta(days=1), later) == workdays
    earlier = AS_PUBLISHED.add_workdays(day, -workdays)
    assert AS_PUBLISHED.workdays_between(earlier, day - timedelta(days=1)) == workdays


@given(first=DAYS, middle=DAYS, last=DAYS)
def test_counting_adds_up(first: date, middle: date, last: date) -> None:
    first, middle, last = sorted((first, middle, last))
    whole = AS_PUBLISHED.workdays_between(first, last)
    parts = AS_PUBLISHED.workdays_between(first, middle)
    parts += AS_PUBLISHED.workdays_between(middle + timedelta(days=1), last)
    assert whole == parts
    assert AS_PUBLISHED.workdays_between(last + timedelta(days=1), first) == 0


def test_long_holidays_are_those_of_five_days_and_more() -> None:
    found = AS_PUBLISHED.long_holidays(date(2026, 1, 1), date(2026, 12, 31))
    spring = [date(2026, 2, 15) + timedelta(days=n) for n in range(9)]
    labour = [date(2026, 5, 1) + timedelta(days=n) for n in range(5)]
    national = [date(2026, 10, 1) + timedelta(days=n) for n in range(7)]
    assert found == [*spring, *labour, *national]  # New Year, Qingming, Dragon Boat, Mid-Autumn have three
    assert AS_PUBLISHED.long_holidays(date(2026, 10, 5), date(2026, 10, 11)) == national[4:]
    assert AS_PUBLISHED.long_holidays(date(2027, 10, 1), date(2027, 10, 7)) == []


def test_the_table_is_seeded_once_and_keeps_what_people_set(session: Session) -> None:
    worked = Day(date(2026, 12, 25), DayKind.REST, "停电", "person:x", is_provisional=False)
    put_day(session, worked, actor="person:x")
    load_work_calendar(session)
    calendar = load_calendar(session)
    assert calendar.day(worked.day) == worked
    assert calendar.day(date(2026, 10, 10)).source == "chinesecalendar"
    assert not calendar.is_provisional(date(2015, 1, 1), date(2026, 12, 31))
    assert session.scalar(select(func.count()).select_from(CalendarDay)) == len(calendar.published)


def test_a_new_release_adds_its_year_and_leaves_what_was_set(session: Session) -> None:
    set_by_hand = Day(date(2026, 5, 4), DayKind.WORKDAY, "", "person:x", is_provisional=False)
    put_day(session, set_by_hand, actor="person:x")
    year = CalendarDay.day.between(date(2026, 1, 1), date(2026, 12, 31))
    for row in session.scalars(select(CalendarDay).where(year, CalendarDay.source == "chinesecalendar")):
        session.delete(row)
    session.flush()
    load_work_calendar(session)
    calendar = load_calendar(session)
    assert calendar.day(date(2026, 5, 4)) == set_by_hand
    assert calendar.day(date(2026, 5, 5)).kind is DayKind.HOLIDAY


def test_setting_a_day_leaves_one_line(session: Session) -> None:
    wanted = Day(date(2027, 2, 8), DayKind.HOLIDAY, "春节", "person:x", is_provisional=True)
    for _ in range(2):
        put_day(session, wanted, actor="person:x")
    lines = session.scalars(select(AuditEntry).where(AuditEntry.subject == "day:2027-02-08")).all()
    assert [line.detail for line in lines] == [
        {"kind": "holiday", "name": "春节", "source": "person:x", "is_provisional": True, "before": None}
    ]
