"""Periods in query strings."""

from typing import Annotated

from fastapi import Depends, Query

from core.errors import FieldError, Invalid
from core.periods import Period

PeriodText = Annotated[
    str | None,
    Query(max_length=20, description="2026-W47, 2026-11, 2026-Q4, 2026-H2 or 2026, in Asia/Shanghai"),
]


def wanted_period(period: PeriodText = None) -> Period | None:
    """Raises: Invalid."""
    if period is None:
        return None
    try:
        return Period.parse(period)
    except ValueError as error:
        detail = f"期间写作 2026-W47、2026-11、2026-Q4、2026-H2 或 2026 / {error}"
        raise Invalid(errors=[FieldError("/query/period", "bad-period", detail)]) from None


WantedPeriod = Annotated[Period | None, Depends(wanted_period)]
