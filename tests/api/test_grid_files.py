"""GET /v1/grids/export, and POST /v1/grids/import with files of other kinds than GeoJSON."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from core.spreadsheets import read_rows
from geo.files.reading import read_grid_file
from tests import make
from tests.geo.grid_files import geopackage, shapefile
from tests.geo.street_file import CODE, in_datum, street

Client = Callable[[Actor], TestClient]
FORMATS = {
    "geojson": ".geojson",
    "gpkg": ".gpkg",
    "shp": ".zip",
    "kml": ".kml",
    "csv": ".csv",
    "xlsx": ".xlsx",
}


@pytest.fixture
def admin(client: Client, session: Session) -> TestClient:
    return client(make.actor(session, role=Role.ADMIN, area=""))


def send(client: TestClient, body: bytes, name: str, **query: Any) -> Any:
    asked = {"datum": "EPSG:4490", "valid_from": "2026-01-01", **query}
    return client.post("/v1/grids/import", params=asked, files={"file": (name, body)})


def test_a_shapefile_in_gbk_and_gcj02_with_fields_of_its_own(admin: TestClient) -> None:
    body = shapefile(in_datum(street(), "GCJ02"), crs=None, encoding="GBK", names={"name": "地名"})
    reply = send(admin, body, "街道.zip", datum="GCJ02", encoding="GBK", mapping=json.dumps({"name": "地名"}))
    assert reply.status_code == 200, reply.text
    assert (reply.json()["imported"], reply.json()["created"]) == (True, 10)


def test_a_city_system_as_a_proj_string(admin: TestClient) -> None:
    city = "+proj=tmerc +lat_0=0 +lon_0=118.83 +k=1 +x_0=50000 +ellps=GRS80 +units=m +no_defs"
    body = geopackage(in_datum(street(), city), crs=None)
    assert send(admin, body, "a.gpkg", datum=city).json()["imported"] is True
    assert send(admin, body, "a.gpkg", datum="+init=epsg:4549").json()["code"] == "unknown-datum"


@pytest.mark.parametrize(
    ("body", "name", "query", "expected"),
    [
        (b"", "a.gpkg", {}, "unreadable-file /file"),
        (b"PK", "a.zip", {}, "unreadable-file /file"),
        (b"a,b\n", "a.csv", {}, "unreadable-table /file"),
        (geopackage(street()), "a.gpkg", {"layer": "x"}, "unreadable-file /layer"),
        (geopackage(street()), "a.gpkg", {"mapping": "["}, "unreadable-file /mapping"),
        (geopackage(street()), "a.gpkg", {"mapping": '{"colour": "A"}'}, "unreadable-file /mapping"),
        (geopackage(street()), "a.gpkg", {"mapping": '{"name": "A"}'}, "unreadable-file /mapping"),
        (shapefile(street()), "a.zip", {"encoding": "GBK"}, "wrong-encoding /encoding"),
    ],
)
def test_files_that_cannot_be_read_are_problems(
    admin: TestClient, body: bytes, name: str, query: dict[str, str], expected: str
) -> None:
    reply = send(admin, body, name, **query)
    assert reply.status_code == 422
    problem = reply.json()
    assert f"{problem['code']} {problem['errors'][0]['pointer']}" == expected


def test_a_rejection_says_which_feature_and_where(admin: TestClient) -> None:
    features = street()
    features[1]["geometry"] = features[0]["geometry"]
    report = send(admin, geopackage(features), "a.gpkg").json()
    assert report["imported"] is False
    (rejected,) = report["rejected"]
    assert (rejected["index"], rejected["reason"]) == (1, "overlap")
    assert rejected["id"] is not None
    assert rejected["location"] == pytest.approx([118.906, 32.102], abs=0.002)


@pytest.mark.parametrize("file_format", FORMATS)
def test_an_export_has_a_name_and_can_be_read_again(
    client: Client, session: Session, file_format: str
) -> None:
    tree = make.street_tree(session)
    operator = client(make.actor(session, role=Role.OPERATOR))
    reply = operator.get(
        "/v1/grids/export", params={"format": file_format, "level": 3, "on": "2026-09-01", "datum": "GCJ02"}
    )
    assert reply.status_code == 200, reply.text
    suffix = FORMATS[file_format]
    disposition = reply.headers["content-disposition"]
    assert disposition.startswith('attachment; filename="')
    assert f"filename*=UTF-8''%E7%BD%91%E6%A0%BC_3%E7%BA%A7_2026-09-01{suffix}" in disposition
    codes = {tree.a11.code, tree.a12.code, tree.a21.code, tree.b11.code}  # not those of the other street
    if file_format == "xlsx":
        assert {row.cells["网格编码"] for row in read_rows(reply.content, "a.xlsx").rows} == codes
    else:
        features, _, _ = read_grid_file(reply.content, f"a{suffix}")
        assert {feature["properties"]["code"] for feature in features} == codes


def test_an_export_of_a_day_and_a_street(client: Client, session: Session) -> None:
    tree = make.street_tree(session)
    admin = client(make.actor(session, role=Role.ADMIN, area=""))

    def codes(**query: str) -> set[str]:
        reply = admin.get("/v1/grids/export", params={"format": "geojson", **query})
        return {feature["properties"]["code"] for feature in reply.json()["features"]}

    assert codes(street=make.OTHER_STREET) == {tree.c.code, tree.c1.code, tree.c11.code}
    assert codes(on="2025-12-31") == set()
    assert len(codes()) == 12


def test_whoever_sees_nothing_gets_an_empty_file(client: Client, session: Session) -> None:
    make.street_tree(session)
    stranger = client(make.actor(session, role=Role.OPERATOR, area="320113099/"))
    assert stranger.get("/v1/grids/export", params={"format": "geojson"}).json()["features"] == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({}, "invalid"),
        ({"format": "dwg"}, "invalid"),
        ({"format": "shp", "level": "6"}, "invalid"),
        ({"format": "shp", "on": "today"}, "invalid"),
        ({"format": "shp", "street": "32"}, "invalid"),
        ({"format": "shp", "encoding": "klingon"}, "wrong-encoding"),
        ({"format": "shp", "datum": "EPSG:2437"}, "unknown-datum"),
        ({"format": "kml", "datum": "EPSG:4549"}, "invalid"),
    ],
)
def test_questions_that_cannot_be_answered(admin: TestClient, query: dict[str, str], code: str) -> None:
    reply = admin.get("/v1/grids/export", params=query)
    assert (reply.status_code, reply.json()["code"]) == (422, code)


def test_a_grid_is_not_called_export(admin: TestClient) -> None:
    assert send(admin, geopackage(street()), "a.gpkg").status_code == 200
    assert admin.get(f"/v1/grids/{CODE}00").status_code == 200
