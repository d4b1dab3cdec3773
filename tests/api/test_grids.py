"""GET /v1/grids and below; the tree of squares is drawn in tests/make.py."""

from collections.abc import Callable
from datetime import date
from itertools import pairwise
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from geo.datums import from_cgcs2000
from geo.models import Grid, GridVersion
from tests import make

Client = Callable[[Actor], TestClient]


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return make.street_tree(session)


@pytest.fixture
def admin(client: Client, session: Session) -> TestClient:
    return client(make.actor(session, role=Role.ADMIN, area=""))


def version_id(session: Session, grid: Grid) -> int:
    return session.scalars(select(GridVersion.version_id).where(GridVersion.grid_id == grid.grid_id)).one()


def signed_area(ring: list[list[float]]) -> float:
    """Above zero when the ring runs counterclockwise."""
    return sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise(ring)) / 2


def names(reply: Any) -> list[str]:
    assert reply.status_code == 200, reply.text
    return [item["name"] for item in reply.json()["items"]]


class TestList:
    def test_in_the_order_of_codes_with_place_and_parent(
        self, admin: TestClient, tree: make.StreetTree
    ) -> None:
        reply = admin.get("/v1/grids", params={"level": 2, "parent": tree.a.code})
        assert names(reply) == ["A1", "A2"]
        first = reply.json()["items"][0]
        assert first["parent"] == tree.a.code
        assert first["level"] == 2
        assert first["centre"] == pytest.approx([118.905, 32.105], abs=1e-6)
        assert set(first) == {"code", "name", "level", "kind", "parent", "households", "area_m2", "centre"}

    @pytest.mark.usefixtures("tree")
    def test_pages_follow_each_other_without_gap_or_repeat(self, admin: TestClient) -> None:
        seen: list[str] = []
        after = None
        for _ in range(20):
            page = admin.get("/v1/grids", params={"limit": 5, **({"after": after} if after else {})}).json()
            seen += [item["code"] for item in page["items"]]
            after = page["next"]
            if after is None:
                break
        assert seen == sorted(seen)
        assert len(seen) == len(set(seen)) == 12

    @pytest.mark.usefixtures("tree")
    def test_a_box_narrows_the_list(self, admin: TestClient) -> None:
        assert names(admin.get("/v1/grids", params={"bbox": "118.951,32.101,118.952,32.102"})) == [
            "C",
            "C1",
            "C11",
        ]

    @pytest.mark.parametrize(
        "box", ["1,2,3", "a,b,c,d", "119,32,118,33", "118,33,119,32", "nan,1,2,3", "1,2,3,400"]
    )
    def test_a_box_that_is_none(self, admin: TestClient, box: str) -> None:
        reply = admin.get("/v1/grids", params={"bbox": box})
        assert reply.status_code == 422
        assert reply.json()["errors"][0]["pointer"] == "/query/bbox"

    def test_everybody_sees_the_own_part_only(
        self, client: Client, session: Session, tree: make.StreetTree
    ) -> None:
        member = client(make.actor(session, role=Role.MEMBER, grid=tree.a11))
        head = client(make.actor(session, role=Role.HEAD, grid=tree.a1))
        operator = client(make.actor(session, role=Role.OPERATOR))
        assert names(member.get("/v1/grids")) == ["A11"]
        assert names(head.get("/v1/grids")) == ["A1", "A11", "A12"]
        assert "C" not in names(operator.get("/v1/grids"))

    def test_retired_grids_are_gone(self, admin: TestClient, session: Session, tree: make.StreetTree) -> None:
        tree.c11.retired_on = date(2026, 1, 2)
        session.flush()
        assert "C11" not in names(admin.get("/v1/grids"))

    def test_floors_have_the_centre_of_the_grid_around_them(
        self, admin: TestClient, session: Session, tree: make.StreetTree
    ) -> None:
        floor = make.grid(session, code=tree.a11.code + "-001", parent=tree.a11, kind="floor")
        counter = make.grid(session, code=floor.code + "-001", parent=floor, kind="counter")
        for code in (floor.code, counter.code):
            centre = admin.get(f"/v1/grids/{code}").json()["centre"]
            assert centre == pytest.approx([118.9025, 32.105], abs=1e-6)


class TestOne:
    def test_shape_ancestors_and_people(
        self, client: Client, session: Session, tree: make.StreetTree
    ) -> None:
        member = make.actor(session, role=Role.MEMBER, grid=tree.a11)
        reply = client(member).get(f"/v1/grids/{tree.a11.code}")
        assert reply.status_code == 200
        grid = reply.json()
        assert set(grid["geometry"]) == {"type", "coordinates"}  # RFC 7946: no crs
        assert grid["geometry"]["type"] == "MultiPolygon"
        assert [118.905, 32.11] in grid["geometry"]["coordinates"][0][0]
        assert [(step["name"], step["level"]) for step in grid["path"]] == [("A", 1), ("A1", 2)]
        held = {"role": "member", "since": "2026-01-01", "stands_in_for": None}
        assert grid["people"] == [{"name": member.name, **held}]
        assert (grid["version"], grid["valid_from"]) == (1, "2026-01-01")

    def test_a_copy_at_hand_is_not_sent_again(
        self, client: Client, session: Session, tree: make.StreetTree
    ) -> None:
        operator = client(make.actor(session, role=Role.OPERATOR))
        first = operator.get(f"/v1/grids/{tree.a11.code}")
        tag = first.headers["etag"]
        assert tag == f'"{version_id(session, tree.a11)}"'
        again = operator.get(f"/v1/grids/{tree.a11.code}", headers={"If-None-Match": tag})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        other = operator.get(f"/v1/grids/{tree.a11.code}", headers={"If-None-Match": '"0"'})
        assert other.json() == first.json()
        assert "no-store" in other.headers["cache-control"]

    def test_a_shape_is_sent_by_the_right_hand_rule(
        self, admin: TestClient, session: Session, tree: make.StreetTree
    ) -> None:
        clockwise = "((118.93 32.12, 118.93 32.13, 118.94 32.13, 118.94 32.12, 118.93 32.12)"
        hole = "(118.932 32.122, 118.938 32.122, 118.938 32.128, 118.932 32.128, 118.932 32.122))"
        geom = f"SRID=4490;MULTIPOLYGON({clockwise}, {hole})"
        made = make.grid(session, code=make.grid_code(sequence="77"), parent=tree.a1, geom=geom)
        shape = admin.get(f"/v1/grids/{made.code}").json()["geometry"]
        assert [signed_area(ring) > 0 for ring in shape["coordinates"][0]] == [True, False]

    def test_those_who_may_not_read_people_see_none(
        self, client: Client, session: Session, tree: make.StreetTree
    ) -> None:
        make.actor(session, role=Role.MEMBER, grid=tree.a11)
        unit = client(make.actor(session, role=Role.UNIT))
        assert unit.get(f"/v1/grids/{tree.a11.code}").json()["people"] == []

    @pytest.mark.parametrize("path", ["", "/children", "/history"])
    def test_outside_the_scope_is_not_found(
        self, client: Client, session: Session, tree: make.StreetTree, path: str
    ) -> None:
        head = client(make.actor(session, role=Role.HEAD, grid=tree.a1))
        for code in (tree.a2.code, tree.a.code, "99010132011300700199", "nonsense"):
            reply = head.get(f"/v1/grids/{code}{path}")
            assert (reply.status_code, reply.json()["code"]) == (404, "not-found")

    def test_children_and_history(self, admin: TestClient, tree: make.StreetTree) -> None:
        assert names(admin.get(f"/v1/grids/{tree.a1.code}/children")) == ["A11", "A12"]
        history = admin.get(f"/v1/grids/{tree.a1.code}/history").json()
        assert history["code"] == tree.a1.code
        assert [(item["version"], item["valid_to"]) for item in history["items"]] == [(1, None)]


@pytest.mark.usefixtures("tree")
class TestLocate:
    def at(self, client: TestClient, lon: float, lat: float, **more: Any) -> Any:
        reply = client.get("/v1/grids/locate", params={"lon": lon, "lat": lat, "datum": "EPSG:4490", **more})
        assert reply.status_code == 200, reply.text
        return reply.json()

    def found(self, located: Any) -> list[list[str]]:
        return [[grid["name"] for grid in level["grids"]] for level in located["levels"]]

    def test_one_grid_per_level_and_how_near_its_boundary_is(self, admin: TestClient) -> None:
        located = self.at(admin, 118.902, 32.105)
        assert self.found(located) == [["A"], ["A1"], ["A11"]]
        assert not any(level["ambiguous"] for level in located["levels"])
        deepest = located["levels"][2]["grids"][0]
        assert deepest["inside"] is True
        assert deepest["boundary_m"] == pytest.approx(188.7, abs=0.5)  # 0.002 degrees of longitude at 32.1 N
        assert located["point"] == {"lon": 118.902, "lat": 32.105, "datum": "EPSG:4490"}

    def test_on_a_boundary_both_grids_are_meant(self, admin: TestClient) -> None:
        located = self.at(admin, 118.905, 32.105)
        assert self.found(located) == [["A"], ["A1"], ["A11", "A12"]]
        assert [level["ambiguous"] for level in located["levels"]] == [False, False, True]

    def test_within_the_accuracy_the_neighbour_may_be_meant(self, admin: TestClient) -> None:
        """0.0001 degrees east of the border between A11 and A12: 9.4 m."""
        assert self.found(self.at(admin, 118.9051, 32.105))[2] == ["A12", "A11"]
        near = self.at(admin, 118.9051, 32.105)["levels"][2]["grids"][1]
        assert (near["inside"], near["boundary_m"]) == (False, pytest.approx(9.44, abs=0.05))
        assert self.found(self.at(admin, 118.9051, 32.105, accuracy_m=5))[2] == ["A12"]

    def test_nowhere(self, admin: TestClient) -> None:
        assert self.found(self.at(admin, 118.5, 32.105)) == [[], [], []]

    def test_another_datum_is_converted(self, admin: TestClient) -> None:
        """The position of the first test as Amap shows it."""
        lon, lat = (float(value) for value in from_cgcs2000(118.902, 32.105, "GCJ02"))
        located = self.at(admin, lon, lat, datum="GCJ02")
        assert self.found(located)[2] == ["A11"]
        assert located["point"]["lon"] == pytest.approx(118.902, abs=1e-8)

    def test_only_grids_of_the_scope(self, client: Client, session: Session, tree: make.StreetTree) -> None:
        head = client(make.actor(session, role=Role.HEAD, grid=tree.a1))
        assert self.found(self.at(head, 118.902, 32.105)) == [[], ["A1"], ["A11"]]

    @pytest.mark.parametrize(
        ("query", "status", "code"),
        [
            ({"lon": 118.9, "lat": 32.1}, 422, "invalid"),  # the datum is never guessed
            ({"lon": 118.9, "lat": 32.1, "datum": "WGS84"}, 422, "unknown-datum"),
            ({"lon": 32.1, "lat": 118.9, "datum": "EPSG:4326"}, 422, "outside-china"),
            ({"lon": "nan", "lat": 32.1, "datum": "EPSG:4326"}, 422, "invalid"),
            ({"lon": 118.9, "lat": 32.1, "datum": "EPSG:4326", "accuracy_m": -1}, 422, "invalid"),
        ],
    )
    def test_what_is_no_position(
        self, admin: TestClient, query: dict[str, Any], status: int, code: str
    ) -> None:
        reply = admin.get("/v1/grids/locate", params=query)
        assert (reply.status_code, reply.json()["code"]) == (status, code)
        assert reply.headers["content-type"] == "application/problem+json"

    def test_one_statement_for_all_levels(self, admin: TestClient, session: Session) -> None:
        statements: list[str] = []
        engine = session.get_bind().engine
        event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
        self.at(admin, 118.902, 32.105)
        assert sum("ST_Covers" in statement for statement in statements) == 1


def test_nobody_without_a_token(anonymous: TestClient) -> None:
    for path in ("/v1/grids", "/v1/grids/locate?lon=1&lat=1&datum=GCJ02", "/v1/grids/1", "/v1/grid-codes/1"):
        assert anonymous.get(path).status_code == 401
    assert anonymous.post("/v1/grids/import?datum=GCJ02", files={"file": b"{}"}).status_code == 401
