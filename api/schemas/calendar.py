"""The work calendar on the wire."""

from datetime import date

from pydantic import BaseModel, Field

from core.storable import Body
from core.work_calendar import Day, DayKind


class DayIn(Body):
    """What kind of day it is; `is_provisional` while it is expected but not published yet."""

    kind: DayKind
    name: str = Field(default="", max_length=60)
    is_provisional: bool = False


class DayOut(BaseModel):
    """A day; `source` is `derived` where nobody has published it: Monday to Friday, and provisional."""

    day: date
    kind: DayKind
    name: str
    source: str
    is_provisional: bool

    @classmethod
    def of(cls, day: Day) -> "DayOut":
        return cls(
            day=day.day,
            kind=day.kind,
            name=day.name,
            # Who set a day by hand stands in the trail and is nobody else's business.
            source="manual" if day.source.startswith("person:") else day.source,
            is_provisional=day.is_provisional,
        )


class CalendarOut(BaseModel):
    """Days in order, with their number of working days."""

    workdays: int
    is_provisional: bool
    items: list[DayOut]
