"""Spans of days: every day in exactly one of each kind, and names that come back."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import Week
from core.periods import Period, PeriodKind

DAYS = st.dates(date(1950, 1, 1), date(2900, 12, 31))
# A busy machine is no fault of a rule.
KINDS = st.sampled_from(PeriodKind)


@given(day=DAYS, kind=KINDS)
def test_a_day_lies_in_one_period_whose_name_comes_back(day: date, kind: PeriodKind) -> None:
    period = Period.of(kind, day)
    assert period.holds(day)
    assert Period.parse(str(period)) == period
    assert Period.of(kind, period.first) == Period.of(kind, period.last) == period
    assert period.shifted(1).first == period.last + timedelta(days=1)
    assert period.shifted(-1).last == period.first - timedelta(days=1)


@given(day=DAYS, kind=KINDS, by=st.integers(-60, 60))
def test_shifting_goes_back_the_same_way(day: date, kind: PeriodKind, by: int) -> None:
    period = Period.of(kind, day)
    assert period.shifted(by).shifted(-by) == period


@given(day=DAYS, kind=KINDS)
def test_every_week_belongs_to_one_period_of_a_kind(day: date, kind: PeriodKind) -> None:
    week = Week.of_day(day)
    owner = Period.of(kind, week.monday + timedelta(days=3))
    assert week in owner.weeks
    assert week not in owner.shifted(1).weeks
    assert week not in owner.shifted(-1).weeks


@pytest.mark.parametrize(
    ("text", "first", "last", "weeks"),
    [
        ("2026-W53", date(2026, 12, 28), date(2027, 1, 3), 1),
        ("2026-W01", date(2025, 12, 29), date(2026, 1, 4), 1),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29), 5),
        ("2026-12", date(2026, 12, 1), date(2026, 12, 31), 5),
        ("2026-Q1", date(2026, 1, 1), date(2026, 3, 31), 13),
        ("2026-Q4", date(2026, 10, 1), date(2026, 12, 31), 14),
        ("2026-H2", date(2026, 7, 1), date(2026, 12, 31), 27),
        ("2026", date(2026, 1, 1), date(2026, 12, 31), 53),
        ("2027", date(2027, 1, 1), date(2027, 12, 31), 52),
    ],
)
def test_periods_of_the_calendar(text: str, first: date, last: date, weeks: int) -> None:
    period = Period.parse(text)
    assert (period.first, period.last, len(period.weeks)) == (first, last, weeks)
    assert len(list(period.days)) == (last - first).days + 1
    assert (period.ends_at - period.starts_at).days == len(list(period.days))


@pytest.mark.parametrize(
    "text",
    ["", "26", "2026-W00", "2027-W53", "2026-W54", "2026-00", "2026-13", "2026-Q0", "2026-Q5", "2026-H3",
     "0000", "1899", "3000-Q1", "2026-", "2026-W4", "２０２６", "2026-Q4\n", "2026-11-01", "2026-w47"],
)  # fmt: skip
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Period.parse(text)
