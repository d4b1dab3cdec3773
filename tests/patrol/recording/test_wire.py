"""What phones send: read exactly, and every mistake named by field and reason."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from core.errors import FieldError
from core.settings import PatrolSettings
from geo.datums import from_cgcs2000
from patrol.fixes import decode
from patrol.recording.wire import SegmentInvalid, Upload, check_moment, parse_segment

RECEIVED = datetime(2026, 11, 16, 2, 0, tzinfo=UTC)
LIMITS = PatrolSettings()


def fix(**changes: Any) -> dict[str, Any]:
    base = {"at": "2026-11-16T01:00:00Z", "lon": 118.9, "lat": 32.1, "accuracy_m": 6.5}
    return {name: value for name, value in {**base, **changes}.items() if value is not ...}


def segment(*fixes: dict[str, Any], **changes: Any) -> dict[str, Any]:
    base = {"seq": 1, "datum": "EPSG:4326", "fixes": list(fixes) or [fix()]}
    return {name: value for name, value in {**base, **changes}.items() if value is not ...}


def parse(body: Any) -> Upload:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return parse_segment(text, received_at=RECEIVED, limits=LIMITS)


def errors_of(body: Any) -> tuple[FieldError, ...]:
    with pytest.raises(SegmentInvalid) as caught:
        parse(body)
    assert caught.value.code == "segment-invalid"
    return caught.value.errors


def places(body: Any) -> list[tuple[str, str]]:
    return [(error.pointer, error.code) for error in errors_of(body)]


def test_a_segment_is_read_with_everything_it_states() -> None:
    body = segment(
        fix(speed_mps=1.234, heading_deg=359.96, altitude_m=-3.2, mock=True),
        fix(at="2026-11-16T09:00:05.0004+08:00", lon=118.90000004, speed_mps=None, heading_deg=-1),
        seq=7,
    )

    upload = parse(body)
    fixes = decode([upload.blob])

    assert (upload.seq, upload.datum, upload.fix_count) == (7, "EPSG:4326", 2)
    assert upload.last_at_ms - upload.first_at_ms == 5000
    assert fixes.lon.tolist() == [118.9, 118.9]
    assert fixes.speed_mps[0] == 1.23
    assert fixes.heading_deg[0] == 360.0
    assert fixes.altitude_m[0] == -3.2
    assert np.isnan([fixes.speed_mps[1], fixes.heading_deg[1], fixes.altitude_m[1]]).all()
    assert fixes.mock.tolist() == [True, False]


def test_unknown_fields_of_a_newer_phone_are_no_error() -> None:
    assert parse(segment(fix(battery=0.8), app="9.9")).body_hash == parse(segment()).body_hash


def test_a_retry_written_in_another_way_is_equal() -> None:
    first = segment(fix(), fix(at="2026-11-16T01:00:05Z", lon=118.9000001))
    again = b"""{"fixes": [ {"lat":32.10, "lon": 118.90000010,"accuracy_m":65e-1,
        "at":"2026-11-16T09:00:05.000+08:00", "mock":false, "speed_mps":null},
        {"lat":32.1,"lon":118.9,"accuracy_m":6.5,"at":"2026-11-16T01:00:00Z"}],
        "datum":"EPSG:4326", "seq":1}"""

    assert parse(first).body_hash == parse(again).body_hash
    assert parse(first).blob == parse(again).blob


@pytest.mark.parametrize(
    "other",
    [segment(seq=2), segment(datum="EPSG:4490"), segment(fix(mock=True)), segment(fix(lat=32.1000001))],
    ids=["seq", "datum", "mock", "lat"],
)
def test_other_content_is_not_equal(other: dict[str, Any]) -> None:
    assert parse(other).body_hash != parse(segment()).body_hash


@pytest.mark.parametrize("datum", ["GCJ02", "BD09"])
def test_positions_are_stored_in_cgcs2000(datum: str) -> None:
    lon, lat = from_cgcs2000(118.9, 32.1, datum)

    fixes = decode([parse(segment(fix(lon=float(lon), lat=float(lat)), datum=datum)).blob])

    assert (fixes.lon[0], fixes.lat[0]) == pytest.approx((118.9, 32.1), abs=2e-7)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (segment(fix(accuracy_m=...)), [("/fixes/0/accuracy_m", "missing")]),
        (segment(fix(), fix(lon=...)), [("/fixes/1/lon", "missing")]),
        (segment(fix(lat=...), fix(at=...)), [("/fixes/0/lat", "missing"), ("/fixes/1/at", "missing")]),
        (segment(fix(lon="118.9")), [("/fixes/0/lon", "wrong-type")]),
        (segment(fix(lat=None)), [("/fixes/0/lat", "wrong-type")]),
        (segment(fix(mock="no")), [("/fixes/0/mock", "wrong-type")]),
        (segment(fix(at="2026-11-16T01:00:00")), [("/fixes/0/at", "no-time-zone")]),
        (segment(fix(at="yesterday")), [("/fixes/0/at", "bad-time")]),
        (segment(fix(at=1_790_000_000)), [("/fixes/0/at", "wrong-type")]),
        (segment(fixes=[fix(), 3]), [("/fixes/1", "wrong-type")]),
        (segment(fixes=[]), [("/fixes", "no-fixes")]),
        (segment(fixes=[fix()] * 1001), [("/fixes", "too-many-fixes")]),
        (segment(fixes=...), [("/fixes", "missing")]),
        (segment(fixes={}), [("/fixes", "wrong-type")]),
        (segment(datum=...), [("/datum", "missing")]),
        (segment(datum="WGS84"), [("/datum", "unknown-datum")]),
        (segment(datum="EPSG:4549"), [("/datum", "unknown-datum")]),
        (segment(seq=...), [("/seq", "missing")]),
        (segment(seq=-1), [("/seq", "out-of-range")]),
        (segment(seq=2**31), [("/seq", "out-of-range")]),
        (segment(seq=1.5), [("/seq", "wrong-type")]),
        (segment(fix(lon=32.1, lat=118.9)), [("/fixes/0/lon", "lon-lat-swapped")]),
        (segment(fix(lon=0, lat=0)), [("/fixes/0/lon", "outside-china")]),
        (segment(fix(lon=139.7, lat=35.7)), [("/fixes/0/lon", "outside-china")]),
        (segment(fix(accuracy_m=-1)), [("/fixes/0/accuracy_m", "negative")]),
        (segment(fix(accuracy_m=1e8)), [("/fixes/0/accuracy_m", "out-of-range")]),
        (segment(fix(speed_mps=1e4)), [("/fixes/0/speed_mps", "out-of-range")]),
        (segment(fix(heading_deg=361)), [("/fixes/0/heading_deg", "out-of-range")]),
        (segment(fix(altitude_m=1e5)), [("/fixes/0/altitude_m", "out-of-range")]),
        (segment(fix(at="2026-11-16T02:05:01Z")), [("/fixes/0/at", "in-the-future")]),
        (segment(fix(at="1970-01-01T00:00:00Z")), [("/fixes/0/at", "too-old")]),
        (segment(fix(at="0001-01-01T00:00:00+08:00")), [("/fixes/0/at", "too-old")]),
        (
            segment(fix(lat=0, accuracy_m=-1), datum="?"),
            [
                ("/datum", "unknown-datum"),
                ("/fixes/0/lon", "outside-china"),
                ("/fixes/0/accuracy_m", "negative"),
            ],
        ),
        ([], [("", "wrong-type")]),
        (b"", [("", "not-json")]),
        (b'{"seq": 1, "datum"', [("", "not-json")]),
        (b"\xff\xfe{", [("", "not-json")]),
        (b'{"seq": 1, "x": ' + b"[" * 100_000, [("", "not-json")]),
        (b"[" * 100_000, [("", "wrong-type")]),
    ],
)  # fmt: skip
def test_each_mistake_is_named(body: Any, expected: list[tuple[str, str]]) -> None:
    assert places(body) == expected


@pytest.mark.parametrize("word", [b"NaN", b"-NaN", b"nan", b"Infinity", b"-Infinity", b"inf"])
def test_numbers_that_json_does_not_know_are_named_with_their_byte(word: bytes) -> None:
    body = json.dumps(segment()).encode().replace(b"118.9", word)

    (error,) = errors_of(body)

    assert error.code == "not-a-number"
    assert f"(byte {body.index(word)})" in error.detail


def test_a_number_beyond_a_double_is_named() -> None:
    body = json.dumps(segment()).encode().replace(b"118.9", b"1e999")
    assert places(body) == [("/fixes/0/lon", "out-of-range")]


def test_the_list_of_errors_is_short() -> None:
    with pytest.raises(SegmentInvalid) as caught:
        parse(segment(*[fix(lon=0, lat=0)] * 50))
    assert len(caught.value.errors) == 20
    assert caught.value.detail == "共 50 处错误，列出前 20 处 / the first 20 of 50 errors are listed"


def test_the_edges_of_time_are_accepted() -> None:
    youngest = RECEIVED + timedelta(minutes=5)
    oldest = RECEIVED - timedelta(days=60)
    assert parse(segment(fix(at=youngest.isoformat()), fix(at=oldest.isoformat()))).fix_count == 2


@pytest.mark.parametrize(
    ("moment", "codes"),
    [
        (RECEIVED, []),
        (RECEIVED + timedelta(minutes=6), ["in-the-future"]),
        (RECEIVED - timedelta(days=61), ["too-old"]),
    ],
)
def test_start_and_finish_have_the_same_edges(moment: datetime, codes: list[str]) -> None:
    found = list(check_moment("/started_at", moment, received_at=RECEIVED, limits=LIMITS))
    assert [error.code for error in found] == codes
    assert all(error.pointer == "/started_at" for error in found)
