"""Ranges of days in query strings: `from` and `to`, or the last so many days."""

import re
from datetime import date, timedelta
from typing import Annotated

from fastapi import Depends, Query

from core.clock import YEARS, today
from core.errors import FieldError, Invalid
from patrol.coverage.days import MOST_DAYS, Days

DEFAULT_DAYS = 30
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

FromText = Annotated[
    str | None,
    Query(alias="from", max_length=20, description="first day, like 2026-09-01; 30 days in all if not given"),
]
ToText = Annotated[
    str | None, Query(alias="to", max_length=20, description="last day, itself included; today if not given")
]
DaysText = Annotated[
    int | None, Query(ge=1, le=MOST_DAYS, description="so many days up to `to`, instead of `from`")
]


async def asked_days(first: FromText = None, last: ToText = None, days: DaysText = None) -> Days:
    """Raises: Invalid."""
    if first is not None and days is not None:
        detail = "from 与 days 二选一 / name either from or days"
        raise Invalid(errors=[FieldError("/query/days", "one-of", detail)])
    until = today() if last is None else _day(last, "to")
    since = until - timedelta(days=(days or DEFAULT_DAYS) - 1) if first is None else _day(first, "from")
    if since > until:
        detail = "起始日期晚于结束日期 / the first day is after the last"
        raise Invalid(errors=[FieldError("/query/from", "bad-range", detail)])
    if (until - since).days >= MOST_DAYS:
        detail = f"最多 {MOST_DAYS} 天 / at most {MOST_DAYS} days"
        raise Invalid(errors=[FieldError("/query/from", "bad-range", detail)])
    return Days(since, until)


def _day(text: str, name: str) -> date:
    try:
        if _DAY.fullmatch(text) is None:
            raise ValueError(text)
        day = date.fromisoformat(text)
        if day.year not in YEARS:
            raise ValueError(text)
    except ValueError:
        detail = "日期写作 2026-09-01 / a day is written like 2026-09-01"
        raise Invalid(errors=[FieldError(f"/query/{name}", "bad-day", detail)]) from None
    return day


AskedDays = Annotated[Days, Depends(asked_days)]
