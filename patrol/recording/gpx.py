"""A GPX file as fixes: for receivers and apps that record tracks but cannot speak to us.

GPX states no accuracy, so it stays unknown: no fix counts as inaccurate, and an error of 10 m is assumed
where one is needed (patrol/judging/chains.py).
"""

import math
from dataclasses import dataclass
from datetime import datetime
from xml.parsers import expat

import gpxpy
import numpy as np
from gpxpy.gpx import GPXException, GPXTrackPoint

from core.errors import FieldError, Invalid
from patrol.fixes import Fixes, from_columns

MAX_GPX_BYTES = 16 * 1024 * 1024
MAX_GPX_POINTS = 100_000  # a day and a quarter at one fix a second
_MAX_DEPTH = 64


class GpxInvalid(Invalid):
    """The GPX file cannot be read."""

    code = "gpx-invalid"


@dataclass(frozen=True, slots=True, eq=False)
class GpxTrack:
    """What a file holds: its timed points in order of time, and what had to be left out."""

    fixes: Fixes
    segments: int
    points_without_time: int


def read_gpx(content: bytes) -> GpxTrack:
    """All track points of a file that have a time. Raises: GpxInvalid with the reason."""
    if len(content) > MAX_GPX_BYTES:
        raise _invalid("too-large", f"the file has {len(content)} bytes; at most {MAX_GPX_BYTES} are read")
    encoding = _checked_xml(content)
    try:
        gpx = gpxpy.parse(content.decode(encoding))
    except (GPXException, ValueError, LookupError) as error:
        raise _invalid("not-gpx", f"the file is not GPX: {error}") from None
    points = [point for track in gpx.tracks for segment in track.segments for point in segment.points]
    if not points:
        raise _invalid("no-points", "the file holds no track points; waypoints and routes are no track")
    timed = [point for point in points if point.time is not None]
    if not timed:
        raise _invalid("no-times", "no track point has a time, so nothing can be said about a patrol")
    if any(_moment(point).utcoffset() is None for point in timed):
        raise _invalid("no-time-zone", "times must name their zone, in GPX always UTC: 2026-11-16T01:00:00Z")
    segments = sum(len(track.segments) for track in gpx.tracks)
    return GpxTrack(_fixes(sorted(timed, key=_moment)), segments, len(points) - len(timed))


def _fixes(points: list[GPXTrackPoint]) -> Fixes:
    rows = [
        (
            point.longitude,
            point.latitude,
            math.nan,  # GPX states no accuracy
            _stated(point.speed),
            _stated(point.course) % 360,
            _stated(point.elevation),
        )
        for point in points
    ]
    columns = np.array(rows).T
    if not np.isfinite(columns[:2]).all():
        raise _invalid("not-a-position", "a track point has no finite longitude and latitude")
    at_ms = np.array([round(_moment(point).timestamp() * 1000) for point in points], np.int64)
    return from_columns(at_ms, columns, np.zeros(len(points), np.bool_))


def _stated(value: float | None) -> float:
    return value if value is not None and math.isfinite(value) else math.nan


def _moment(point: GPXTrackPoint) -> datetime:
    assert point.time is not None
    return point.time


def _checked_xml(content: bytes) -> str:
    """The encoding of well-formed XML of bounded size and depth that declares no entities.

    Read once with expat before a tree is built: an entity could multiply a small file to gigabytes or name
    a file on the server.
    """
    checker = _XmlChecker()
    try:
        checker.parser.Parse(content, True)
    except expat.ExpatError as error:
        raise _invalid(
            "not-xml", f"not well-formed XML at line {error.lineno}: {expat.ErrorString(error.code)}"
        ) from None
    if not checker.is_gpx:
        raise _invalid("not-gpx", "the file is XML, but its root element is not gpx")
    return checker.encoding


class _XmlChecker:
    """Counts while expat reads; raises as soon as a limit is passed."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate()
        self.parser.StartDoctypeDeclHandler = self._on_doctype
        self.parser.EntityDeclHandler = self._on_doctype
        self.parser.XmlDeclHandler = self._on_declaration
        self.parser.StartElementHandler = self._on_start
        self.parser.EndElementHandler = self._on_end
        self.encoding = "utf-8-sig"
        self.is_gpx = False
        self._depth = 0
        self._points = 0

    def _on_doctype(self, *_: object) -> None:
        raise _invalid("has-doctype", "a document type or entity declaration is refused; GPX needs none")

    def _on_declaration(self, *declared: object) -> None:
        encoding = declared[1]
        if isinstance(encoding, str) and encoding.lower() != "utf-8":
            self.encoding = encoding

    def _on_start(self, name: str, *_: object) -> None:
        tag = name.rpartition(":")[2]
        if self._depth == 0:
            self.is_gpx = tag == "gpx"
        self._depth += 1
        self._points += tag == "trkpt"
        if self._depth > _MAX_DEPTH:
            raise _invalid("too-deep", f"elements are nested more than {_MAX_DEPTH} deep")
        if self._points > MAX_GPX_POINTS:
            raise _invalid("too-many-points", f"the file holds more than {MAX_GPX_POINTS} track points")

    def _on_end(self, *_: object) -> None:
        self._depth -= 1


def _invalid(code: str, detail: str) -> GpxInvalid:
    return GpxInvalid(errors=[FieldError("/file", code, detail)])
