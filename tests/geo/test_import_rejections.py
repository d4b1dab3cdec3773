"""One rejected feature keeps the whole file out, and every reason is told at once."""

import json
from typing import Any

import pytest
import shapely
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo.datums import UnknownDatum
from geo.fitting.topology import geodesic_area_m2
from geo.models import Grid
from tests.geo.conftest import Run
from tests.geo.street_file import (
    CODE,
    COMMUNITY,
    STREET,
    box,
    feature,
    reasons,
    street,
)


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"level": 6}, "/properties/level", "level-range"),
        ({"level": None}, "/properties/level", "level-range"),
        ({"name": " "}, "/properties/name", "name-missing"),
        ({"name": None}, "/properties/name", "name-missing"),
        ({"households": -1}, "/properties/households", "households-range"),
        ({"households": "many"}, "/properties/households", "households-range"),
        ({"code": "123"}, "/properties/code", "code-length"),
        ({"code": "990000" + STREET + "00207"}, "/properties/code", "code-level"),  # not the parent's
        ({"code": CODE[:15] + "599" + "07"}, "/properties/code", "community-unknown"),
        ({"code": "123456" + COMMUNITY + "07"}, "/properties/code", "object-unknown"),
        ({"code": "990000" + STREET + "00200"}, "/properties/code", "code-level"),
        ({"code": CODE + "07-001"}, "/properties/code", "code-level"),
        ({"parent": None}, "/properties/parent", "parent-missing"),
        ({"parent": "nowhere"}, "/properties/parent", "parent-unknown"),
        ({"parent": CODE + "77"}, "/properties/parent", "parent-unknown"),
        ({"parent": "top"}, "/properties/parent", "parent-level"),
        ({"object_code": "12"}, "/properties/code", "invalid-grid-code"),
    ],
)  # fmt: skip
def test_a_wrong_property_is_named(
    session: Session, run: Run, change: dict[str, Any], field: str, reason: str
) -> None:
    features = street()
    features[1]["properties"].update(change)
    report = run(features)
    assert (1, field, reason) in reasons(report)
    assert not report.imported
    assert session.scalar(select(func.count()).select_from(Grid)) == 0


@pytest.mark.parametrize(
    ("ring", "field", "reason"),
    [
        ([["a", "b"]], "/geometry/coordinates", "coordinates-malformed"),
        ([[118.9, 32.1], [118.91]], "/geometry/coordinates", "coordinates-malformed"),
        ([[118.9, 32.1], [118.91, 32.1], [118.91, 32.11]], "/geometry/coordinates", "ring-too-short"),
        ([[0, 0], [1, 0], [1, 1], [0, 1]], "/geometry/coordinates", "ring-not-closed"),
        ([[1e999, 0], [1, 0], [1, 1], [1e999, 0]], "/geometry/coordinates", "coordinate-not-finite"),
        ([[118.9, 32], [119, 33], [119, 32], [118.9, 33], [118.9, 32]], "/geometry", "geometry-invalid"),
        ([[32, 118.9], [32, 119], [33, 119], [32, 118.9]], "/geometry", "axes-swapped"),
        ([[2, 48], [3, 48], [3, 49], [2, 48]], "/geometry", "outside-china"),
    ],
)
def test_a_wrong_ring_is_named(run: Run, ring: list[Any], field: str, reason: str) -> None:
    features = street()
    features[1]["geometry"] = {"type": "Polygon", "coordinates": [ring]}
    report = run(features)
    assert (1, field, reason) in reasons(report)
    assert not report.imported


@pytest.mark.parametrize(
    ("geometry", "field", "reason"),
    [
        (None, "/geometry", "geometry-missing"),
        ({"type": "Point", "coordinates": [118.9, 32.1]}, "/geometry/type", "geometry-kind"),
        ({"type": "Polygon", "coordinates": []}, "/geometry/coordinates", "geometry-empty"),
        ({"type": "MultiPolygon", "coordinates": [[]]}, "/geometry/coordinates", "geometry-empty"),
        ("POLYGON", "/geometry/type", "geometry-kind"),
    ],
)
def test_what_is_no_boundary_is_named(run: Run, geometry: Any, field: str, reason: str) -> None:
    features = street()
    features[1]["geometry"] = geometry
    assert (1, field, reason) in reasons(run(features))


def test_not_even_a_feature(run: Run) -> None:
    report = run([*street(), "text", {"type": "Feature", "properties": None, "geometry": None}])
    assert (10, "", "not-a-feature") in reasons(report)
    assert (11, "/properties/level", "level-range") in reasons(report)


def test_every_fault_of_a_file_is_told_at_once(run: Run) -> None:
    features = street()
    features[0]["properties"]["level"] = 9
    features[1]["geometry"] = None
    features[2]["properties"]["parent"] = "nowhere"
    assert [index for index, _, _ in reasons(run(features))] == [0, 1, 2]


def test_children_of_a_rejected_feature_say_so(run: Run) -> None:
    features = street()
    features[5]["properties"]["households"] = "?"  # the western half: two quarters, and the mall below
    assert {(index, reason) for index, _, reason in reasons(run(features))} == {
        (5, "households-range"),
        (2, "parent-rejected"),
        (3, "parent-rejected"),
        (7, "parent-rejected"),
        (8, "parent-rejected"),
        (9, "parent-rejected"),
    }


def test_a_code_twice_in_the_file(run: Run) -> None:
    features = street()
    features[0]["properties"]["code"] = features[1]["properties"]["code"] = CODE + "50"
    assert reasons(run(features)) == [(1, "/properties/code", "code-repeated")]


def test_a_floor_has_no_boundary(run: Run) -> None:
    features = street()
    features[7]["geometry"] = features[3]["geometry"]
    assert (7, "/geometry", "geometry-not-allowed") in reasons(run(features))


def test_an_overlap_of_siblings_names_both_and_the_area(run: Run) -> None:
    features = street()
    features[2]["geometry"] = json.loads(shapely.to_geojson(box(0, 0, 0.5, 0.6)))
    report = run(features)
    assert reasons(report) == [(3, "/geometry", "overlap")]
    assert "#2" in report.rejected[0].reason.en
    assert f"{geodesic_area_m2(box(0, 0.5, 0.5, 0.6)):.0f}" in report.rejected[0].reason.zh


def test_a_part_outside_the_parent(run: Run) -> None:
    features = street()
    features[0]["geometry"] = json.loads(shapely.to_geojson(box(0.5, 0, 1.1, 0.5)))
    assert reasons(run(features)) == [(0, "/geometry", "outside-parent")]


def test_a_gap_is_told_but_is_no_reason_to_refuse(run: Run) -> None:
    features = street()
    features[0]["geometry"] = json.loads(shapely.to_geojson(box(0.5, 0, 0.9, 0.5)))
    report = run(features)
    assert report.imported
    assert [hint.code for hint in report.hints] == ["coverage-gaps"]


def test_running_out_of_numbers(run: Run) -> None:
    cells = [feature(f"{i}", 2, box(i / 100, 0, (i + 1) / 100, 1), parent="top") for i in range(100)]
    report = run([*cells, feature("仙林新村", 1, box(0, 0, 1, 1), parent=COMMUNITY, ref="top")])
    assert {reason for _, _, reason in reasons(report)} == {"sequence-exhausted"}
    assert "another object code" in report.rejected[0].reason.en


def test_a_street_that_one_may_not_change(run: Run) -> None:
    report = run(street(), may_write=lambda path: path.startswith("320113008/"))
    assert (6, "/properties/code", "street-forbidden") in reasons(report)
    assert not report.imported


def test_an_unknown_datum(run: Run) -> None:
    with pytest.raises(UnknownDatum):
        run(street(), datum="EPSG:2437")
