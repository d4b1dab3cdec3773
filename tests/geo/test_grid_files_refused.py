"""Files that are damaged, misleading or made to do harm: an error with a reason, and never more than that."""

import io
import sqlite3
import stat
import struct
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from core.errors import Invalid
from core.texts import WrongEncoding
from geo.files import archive
from geo.files.geojson import MAX_VERTICES, UnreadableFile
from geo.files.reading import ReadOptions, read_grid_file
from tests.geo.conftest import Run
from tests.geo.grid_files import curved_polygon, geopackage, kml, shapefile, shapes, written, zipped
from tests.geo.street_file import COMMUNITY, Feature, box, feature, reasons, street


def refused(body: bytes, name: str, **options: Any) -> Invalid:
    with pytest.raises((UnreadableFile, WrongEncoding)) as caught:
        read_grid_file(body, name, ReadOptions(**options))
    error = caught.value
    assert "xunge-" not in str(error.members())  # no folder of ours
    assert "/tmp" not in str(error.members())
    return error


def reason(error: Invalid) -> str:
    return error.errors[0].code


def read_and_run(run: Run, body: bytes, name: str) -> list[tuple[int, str, str]]:
    report = run(read_grid_file(body, name).features)
    assert not report.imported
    return reasons(report)


# ------------------------------------------------------------------------------------------ archives


def link() -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as made:
        info = zipfile.ZipInfo("grids.shp")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(info, "/etc/passwd")
    return body.getvalue()


def many() -> bytes:
    return zipped({f"{number}.txt": b"" for number in range(archive.MAX_MEMBERS + 1)})


def locked() -> bytes:
    body = bytearray(zipped({"a.shp": b"x"}))
    central = body.rindex(b"PK\x01\x02")
    body[6] |= 1
    body[central + 8] |= 1
    return bytes(body)


def lying_about_sizes() -> bytes:
    """A member that unpacks to more than its header says."""
    body = bytearray(zipped({"a.kml": bytes(50 * archive.MIB)}))
    for signature, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = body.rindex(signature)
        struct.pack_into("<I", body, start + at, 1000)
    return bytes(body)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (zipped({"a.shp": bytes(600 * archive.MIB)}), "archive-too-large"),
        (zipped({"a.shp": bytes(50 * archive.MIB)}), "archive-too-large"),  # 1000 : 1
        (many(), "archive-too-large"),
        (lying_about_sizes(), "archive-damaged"),
        (zipped({"inner.zip": zipped({"a.shp": b"x"})}), "archive-nested"),
        (zipped({"../a.shp": b"x"}), "archive-unsafe"),
        (zipped({"a/../../a.shp": b"x"}), "archive-unsafe"),
        (zipped({"/etc/a.shp": b"x"}), "archive-unsafe"),
        (zipped({"a\\..\\b.shp": b"x"}), "archive-unsafe"),
        (zipped({"C:a.shp": b"x"}), "archive-unsafe"),
        (link(), "archive-unsafe"),
        (locked(), "archive-locked"),
        (zipped({"readme.txt": b"x"}), "no-layer"),
        (zipped({}), "no-layer"),
        (shapefile(street())[:-100], "archive-damaged"),
        (shapefile(street(), without=[".dbf"]), "shapefile-incomplete"),
        (shapefile(street(), without=[".shx"]), "shapefile-incomplete"),
        (b"PK\x03\x04", "archive-damaged"),
    ],
)
def test_an_archive(body: bytes, expected: str) -> None:
    assert reason(refused(body, "a.zip")) == expected


def test_names_in_gbk_and_folders_and_the_rest_of_macos() -> None:
    parts = written(street(), "ESRI Shapefile")
    body = bytearray(
        zipped(
            {
                "__MACOSX/._x.shp": b"junk",
                **{f"xx/grids{suffix.upper()}": part for suffix, part in parts.items()},
            }
        )
    )
    body = bytearray(bytes(body).replace(b"xx/grids", "网/grids".encode("gbk")[:2] + b"/grids"))
    assert len(read_grid_file(bytes(body), "a.zip").features) == 10


def test_layers_are_named_when_there_are_several() -> None:
    parts = written(street(), "ESRI Shapefile")
    both = {f"{name}{suffix}": part for name in ("甲", "乙") for suffix, part in parts.items()}
    error = refused(zipped(both), "a.zip")
    assert (reason(error), error.errors[0].pointer) == ("several-layers", "/layer")
    assert error.extra["layers"] == ["甲", "乙"]
    assert read_grid_file(zipped(both), "a.zip", ReadOptions(layer="乙")).features
    assert reason(refused(zipped(both), "a.zip", layer="丙")) == "layer-unknown"


# ------------------------------------------------------------------------------------- other files


@pytest.mark.parametrize(
    ("body", "name", "expected"),
    [
        (b"", "a.gpkg", "file-empty"),
        (geopackage(street())[:5000], "a.gpkg", "file-damaged"),
        (geopackage([]), "a.gpkg", "file-empty"),
        (b"SQLite format 3\0" + b"\xff" * 2000, "a.gpkg", "file-damaged"),
        (b"nothing", "a.gpkg", "file-damaged"),
        (kml(street())[:900], "a.kml", "file-damaged"),
        (b"<kml xmlns='http://www.opengis.net/kml/2.2'><Document/></kml>", "a.kml", "no-layer"),
        (b"<kml", "a.kml", "file-damaged"),
        (written(street(), "ESRI Shapefile")[".shp"], "a.shp", "shapefile-not-zipped"),
        (b"%PDF-1.7", "a.pdf", "file-kind"),
        (b"<OGRVRTDataSource></OGRVRTDataSource>", "a.vrt", "file-kind"),
        (b"<OGRVRTDataSource></OGRVRTDataSource>", "a.kml", "file-damaged"),
    ],
)
def test_a_file(body: bytes, name: str, expected: str) -> None:
    assert reason(refused(body, name)) == expected


def test_a_view_that_calls_functions() -> None:
    """A view may name functions that open addresses; only tables are read."""
    body = changed(
        geopackage(street()),
        "CREATE VIEW trap AS SELECT fid, geom, load_extension('x') AS name FROM \"网格\"",
        "UPDATE gpkg_contents SET table_name = 'trap'",
        "UPDATE gpkg_geometry_columns SET table_name = 'trap'",
    )
    assert reason(refused(body, "a.gpkg", layer="trap")) == "layer-unknown"


def test_a_reference_to_another_file_is_not_followed() -> None:
    """XML entities and links of KML: nothing of this machine gets into the grids."""
    text = kml(street()[:1]).decode()
    trap = text.replace("?>", '?><!DOCTYPE kml [<!ENTITY x SYSTEM "file:///etc/hostname">]>', 1)
    trap = trap.replace("<name>东南</name>", "<name>&x;</name>")
    try:
        features, _, _ = read_grid_file(trap.encode(), "a.kml")
    except UnreadableFile:
        return
    secret = Path("/etc/hostname").read_text().strip()
    assert all(secret not in str(one["properties"]) for one in features)


def changed(body: bytes, *statements: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.gpkg")
        path.write_bytes(body)
        database = sqlite3.connect(path)
        for statement in statements:
            database.execute(statement)
        database.commit()
        database.close()
        return path.read_bytes()


# -------------------------------------------------------------------------------------- encodings


@pytest.mark.parametrize(
    ("actual", "cpg", "declared"),
    [
        ("GBK", b"UTF-8", None),
        ("UTF-8", b"GBK", None),
        ("GBK", b"GBK", "UTF-8"),
        ("UTF-8", b"UTF-8", "GBK"),
        ("UTF-8", b"UTF-8", "klingon"),
    ],
)
def test_a_wrong_encoding_is_an_error_and_no_garbled_text(
    actual: str, cpg: bytes, declared: str | None
) -> None:
    parts = {**written(street(), "ESRI Shapefile", encoding=actual), ".cpg": cpg}
    body = zipped({f"网格{suffix}": part for suffix, part in parts.items()})
    assert reason(refused(body, "a.zip", encoding=declared)) == "wrong-encoding"
    if cpg != actual.encode():
        assert (
            read_grid_file(body, "a.zip", ReadOptions(encoding=actual)).features[0]["properties"]["name"]
            == "东南"
        )


def test_field_names_cut_in_the_middle_of_a_character() -> None:
    names = {"name": "网格网格名称甲乙"}  # eight characters of GBK in ten bytes
    body = shapefile(street(), encoding="GBK", names=names)
    features, _, _ = read_grid_file(body, "a.zip", ReadOptions(mapping={"name": "网格网格名"}))
    assert features[0]["properties"]["name"] == "东南"


# -------------------------------------------------------------------------- geometries, per feature


def one_wrong(geometry: shapely.Geometry | bytes) -> bytes:
    wkb: list[bytes | None] = shapes(street())
    wkb[1] = geometry if isinstance(geometry, bytes) else shapely.to_wkb(geometry)
    return geopackage(street(), wkb=wkb)


def ring(*points: tuple[float, float]) -> bytes:
    return struct.pack("<BIII", 1, 3, 1, len(points)) + b"".join(struct.pack("<2d", *one) for one in points)


NAN = float("nan")


@pytest.mark.parametrize(
    ("geometry", "field", "expected"),
    [
        (shapely.Point(118.9, 32.1), "/geometry/type", "geometry-kind"),
        (shapely.LineString([(118.9, 32.1), (118.91, 32.1)]), "/geometry/type", "geometry-kind"),
        (
            shapely.GeometryCollection([box(0.5, 0.5, 1, 1), shapely.Point(118.9, 32.1)]),
            "/geometry/type",
            "geometry-kind",
        ),
        (shapely.Polygon(), "/geometry", "geometry-empty"),
        (curved_polygon(), "/geometry/type", "geometry-curved"),
        (
            ring((118.9, 32.1), (NAN, 32.1), (118.91, 32.11), (118.9, 32.1)),
            "/geometry",
            "coordinate-not-finite",
        ),
        (
            ring((118.9, 32.1), (float("inf"), 32.1), (118.91, 32.11), (118.9, 32.1)),
            "/geometry",
            "coordinate-not-finite",
        ),
        (ring((118.9, 32.1), (118.9, 32.1)), "/geometry/coordinates", "ring-too-short"),
        (ring((118.9, 32.1), (118.91, 32.1), (118.9, 32.1)), "/geometry", "geometry-invalid"),
        (
            ring((118.9, 32.1), (118.91, 32.1), (118.91, 32.11), (118.8, 32.0)),
            "/geometry/coordinates",
            "ring-not-closed",
        ),
    ],
)  # fmt: skip
def test_one_wrong_geometry_is_named_among_ten(
    run: Run, geometry: shapely.Geometry | bytes, field: str, expected: str
) -> None:
    assert (1, field, expected) in read_and_run(run, one_wrong(geometry), "a.gpkg")


def test_heights_and_measures_are_dropped_and_told(run: Run) -> None:
    high = shapely.to_wkb(shapely.force_3d(box(0.5, 0.5, 1, 1), 12.0))
    measured = shapely.from_wkt(
        "POLYGON M ((118.9 32.1 1, 118.904 32.1 2, 118.904 32.104 3, 118.9 32.104 4, 118.9 32.1 1))"
    )
    wkb: list[bytes | None] = shapes(street())
    wkb[1], wkb[2] = high, shapely.to_wkb(measured, flavor="iso")
    features, _, notes = read_grid_file(geopackage(street(), wkb=wkb), "a.gpkg")
    report = run(features)
    assert report.imported, report.rejected
    assert {note.code for note in (*notes, *report.hints)} == {"measures-dropped", "heights-dropped"}


def test_a_boundary_with_a_million_vertices_is_over_the_limit(run: Run) -> None:
    angle = np.linspace(0, 2 * np.pi, 1_000_000, endpoint=False)
    huge = shapely.Polygon(np.column_stack((118.904 + 0.003 * np.cos(angle), 32.104 + 0.003 * np.sin(angle))))
    features = [feature("大", 1, None, parent=COMMUNITY)]
    body = geopackage(features, wkb=[shapely.to_wkb(huge)])
    assert len(huge.exterior.coords) > MAX_VERTICES
    assert read_and_run(run, body, "a.gpkg") == [(0, "/geometry", "geometry-too-detailed")]


# ------------------------------------------------------------------------------- the tree, per feature


def with_parents(**parents: str) -> list[Feature]:
    features = street()
    for one in features:
        if one.get("id") in parents:
            one["properties"]["parent"] = parents[str(one["id"])]
    return features


@pytest.mark.parametrize("parents", [{"east": "west", "west": "east"}, {"east": "se"}, {"west": "west"}])
def test_parents_in_a_circle(run: Run, parents: Mapping[str, str]) -> None:
    found = read_and_run(run, geopackage(with_parents(**parents)), "a.gpkg")
    circle = [(index, code) for index, field, code in found if code == "parent-cycle"]
    assert {index for index, _ in circle} >= {4 if "east" in parents else 5}


def test_the_same_code_twice(run: Run) -> None:
    features = street()
    for one in features[:2]:
        one["properties"]["code"] = "990000" + COMMUNITY + "50"
    assert read_and_run(run, geopackage(features), "a.gpkg") == [(1, "/properties/code", "code-repeated")]


def test_a_coordinate_system_that_nobody_understands() -> None:
    parts = {**written(street(), "ESRI Shapefile"), ".prj": b'PROJCS["nonsense"'}
    features, named_datum, notes = read_grid_file(
        zipped({f"a{suffix}": part for suffix, part in parts.items()}), "a.zip"
    )
    assert (len(features), named_datum) == (10, None)
    assert "crs-unreadable" in {note.code for note in notes}


def test_rejections_say_which_feature_and_where(run: Run) -> None:
    features = street()
    features[2]["geometry"] = features[3]["geometry"]  # two of the quarters lie on the same ground
    report = run(read_grid_file(geopackage(features), "a.gpkg").features)
    overlap = next(one for one in report.rejected if one.reason.code == "overlap")
    assert overlap.feature_ref is not None
    assert overlap.at is not None
    assert box(0, 0, 1, 1).contains(shapely.Point(overlap.at))
