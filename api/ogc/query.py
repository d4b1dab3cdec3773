"""Parameters of /ogc, as strictly as the standard wants: the unknown and the invalid are refused with 400."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from fastapi import Request

from core.clock import Week, local_date, today
from core.errors import BadQuery, FieldError
from geo.collections import Box, FeatureFilter, Period
from geo.queries import BBox
from geo.reference_systems import CRS84, SYSTEMS, ReferenceSystem

DEFAULT_LIMIT, MAX_LIMIT = 1000, 10_000
FILTERS = ("level", "parent", "code", "name", "kind")
COMMON = ("f",)
OF_FEATURE = (*COMMON, "crs", "datetime")
OF_ITEMS = (*OF_FEATURE, "limit", "after", "bbox", "bbox-crs", *FILTERS)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})")  # RFC 3339
_OPEN = {"", ".."}
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Question:
    """What an address of features asks for."""

    system: ReferenceSystem
    period: Period
    limit: int
    after: str | None
    box: Box | None
    equal: Mapping[str, str]

    @property
    def week(self) -> Week:
        """The week of the last day asked for; a period without end is asked today."""
        return Week.of_day(self.period.last or today())

    def filter_on(self, levels: tuple[int, ...], *, code: str | None = None) -> FeatureFilter:
        """Features of these levels that are asked for, or the one with this code."""
        level = self.equal.get("level")
        return FeatureFilter(
            period=self.period,
            levels=levels,
            box=self.box,
            level=None if level is None else int(level),
            parent=self.equal.get("parent"),
            code=code or self.equal.get("code"),
            name=self.equal.get("name"),
            kind=self.equal.get("kind"),
        )


def no_question(request: Request) -> None:
    """Raises: BadQuery, when the address of a document carries anything but `f`."""
    _given(request, COMMON)


def question_of(request: Request, allowed: tuple[str, ...]) -> Question:
    """Raises: BadQuery."""
    given = _given(request, allowed)
    box_system = _system(given, "bbox-crs")
    equal = {name: given[name] for name in FILTERS if name in given}
    if "level" in equal and equal["level"] not in {"1", "2", "3", "4", "5"}:
        raise _refused("level", "1 to 5")
    return Question(
        system=_system(given, "crs"),
        period=_period(given.get("datetime")),
        limit=_limit(given.get("limit")),
        after=given.get("after"),
        box=_box(given["bbox"], box_system) if "bbox" in given else None,
        equal=equal,
    )


def _given(request: Request, allowed: tuple[str, ...]) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in allowed:
            raise _refused(name, f"unknown here; known: {', '.join(allowed)}", "unknown-parameter")
        if name in given:
            raise _refused(name, "given twice")
        if len(value) > _LONGEST or "\0" in value:
            raise _refused(name, "too long, or not text")
        given[name] = value
    if given.get("f", "json") != "json":
        raise _refused("f", "json")
    return given


def _refused(name: str, detail: str, code: str = "bad-parameter") -> BadQuery:
    return BadQuery(f"{name[:40]}: {detail}", errors=[FieldError(f"/query/{name[:40]}", code, detail)])


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < 1:
        raise _refused("limit", f"a number from 1 on; more than {MAX_LIMIT} are never sent at once")
    return min(int(text), MAX_LIMIT)  # part 1, 7.15.2: a larger number is no error


def _system(given: Mapping[str, str], name: str) -> ReferenceSystem:
    if name not in given:
        return CRS84
    system = SYSTEMS.get(given[name])
    if system is None:
        raise _refused(name, f"one of {', '.join(SYSTEMS)}")
    return system


def _box(text: str, system: ReferenceSystem) -> Box:
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        raise _refused("bbox", "four or six numbers") from None
    if len(values) not in {4, 6} or not all(map(math.isfinite, values)):
        raise _refused("bbox", "four or six numbers")
    if len(values) == 6:
        values = [*values[:2], *values[3:5]]  # grids have no height
    bounds = system.in_xy((values[0], values[1], values[2], values[3]))
    spans_180 = system.is_geographic and bounds[0] > bounds[2]
    if bounds[1] > bounds[3] or (bounds[0] > bounds[2] and not spans_180):
        raise _refused("bbox", "the smaller value of each axis first, in the axis order of bbox-crs")
    return Box(_on_earth(bounds) if system.is_geographic else bounds, system)


def _on_earth(bounds: BBox) -> BBox:
    """Clients that show the whole world ask for a little more than it has."""
    west, south, east, north = bounds
    if max(map(abs, bounds)) > 360 or south > 90 or north < -90:
        raise _refused("bbox", "degrees, in the axis order of bbox-crs: longitude first only in CRS84")
    return max(west, -180.0), max(south, -90.0), min(east, 180.0), min(north, 90.0)


def _period(text: str | None) -> Period:
    """The days that a moment or an interval (part 1, 7.15.4) touches in Asia/Shanghai; today if not given."""
    if text is None:
        return Period(today(), today())
    begin, slash, end = text.partition("/")
    if not slash:
        day = _day(begin)
        return Period(day, day)
    first = None if begin in _OPEN else _day(begin)
    last = None if end in _OPEN else _day(end)
    if first is not None and last is not None and first > last:
        raise _refused("datetime", "the earlier end first")
    return Period(first, last)


def _day(text: str) -> date:
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
        if _MOMENT.fullmatch(text):
            return local_date(datetime.fromisoformat(text.upper()))
    except (ValueError, OverflowError):
        pass
    raise _refused("datetime", "RFC 3339, like 2026-09-01 or 2026-09-01T08:00:00+08:00, or two and / between")
