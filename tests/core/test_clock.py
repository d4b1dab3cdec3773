from datetime import UTC, date, datetime

import pytest

from core.clock import Week, local_date


@pytest.mark.parametrize(
    ("moment", "day", "week"),
    [
        (datetime(2026, 11, 15, 15, 59, tzinfo=UTC), date(2026, 11, 15), "2026-W46"),  # Sunday 23:59 local
        (datetime(2026, 11, 15, 16, 0, tzinfo=UTC), date(2026, 11, 16), "2026-W47"),  # Monday 00:00 local
        (datetime(2026, 12, 31, 16, 0, tzinfo=UTC), date(2027, 1, 1), "2026-W53"),  # ISO year is not the year
    ],
)
def test_a_moment_belongs_to_the_local_day_and_week(moment: datetime, day: date, week: str) -> None:
    assert local_date(moment) == day
    assert str(Week.of(moment)) == week


def test_a_week_reaches_from_monday_midnight_to_the_next_local_time() -> None:
    week = Week.parse("2026-W47")
    assert week.monday == date(2026, 11, 16)
    assert week.sunday == date(2026, 11, 22)
    assert week.starts_at == datetime(2026, 11, 15, 16, tzinfo=UTC)
    assert week.ends_at == datetime(2026, 11, 22, 16, tzinfo=UTC)
    assert Week.of(week.starts_at) == week
    assert Week.of(week.ends_at) == week.shifted(1)


@pytest.mark.parametrize("text", ["2026-47", "2026-W00", "2026-W54", "W47", "", "2026-W1"])
def test_what_is_not_a_week_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Week.parse(text)
