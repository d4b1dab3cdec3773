"""GPX files: read as they are, refused with a reason when they are dangerous, broken or empty."""

from datetime import UTC, datetime

import numpy as np
import pytest

from patrol.recording import gpx
from patrol.recording.gpx import GpxInvalid, read_gpx

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
GPX = '<gpx version="1.1" creator="t" xmlns="http://www.topografix.com/GPX/1/1">'


def point(
    lon: object = 118.9, lat: object = 32.1, time: str | None = "2026-11-16T01:00:00Z", more: str = ""
) -> str:
    stamp = f"<time>{time}</time>" if time else ""
    return f'<trkpt lon="{lon}" lat="{lat}">{more}{stamp}</trkpt>'


def file(*segments: str, head: str = HEAD) -> bytes:
    parts = "".join(f"<trkseg>{segment}</trkseg>" for segment in segments)
    return f"{head}{GPX}<trk>{parts}</trk></gpx>".encode()


def code_of(content: bytes) -> str:
    with pytest.raises(GpxInvalid) as caught:
        read_gpx(content)
    (error,) = caught.value.errors
    assert error.pointer == "/file"
    return error.code


def test_all_segments_are_read_in_order_of_time() -> None:
    content = file(
        point(118.9, 32.1, "2026-11-16T01:00:10Z") + point(118.91, 32.1, "2026-11-16T01:00:15.250Z"),
        point(118.89, 32.11, "2026-11-16T09:00:00+08:00", "<ele>12.5</ele>"),
        point(time=None),
    )

    track = read_gpx(content)

    assert (track.segments, track.points_without_time) == (3, 1)
    start = int(datetime(2026, 11, 16, 1, tzinfo=UTC).timestamp() * 1000)
    assert (track.fixes.at_ms - start).tolist() == [0, 10_000, 15_250]
    assert track.fixes.lon.tolist() == [118.89, 118.9, 118.91]
    assert track.fixes.altitude_m[0] == 12.5
    assert np.isnan(track.fixes.accuracy_m).all()
    assert np.isnan(track.fixes.speed_mps).all()
    assert not track.fixes.mock.any()


def test_gpx_1_0_states_speed_and_course() -> None:
    content = (
        '<gpx version="1.0" creator="t"><trk><trkseg><trkpt lat="32.1" lon="118.9">'
        "<time>2026-11-16T01:00:00Z</time><course>361</course><speed>1.5</speed></trkpt></trkseg></trk></gpx>"
    )
    fixes = read_gpx(content.encode()).fixes
    assert (fixes.speed_mps[0], fixes.heading_deg[0]) == (1.5, 1.0)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_other_encodings_are_read(encoding: str) -> None:
    head = '<?xml version="1.0" encoding="UTF-16"?>' if encoding == "utf-16" else HEAD
    content = file(point(), head=head).decode().encode(encoding)
    assert len(read_gpx(content).fixes) == 1


BILLION = '<!DOCTYPE gpx [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
FILE = '<!DOCTYPE gpx [<!ENTITY x SYSTEM "file:///etc/hostname">]>'


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "not-xml"),
        (b"{}", "not-xml"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "not-xml"),
        (file(point())[:-8], "not-xml"),
        (b"<kml><trkpt/></kml>", "not-gpx"),
        (file(head=HEAD + BILLION), "has-doctype"),
        (file(head=HEAD + FILE), "has-doctype"),
        ((HEAD.replace("UTF-8", "UTF-16") + FILE + GPX + "</gpx>").encode("utf-16"), "has-doctype"),
        (file(), "no-points"),
        (f"{GPX}<wpt lat='32' lon='118'><time>2026-11-16T01:00:00Z</time></wpt></gpx>".encode(), "no-points"),
        (file(point(time=None)), "no-times"),
        (file(point(time="2026-11-16T01:00:00")), "no-time-zone"),
        (file(point(time="yesterday")), "no-times"),
        (file(point(lon="nan")), "not-a-position"),
        (file(point(lon="east")), "not-gpx"),
        (file("<trkpt lat='32'/>"), "not-gpx"),
        (file("<a>" * 100 + "</a>" * 100), "too-deep"),
    ],
)
def test_what_cannot_be_read_says_why(content: bytes, code: str) -> None:
    assert code_of(content) == code


def test_size_and_number_of_points_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpx, "MAX_GPX_POINTS", 2)
    assert code_of(file(point() * 3)) == "too-many-points"
    monkeypatch.setattr(gpx, "MAX_GPX_BYTES", 10)
    assert code_of(file(point())) == "too-large"
