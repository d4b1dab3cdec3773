"""Shapes drawn on a map: the same rules as for files, with the field of the body named."""

import json
from typing import Any

import numpy as np
import pytest
import shapely

from geo.datums import from_cgcs2000
from geo.plans.sketches import BadShape, line_of, polygon_of

DISK = shapely.Point(118.9, 32.1).buffer(0.1, quad_segs=2600)
BOW_TIE = shapely.Polygon([(118.9, 32.1), (119, 32.2), (119, 32.1), (118.9, 32.2)])


def as_json(shape: shapely.Geometry) -> dict[str, Any]:
    drawn: dict[str, Any] = json.loads(shapely.to_geojson(shape))
    return drawn


def test_a_boundary_arrives_in_cgcs2000() -> None:
    square = shapely.box(118.90, 32.10, 118.91, 32.11)
    assert polygon_of(as_json(square), "EPSG:4490").equals(square)
    corners = shapely.get_coordinates(square)
    shifted = shapely.Polygon(np.column_stack(from_cgcs2000(corners[:, 0], corners[:, 1], "GCJ02")))
    assert polygon_of(as_json(shifted), "GCJ02").symmetric_difference(square).area < 1e-12


@pytest.mark.parametrize(
    ("shape", "pointer", "code"),
    [
        (shapely.Point(118.9, 32.1), "/geometry/type", "geometry-kind"),
        (shapely.box(118.9, 32.1, 118.9000001, 32.1000001), "/geometry", "geometry-tiny"),
        (shapely.box(10, 50, 11, 51), "/geometry", "outside-china"),
        (BOW_TIE, "/geometry", "geometry-invalid"),
        (
            shapely.Point(118.9, 32.1).buffer(0.1, quad_segs=2600),
            "/geometry/coordinates",
            "too-many-positions",
        ),
    ],
)
def test_what_is_no_boundary_is_refused(shape: shapely.Geometry, pointer: str, code: str) -> None:
    with pytest.raises(BadShape) as refused:
        polygon_of(as_json(shape), "EPSG:4490")
    assert [(error.pointer, error.code) for error in refused.value.errors] == [(pointer, code)]


@pytest.mark.parametrize(
    "line",
    [
        {"type": "LineString", "coordinates": [[118.9, 32.1]]},
        {"type": "LineString", "coordinates": [[118.9, 32.1], [float("inf"), 32.1]]},
        {"type": "LineString", "coordinates": [[118.9, 32.1]] * 10_001},
        {"type": "LineString", "coordinates": [[118.9, 32.1], "x"]},
        {"type": "LineString"},
        {"type": "MultiLineString", "coordinates": []},
    ],
)
def test_what_is_no_line_is_refused(line: dict[str, Any]) -> None:
    with pytest.raises(BadShape):
        line_of(line, "EPSG:4490")


def test_a_line_loses_its_heights_and_its_datum() -> None:
    drawn = {"type": "LineString", "coordinates": [[118.9, 32.1, 12.0], [118.91, 32.1, 13.0]]}
    assert line_of(drawn, "EPSG:4490").coords[:] == [(118.9, 32.1), (118.91, 32.1)]
    lon, _ = line_of(drawn, "GCJ02").coords[0]
    assert 118.9 - lon == pytest.approx(0.0052, abs=0.0005)  # about 500 m at Nanjing
