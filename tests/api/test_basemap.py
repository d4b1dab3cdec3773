"""What lies below the grids: base maps by settings, base layers from files."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mapbox_vector_tile
import numpy as np
import pytest
import shapely
from fastapi.testclient import TestClient
from numpy.typing import NDArray
from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from api.app import create_app
from api.basemaps import hosts_of, offered_basemaps
from core.database import Sessions
from core.models import AuditEntry
from core.settings import BasemapSettings, Settings
from geo.datums import from_cgcs2000
from geo.tiles.base_layers import outline_of
from tests import make

Client = Callable[[Actor], TestClient]
TILE = "10/850/415"  # holds the street of tests/make.py


@pytest.fixture
def admin(client: Client, session: Session) -> TestClient:
    return client(make.actor(session, role=Role.ADMIN, area=""))


def collection(*features: tuple[Any, dict[str, Any]], datum: str = "EPSG:4490") -> bytes:
    def placed(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(from_cgcs2000(xy[:, 0], xy[:, 1], datum))

    made = [
        {
            "type": "Feature",
            "properties": properties,
            "geometry": json.loads(shapely.to_geojson(shapely.transform(shape, placed))),
        }
        for shape, properties in features
    ]
    return json.dumps({"type": "FeatureCollection", "features": made}).encode()


LAKE = (shapely.box(118.925, 32.101, 118.93, 32.105), {"name": "湖"})
ROAD = (shapely.LineString([(118.92, 32.10), (118.94, 32.108)]), {"name": "仙林大道", "highway": "primary"})


def send(client: TestClient, layer: str, body: bytes, **query: Any) -> Any:
    return client.post(
        f"/v1/base-layers/{layer}/import",
        params={"datum": "EPSG:4490", **query},
        files={"file": ("底图.geojson", body, "application/geo+json")},
    )


# ----------------------------------------------------------------------------------------------- base maps


def test_without_settings_nothing_comes_from_outside(admin: TestClient) -> None:
    reply = admin.get("/v1/basemap")
    assert [one["name"] for one in reply.json()["basemaps"]] == ["plain"]
    assert "connect-src 'self';" in reply.headers["content-security-policy"]
    assert admin.get("/basemap/tiles.pmtiles").status_code == 404


def test_a_token_switches_tianditu_on_and_lets_the_page_fetch_it() -> None:
    settings = BasemapSettings(tianditu_token=SecretStr("k3y"))
    names = [one.name for one in offered_basemaps(settings)]
    assert names == ["plain", "tianditu", "tianditu-imagery"]
    road, labels = offered_basemaps(settings)[1].tiles
    assert "/vec_w/wmts?" in road
    assert "TILEMATRIX={z}&TILEROW={y}&TILECOL={x}&tk=k3y" in labels
    assert hosts_of(settings) == ("https://t0.tianditu.gov.cn",)


def test_the_policy_of_pages_names_the_hosts_of_base_maps(settings: Settings, sessions: Sessions) -> None:
    raster = BasemapSettings(raster_url="https://maps.example/{z}/{x}/{y}.png", raster_datum="GCJ02")
    app = create_app(settings.model_copy(update={"basemap": raster}), sessions=sessions)
    policy = TestClient(app).get("/healthz").headers["content-security-policy"]
    assert "connect-src 'self' https://maps.example;" in policy
    assert "img-src 'self' data: blob: https://maps.example;" in policy


def test_a_pmtiles_file_is_read_in_ranges(
    settings: Settings, sessions: Sessions, session: Session, tmp_path: Path, client: Client
) -> None:
    file = tmp_path / "town.pmtiles"
    file.write_bytes(bytes(range(256)) * 10)
    signed_in = client(make.actor(session, role=Role.MEMBER, grid=make.street_tree(session).a11))
    given = settings.model_copy(update={"basemap": BasemapSettings(pmtiles=file)})
    app = create_app(given, sessions=sessions)
    with TestClient(app, headers=dict(signed_in.headers)) as reader:
        part = reader.get("/basemap/tiles.pmtiles", headers={"Range": "bytes=256-259"})
        assert (part.status_code, part.content) == (206, bytes([0, 1, 2, 3]))
        assert [one["name"] for one in reader.get("/v1/basemap").json()["basemaps"]] == ["plain", "pmtiles"]


# ---------------------------------------------------------------------------------------------- base layers


def test_imported_layers_are_drawn(admin: TestClient) -> None:
    assert admin.get(f"/tiles/base/{TILE}.mvt").status_code == 204
    before = admin.get("/tiles/base.json").json()["tiles"]
    assert send(admin, "water", collection(LAKE)).json()["imported"] is True
    assert send(admin, "road", collection(ROAD, datum="GCJ02"), datum="GCJ02").json()["imported"] is True
    assert admin.get("/tiles/base.json").json()["tiles"] != before
    reply = admin.get(f"/tiles/base/{TILE}.mvt")
    layers = mapbox_vector_tile.decode(reply.content)
    assert layers["water"]["features"][0]["properties"] == {"name": "湖"}
    assert layers["road"]["features"][0]["properties"] == {"name": "仙林大道", "kind": "primary"}
    listed = {one["layer"]: one["features"] for one in admin.get("/v1/basemap").json()["layers"]}
    assert listed == {"water": 1, "road": 1}


def test_a_second_file_replaces_the_first_in_its_area_only(admin: TestClient, session: Session) -> None:
    send(admin, "water", collection(LAKE, LAKE))
    send(admin, "water", collection(LAKE), area="320113")
    report = send(admin, "water", collection(LAKE)).json()
    assert report["replaced"] == 2
    layers = admin.get("/v1/basemap").json()["layers"]
    assert [(one["area"], one["features"]) for one in layers] == [("", 1), ("320113", 1)]
    assert admin.delete("/v1/base-layers/water").status_code == 204
    trail = session.scalars(select(AuditEntry.action).order_by(AuditEntry.at, AuditEntry.seq)).all()
    assert trail[-2:] == ["base_layer.imported", "base_layer.emptied"]
    assert [one["area"] for one in admin.get("/v1/basemap").json()["layers"]] == ["320113"]


def test_one_bad_feature_keeps_the_former_layer(admin: TestClient) -> None:
    send(admin, "water", collection(LAKE))
    point = (shapely.Point(118.9, 32.1), {"name": "点"})
    far: tuple[Any, dict[str, Any]] = (shapely.box(10, 50, 11, 51), {})
    odd: tuple[Any, dict[str, Any]] = (LAKE[0], {"name": "a\0"})
    told = send(admin, "water", collection(LAKE, odd)).json()["rejected"]
    assert [(one["index"], one["field"]) for one in told] == [(1, "/properties/name")]
    report = send(admin, "water", collection(LAKE, point, far)).json()
    assert report["imported"] is False
    assert [(one["index"], one["reason"]) for one in report["rejected"]] == [
        (1, "geometry-kind"),
        (2, "outside-china"),
    ]
    assert admin.get("/v1/basemap").json()["layers"][0]["features"] == 1


def test_a_dry_run_imports_nothing(admin: TestClient) -> None:
    report = send(admin, "green", collection(LAKE), dry_run=True).json()
    assert (report["imported"], report["rejected"], report["total"]) == (False, [], 1)
    assert admin.get("/v1/basemap").json()["layers"] == []


def test_the_outline_of_a_division_is_found_by_its_code(admin: TestClient, session: Session) -> None:
    outline = (shapely.box(118.90, 32.10, 118.94, 32.11), {"code": make.STREET, "name": "仙林街道"})
    send(admin, "boundary", collection(outline))
    found = outline_of(session, make.STREET)
    assert found is not None
    assert found.equals(outline[0])
    assert outline_of(session, make.OTHER_STREET) is None


def test_who_may_change_base_layers(client: Client, session: Session) -> None:
    street = client(make.actor(session, role=Role.ADMIN, area=f"{make.STREET}/"))
    assert send(street, "water", collection(LAKE)).status_code == 403
    assert send(street, "water", collection(LAKE), area=f"{make.STREET}/").status_code == 200
    assert send(street, "lava", collection(LAKE)).status_code == 404
    assert send(street, "water", collection(LAKE), area="32x").status_code == 422
    assert send(street, "water", b"nothing", area=f"{make.STREET}/").status_code == 422
    member = client(make.actor(session, role=Role.MEMBER, grid=make.street_tree(session).a11))
    assert member.delete("/v1/base-layers/water").status_code == 403
    assert member.get("/tiles/base/30/1/1.mvt").status_code == 422
