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
_NO_TIME = "no setting of a clock"
_LATER = "later than the server's time; check the phone's clock"


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
        yield FieldError(pointer, "in-the-future", f"{moment.isoformat()} is later than the server's time")
    if moment < received_at - timedelta(days=limits.max_fix_age_days):
        yield FieldError(
            pointer, "too-old", f"{moment.isoformat()} is more than {limits.max_fix_age_days} days ago"
        )


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
        yield FieldError("/datum", "unknown-datum", f"{datum[:40]!r} is none of {known}")


def _position_errors(fixes: Fixes, base: str) -> Iterator[FieldError]:
    lon, lat = fixes.lon, fixes.lat
    outside = ~_in_china(lon, lat)
    if outside.any():
        swapped = outside & _in_china(lat, lon)
        yield from _at(swapped, base, "lon", "lon-lat-swapped", "longitude and latitude are exchanged")
        elsewhere = outside & ~swapped
        yield from _at(elsewhere, base, "lon", "outside-china", "the position lies outside China", lon, lat)


def _value_errors(fixes: Fixes, base: str) -> Iterator[FieldError]:
    accuracy, altitude = fixes.accuracy_m, fixes.altitude_m
    speed, heading = fixes.speed_mps, fixes.heading_deg
    yield from _at(accuracy < 0, base, "accuracy_m", "negative", "an accuracy is a radius from 0", accuracy)
    yield from _at(accuracy > _MAX_ACCURACY_M, base, "accuracy_m", "out-of-range", "too large", accuracy)
    yield from _at(speed > _MAX_SPEED_MPS, base, "speed_mps", "out-of-range", "too fast", speed)
    yield from _at(heading > 360, base, "heading_deg", "out-of-range", "degrees go from 0 to 360", heading)
    wrong = (altitude < _ALTITUDE_M[0]) | (altitude > _ALTITUDE_M[1])
    yield from _at(wrong, base, "altitude_m", "out-of-range", "no altitude on earth", altitude)


def _time_errors(
    fixes: Fixes, base: str, received_at: datetime, limits: PatrolSettings
) -> Iterator[FieldError]:
    latest = int((received_at.timestamp() + limits.max_fix_future_s) * 1000)
    earliest = int((received_at.timestamp() - limits.max_fix_age_days * 86_400) * 1000)
    yield from _at(fixes.at_ms > latest, base, "at", "in-the-future", _LATER)
    too_old = f"more than {limits.max_fix_age_days} days ago; check the phone's clock"
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
        return FieldError("/fixes", "no-fixes", "a segment holds at least one fix")
    return FieldError("/fixes", "too-many-fixes", f"a segment holds at most {MAX_FIXES} fixes, not {count}")


def _invalid(errors: Sequence[FieldError]) -> SegmentInvalid:
    left_out = len(errors) - _MAX_ERRORS
    detail = f"The first {_MAX_ERRORS} of {len(errors)} errors are listed." if left_out > 0 else None
    return SegmentInvalid(detail, errors=errors[:_MAX_ERRORS])


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
        return FieldError("", "not-json", "nested too deeply")
    place = _BYTE.search(str(error))
    if place is None:
        return FieldError("", "not-json", f"the text ends too early, after {len(body)} bytes")
    byte = int(place[1])
    # The parser notices some bytes into the word: after the sign, or where `null` would have ended.
    word = _NOT_JSON_NUMBER.search(body, max(byte - 4, 0), byte + 9)
    if word:
        detail = f"{word[0].decode()} is no JSON number (byte {word.start()}): leave the field out"
        return FieldError("", "not-a-number", detail)
    return FieldError("", "not-json", f"not JSON at byte {byte}")
