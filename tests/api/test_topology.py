"""GET /v1/grids/topology; the tree of squares is drawn in tests/make.py."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from geo.models import GridVersion
from tests import make

Client = Callable[[Actor], TestClient]
ADDRESS = "/v1/grids/topology"


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return make.street_tree(session)


@pytest.fixture
def admin(client: Client, session: Session) -> TestClient:
    return client(make.actor(session, role=Role.ADMIN, area=""))


def found(reply: Any) -> dict[str, Any]:
    assert reply.status_code == 200, reply.text
    body: dict[str, Any] = reply.json()
    return body


def change(session: Session, grid: Any, west: float, east: float) -> None:
    """From September on the grid lies elsewhere."""
    (first,) = session.query(GridVersion).filter_by(grid_id=grid.grid_id)
    first.valid_to = date(2026, 9, 1)
    session.flush()
    shape = make.box(west, make.SOUTH, east, make.NORTH)
    make.grid_version(session, grid=grid, name="later", version=2, geom=shape, valid_from=first.valid_to)


class TestOfGrid:
    def test_children_that_fill_their_parents(self, admin: TestClient, tree: make.StreetTree) -> None:
        body = found(admin.get(ADDRESS, params={"root": tree.a.code}))
        assert body["faults"] == {"type": "FeatureCollection", "features": []}
        assert (body["checked"], body["families"], body["complete_share"]) == (5, 3, 1.0)
        assert body["totals"] == {"overlap": 0, "gap": 0, "outside": 0, "sliver": 0}
        assert body["truncated"] is False

    def test_as_it_is_on_another_day(
        self, admin: TestClient, session: Session, tree: make.StreetTree
    ) -> None:
        change(session, tree.a12, 118.906, 118.91)
        before = found(admin.get(ADDRESS, params={"root": tree.a1.code, "on": "2026-08-31"}))
        assert before["totals"]["gap"] == 0
        after = found(admin.get(ADDRESS, params={"root": tree.a1.code, "on": "2026-09-01"}))
        (feature,) = after["faults"]["features"]
        assert feature["properties"]["kind"] == "gap"
        assert feature["properties"]["parent"] == {"code": tree.a1.code, "name": "A1"}
        assert [grid["name"] for grid in feature["properties"]["grids"]] == ["A11", "later"]
        assert after["complete_share"] == 0.0

    def test_a_grid_without_children(self, admin: TestClient, tree: make.StreetTree) -> None:
        body = found(admin.get(ADDRESS, params={"root": tree.a11.code}))
        assert (body["checked"], body["complete_share"]) == (0, None)


class TestOfStreet:
    def test_level_1_is_compared_with_the_next_street_too(
        self, admin: TestClient, session: Session, tree: make.StreetTree
    ) -> None:
        for grid in (tree.b, tree.b1, tree.b11):
            change(session, grid, 118.92, 118.951)
        params = {"street": make.STREET, "on": "2026-09-01"}
        (feature,) = found(admin.get(ADDRESS, params=params))["faults"]["features"]
        assert feature["properties"]["kind"] == "overlap"
        assert feature["properties"]["parent"] is None
        assert {grid["name"] for grid in feature["properties"]["grids"]} == {"later", "C"}

    def test_an_operator_reads_the_own_street_only(
        self, client: Client, session: Session, tree: make.StreetTree
    ) -> None:
        operator = client(make.actor(session, role=Role.OPERATOR))
        assert operator.get(ADDRESS, params={"street": make.STREET}).status_code == 200
        assert operator.get(ADDRESS, params={"street": make.OTHER_STREET}).status_code == 404
        assert operator.get(ADDRESS, params={"root": tree.c.code}).status_code == 404

    def test_a_head_may_ask_for_the_own_part(
        self, client: Client, session: Session, tree: make.StreetTree
    ) -> None:
        head = client(make.actor(session, role=Role.HEAD, grid=tree.a))
        assert head.get(ADDRESS, params={"street": make.STREET}).status_code == 404
        assert head.get(ADDRESS, params={"root": tree.a.code}).status_code == 200


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({}, 422),
        ({"root": make.grid_code(), "street": make.STREET}, 422),
        ({"street": "3201"}, 422),
        ({"street": make.STREET, "gap_m": "-1"}, 422),
        ({"street": make.STREET, "on": "yesterday"}, 422),
        ({"street": "320199001"}, 404),
        ({"root": make.grid_code(community="099")}, 404),
        ({"street": make.STREET, "on": "2020-01-01"}, 404),
    ],
)
@pytest.mark.usefixtures("tree")
def test_what_cannot_be_asked(admin: TestClient, params: dict[str, str], status: int) -> None:
    reply = admin.get(ADDRESS, params=params)
    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/problem+json"
