"""Grid files of every kind are read alike."""

import json

import pytest
import shapely
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.apart import run_apart
from geo.files.geojson import UnreadableFile
from geo.files.layers import ENVIRONMENT
from geo.files.reading import ReadOptions, read_grid_file
from geo.fitting.topology import flat
from geo.models import GridVersion
from tests.geo import grid_files
from tests.geo.conftest import Run
from tests.geo.grid_files import geopackage, kml, shapefile
from tests.geo.street_file import CODE, box, in_datum, street


def test_only_the_drivers_that_are_needed_are_there() -> None:
    """None that opens addresses, programs or other files: OGR_VRT, HTTP, GPSBabel, WFS …"""
    found = run_apart("geo.files.layers:drivers", None, environment=ENVIRONMENT)
    assert set(found) - {"MEM"} == {"ESRI Shapefile", "GPKG", "LIBKML"}


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (geopackage(street()), "街道.gpkg"),
        (shapefile(street()), "街道.zip"),
        (shapefile(street(), encoding="GBK"), "街道.zip"),
        (shapefile(street(), encoding="GBK", without=[".cpg"]), "街道.zip"),
        (shapefile(street(), encoding="UTF-8", without=[".cpg", ".prj"]), "街道.zip"),
        (kml(street()), "街道.kml"),
        (grid_files.zipped({"doc.kml": kml(street())}), "街道.kmz"),
    ],
    ids=["gpkg", "shp", "shp-gbk", "shp-gbk-undeclared", "shp-utf8-undeclared", "kml", "kmz"],
)
def test_the_same_street_from_every_format(session: Session, run: Run, body: bytes, name: str) -> None:
    features, named_datum, _ = read_grid_file(body, name)
    report = run(features, named_datum=named_datum)
    assert report.imported, report.rejected
    assert report.codes[6] == CODE + "00"
    rows = session.execute(
        select(
            GridVersion.name,
            GridVersion.kind,
            GridVersion.households,
            GridVersion.attributes,
            func.ST_AsBinary(GridVersion.geom).label("wkb"),
        )
    )
    found = {row.name: row for row in rows}
    assert found.keys() == {one["properties"]["name"] for one in street()}
    assert found["西北"].kind == "commercial"
    assert found["东北"].households == 310
    assert found["一层"].attributes == {"floor": "F1"}
    assert found["珠宝柜台"].attributes == {"booth": "12"}
    shape = shapely.from_wkb(bytes(found["东片"].wkb))
    assert shape.equals_exact(flat(box(0.5, 0, 1, 1)), 1e-12, normalize=True)


def test_common_names_of_fields_are_recognised_and_told(run: Run) -> None:
    names = {"code": "网格编码", "name": "WGMC", "level": "网格等级", "parent": "上级", "households": "户数"}
    features, _, notes = read_grid_file(geopackage(street(), names=names), "街道.gpkg")
    assert run(features).imported
    assert "WGMC → name" in next(note.en for note in notes if note.code == "fields-recognised")


def test_field_names_of_ten_characters_and_what_is_said_in_brackets(run: Run) -> None:
    features = street()
    for one in features:
        one["properties"]["object_code"] = "990001"
    names = {"name": "名 称(必填)"}
    read, _, _ = read_grid_file(shapefile(features, names=names), "a.zip")
    assert read[0]["properties"]["object_code"] == "990001"
    assert read[0]["properties"]["name"] == "东南"
    assert run(read).codes[6] == "990001" + CODE[6:] + "00"


def test_a_declared_mapping(run: Run) -> None:
    features = street()
    for one in features:
        one["properties"] = {"A": one["properties"].pop("name"), "name": "x", **one["properties"]}
    body = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    read, _, _ = read_grid_file(body, "x.geojson", ReadOptions(mapping={"name": "A"}))
    assert read[0]["properties"]["name"] == "东南"
    with pytest.raises(UnreadableFile, match="B"):
        read_grid_file(body, "x.geojson", ReadOptions(mapping={"name": "B"}))


@pytest.mark.parametrize("datum", ["EPSG:4549", "EPSG:4490", "GCJ02"])
def test_the_coordinate_system_in_the_file_is_compared(run: Run, datum: str) -> None:
    body = shapefile(in_datum(street(), datum), crs=None if datum == "GCJ02" else datum)
    features, named_datum, _ = read_grid_file(body, "a.zip")
    assert named_datum == (None if datum == "GCJ02" else datum)
    report = run(features, datum=datum, named_datum=named_datum)
    assert (report.imported, report.hints) == (True, ()), report.rejected
    contradicted = run(features, datum="EPSG:4547", named_datum=named_datum)
    assert ("datum-contradicted" in {hint.code for hint in contradicted.hints}) == (datum != "GCJ02")
