"""Spans of days in query strings: `from` and `to`, both included."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated

from fastapi import Query

from api.days import given_day
from core.clock import day_begins
from core.errors import FieldError, Invalid

DayText = Annotated[str | None, Query(max_length=20, description="day in Asia/Shanghai, like 2026-09-01")]
FromText = Annotated[str | None, Query(alias="from", max_length=20, description="first day, like 2026-09-01")]
ToText = Annotated[str | None, Query(alias="to", max_length=20, description="last day, included")]


@dataclass(frozen=True, slots=True)
class DaySpan:
    """Days from the first to the last; None is open."""

    first: date | None
    last: date | None

    @property
    def starts_at(self) -> datetime | None:
        return None if self.first is None else day_begins(self.first)

    @property
    def ends_at(self) -> datetime | None:
        """The first moment after the span."""
        return None if self.last is None else day_begins(self.last + timedelta(days=1))


def wanted_span(first: FromText = None, last: ToText = None) -> DaySpan:
    """Raises: Invalid."""
    span = DaySpan(day_called(first, "from"), day_called(last, "to"))
    if span.first is not None and span.last is not None and span.last < span.first:
        told = "结束日期早于开始日期 / the last day is before the first"
        raise Invalid(told, errors=[FieldError("/query/to", "before-start", told)])
    return span


def day_called(text: str | None, name: str) -> date | None:
    """The day of a parameter. Raises: Invalid, naming the parameter."""
    try:
        return given_day(text)
    except Invalid as error:
        wrong = [FieldError(f"/query/{name}", one.code, one.detail) for one in error.errors]
        raise Invalid(errors=wrong) from None
