"""Out as any kind of file and in again: nothing is lost."""

import json
from typing import Any

import pytest
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ColumnElement, delete, true
from sqlalchemy.orm import Session

from core.texts import WrongEncoding
from geo.datums import from_cgcs2000
from geo.files.exporting import ExportedGrid, exported_grids
from geo.files.reading import ReadOptions, read_grid_file
from geo.files.writing import KINDS, FileFormat, write_file
from geo.models import Grid, GridVersion
from tests.geo.conftest import Run
from tests.geo.street_file import DAY, LATER, box, street

CITY = "+proj=tmerc +lat_0=0 +lon_0=118.83 +k=1 +x_0=50000 +y_0=-3000000 +ellps=GRS80 +units=m"
# What columns of files lose unless care is taken.
ATTRIBUTES: dict[str, Any] = {
    "备注": "=HYPERLINK(1)",
    "编号": "007",
    "a key far too long for dBASE": "x",
    "number": 3,
    "whole float": 3.0,
    "none": None,
    "blank": "",
    " spaced ": "  y  ",
    "list": [1, "二", {"c": [True, None]}],
    "户数": "means households elsewhere",
    "wkt": "POINT(1 1)",
    "icon": "star",
    "Name": "again",
    "long": "长" * 400 + " " + "z" * 400,
    "emoji": "\U0001f33f",
    "date": "2026-09-01",
    "name_2": "continued?",
}


class Everything:
    """The scope of who may see all."""

    def clause(self, _column: Any) -> ColumnElement[bool]:
        return true()

    def covers(self, _path: str) -> bool:
        return True


def stored(session: Session, **narrowed: Any) -> list[ExportedGrid]:
    return exported_grids(session, Everything(), DAY, **narrowed)


def shape_of(grid: ExportedGrid) -> BaseGeometry | None:
    return None if grid.wkb is None else shapely.from_wkb(grid.wkb)


def empty(session: Session) -> None:
    session.execute(delete(GridVersion))
    session.execute(delete(Grid))


@pytest.fixture
def rich(session: Session, run: Run) -> list[ExportedGrid]:
    """The street with attributes of every kind, a hole, an island and long names."""
    features = street()
    features[0]["properties"].update(ATTRIBUTES)
    features[1]["properties"]["name"] = "长名 " * 33
    features[2]["properties"].update({"备注": "-1", "编号": "1e5", "kind": "自定义"})
    whole = box(0, 0, 0.5, 0.5)
    pond, island = box(0.1, 0.1, 0.3, 0.3), box(0.15, 0.15, 0.2, 0.2)
    shape = shapely.union_all([whole.difference(pond), island])
    features[2]["geometry"] = json.loads(shapely.to_geojson(shape))
    report = run(features)
    assert report.imported, report.rejected
    return stored(session)


def assert_same(found: list[ExportedGrid], expected: list[ExportedGrid], tolerance: float) -> None:
    assert [one.code for one in found] == [one.code for one in expected]
    for one, other in zip(found, expected, strict=True):
        assert (one.name, one.level, one.parent, one.kind, one.households, one.attributes) == (
            (other.name, other.level, other.parent, other.kind, other.households, other.attributes)
        )
        shape, was = shape_of(one), shape_of(other)
        if shape is None or was is None:
            assert shape is was
        else:
            assert shapely.hausdorff_distance(shape, was) <= tolerance
            assert shapely.get_num_coordinates(shape) == shapely.get_num_coordinates(was)


@pytest.mark.parametrize(
    ("file_format", "datum"),
    [
        (FileFormat.GEOJSON, "EPSG:4549"),
        (FileFormat.GEOJSON, "GCJ02"),
        (FileFormat.GPKG, "BD09"),
        (FileFormat.GPKG, CITY),
        (FileFormat.SHP, "EPSG:4549"),
        (FileFormat.SHP, CITY),
        (FileFormat.SHP, "GCJ02"),
        (FileFormat.KML, "EPSG:4490"),
        (FileFormat.KML, "GCJ02"),
        (FileFormat.CSV, "EPSG:4549"),
    ],
)
def test_a_street_comes_back_into_an_empty_database(
    session: Session, run: Run, rich: list[ExportedGrid], file_format: FileFormat, datum: str
) -> None:
    body = write_file(rich, file_format, datum=datum)
    empty(session)
    features, named_datum, _ = read_grid_file(body, f"网格{KINDS[file_format].suffix}")
    report = run(features, datum=datum, named_datum=named_datum)
    assert report.imported, report.rejected
    assert "datum-contradicted" not in {hint.code for hint in report.hints}
    assert_same(stored(session), rich, 1e-9)


@pytest.mark.parametrize("file_format", list(FileFormat))
@pytest.mark.parametrize("datum", ["EPSG:4490", "GCJ02"])
def test_the_same_file_again_changes_nothing(
    run: Run, rich: list[ExportedGrid], file_format: FileFormat, datum: str
) -> None:
    body = write_file(rich, file_format, datum=datum)
    features, _, _ = read_grid_file(body, f"网格{KINDS[file_format].suffix}")
    report = run(features, datum=datum, valid_from=LATER)
    assert report.rejected == ()
    assert (report.unchanged, report.changed, report.created) == (len(rich), 0, 0)


@pytest.mark.parametrize("file_format", [FileFormat.SHP, FileFormat.CSV])
def test_gbk(session: Session, run: Run, file_format: FileFormat, rich: list[ExportedGrid]) -> None:
    if file_format is FileFormat.CSV:
        with pytest.raises(WrongEncoding):  # one attribute has a character that GBK lacks
            write_file(rich, file_format, datum="EPSG:4490", encoding="GBK")
        rich = rich[1:3]
    body = write_file(rich, file_format, datum="EPSG:4490", encoding="GBK")
    features, _, notes = read_grid_file(body, f"网格{KINDS[file_format].suffix}", ReadOptions(encoding="GBK"))
    report = run(features, valid_from=LATER)
    assert (report.unchanged, report.rejected) == (len(rich), ()), notes


def test_a_projected_file_is_right_to_the_millimetre(rich: list[ExportedGrid]) -> None:
    body = write_file(rich, FileFormat.GPKG, datum="EPSG:4549")
    features, _, _ = read_grid_file(body, "a.gpkg")
    for feature, grid in zip(features, rich, strict=True):
        shape = shape_of(grid)
        if shape is not None:
            xy = shapely.get_coordinates(shape)
            x, y = from_cgcs2000(xy[:, 0], xy[:, 1], "EPSG:4549")
            found = shapely.get_coordinates(feature["geometry"])
            assert abs(found[:, 0] - x).max() < 0.001
            assert abs(found[:, 1] - y).max() < 0.001


class TestTables:
    def test_a_row_changes_what_it_says_and_keeps_the_shape(self, session: Session, run: Run) -> None:
        run(street())
        before = {grid.code: grid for grid in stored(session)}
        code = next(code for code, grid in before.items() if grid.name == "东北")
        body = f"网格编码,网格名称,户数,电话\n{code},东北改,305户,'-1\n".encode("gbk")
        features, _, _ = read_grid_file(body, "a.csv")
        report = run(features, valid_from=LATER)
        assert (report.imported, report.changed) == (True, 1), report.rejected
        (after,) = [grid for grid in exported_grids(session, Everything(), LATER) if grid.code == code]
        assert (after.name, after.households, after.attributes) == ("东北改", 305, {"电话": "-1"})
        assert (after.wkb, after.kind, after.level) == (before[code].wkb, before[code].kind, 3)

    def test_a_blank_cell_of_a_column_takes_away(self, session: Session, run: Run) -> None:
        run(street())
        (floor,) = [grid for grid in stored(session) if grid.name == "一层"]
        features, _, _ = read_grid_file(f"code,floor,x\n{floor.code},,\n".encode(), "a.csv")
        assert run(features, valid_from=LATER).imported
        (after,) = [g for g in exported_grids(session, Everything(), LATER) if g.code == floor.code]
        assert after.attributes == {}

    def test_new_floors_but_no_new_ground(self, session: Session, run: Run) -> None:
        run(street())
        (mall,) = [grid for grid in stored(session) if grid.name == "西北"]
        text = f"名称,级别,上级\n三层,四级,{mall.code}\n新网格,3,{mall.parent}\n"
        features, _, _ = read_grid_file(text.encode(), "a.csv")
        report = run(features)
        assert [(one.index, one.reason.code) for one in report.rejected] == [(1, "grid-unknown")]
        assert run(features[:1]).created == 1

    def test_a_code_that_a_spreadsheet_rounded(self, run: Run) -> None:
        features, _, _ = read_grid_file(b"code,name\n9.90000320113007e+19,x\n", "a.csv")
        report = run(features)
        assert [(one.field, one.reason.code) for one in report.rejected] == [
            ("/properties/code", "code-rounded")
        ]


def test_narrowed_by_level_and_street(session: Session, run: Run) -> None:
    run(street())
    assert {grid.level for grid in stored(session, level=2)} == {2}
    assert stored(session, street="320113008") == []
    for file_format in FileFormat:
        assert write_file([], file_format, datum="EPSG:4490")
