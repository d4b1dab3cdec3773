"""A track segment as phones send it: read fast when it is right, explained field by field when it is not."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

import msgspec
import numpy as np

from core.errors import FieldError, Invalid
from core.settings import PatrolSettings
from geo.datums import Datum, to_cgcs2000
from patrol.fixes import (
    MAX_FIXES,
    Bool,
    Fixes,
    Float64,
    Int64,
    content_hash,
    encode_quanta,
    from_columns,
    from_quanta,
    quanta,
)
from patrol.presence.clocks import MAX_OFFSET_S, offset_s, sent_at_errors

MAX_BODY_BYTES = 1024 * 1024  # seven times a segment of 1000 fixes
_MAX_SEQ = 2**31 - 1
_MAX_ERRORS = 20  # one wrong setting on a phone makes every fix wrong in the same way

# What a phone in China can report; a position elsewhere is a swapped pair, a wrong datum or none at all.
_CHINA_LON = (73.0, 135.1)
_CHINA_LAT = (3.8, 53.6)
_MAX_ACCURACY_M = 1e7
_MAX_SPEED_MPS = 1000.0
_ALTITUDE_M = (-1000.0, 20_000.0)
_SWAPPED = "经纬度颠倒 / longitude and latitude are exchanged"
_OUTSIDE = "位置不在中国境内 / the position lies outside China"
_NO_TIME = "时间不合理，请检查手机时钟 / no setting of a clock"
_LATER = "晚于服务器时间，请检查手机时钟 / later than the server's time; check the phone's clock"


class SegmentInvalid(Invalid):
    """The segment cannot be read; it is kept for a person to look at."""

    code = "segment-invalid"


class _FixIn(msgspec.Struct, gc=False):
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    lon: float
    lat: float
    accuracy_m: float
    speed_mps: float | None = None
    heading_deg: float | None = None
    altitude_m: float | None = None
    mock: bool | None = None


class _SegmentIn(msgspec.Struct, gc=False):
    seq: Annotated[int, msgspec.Meta(ge=0, le=_MAX_SEQ)]
    datum: str
    fixes: list[_FixIn]
    sent_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class _Envelope(msgspec.Struct, gc=False):
    """The same with the fixes left unread, so that each can be explained apart."""

    seq: Annotated[int, msgspec.Meta(ge=0, le=_MAX_SEQ)]
    datum: str
    fixes: list[msgspec.Raw]
    sent_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


_SEGMENT = msgspec.json.Decoder(_SegmentIn)
_ENVELOPE = msgspec.json.Decoder(_Envelope)
_FIX = msgspec.json.Decoder(_FixIn)


@dataclass(frozen=True, slots=True, eq=False)
class Upload:
    """A segment ready to be stored: its fixes in order of time, in CGCS2000, as a blob."""

    seq: int
    datum: str  # as declared
    body_hash: bytes  # of what it says, not of how its JSON looked
    fix_count: int
    first_at_ms: int  # corrected, like the blob
    last_at_ms: int
    blob: bytes
    clock_offset_s: int = 0  # what was added to the times that the phone gave


def parse_segment(
    body: bytes, *, received_at: datetime, limits: PatrolSettings, came_at: datetime | None = None
) -> Upload:
    """The segment of a request body; `came_at` is when it first came, if it was kept aside since.

    Raises: SegmentInvalid, naming every wrong field it can.
    """
    try:
        segment = _SEGMENT.decode(body)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise _explained(body, error) from None
    if not 0 < len(segment.fixes) <= MAX_FIXES:
        raise SegmentInvalid(errors=[_wrong_count(len(segment.fixes))])
    fixes = _columns(segment.fixes)
    errors = sent_at_errors(segment.sent_at, came_at or received_at)
    offset = 0 if errors else offset_s(segment.sent_at, came_at or received_at)
    if segment.sent_at is None:
        errors += check_fixes(fixes, segment.datum, received_at=received_at, limits=limits)
    else:
        # The clock of a phone that says when it sent may be years off, and may have been set right on the
        # way: what it recorded happened all the same, and fixes of no time of the patrol are flagged.
        errors += _content_errors(fixes, segment.datum)
        errors += _at(_is_no_time(fixes.at_ms, received_at), "/fixes", "at", "impossible-clock", _NO_TIME)
    if errors:
        raise _invalid(errors)
    return make_upload(fixes, seq=segment.seq, datum=segment.datum, clock_offset_s=offset)


def check_fixes(
    fixes: Fixes, datum: str, *, received_at: datetime, limits: PatrolSettings, base: str = "/fixes"
) -> list[FieldError]:
    """Everything that is wrong with fixes that were readable; `base` points at the list they came from."""
    return [*_content_errors(fixes, datum, base), *_time_errors(fixes, base, received_at, limits)]


def make_upload(fixes: Fixes, *, seq: int, datum: str, clock_offset_s: int = 0) -> Upload:
    """Fixes in the declared datum, checked already, as an upload; their order does not matter.

    The hash is of what the phone says, so that a retry with another moment of sending is the same segment.
    """
    table, mock = _in_order(quanta(fixes), fixes.mock)
    body_hash = content_hash(table, mock, seq=seq, datum=datum)
    if datum in (Datum.CGCS2000, Datum.WGS84):  # the same numbers: no second rounding
        stored = table
    else:
        declared = from_quanta(table, mock)
        stored = quanta(declared.moved(*to_cgcs2000(declared.lon, declared.lat, datum)))
    if clock_offset_s:
        stored = stored.copy()
        stored[0] += clock_offset_s * 1000
    return Upload(
        seq=seq,
        datum=datum,
        body_hash=body_hash,
        fix_count=table.shape[1],
        first_at_ms=int(stored[0, 0]),
        last_at_ms=int(stored[0, -1]),
        blob=encode_quanta(stored, mock),
        clock_offset_s=clock_offset_s,
    )


def check_moment(
    pointer: str, moment: datetime, *, received_at: datetime, limits: PatrolSettings
) -> Iterator[FieldError]:
    """What is wrong with a device time: later than now, or older than anything a phone may still deliver."""
    if moment > received_at + timedelta(seconds=limits.max_fix_future_s):
        told = f"{moment.isoformat()} 晚于服务器时间 / it is later than the server's time"
        yield FieldError(pointer, "in-the-future", told)
    if moment < received_at - timedelta(days=limits.max_fix_age_days):
        days = limits.max_fix_age_days
        told = f"{moment.isoformat()} 已超过 {days} 天 / it is more than {days} days ago"
        yield FieldError(pointer, "too-old", told)


# ------------------------------------------------------------------------------------------- reading


def _columns(fixes: Sequence[_FixIn]) -> Fixes:
    at, *numbers, mock = zip(*map(msgspec.structs.astuple, fixes), strict=True)
    values = np.array(numbers, np.float64)  # None becomes nan
    speed_and_heading = values[3:5]
    speed_and_heading[speed_and_heading < 0] = np.nan  # iOS says -1 when it does not know
    at_s = np.array([moment.timestamp() for moment in at])
    return from_columns(np.rint(at_s * 1000).astype(np.int64), values, np.array(mock, np.bool_))


def _in_order(table: Int64, mock: Bool) -> tuple[Int64, Bool]:
    """Columns by time, ties by content, so that the hash does not depend on the order in the JSON."""
    at_ms = table[0]
    if np.all(at_ms[1:] > at_ms[:-1]):
        return table, mock
    order = np.lexsort((mock, *table[::-1]))
    return np.ascontiguousarray(table[:, order]), mock[order]


# ------------------------------------------------------------------------------------------ checking


def _content_errors(fixes: Fixes, datum: str, base: str = "/fixes") -> list[FieldError]:
    return [*_datum_errors(datum), *_position_errors(fixes, base), *_value_errors(fixes, base)]


def _is_no_time(at_ms: Int64, received_at: datetime) -> Bool:
    apart_ms = np.abs(at_ms - int(received_at.timestamp() * 1000))
    is_none: Bool = apart_ms > MAX_OFFSET_S * 1000
    return is_none


def _datum_errors(datum: str) -> Iterator[FieldError]:
    if datum not in set(Datum):
        known = ", ".join(Datum)
        told = f"坐标系 {datum[:40]!r} 应为其中之一：{known} / it is none of these"
        yield FieldError("/datum", "unknown-datum", told)


def _position_errors(fixes: Fixes, base: str) -> Iterator[FieldError]:
    lon, lat = fixes.lon, fixes.lat
    outside = ~_in_china(lon, lat)
    if outside.any():
        swapped = outside & _in_china(lat, lon)
        yield from _at(swapped, base, "lon", "lon-lat-swapped", _SWAPPED)
        elsewhere = outside & ~swapped
        yield from _at(elsewhere, base, "lon", "outside-china", _OUTSIDE, lon, lat)


def _value_errors(fixes: Fixes, base: str) -> Iterator[FieldError]:
    accuracy, altitude = fixes.accuracy_m, fixes.altitude_m
    speed, heading = fixes.speed_mps, fixes.heading_deg
    yield from _at(
        accuracy < 0,
        base,
        "accuracy_m",
        "negative",
        "精度不能为负 / an accuracy is a radius from 0",
        accuracy,
    )
    yield from _at(
        accuracy > _MAX_ACCURACY_M, base, "accuracy_m", "out-of-range", "过大 / too large", accuracy
    )
    yield from _at(speed > _MAX_SPEED_MPS, base, "speed_mps", "out-of-range", "过快 / too fast", speed)
    yield from _at(
        heading > 360,
        base,
        "heading_deg",
        "out-of-range",
        "应在 0 到 360 之间 / degrees go from 0 to 360",
        heading,
    )
    wrong = (altitude < _ALTITUDE_M[0]) | (altitude > _ALTITUDE_M[1])
    yield from _at(wrong, base, "altitude_m", "out-of-range", "海拔不合理 / no altitude on earth", altitude)


def _time_errors(
    fixes: Fixes, base: str, received_at: datetime, limits: PatrolSettings
) -> Iterator[FieldError]:
    latest = int((received_at.timestamp() + limits.max_fix_future_s) * 1000)
    earliest = int((received_at.timestamp() - limits.max_fix_age_days * 86_400) * 1000)
    yield from _at(fixes.at_ms > latest, base, "at", "in-the-future", _LATER)
    days = limits.max_fix_age_days
    too_old = f"已超过 {days} 天，请检查手机时钟 / more than {days} days ago; check the phone's clock"
    yield from _at(fixes.at_ms < earliest, base, "at", "too-old", too_old)


def _in_china(lon: Float64, lat: Float64) -> Bool:
    (west, east), (south, north) = _CHINA_LON, _CHINA_LAT
    inside: Bool = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    return inside


def _at(wrong: Bool, base: str, name: str, code: str, reason: str, *values: Float64) -> Iterator[FieldError]:
    if not wrong.any():
        return
    for index in np.flatnonzero(wrong).tolist():
        shown = ", ".join(f"{column[index]:.7g}" for column in values)
        yield FieldError(f"{base}/{index}/{name}", code, f"{reason}: {shown}" if shown else reason)


def _wrong_count(count: int) -> FieldError:
    if not count:
        return FieldError("/fixes", "no-fixes", "至少一个位置 / a segment holds at least one fix")
    told = f"一段最多 {MAX_FIXES} 个位置 / a segment holds at most {MAX_FIXES} fixes, not {count}"
    return FieldError("/fixes", "too-many-fixes", told)


def _invalid(errors: Sequence[FieldError]) -> SegmentInvalid:
    left_out = len(errors) - _MAX_ERRORS
    count = len(errors)
    told = (
        f"共 {count} 处错误，列出前 {_MAX_ERRORS} 处 / the first {_MAX_ERRORS} of {count} errors are listed"
    )
    return SegmentInvalid(told if left_out > 0 else None, errors=errors[:_MAX_ERRORS])


# ---------------------------------------------------------------------------------------- explaining

_BYTE = re.compile(r"\(byte (\d+)\)")
_PATH = re.compile(r" - at `\$(.*)`$")
_NOT_JSON_NUMBER = re.compile(rb"[+-]?\b(?:nan|inf|infinity)\b", re.IGNORECASE)
_CODES = (
    ("missing required field", "missing"),
    ("timezone component", "no-time-zone"),
    ("RFC3339", "bad-time"),
    ("out of range", "out-of-range"),
    (">=", "out-of-range"),
    ("<=", "out-of-range"),
    ("Expected", "wrong-type"),
)


def _explained(body: bytes, error: Exception) -> SegmentInvalid:
    if isinstance(error, msgspec.ValidationError):
        return _invalid(_shape_errors(body) or [_shape_error(error, "")])
    return SegmentInvalid(errors=[_syntax_error(body, error)])


def _shape_errors(body: bytes) -> list[FieldError]:
    """What is wrong with the envelope, or else with each fix."""
    try:
        envelope = _ENVELOPE.decode(body)
    except msgspec.ValidationError as error:
        return [_shape_error(error, "")]
    except (msgspec.MsgspecError, RecursionError) as error:
        return [_syntax_error(body, error)]
    errors = []
    for index, raw in enumerate(envelope.fixes):
        try:
            _FIX.decode(raw)
        except (msgspec.MsgspecError, RecursionError) as error:
            errors.append(_shape_error(error, f"/fixes/{index}"))
    return errors


def _shape_error(error: Exception, base: str) -> FieldError:
    message = str(error)
    path = _PATH.search(message)
    where = path[1].replace("[", ".").replace("]", "").replace(".", "/") if path else ""
    message = _PATH.sub("", message)
    missing = re.search(r"missing required field `(\w+)`", message)
    if missing:
        where += f"/{missing[1]}"
    code = next((code for part, code in _CODES if part in message), "wrong-type")
    return FieldError(base + where, code, message)


def _syntax_error(body: bytes, error: Exception) -> FieldError:
    if isinstance(error, RecursionError):
        return FieldError("", "not-json", "嵌套过深 / nested too deeply")
    place = _BYTE.search(str(error))
    if place is None:
        size = len(body)
        told = f"内容在第 {size} 字节处中断 / the text ends too early, after {size} bytes"
        return FieldError("", "not-json", told)
    byte = int(place[1])
    # The parser notices some bytes into the word: after the sign, or where `null` would have ended.
    word = _NOT_JSON_NUMBER.search(body, max(byte - 4, 0), byte + 9)
    if word:
        shown = f"{word[0].decode()} (byte {word.start()}) "
        detail = f"{shown}不是 JSON 数字，请去掉该项 / it is no JSON number: leave the field out"
        return FieldError("", "not-a-number", detail)
    return FieldError("", "not-json", f"第 {byte} 字节处不是 JSON / not JSON at byte {byte}")
