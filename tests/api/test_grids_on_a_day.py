"""The division on any day: lists, one grid, history and tiles; nothing of yesterday after midnight."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import mapbox_vector_tile
import pytest
import time_machine
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from api.app import create_app
from core.clock import Week, today
from core.database import Sessions
from core.settings import Settings
from geo.models import DivisionPlan, Grid, GridSuccession, GridVersion
from tests import make
from tests.geo.tiles.test_grids import tile_at
from tests.listeners import FakeListener

Client = Callable[[Actor], TestClient]

PAST, CHANGE, AFTER = date(2026, 2, 1), date(2026, 3, 1), date(2026, 4, 1)
TILE = tile_at(118.905, 32.105, 12)
TILE_PATH = f"/tiles/grids/{TILE.zoom}/{TILE.column}/{TILE.row}.mvt"


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return make.street_tree(session)


@pytest.fixture
def operator(client: Client, session: Session) -> TestClient:
    return client(make.actor(session, role=Role.OPERATOR))


def only_version(session: Session, grid: Grid) -> GridVersion:
    return session.scalars(select(GridVersion).where(GridVersion.grid_id == grid.grid_id)).one()


def split(session: Session, tree: make.StreetTree, on: date) -> tuple[Grid, DivisionPlan]:
    """A2 loses its eastern half to a new grid and is called otherwise; A21 is gone. All from this day on."""
    plan = DivisionPlan(
        plan_id=make.fixed_uuid("plan"),
        street_code=make.STREET,
        title="split of A2",
        note="",
        status="approved",
        valid_from=on,
        revision=3,
        changed_by="某人",
    )
    session.add(plan)
    session.flush()
    old = only_version(session, tree.a2)
    old.valid_to = on
    gone = only_version(session, tree.a21)
    gone.valid_to = tree.a21.retired_on = on
    session.flush()
    ours: dict[str, Any] = {"valid_from": on, "plan_id": plan.plan_id, "changed_by": "某人"}
    west = make.box(118.91, make.SOUTH, 118.915, make.NORTH)
    east = make.box(118.915, make.SOUTH, 118.92, make.NORTH)
    make.grid_version(session, grid=tree.a2, name="A2 west", version=2, geom=west, **ours)
    code = make.grid_code(community="001", sequence="08")
    made = make.grid(session, code=code, parent=tree.a, name="A2 east", geom=east, **ours)
    for predecessor, successor in ((tree.a2, made), (tree.a21, made)):
        session.add(
            GridSuccession(
                predecessor_id=predecessor.grid_id,
                successor_id=successor.grid_id,
                since=on,
                plan_id=plan.plan_id,
            )
        )
    session.flush()
    return made, plan


def names(reply: Any) -> list[str]:
    assert reply.status_code == 200, reply.text
    return [item["name"] for item in reply.json()["items"]]


def drawn(reply: Any) -> set[str]:
    assert reply.status_code == 200, reply.text
    features = mapbox_vector_tile.decode(reply.content)["grids"]["features"]
    return {feature["properties"]["name"] for feature in features}


class TestLists:
    @pytest.mark.parametrize(
        ("day", "expected"),
        [
            (date(2025, 12, 31), []),
            (CHANGE - timedelta(days=1), ["A1", "A2"]),
            (CHANGE, ["A1", "A2 west", "A2 east"]),
            (date(2999, 12, 31), ["A1", "A2 west", "A2 east"]),
        ],
    )
    def test_the_grids_of_the_day(
        self, operator: TestClient, session: Session, tree: make.StreetTree, day: date, expected: list[str]
    ) -> None:
        split(session, tree, CHANGE)
        below = {"level": "2", "parent": tree.a.code, "on": str(day)}
        assert names(operator.get("/v1/grids", params=below)) == expected
        if expected:
            children = operator.get(f"/v1/grids/{tree.a.code}/children", params={"on": str(day)})
            assert names(children) == expected

    @pytest.mark.parametrize(
        "on", ["", "2026-2-1", "20260201", "2026-W05-1", "2026-02-30", "2026-02-01T00:00", "x"]
    )
    @pytest.mark.parametrize(
        "address", ["/v1/grids", "/v1/grids/{}", "/v1/grids/{}/children", "/tiles/grids.json", TILE_PATH]
    )
    def test_what_is_no_day(self, operator: TestClient, tree: make.StreetTree, on: str, address: str) -> None:
        reply = operator.get(address.format(tree.a.code), params={"on": on})
        assert (reply.status_code, reply.json()["code"]) == (422, "invalid")
        assert reply.json()["errors"][0]["pointer"] == "/query/on"
        assert reply.json()["errors"][0]["code"] == "bad-day"


class TestOne:
    def test_each_state_has_its_own_tag_and_shape(
        self, operator: TestClient, session: Session, tree: make.StreetTree
    ) -> None:
        split(session, tree, CHANGE)
        address = f"/v1/grids/{tree.a2.code}"
        before = operator.get(address, params={"on": str(PAST)})
        after = operator.get(address, params={"on": str(AFTER)})
        assert (before.json()["name"], after.json()["name"]) == ("A2", "A2 west")
        assert before.json()["geometry"] != after.json()["geometry"]
        assert before.headers["etag"] != after.headers["etag"]
        tag = {"If-None-Match": before.headers["etag"]}
        assert operator.get(address, params={"on": str(AFTER)}, headers=tag).status_code == 200

    def test_a_day_on_which_it_is_not_there(
        self, operator: TestClient, session: Session, tree: make.StreetTree
    ) -> None:
        made, _ = split(session, tree, CHANGE)
        early = operator.get(f"/v1/grids/{made.code}", params={"on": str(PAST)})
        assert (early.status_code, early.json()["code"]) == (404, "not-on-that-day")
        assert "from 2026-03-01 on" in early.json()["detail"]
        assert (early.json()["exists_from"], early.json()["exists_until"]) == ("2026-03-01", None)
        late = operator.get(f"/v1/grids/{tree.a21.code}/children", params={"on": str(AFTER)})
        assert (late.status_code, late.json()["code"]) == (404, "not-on-that-day")
        assert (late.json()["exists_from"], late.json()["exists_until"]) == ("2026-01-01", "2026-03-01")

    def test_outside_the_scope_no_day_is_named(
        self, client: Client, session: Session, tree: make.StreetTree
    ) -> None:
        made, _ = split(session, tree, CHANGE)
        member = client(make.actor(session, role=Role.MEMBER, grid=tree.a11))
        for code in (made.code, tree.a21.code, make.grid_code(community="599")):
            reply = member.get(f"/v1/grids/{code}", params={"on": str(PAST)})
            assert (reply.status_code, reply.json()["code"]) == (404, "not-found")
            assert "exists_from" not in reply.json()


class TestHistory:
    def test_versions_past_and_to_come_with_plan_and_person(
        self, operator: TestClient, session: Session, tree: make.StreetTree
    ) -> None:
        tomorrow = today() + timedelta(days=1)
        made, plan = split(session, tree, tomorrow)
        history = operator.get(f"/v1/grids/{tree.a2.code}/history").json()
        assert [item["name"] for item in history["items"]] == ["A2", "A2 west"]
        assert history["items"][0]["valid_to"] == history["items"][1]["valid_from"] == str(tomorrow)
        assert history["items"][0]["plan_id"] is None
        assert history["items"][1]["plan_id"] == str(plan.plan_id)
        assert history["items"][1]["changed_by"] == "某人"
        assert history["retired_on"] is None
        expected = [{"code": made.code, "name": "A2 east", "since": str(tomorrow)}]
        assert history["successions"] == {"predecessors": [], "successors": expected}

    def test_both_sides_of_a_succession(
        self, operator: TestClient, session: Session, tree: make.StreetTree
    ) -> None:
        made, _ = split(session, tree, CHANGE)
        history = operator.get(f"/v1/grids/{made.code}/history").json()
        sources = [(one["code"], one["name"]) for one in history["successions"]["predecessors"]]
        assert sources == [(tree.a2.code, "A2"), (tree.a21.code, "A21")]
        gone = operator.get(f"/v1/grids/{tree.a21.code}/history").json()
        assert gone["retired_on"] == str(CHANGE)
        assert [one["name"] for one in gone["successions"]["successors"]] == ["A2 east"]

    def test_who_changed_it_is_for_those_who_may_read_people(
        self, client: Client, session: Session, tree: make.StreetTree
    ) -> None:
        split(session, tree, CHANGE)
        unit = client(make.actor(session, role=Role.UNIT))
        history = unit.get(f"/v1/grids/{tree.a2.code}/history").json()
        assert [item["changed_by"] for item in history["items"]] == [None, None]


class TestTiles:
    def test_any_day_past_and_future(
        self, operator: TestClient, session: Session, tree: make.StreetTree
    ) -> None:
        tomorrow = today() + timedelta(days=1)
        split(session, tree, tomorrow)
        assert drawn(operator.get(TILE_PATH, params={"level": "2"})) == {"A1", "A2"}
        future = operator.get(TILE_PATH, params={"level": "2", "on": str(tomorrow)})
        assert drawn(future) == {"A1", "A2 west", "A2 east"}
        before = operator.get(TILE_PATH, params={"level": "2", "on": "2025-12-31"})
        assert before.status_code == 204

    def test_the_document_leads_to_the_tiles_of_its_day(
        self, operator: TestClient, session: Session, tree: make.StreetTree
    ) -> None:
        split(session, tree, CHANGE)
        document = operator.get("/tiles/grids.json", params={"level": "2", "on": str(PAST)}).json()
        (address,) = document["tiles"]
        assert f"week={Week.of_day(PAST)}&on={PAST}&v=" in address
        tile = operator.get(address.format(z=TILE.zoom, x=TILE.column, y=TILE.row))
        assert drawn(tile) == {"A1", "A2"}

    def test_a_week_may_be_shown_on_the_shapes_of_another_day(
        self, operator: TestClient, session: Session, tree: make.StreetTree
    ) -> None:
        split(session, tree, CHANGE)
        query = {"level": "2", "week": str(Week.of_day(PAST)), "on": str(AFTER)}
        assert drawn(operator.get(TILE_PATH, params=query)) == {"A1", "A2 west", "A2 east"}


class TestMidnight:
    """A version that begins at midnight in Asia/Shanghai shows from then on, though no notice comes then."""

    @pytest.fixture
    def app(self, settings: Settings, sessions: Sessions) -> FastAPI:
        return create_app(settings, sessions=sessions, listener=FakeListener())

    def test_nothing_of_yesterday_is_shown(
        self, client: Client, session: Session, tree: make.StreetTree
    ) -> None:
        midnight = datetime(2026, 11, 15, 16, tzinfo=UTC)  # Monday the 16th begins in Nanjing
        split(session, tree, date(2026, 11, 16))
        with time_machine.travel(midnight - timedelta(seconds=5), tick=False) as traveller:
            operator = client(make.actor(session, role=Role.OPERATOR))
            first = self.seen(operator)
            assert first == self.seen(operator), "the second time from the caches"
            traveller.shift(timedelta(seconds=10))
            second = self.seen(operator)
        assert first == ({"A1", "A2"}, {"A1", "A2"}, ["A1", "A2"], "A2")
        after = {"A1", "A2 west", "A2 east"}
        assert second == (after, after, ["A1", "A2 west", "A2 east"], "A2 west")

    def seen(self, operator: TestClient) -> tuple[set[str], set[str], list[str], str]:
        """By an address of a tile, by the one that TileJSON names now, in a list, and one grid."""
        document = operator.get("/tiles/grids.json", params={"level": "2"}).json()
        address = document["tiles"][0].format(z=TILE.zoom, x=TILE.column, y=TILE.row)
        code = make.grid_code(community="001", sequence="02")
        parent = {"parent": make.grid_code(community="001", sequence="00")}
        return (
            drawn(operator.get(TILE_PATH, params={"level": "2"})),
            drawn(operator.get(address)),
            names(operator.get("/v1/grids", params=parent)),
            operator.get(f"/v1/grids/{code}").json()["name"],
        )
