"""POST /v1/grids/import."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from tests import make
from tests.geo.street_file import CODE, Feature, street

Client = Callable[[Actor], TestClient]


@pytest.fixture
def admin(client: Client, session: Session) -> TestClient:
    return client(make.actor(session, role=Role.ADMIN, area=""))


def send(client: TestClient, features: list[Feature] | bytes, **query: Any) -> Any:
    asked = {"datum": "EPSG:4490", "valid_from": "2026-01-01", **query}
    if isinstance(features, bytes):
        body = features
    else:
        body = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    return client.post(
        "/v1/grids/import",
        params={name: value for name, value in asked.items() if value is not None},
        files={"file": ("仙林.geojson", body, "application/geo+json")},
    )


def test_a_street_is_imported_and_can_be_read(admin: TestClient) -> None:
    reply = send(admin, street())
    assert reply.status_code == 200, reply.text
    report = reply.json()
    assert (report["file"], report["datum"]) == ("仙林.geojson", "EPSG:4490")
    assert (report["total"], report["accepted"]) == (10, 10)
    assert (report["imported"], report["rejected"], report["hints"]) == (True, [], [])
    assert admin.get(f"/v1/grids/{CODE}00").json()["name"] == "仙林新村"
    assert len(admin.get("/v1/grids").json()["items"]) == 10


def test_a_dry_run_changes_nothing(admin: TestClient) -> None:
    report = send(admin, street(), dry_run=True).json()
    assert (report["dry_run"], report["imported"], report["accepted"]) == (True, False, 10)
    assert report["codes"][6] == CODE + "00"
    assert admin.get("/v1/grids").json()["items"] == []


def test_a_rejected_feature_keeps_everything_out(admin: TestClient) -> None:
    features = street()
    features[0]["properties"]["level"] = 7
    reply = send(admin, features)
    assert reply.status_code == 200
    report = reply.json()
    assert report["imported"] is False
    (rejected,) = report["rejected"]
    assert (rejected["index"], rejected["code"], rejected["field"]) == (0, None, "/properties/level")
    assert rejected["reason"] == "level-range"
    assert "1" in rejected["detail"]
    assert admin.get("/v1/grids").json()["items"] == []


@pytest.mark.parametrize(
    ("body", "query", "status", "code"),
    [
        (b"", {}, 422, "unreadable-file"),
        (b"PK\x03\x04", {}, 422, "unreadable-file"),
        (b'{"type": "FeatureCollection", "features": []}', {}, 422, "unreadable-file"),
        (b'{"type": "FeatureCollection", "features": [{}]}', {"datum": "WGS-84"}, 422, "unknown-datum"),
        (b"{}", {"datum": None}, 422, "invalid"),
        (b"{}", {"valid_from": "soon"}, 422, "invalid"),
    ],
)
def test_files_that_cannot_be_read_are_problems(
    admin: TestClient, body: bytes, query: dict[str, Any], status: int, code: str
) -> None:
    reply = send(admin, body, **query)
    assert (reply.status_code, reply.json()["code"]) == (status, code)


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.LEADER, Role.UNIT, Role.AUDITOR])
def test_others_may_not_import(client: Client, session: Session, role: Role) -> None:
    reply = send(client(make.actor(session, role=role)), street())
    assert (reply.status_code, reply.json()["code"]) == (403, "forbidden")


def test_an_administrator_of_another_street_is_told_so_per_feature(client: Client, session: Session) -> None:
    report = send(client(make.actor(session, role=Role.ADMIN, area="320113008/")), street()).json()
    assert report["imported"] is False
    assert "street-forbidden" in {rejected["reason"] for rejected in report["rejected"]}
