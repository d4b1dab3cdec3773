"""A batch of position fixes as columns, and how a batch is stored: quantised, delta coded, deflated.

A segment row holds one blob of `encode`; a row per fix with its index takes 111 bytes per fix, this about 9.
"""

import hashlib
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

# Quanta: 1e-7 degrees (1 cm), 0.1 m, 0.01 m/s, 0.1 degree, 0.1 m. Times are whole milliseconds.
_SCALES = np.array([1e7, 1e7, 10.0, 100.0, 10.0, 10.0])
_ABSENT = np.iinfo(np.int64).min
_COLUMNS = 7  # at, lon, lat, accuracy, speed, heading, altitude
_LON, _LAT = 1, 2
_ALL_ROWS = list(range(_COLUMNS))
_ALL_MASK = (1 << _COLUMNS) - 1

CODEC_VERSION = 1
MAX_FIXES = 1000  # per wire segment (design 8) and per blob
# version, column mask, stream bits, count, length of the low stream, first time, mean time step, first lon
# and lat
BLOB_HEAD = struct.Struct("<BBBHHqiii")
_MAX_STEP_MS = 2**31 - 1
_LOW_DEFLATED, _HIGH_DEFLATED, _HAS_MOCK = 1, 2, 4


@dataclass(frozen=True, slots=True, eq=False)
class Fixes:
    """Parallel columns of a batch; lon/lat CGCS2000 once past the boundary, nan = the device did not say."""

    at_ms: Int64  # UTC epoch
    lon: Float64
    lat: Float64
    accuracy_m: Float64
    speed_mps: Float64
    heading_deg: Float64
    altitude_m: Float64
    mock: Bool

    def __len__(self) -> int:
        return len(self.at_ms)

    def take(self, index: Int64 | Bool) -> "Fixes":
        return Fixes(*(getattr(self, field.name)[index] for field in fields(self)))

    def part(self, start: int, end: int) -> "Fixes":
        """Those from one place up to another, without a copy."""
        return Fixes(*(getattr(self, field.name)[start:end] for field in fields(self)))

    def moved(self, lon: Float64, lat: Float64) -> "Fixes":
        """The same fixes at other coordinates, for a change of datum."""
        return replace(self, lon=lon, lat=lat)


def in_batches(fixes: Fixes, size: int) -> Iterator[Fixes]:
    """The fixes in batches of at most `size`, in order."""
    for start in range(0, len(fixes), size):
        yield fixes.take(np.arange(start, min(start + size, len(fixes))))


def join(batches: Iterable[Fixes]) -> Fixes:
    """All fixes of several batches, in the order given."""
    parts = list(batches)
    if not parts:
        return from_quanta(np.empty((_COLUMNS, 0), np.int64), np.empty(0, np.bool_))
    if len(parts) == 1:
        return parts[0]
    return Fixes(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Fixes)))


def quanta(fixes: Fixes) -> Int64:
    """The columns as whole quanta, one row per column; what is hashed and stored."""
    table = np.empty((_COLUMNS, len(fixes)), np.int64)
    table[0] = fixes.at_ms
    scaled = np.stack(
        (fixes.lon, fixes.lat, fixes.accuracy_m, fixes.speed_mps, fixes.heading_deg, fixes.altitude_m)
    )
    scaled *= _SCALES[:, None]
    np.rint(scaled, out=scaled)
    absent = np.isnan(scaled)
    scaled[absent] = 0.0
    table[1:] = scaled
    table[1:][absent] = _ABSENT
    return table


def from_quanta(table: Int64, mock: Bool) -> Fixes:
    """Columns of a table of quanta; the inverse of `quanta`."""
    values = table[1:] / _SCALES[:, None]
    values[table[1:] == _ABSENT] = np.nan
    return from_columns(table[0], values, mock)


def from_columns(at_ms: Int64, values: Float64, mock: Bool) -> Fixes:
    """Fixes whose six columns of numbers are the rows of one table."""
    lon, lat, accuracy_m, speed_mps, heading_deg, altitude_m = values
    return Fixes(at_ms, lon, lat, accuracy_m, speed_mps, heading_deg, altitude_m, mock)


def content_hash(table: Int64, mock: Bool, *, seq: int, datum: str) -> bytes:
    """Fingerprint of what a segment says, whatever its JSON looked like: a re-serialised retry is equal."""
    digest = hashlib.sha256(f"segment 1 {seq} {datum} {table.shape[1]}\n".encode())
    digest.update(table.tobytes())
    digest.update(mock.tobytes())
    return digest.digest()


def encode(fixes: Fixes) -> bytes:
    """The batch as one blob, lossless at the quanta.

    Differences of neighbours (second differences for lon/lat, which walk on) are split into byte planes;
    the noisy low planes and the nearly empty high planes are deflated apart, since one Huffman table cannot
    suit both.
    """
    return encode_quanta(quanta(fixes), fixes.mock)


def encode_quanta(table: Int64, mock: Bool) -> bytes:
    """The blob of a table of quanta that the caller has already made."""
    count = table.shape[1]
    if not 0 < count <= MAX_FIXES:
        raise ValueError(f"a blob holds 1 to {MAX_FIXES} fixes, not {count}")
    first_at, first_lon, first_lat = (int(value) for value in table[: _LAT + 1, 0])
    # Any step would do, the rest is in the differences; the mean leaves the least.
    step = min((int(table[0, -1]) - first_at) // max(count - 1, 1), _MAX_STEP_MS)
    mask, filled, holes = _without_holes(table)
    planes, widths = _planes(_differences(filled, step))
    low, low_deflated = _deflated(planes[:, 0].tobytes())
    high_planes = b"".join(planes[row, 1:width].tobytes() for row, width in enumerate(widths))
    mocked = np.packbits(mock).tobytes() if mock.any() else b""
    high, high_deflated = _deflated(widths + high_planes + holes + mocked)
    streams = _LOW_DEFLATED * low_deflated | _HIGH_DEFLATED * high_deflated | _HAS_MOCK * bool(mocked)
    head = BLOB_HEAD.pack(CODEC_VERSION, mask, streams, count, len(low), first_at, step, first_lon, first_lat)
    return head + low + high


def decode(blobs: Sequence[bytes]) -> Fixes:
    """The fixes of several blobs of `encode`, in the order given.

    Decoded together: an hour of walking is twelve blobs, and per-blob array work would cost more than the
    judging.
    """
    if not blobs:
        return join([])
    parts = [_opened(blob) for blob in blobs]
    counts = np.array([part.count for part in parts])
    starts = np.concatenate(([0], np.cumsum(counts)[:-1]))
    planes = np.zeros((_COLUMNS * 8, int(counts.sum())), np.uint8)
    tails = [
        _read_planes(part, planes[:, start : start + part.count])
        for part, start in zip(parts, starts.tolist(), strict=True)
    ]
    steps = _unzigzag(planes)
    steps[0] += np.repeat([part.step for part in parts], counts)
    steps[_LON : _LAT + 1] = _running_sum(steps[_LON : _LAT + 1], starts, counts)
    for row, first in enumerate(zip(*(part.first for part in parts), strict=True)):
        steps[row, starts] = first
    table = _running_sum(steps, starts, counts)
    mock = np.zeros(table.shape[1], np.bool_)
    for part, start, tail in zip(parts, starts.tolist(), tails, strict=True):
        _read_marks(part, tail, table[:, start : start + part.count], mock[start : start + part.count])
    return from_quanta(table, mock)


@dataclass(frozen=True, slots=True)
class _Opened:
    """A blob's header and its two streams, inflated."""

    rows: list[int]
    has_mock: bool
    count: int
    step: int
    first: tuple[int, int, int]
    low: bytes
    high: bytes


def _opened(blob: bytes) -> _Opened:
    if not blob or blob[0] != CODEC_VERSION:
        raise ValueError(f"unknown fix codec version {blob[:1].hex() or 'none'}")
    _, mask, streams, count, low_length, first_at, step, lon, lat = BLOB_HEAD.unpack_from(blob)
    split = BLOB_HEAD.size + low_length
    low, high = blob[BLOB_HEAD.size : split], blob[split:]
    if streams & _LOW_DEFLATED:
        low = zlib.decompress(low, -15)
    if streams & _HIGH_DEFLATED:
        high = zlib.decompress(high, -15)
    return _Opened(_rows(mask), bool(streams & _HAS_MOCK), count, step, (first_at, lon, lat), low, high)


def _rows(mask: int) -> list[int]:
    return _ALL_ROWS if mask == _ALL_MASK else [row for row in _ALL_ROWS if mask >> row & 1]


def _without_holes(table: Int64) -> tuple[int, Int64, bytes]:
    """Column mask, the columns that hold anything with each hole repeating its neighbour, bitmaps of the
    holes.
    """
    absent = table == _ABSENT
    if not absent.any():
        return _ALL_MASK, table, b"\x00"
    rows = np.flatnonzero(~absent.all(axis=1)).tolist()
    filled = table[rows]
    holed, bitmaps = 0, b""
    for place, row in enumerate(rows):
        holes = absent[row]
        if holes.any():
            holed |= 1 << row
            bitmaps += np.packbits(holes).tobytes()
            known = np.flatnonzero(~holes)
            before = np.searchsorted(known, np.arange(len(holes)), side="right") - 1
            filled[place] = table[row, known[np.maximum(before, 0)]]
    return sum(1 << row for row in rows), filled, bytes([holed]) + bitmaps


def _differences(table: Int64, step: int) -> Int64:
    steps = np.empty_like(table)
    steps[:, 0] = table[:, 0]
    np.subtract(table[:, 1:], table[:, :-1], out=steps[:, 1:])
    steps[: _LAT + 1, 0] = 0  # the header has them
    steps[0, 1:] -= step
    walk = steps[_LON : _LAT + 1]
    walk[:, 1:] -= walk[:, :-1].copy()
    return steps


def _planes(steps: Int64) -> tuple[NDArray[np.uint8], bytes]:
    """Zigzag integers as bytes (row, plane from low to high, fix) and the bytes each row needs."""
    zigzag = (steps << 1) ^ (steps >> 63)
    widths = bytes(max(1, (value.bit_length() + 7) // 8) for value in zigzag.max(axis=1).tolist())
    octets: NDArray[np.uint8] = zigzag.astype("<i8", copy=False).view(np.uint8)
    return np.ascontiguousarray(octets.reshape(*steps.shape, 8).transpose(0, 2, 1)), widths


def _read_planes(part: _Opened, planes: NDArray[np.uint8]) -> int:
    """Put the planes of one blob in place; the answer is where its marks begin in the high stream."""
    rows = len(part.rows)
    places = _plane_places(tuple(part.rows), part.high[:rows])
    stored = np.frombuffer(part.low + part.high[rows:], np.uint8, len(places) * part.count)
    planes[places] = stored.reshape(len(places), part.count)
    return rows + (len(places) - rows) * part.count


@lru_cache(maxsize=256)
def _plane_places(rows: tuple[int, ...], widths: bytes) -> Int64:
    """Where each stored plane belongs among eight planes a column: first every lowest plane, then the
    others.
    """
    low = [8 * row for row in rows]
    high = [8 * row + plane for row, width in zip(rows, widths, strict=True) for plane in range(1, width)]
    return np.array(low + high, np.int64)


def _read_marks(part: _Opened, used: int, table: Int64, mock: Bool) -> None:
    """Put back what one blob did not say, and which of its fixes were mock positions."""
    octets = (part.count + 7) // 8
    for row in _ALL_ROWS if len(part.rows) < _COLUMNS else ():
        if row not in part.rows:
            table[row] = _ABSENT
    holed, used = part.high[used], used + 1
    for row in _rows(holed) if holed else ():
        holes = np.unpackbits(np.frombuffer(part.high, np.uint8, octets, used), count=part.count)
        table[row, holes.astype(np.bool_)] = _ABSENT
        used += octets
    if part.has_mock:
        bits = np.frombuffer(part.high, np.uint8, octets, used)
        mock[:] = np.unpackbits(bits, count=part.count).astype(np.bool_)


def _unzigzag(planes: NDArray[np.uint8]) -> Int64:
    octets = np.ascontiguousarray(planes.reshape(_COLUMNS, 8, -1).transpose(0, 2, 1))
    # never near the sign bit: the quanta are far below 2**62
    zigzag = octets.reshape(_COLUMNS, -1).view("<i8")
    return (zigzag >> 1) ^ -(zigzag & 1)


def _running_sum(steps: Int64, starts: Int64, counts: Int64) -> Int64:
    """Sums along each row that begin anew at each start."""
    total = np.cumsum(steps, axis=1)
    if len(starts) == 1:
        return total
    before = total[:, starts] - steps[:, starts]
    total -= np.repeat(before, counts, axis=1)
    return total


def _deflated(raw: bytes) -> tuple[bytes, bool]:
    deflater = zlib.compressobj(6, zlib.DEFLATED, -12, 5)  # a small window: setting it up is most of the cost
    small = deflater.compress(raw) + deflater.flush()
    return (small, True) if len(small) < len(raw) else (raw, False)
