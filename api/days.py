"""Days in query strings: which state of the division a reader wants."""

import re
from datetime import date
from typing import Annotated

from fastapi import Depends, Query

from core.clock import YEARS, today
from core.errors import FieldError, Invalid

OnText = Annotated[
    str | None,
    Query(
        max_length=20,
        description="day in Asia/Shanghai, like 2026-09-01; today if not given, past and future are possible",
    ),
]
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")  # fromisoformat also takes 20260901 and 2026-W36-2


def day_of(text: str | None, pointer: str) -> date | None:
    """The day that the text names, None for none. Raises: Invalid."""
    if text is None:
        return None
    try:
        if _DAY.fullmatch(text) is None:
            raise ValueError(text)
        day = date.fromisoformat(text)
        if day.year not in YEARS:
            raise ValueError(text)
    except ValueError:
        detail = "日期写作 2026-09-01 / a day is written like 2026-09-01"
        raise Invalid(errors=[FieldError(pointer, "bad-day", detail)]) from None
    return day


def given_day(on: OnText = None) -> date | None:
    """Raises: Invalid."""
    return day_of(on, "/query/on")


def day_or_today(on: OnText = None) -> date:
    """Raises: Invalid."""
    return given_day(on) or today()


GivenDay = Annotated[date | None, Depends(given_day)]
OnDay = Annotated[date, Depends(day_or_today)]
