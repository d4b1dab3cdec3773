"""What query strings of visits say: days, positions, and where the next page of a due list begins."""

import base64
import binascii
import json
import uuid
from datetime import date
from typing import Annotated

from fastapi import Depends, Query

from api.datums import DatumText
from api.days import day_of
from api.paging import bad_cursor
from core.errors import FieldError, Invalid
from core.storable import unstorable_at
from geo.datums import Datum, to_cgcs2000
from patrol.visits.advice import RANKS
from patrol.visits.due import DueCursor

_LON, _LAT = (73.0, 135.1), (3.8, 53.6)  # of China
_RANKS = range(len(RANKS))
PositionText = Annotated[str | None, Query(max_length=60, description="lon,lat in the datum")]
StartText = Annotated[str, Query(max_length=60, description="lon,lat in the datum")]


def visit_days(
    first: Annotated[str | None, Query(alias="from", max_length=20, description="first day")] = None,
    last: Annotated[str | None, Query(alias="to", max_length=20, description="last day")] = None,
) -> tuple[date | None, date | None]:
    """Raises: Invalid."""
    return day_of(first, "/query/from"), day_of(last, "/query/to")


def from_here(near: PositionText = None, datum: DatumText = Datum.CGCS2000) -> tuple[float, float] | None:
    """Where the caller stands, in CGCS2000. Raises: Invalid, UnknownDatum."""
    return None if near is None else _position(near, datum, "/query/near")


def start_here(start: StartText, datum: DatumText = Datum.CGCS2000) -> tuple[float, float]:
    """Where a round begins, in CGCS2000. Raises: Invalid, UnknownDatum."""
    return _position(start, datum, "/query/start")


def due_cursor_of(cursor: DueCursor) -> str:
    """The end of a page as `next`."""
    told = [cursor.rank, cursor.last_on.isoformat(), cursor.door, str(cursor.household_id)]
    return base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")


def due_behind(
    after: Annotated[str | None, Query(max_length=400, description="`next` of the page before")] = None,
) -> DueCursor | None:
    """Raises: Invalid, when it is no `next` of ours."""
    if after is None:
        return None
    try:
        told = json.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
        rank, last_on, door, household_id = told
        if type(rank) is not int or rank not in _RANKS or not isinstance(door, str):
            raise TypeError(after)
        if unstorable_at(door) is not None:
            raise ValueError(after)
        return DueCursor(rank, date.fromisoformat(last_on), door, uuid.UUID(household_id))
    except (ValueError, TypeError, AttributeError, RecursionError, binascii.Error):
        raise bad_cursor() from None


def _position(text: str, datum: str, pointer: str) -> tuple[float, float]:
    try:
        x, y = (float(part) for part in text.split(","))
        lon, lat = (float(value) for value in to_cgcs2000(x, y, datum))
        if not (_LON[0] <= lon <= _LON[1] and _LAT[0] <= lat <= _LAT[1]):
            raise ValueError(text)
    except ValueError:
        detail = "位置写作 经度,纬度，且在中国境内 / a position in China is written lon,lat"
        raise Invalid(errors=[FieldError(pointer, "bad-position", detail)]) from None
    return lon, lat


VisitDays = Annotated[tuple[date | None, date | None], Depends(visit_days)]
FromHere = Annotated[tuple[float, float] | None, Depends(from_here)]
StartHere = Annotated[tuple[float, float], Depends(start_here)]
DueBehind = Annotated[DueCursor | None, Depends(due_behind)]
