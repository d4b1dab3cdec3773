"""Positions as native trackers send them, each app in its own protocol, read into one form.

The protocols are public: that of OsmAnd and Traccar Client as query or form, that of Traccar Client from
version 9 as JSON, and that of OwnTracks over HTTP. All of them speak of WGS 84. What a tracker says beside
its position (odometer, activity, cell towers) is not read: nobody asked for it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from core.errors import FieldError, Invalid

KNOT_MPS = 1852 / 3600
KMH_MPS = 1 / 3.6
# A horizontal dilution of 1 is about this far off under an open sky; said by trackers that state no accuracy.
_METRES_PER_HDOP = 5.0
_MILLISECONDS_FROM = 1e11  # a larger number is no second of this millennium
_NO_MOMENT_FROM = 1e14  # milliseconds: the year 5138
_MOST_AT_ONCE = 200
_LONGEST = 64  # characters of a value in a query
# Only what binds: a tracker's JSON has many more members, and new ones with each version.
_Members = dict[str, Any]


class TrackerUnreadable(Invalid):
    """This is no position that can be read."""

    code = "tracker-unreadable"


@dataclass(frozen=True, slots=True)
class Reported:
    """One position, in degrees of WGS 84; None where the tracker did not say."""

    at_ms: int  # UTC epoch
    lon: float
    lat: float
    accuracy_m: float | None = None
    speed_mps: float | None = None
    heading_deg: float | None = None
    altitude_m: float | None = None
    is_mock: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """What one request said: positions, perhaps none, and how full the battery is."""

    fixes: tuple[Reported, ...] = ()
    battery_percent: int | None = None


# ------------------------------------------------------------------------------ OsmAnd and Traccar Client


def read_query(said: Mapping[str, str], *, received_at: datetime) -> Message:
    """A position in a query or a form. Raises: TrackerUnreadable.

    Speeds are knots and times seconds, as Traccar has it; a message without a position is a sign of life.
    """
    battery = _percent(_number(said, "batt"))
    lon, lat = _number(said, "lon"), _number(said, "lat")
    if "location" in said and "," in said["location"]:
        lat, lon = (_as_number("location", part) for part in said["location"].split(",", 1))
    is_none = said.get("valid", "true").lower() in {"false", "0"}
    if lon is None or lat is None or is_none or (lon == 0 and lat == 0):
        return Message((), battery)
    hdop = _number(said, "hdop")
    accuracy_m = _number(said, "accuracy")
    if accuracy_m is None and hdop is not None:
        accuracy_m = hdop * _METRES_PER_HDOP
    speed = _number(said, "speed")
    fix = Reported(
        at_ms=_moment_ms(said.get("timestamp") or received_at.isoformat()),
        lon=lon,
        lat=lat,
        accuracy_m=_unless_negative(accuracy_m),
        speed_mps=_unless_negative(None if speed is None else speed * KNOT_MPS),
        heading_deg=_unless_negative(_number(said, "bearing", "heading")),
        altitude_m=_number(said, "altitude"),
        is_mock=said.get("mock", "").lower() in {"true", "1"},
    )
    return Message((fix,), battery)


def read_traccar(document: Any) -> Message:
    """The JSON of Traccar Client: one location or several. Raises: TrackerUnreadable."""
    found = _object(document).get("location")
    locations = found if isinstance(found, list) else [found]
    if not 0 < len(locations) <= _MOST_AT_ONCE:
        raise _unreadable("/location", "out-of-range", f"1 to {_MOST_AT_ONCE} locations")
    fixes = tuple(_located(_object(one, "/location")) for one in locations)
    battery = _object(locations[-1], "/location").get("battery")
    level = _number(battery, "level") if isinstance(battery, dict) else None
    return Message(fixes, None if level is None or level < 0 else _percent(level * 100))


def _located(location: _Members) -> Reported:
    coords = _object(location.get("coords"), "/location/coords")
    return Reported(
        at_ms=_moment_ms(location.get("timestamp")),
        lon=_needed(coords, "longitude"),
        lat=_needed(coords, "latitude"),
        accuracy_m=_unless_negative(_number(coords, "accuracy")),
        speed_mps=_unless_negative(_number(coords, "speed")),  # here metres a second
        heading_deg=_unless_negative(_number(coords, "heading")),
        altitude_m=_number(coords, "altitude"),
        is_mock=location.get("mock") is True or coords.get("mock") is True,
    )


# ------------------------------------------------------------------------------------------------ OwnTracks


def read_owntracks(document: Any) -> Message:
    """A message of OwnTracks; one that is no location says nothing here. Raises: TrackerUnreadable.

    Its `vel` is km/h, its `tst` the second of the fix, not of the message.
    """
    said = _object(document)
    if said.get("_type") == "encrypted":
        raise _unreadable("/_type", "encrypted", "switch the payload encryption off and use https")
    if said.get("_type") != "location":
        return Message()
    speed = _number(said, "vel")
    fix = Reported(
        at_ms=_moment_ms(said.get("tst")),
        lon=_needed(said, "lon"),
        lat=_needed(said, "lat"),
        accuracy_m=_unless_negative(_number(said, "acc")),
        speed_mps=_unless_negative(None if speed is None else speed * KMH_MPS),
        heading_deg=_unless_negative(_number(said, "cog")),
        altitude_m=_number(said, "alt"),
        is_mock=said.get("mock") is True,
    )
    return Message((fix,), _percent(_number(said, "batt")))


# ----------------------------------------------------------------------------------------------- parts


def read_json(body: bytes) -> Any:
    """Raises: TrackerUnreadable."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        raise _unreadable("", "not-json", "not JSON") from None


def _object(value: Any, where: str = "") -> _Members:
    if not isinstance(value, dict):
        raise _unreadable(where, "wrong-type", "an object is needed")
    return value


def _needed(said: Mapping[str, Any], name: str) -> float:
    number = _number(said, name)
    if number is None:
        raise _unreadable(f"/{name}", "missing", f"{name} is missing")
    return number


def _number(said: Mapping[str, Any], *names: str) -> float | None:
    for name in names:
        if said.get(name) not in (None, ""):
            return _as_number(name, said[name])
    return None


def _as_number(name: str, value: Any) -> float:
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise TypeError(name)
        number = float(value[:_LONGEST] if isinstance(value, str) else value)
        if not math.isfinite(number):
            raise ValueError(name)
    except (TypeError, ValueError, OverflowError):
        raise _unreadable(f"/{name}", "not-a-number", f"{name} is no number") from None
    return number


def _moment_ms(value: Any) -> int:
    """Seconds or milliseconds of the epoch, RFC 3339, or the same without a zone, which is UTC."""
    try:
        number = _as_number("timestamp", value)
        if abs(number) > _NO_MOMENT_FROM:
            raise _unreadable("/timestamp", "out-of-range", "no time of this calendar")
        return round(number if abs(number) >= _MILLISECONDS_FROM else number * 1000)
    except TrackerUnreadable as problem:
        if problem.errors[0].code == "out-of-range":
            raise
    try:
        moment = datetime.fromisoformat(str(value)[:_LONGEST])
        zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return round(zoned.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise _unreadable("/timestamp", "bad-time", "no time that can be read") from None


def _unless_negative(value: float | None) -> float | None:
    """-1 is how both systems say that they do not know."""
    return None if value is None or value < 0 else value


def _percent(value: float | None) -> int | None:
    return None if value is None else round(min(max(value, 0.0), 100.0))


def _unreadable(pointer: str, code: str, detail: str) -> TrackerUnreadable:
    return TrackerUnreadable(errors=[FieldError(pointer, code, detail)])
