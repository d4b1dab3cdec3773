"""The tile routes: TileJSON, tags, scope, empty tiles, and the cache of a process that listens."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import mapbox_vector_tile
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from access import tokens
from access.cache import ActorCache
from access.roles import Role
from access.scope import Actor
from api.app import create_app
from core.clock import Week, today
from core.database import Sessions
from core.settings import Settings
from core.signals import ACCESS, GRIDS
from patrol.models import GridWeek
from tests import make
from tests.geo.tiles.test_grids import tile_at
from tests.listeners import FakeListener

Client = Callable[[Actor], TestClient]

TILE = tile_at(118.905, 32.105, 12)
TILE_PATH = f"/tiles/grids/{TILE.zoom}/{TILE.column}/{TILE.row}.mvt"


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return make.street_tree(session)


@pytest.fixture
def operator(client: Client, session: Session, tree: make.StreetTree) -> TestClient:
    return client(make.actor(session, role=Role.OPERATOR))


def drawn(reply: Any) -> dict[str, dict[str, Any]]:
    """Attributes by name."""
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    features = mapbox_vector_tile.decode(reply.content)["grids"]["features"]
    return {feature["properties"]["name"]: feature["properties"] for feature in features}


class TestTile:
    def test_it_says_how_each_grid_stands_in_the_week(
        self, operator: TestClient, session: Session, tree: make.StreetTree
    ) -> None:
        week = Week.of_day(today())
        session.add(
            GridWeek(
                week=week.monday,
                grid_id=tree.a1.grid_id,
                pairs_due=2,
                pairs_met=1,
                patrols_needed=4,
                patrols_counted=3,
            )
        )
        session.flush()
        features = drawn(operator.get(TILE_PATH, params={"level": "2", "week": str(week)}))
        expected = {"status": "partial", "due": 2, "met": 1, "counted": 3, "needed": 4}
        assert expected.items() <= features["A1"].items()
        assert features["A2"]["status"] == "unassigned"
        before = drawn(operator.get(TILE_PATH, params={"level": "2", "week": str(week.shifted(-1))}))
        assert before["A1"]["status"] == "unassigned"

    def test_auto_draws_the_level_of_the_zoom(self, operator: TestClient) -> None:
        assert {one["level"] for one in drawn(operator.get(TILE_PATH)).values()} == {2}
        assert {one["level"] for one in drawn(operator.get(TILE_PATH, params={"level": "3"})).values()} == {3}

    def test_everybody_sees_the_own_part_only(
        self, client: Client, session: Session, tree: make.StreetTree
    ) -> None:
        head = client(make.actor(session, role=Role.HEAD, grid=tree.a1))
        assert set(drawn(head.get(TILE_PATH, params={"level": "3"}))) == {"A11", "A12"}

    def test_whoever_may_not_read_results_sees_the_grids_alone(
        self, client: Client, session: Session, tree: make.StreetTree
    ) -> None:
        unit = client(make.actor(session, role=Role.UNIT))
        features = drawn(unit.get(TILE_PATH, params={"level": "2"}))
        assert set(features) >= {"A1", "A2"}
        assert features["A1"] == {"code": tree.a1.code, "name": "A1", "level": 2}
        fields = unit.get("/tiles/grids.json").json()["vector_layers"][0]["fields"]
        assert set(fields) == {"code", "name", "level"}

    def test_the_same_tag_is_answered_without_a_body(self, operator: TestClient) -> None:
        first = operator.get(TILE_PATH)
        assert first.headers["cache-control"].startswith("private")
        again = operator.get(TILE_PATH, headers={"If-None-Match": f'"other", W/{first.headers["etag"]}'})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]

    def test_an_empty_tile_has_no_content(self, operator: TestClient) -> None:
        reply = operator.get("/tiles/grids/12/0/0.mvt")
        assert (reply.status_code, reply.content) == (204, b"")

    @pytest.mark.parametrize(
        ("path", "status", "code"),
        [
            ("/tiles/grids/17/0/0.mvt", 422, "no-such-tile"),
            ("/tiles/grids/10/5000/0.mvt", 422, "no-such-tile"),
            ("/tiles/grids/a/0/0.mvt", 422, "invalid"),
            (TILE_PATH + "?level=4", 422, "invalid"),
            (TILE_PATH + "?week=2026-47", 422, "invalid"),
            ("/tiles/roads/12/0/0.mvt", 404, "no-such-layer"),
            ("/tiles/roads.json", 404, "no-such-layer"),
        ],
    )
    def test_what_is_no_tile(self, operator: TestClient, path: str, status: int, code: str) -> None:
        reply = operator.get(path)
        assert (reply.status_code, reply.json()["code"]) == (status, code)

    def test_nobody_without_a_token(self, anonymous: TestClient) -> None:
        for path in (TILE_PATH, "/tiles/grids.json"):
            assert anonymous.get(path).status_code == 401


class TestDocument:
    def test_it_is_tilejson_3_about_the_scope(self, operator: TestClient) -> None:
        reply = operator.get("/tiles/grids.json", params={"level": "2", "week": "2026-W10"})
        assert reply.status_code == 200
        document = reply.json()
        assert document["tilejson"] == "3.0.0"
        assert document["bounds"] == pytest.approx([118.90, 32.10, 118.94, 32.11])
        (address,) = document["tiles"]
        assert address.startswith("/tiles/grids/{z}/{x}/{y}.mvt?level=2&week=2026-W10&v=")
        (layer,) = document["vector_layers"]
        assert layer["id"] == "grids"
        assert set(layer["fields"]) == {"code", "name", "level", "status", "due", "met", "counted", "needed"}

    @pytest.mark.usefixtures("tree")
    @pytest.mark.parametrize("role", [Role.OPERATOR, Role.UNIT])
    def test_it_has_what_the_specification_requires(
        self, client: Client, session: Session, role: Role
    ) -> None:
        """TileJSON 3.0.0, sections 3.1 to 3.3, and every attribute of the tiles is described."""
        signed_in = client(make.actor(session, role=role))
        reply = signed_in.get("/tiles/grids.json")
        assert reply.headers["content-type"] == "application/json"
        document = reply.json()
        assert {"tilejson", "tiles", "vector_layers"} <= set(document)
        assert all(f"{{{part}}}" in address for address in document["tiles"] for part in "zxy")
        west, south, east, north = document["bounds"]
        assert -180 <= west < east <= 180
        assert -90 <= south < north <= 90
        lon, lat, zoom = document["center"]
        assert (west <= lon <= east, south <= lat <= north) == (True, True)
        assert 0 <= document["minzoom"] <= zoom <= document["maxzoom"] <= 30
        (layer,) = document["vector_layers"]
        assert all(isinstance(meaning, str) for meaning in layer["fields"].values())
        address = document["tiles"][0].format(z=TILE.zoom, x=TILE.column, y=TILE.row)
        for attributes in drawn(signed_in.get(address)).values():
            assert set(attributes) == set(layer["fields"])

    def test_its_address_leads_to_tiles(self, operator: TestClient) -> None:
        document = operator.get("/tiles/grids.json").json()
        address = document["tiles"][0].format(z=TILE.zoom, x=TILE.column, y=TILE.row)
        assert set(drawn(operator.get(address))) == {"A1", "A2"}

    def test_the_address_changes_with_what_is_shown(
        self, operator: TestClient, session: Session, tree: make.StreetTree
    ) -> None:
        first = operator.get("/tiles/grids.json")
        tag = {"If-None-Match": first.headers["etag"]}
        assert operator.get("/tiles/grids.json", headers=tag).status_code == 304
        monday = Week.of_day(today()).monday
        session.add(
            GridWeek(
                week=monday,
                grid_id=tree.b11.grid_id,
                pairs_due=1,
                pairs_met=0,
                patrols_needed=2,
                patrols_counted=0,
            )
        )
        session.flush()
        second = operator.get("/tiles/grids.json", headers=tag)
        assert second.status_code == 200
        assert second.json()["tiles"] != first.json()["tiles"]

    def test_a_scope_without_shapes_has_no_bounds(self, client: Client, session: Session) -> None:
        elsewhere = client(make.actor(session, role=Role.OPERATOR, area="320113009/"))
        assert "bounds" not in elsewhere.get("/tiles/grids.json").json()

    def test_a_past_week_shows_the_shapes_of_that_week(
        self, operator: TestClient, session: Session, tree: make.StreetTree
    ) -> None:
        tree.a1.retired_on = today() - timedelta(days=14)
        session.flush()
        month_ago = str(Week.of_day(today()).shifted(-4))
        assert "A1" in drawn(operator.get(TILE_PATH, params={"week": month_ago}))
        assert "A1" not in drawn(operator.get(TILE_PATH))


class TestCache:
    @pytest.fixture
    def listener(self) -> FakeListener:
        return FakeListener()

    @pytest.fixture
    def app(self, settings: Settings, sessions: Sessions, listener: FakeListener) -> FastAPI:
        return create_app(settings, sessions=sessions, listener=listener)

    def test_a_hit_asks_the_database_nothing_until_a_notice(
        self, client: Client, app: FastAPI, session: Session, listener: FakeListener, tree: make.StreetTree
    ) -> None:
        operator = client(make.actor(session, role=Role.OPERATOR))
        assert isinstance(app.state.actors, ActorCache)
        first = operator.get(TILE_PATH)
        tree.a1.retired_on = today()
        session.flush()
        assert operator.get(TILE_PATH).content == first.content
        listener.deliver(GRIDS, make.OTHER_STREET)
        assert operator.get(TILE_PATH).content == first.content
        listener.deliver(GRIDS, make.STREET)
        assert "A1" not in drawn(operator.get(TILE_PATH))

    def test_scopes_do_not_share_tiles(self, client: Client, session: Session, tree: make.StreetTree) -> None:
        operator = client(make.actor(session, role=Role.OPERATOR))
        head = client(make.actor(session, role=Role.HEAD, grid=tree.a1))
        assert set(drawn(operator.get(TILE_PATH))) == {"A1", "A2"}
        assert set(drawn(head.get(TILE_PATH))) == {"A1"}
        assert set(drawn(operator.get(TILE_PATH))) == {"A1", "A2"}

    @pytest.mark.usefixtures("tree")
    def test_the_short_way_is_taken_and_ends_with_the_right_to_take_it(
        self, client: Client, session: Session, listener: FakeListener
    ) -> None:
        actor = make.actor(session, role=Role.OPERATOR)
        operator = client(actor)
        first = operator.get(TILE_PATH)
        assert "x-request-id" in first.headers
        short = operator.get(TILE_PATH)
        assert "x-request-id" not in short.headers, "a tile found at the door needs no bookkeeping"
        assert (short.content, short.headers["etag"]) == (first.content, first.headers["etag"])
        same = operator.get(TILE_PATH, headers={"If-None-Match": first.headers["etag"]})
        assert (same.status_code, same.content) == (304, b"")
        tokens.revoke_all(session, actor.person_id, "test")
        session.flush()
        listener.deliver(ACCESS, "")
        assert operator.get(TILE_PATH).status_code == 401

    @pytest.mark.usefixtures("tree")
    def test_another_address_or_nobody_does_not_take_the_short_way(
        self, client: Client, anonymous: TestClient, session: Session
    ) -> None:
        operator = client(make.actor(session, role=Role.OPERATOR))
        operator.get(TILE_PATH)
        operator.get(TILE_PATH)
        assert set(drawn(operator.get(TILE_PATH, params={"level": "1"}))) == {"A"}
        assert anonymous.get(TILE_PATH).status_code == 401
