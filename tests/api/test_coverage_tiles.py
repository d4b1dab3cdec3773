"""The tile layer `coverage`: decoded cells, scope, TileJSON, and the cache that a notice clears."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import h3
import mapbox_vector_tile
import pytest
import time_machine
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from api.app import create_app
from core.database import Sessions
from core.settings import Settings
from core.signals import RESULTS
from geo.cells import Cells
from geo.tiles.cells import resolution_at
from geo.tiles.grids import MAX_ZOOM, MIN_ZOOM, Tile
from tests import make
from tests.geo.tiles.test_grids import tile_at
from tests.listeners import FakeListener
from tests.patrol.coverage.walked import MONDAY, SUNDAY, cells_in, rolled_up, walked

ClientOf = Callable[[Actor], TestClient]
WEEK = {"from": "2026-11-16", "to": "2026-11-22"}


@pytest.fixture(autouse=True)
def _on_sunday() -> Any:
    with time_machine.travel(datetime(2026, 11, 22, 4, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return make.street_tree(session)


@pytest.fixture
def wang(session: Session, tree: make.StreetTree) -> Actor:
    return make.actor(session, role=Role.MEMBER, grid=tree.a11, username="wang")


@pytest.fixture
def cells(session: Session, tree: make.StreetTree, wang: Actor) -> Cells:
    cells = cells_in(session, tree.a11)
    walked(session, wang, tree.a11, cells)
    walked(session, wang, tree.a11, cells, day=SUNDAY)
    rolled_up(session, MONDAY, SUNDAY)
    return cells


def path_of(tile: Tile) -> str:
    return f"/tiles/coverage/{tile.zoom}/{tile.column}/{tile.row}.mvt"


def drawn(reply: Any) -> dict[str, dict[str, Any]]:
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    features = mapbox_vector_tile.decode(reply.content)["coverage"]["features"]
    assert all(feature["geometry"]["type"] == "Polygon" for feature in features)
    return {feature["properties"]["cell"]: feature["properties"] for feature in features}


@pytest.mark.parametrize("zoom", range(MIN_ZOOM, MAX_ZOOM + 1))
def test_cells_of_the_zoom(client: ClientOf, wang: Actor, cells: Cells, zoom: int) -> None:
    found = drawn(client(wang).get(path_of(tile_at(118.9025, 32.105, zoom)), params=WEEK))
    assert {h3.get_resolution(cell) for cell in found} == {resolution_at(zoom)}
    assert {(cell["state"], cell["visits"], cell["unconfirmed"]) for cell in found.values()} == {
        ("covered", 2, 0)
    }
    assert all(cell["dwell_s"] >= 20 for cell in found.values())
    if zoom <= 12:
        assert sum(cell["dwell_s"] for cell in found.values()) == 20 * len(cells)


def test_hexagons_on_an_edge_are_in_both_tiles(client: ClientOf, wang: Actor, cells: Cells) -> None:
    """Together the tiles around the grid hold each cell of it, and those cut by an edge several times."""
    seen: dict[str, int] = {}
    middle = tile_at(118.9025, 32.105, 16)
    for column in range(middle.column - 2, middle.column + 3):
        for row in range(middle.row - 3, middle.row + 4):
            reply = client(wang).get(path_of(Tile.at(16, column, row)), params=WEEK)
            for cell in drawn(reply) if reply.status_code == 200 else ():
                seen[cell] = seen.get(cell, 0) + 1
    assert set(seen) == {f"{cell:x}" for cell in cells.tolist()}
    assert max(seen.values()) > 1


def test_days_choose_what_is_counted(client: ClientOf, wang: Actor, cells: Cells) -> None:
    path = path_of(tile_at(118.9025, 32.105, 15))
    for query, visits in (({"days": "1"}, 1), ({"days": "7"}, 2), ({"to": "2026-11-15"}, 0), ({}, 2)):
        assert {cell["visits"] for cell in drawn(client(wang).get(path, params=query)).values()} == {visits}


def test_everybody_sees_the_own_ground_only(
    client: ClientOf, session: Session, tree: make.StreetTree, cells: Cells
) -> None:
    path = path_of(tile_at(118.9025, 32.105, 14))
    beside = make.actor(session, role=Role.MEMBER, grid=tree.a12, username="li")
    found = drawn(client(beside).get(path, params=WEEK))
    assert set(found) <= {f"{cell:x}" for cell in cells_in(session, tree.a12).tolist()}
    assert {cell["state"] for cell in found.values()} == {"not_covered"}
    elsewhere = make.actor(session, role=Role.OPERATOR, area=f"{make.OTHER_STREET}/", username="else")
    assert client(elsewhere).get(path, params=WEEK).status_code == 204
    county = make.actor(session, role=Role.ADMIN, area="320113")
    assert set(drawn(client(county).get(path, params=WEEK))) > set(found)


@pytest.mark.parametrize("address", [path_of(tile_at(118.9025, 32.105, 15)), "/tiles/coverage.json"])
def test_whoever_may_not_read_results(
    client: ClientOf, anonymous: TestClient, session: Session, tree: make.StreetTree, address: str
) -> None:
    unit = client(make.actor(session, role=Role.UNIT))
    assert (unit.get(address).status_code, unit.get(address).json()["code"]) == (403, "forbidden")
    assert anonymous.get(address).status_code == 401


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        ("/tiles/coverage/17/0/0.mvt", {}, "no-such-tile"),
        ("/tiles/coverage/6/64/0.mvt", {}, "no-such-tile"),
        (path_of(tile_at(118.9, 32.1, 15)), {"days": "9999"}, "invalid"),
        (path_of(tile_at(118.9, 32.1, 15)), {"from": "' OR 1=1"}, "invalid"),
    ],
)
def test_what_cannot_be_asked(
    client: ClientOf, wang: Actor, path: str, query: dict[str, str], code: str
) -> None:
    reply = client(wang).get(path, params=query)
    assert (reply.status_code, reply.json()["code"]) == (422, code)


class TestTileJson:
    @pytest.mark.usefixtures("tree", "cells")
    def test_its_address_leads_to_tiles(self, client: ClientOf, wang: Actor) -> None:
        document = client(wang).get("/tiles/coverage.json", params={"days": "7"}).json()
        tile = tile_at(118.9025, 32.105, 15)
        address = document["tiles"][0].format(z=tile.zoom, x=tile.column, y=tile.row)
        found = drawn(client(wang).get(address))
        (layer,) = document["vector_layers"]
        assert all(set(cell) == set(layer["fields"]) for cell in found.values())
        west, south, east, north = document["bounds"]
        assert (west, south, east, north) == pytest.approx((118.90, 32.10, 118.905, 32.11))

    def test_the_address_changes_with_what_is_shown(
        self, client: ClientOf, session: Session, wang: Actor, tree: make.StreetTree, cells: Cells
    ) -> None:
        first = client(wang).get("/tiles/coverage.json", params=WEEK)
        tag = {"If-None-Match": first.headers["etag"]}
        assert client(wang).get("/tiles/coverage.json", params=WEEK, headers=tag).status_code == 304
        walked(session, wang, tree.a11, cells[:3], hour=20)
        rolled_up(session)
        second = client(wang).get("/tiles/coverage.json", params=WEEK, headers=tag)
        assert second.status_code == 200
        assert second.json()["tiles"] != first.json()["tiles"]


class TestCache:
    @pytest.fixture
    def listener(self) -> FakeListener:
        return FakeListener()

    @pytest.fixture
    def app(self, settings: Settings, sessions: Sessions, listener: FakeListener) -> FastAPI:
        return create_app(settings, sessions=sessions, listener=listener)

    def test_a_notice_of_results_clears_it(
        self,
        client: ClientOf,
        session: Session,
        listener: FakeListener,
        *,
        wang: Actor,
        tree: make.StreetTree,
        cells: Cells,
    ) -> None:
        path, browser = path_of(tile_at(118.9025, 32.105, 15)), client(wang)
        first = browser.get(path, params=WEEK)
        walked(session, wang, tree.a11, cells, hour=20)
        rolled_up(session)
        short = browser.get(path, params=WEEK)
        assert "x-request-id" not in short.headers
        assert short.content == first.content
        listener.deliver(RESULTS, make.OTHER_STREET)
        assert browser.get(path, params=WEEK).content == first.content
        listener.deliver(RESULTS, make.STREET)
        assert {cell["visits"] for cell in drawn(browser.get(path, params=WEEK)).values()} == {3}

    @pytest.mark.usefixtures("tree", "cells")
    def test_ranges_do_not_share_tiles(self, client: ClientOf, wang: Actor) -> None:
        path = path_of(tile_at(118.9025, 32.105, 15))
        for _ in range(2):
            for days, visits in (("1", 1), ("7", 2)):
                found = drawn(client(wang).get(path, params={"days": days}))
                assert {cell["visits"] for cell in found.values()} == {visits}
