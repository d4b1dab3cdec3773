"""ISO weeks in query strings."""

from typing import Annotated

from fastapi import Depends, Query

from core.clock import Week, now
from core.errors import FieldError, Invalid

WeekText = Annotated[str | None, Query(max_length=20, description="ISO week in Asia/Shanghai, like 2026-W47")]


def wanted_week(week: WeekText = None) -> Week | None:
    """Raises: Invalid."""
    if week is None:
        return None
    try:
        return Week.parse(week)
    except ValueError as error:
        raise Invalid(errors=[FieldError("/query/week", "bad-week", str(error))]) from None


def week_or_now(week: WeekText = None) -> Week:
    return wanted_week(week) or Week.of(now())


WantedWeek = Annotated[Week | None, Depends(wanted_week)]
CurrentWeek = Annotated[Week, Depends(week_or_now)]
