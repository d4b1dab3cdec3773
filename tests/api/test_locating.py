"""Positions over HTTP: what may be meant near a boundary, and thousands of them at once."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from geo.datums import from_cgcs2000
from tests import make

ClientOf = Callable[[Actor], TestClient]
LAT = 32.105


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return make.street_tree(session)


@pytest.fixture
def admin(client: ClientOf, session: Session, tree: make.StreetTree) -> TestClient:
    return client(make.actor(session, role=Role.ADMIN, area=""))


def at(client: TestClient, lon: float, **more: Any) -> Any:
    query = {"lon": lon, "lat": LAT, "datum": "EPSG:4490", **more}
    reply = client.get("/v1/grids/locate", params=query)
    assert reply.status_code == 200, reply.text
    return reply.json()


def many(client: TestClient, points: list[Any], **more: Any) -> Any:
    reply = client.post("/v1/grids/locate", json={"datum": "EPSG:4490", "points": points, **more})
    assert reply.status_code == 200, reply.text
    return reply.json()


class TestOnePosition:
    def test_the_nearest_boundary_of_each_level(self, admin: TestClient) -> None:
        located = at(admin, 118.902)
        assert [level["boundary_m"] for level in located["levels"]] == pytest.approx([188.7] * 3, abs=0.5)
        assert located["accuracy_m"] == 15.0

    def test_at_the_outer_border_it_may_be_outside_every_grid(self, admin: TestClient) -> None:
        """0.0001 degrees of longitude are 9.4 m; beyond the west of A lies nothing."""
        for lon, accuracy_m, outside in (
            (118.9001, 15, True),
            (118.9001, 5, False),
            (118.8999, 15, True),
            (118.9051, 15, False),  # A12 and A11 meet here
        ):
            levels = at(admin, lon, accuracy_m=accuracy_m)["levels"]
            assert [level["may_be_outside"] for level in levels] == [outside] * 3, lon
            assert levels[0]["ambiguous"] is outside, lon

    def test_far_from_everything_nothing_is_ambiguous(self, admin: TestClient) -> None:
        for level in at(admin, 118.5)["levels"]:
            assert level == {
                "level": level["level"],
                "grids": [],
                "boundary_m": None,
                "ambiguous": False,
                "may_be_outside": True,
            }

    def test_ground_that_one_may_not_see_is_outside(
        self, client: ClientOf, session: Session, tree: make.StreetTree
    ) -> None:
        member = client(make.actor(session, role=Role.MEMBER, grid=tree.a11))
        deepest = at(member, 118.9049)["levels"][2]
        assert ([grid["name"] for grid in deepest["grids"]], deepest["ambiguous"]) == (["A11"], True)

    def test_a_slit_of_a_few_centimetres_is_no_ground(self, admin: TestClient, session: Session) -> None:
        """The neighbour of C begins 4.7 cm east of it."""
        make.grid(
            session,
            code=make.grid_code(community="005", street_code=make.OTHER_STREET),
            geom=make.box(118.9700005, make.SOUTH, 118.98, make.NORTH),
        )
        top = at(admin, 118.96999)["levels"][0]
        assert len(top["grids"]) == 2
        assert top["may_be_outside"] is False

    def test_floors_and_counters_are_counted_not_chosen(
        self, admin: TestClient, session: Session, tree: make.StreetTree
    ) -> None:
        floor = make.grid(session, code=f"{tree.a11.code}01", parent=tree.a11)
        make.grid(session, code=f"{tree.a11.code}02", parent=tree.a11)
        make.grid(session, code=f"{tree.a11.code}0101", parent=floor)
        assert at(admin, 118.902)["below"] == {"level_4": 2, "level_5": 1}
        assert at(admin, 118.907)["below"] == {"level_4": 0, "level_5": 0}
        assert at(admin, 118.5)["below"] is None
        assert [point["below"] for point in many(admin, [[118.902, LAT], [118.5, LAT]])["points"]] == [
            [2, 1],
            None,
        ]

    def test_on_another_day(self, admin: TestClient) -> None:
        located = at(admin, 118.902, on="2025-12-31")
        assert located["on"] == "2025-12-31"
        assert [level["grids"] for level in located["levels"]] == [[], [], []]


class TestManyPositions:
    def names(self, found: Any) -> list[Any]:
        named = {None: None, **found["names"]}
        return [point and [named[code] for code in point["grids"]] for point in found["points"]]

    def test_every_level_in_the_order_asked(self, admin: TestClient) -> None:
        found = many(admin, [[118.902, LAT], [118.96, LAT], [118.5, LAT]])
        assert self.names(found) == [["A", "A1", "A11"], ["C", "C1", "C11"], [None] * 3]
        assert found["levels"] == [1, 2, 3]
        first = found["points"][0]
        assert first["boundary_m"] == pytest.approx([188.7] * 3, abs=0.5)
        assert first["ambiguous"] == [False] * 3
        assert found["points"][2]["boundary_m"] == [None] * 3

    def test_as_the_single_position_says(self, admin: TestClient) -> None:
        lons = [118.9 + step * 0.00005 for step in range(-4, 1404, 11)]
        found = many(admin, [[lon, LAT] for lon in lons])
        for lon, names, point in zip(lons, self.names(found), found["points"], strict=True):
            for level, name, ambiguous in zip(
                at(admin, lon)["levels"], names, point["ambiguous"], strict=True
            ):
                inside = [grid["name"] for grid in level["grids"] if grid["inside"]]
                assert (name in inside) if inside else name is None, lon
                assert ambiguous is level["ambiguous"], lon

    def test_a_shared_boundary_belongs_to_one_line_of_grids(self, admin: TestClient) -> None:
        """The lowest id of the deepest level has it: in the tree A12 was made after A11, B11 after A21."""
        found = many(admin, [[118.905, LAT], [118.91, LAT], [118.92, LAT]])
        assert self.names(found) == [["A", "A1", "A11"], ["A", "A1", "A12"], ["A", "A2", "A21"]]

    def test_its_own_accuracy_decides_for_a_point(self, admin: TestClient) -> None:
        found = many(admin, [[118.9051, LAT], [118.9051, LAT, 5], [118.8999, LAT, 10]], accuracy_m=12)
        assert [point["ambiguous"][2] for point in found["points"]] == [True, False, True]
        assert found["points"][2]["boundary_m"][2] == pytest.approx(9.44, abs=0.05)

    def test_only_grids_of_the_scope(self, client: ClientOf, session: Session, tree: make.StreetTree) -> None:
        head = client(make.actor(session, role=Role.HEAD, grid=tree.a2))
        points = [[118.902, LAT], [118.915, LAT], [118.91, LAT], [118.9099, LAT]]
        found = many(head, points)
        assert self.names(found) == [
            [None] * 3,
            [None, "A2", "A21"],
            [None, "A2", "A21"],  # on the boundary to A12, which this head may not see
            [None] * 3,
        ]
        assert found["points"][3]["ambiguous"] == [False, True, True]
        assert set(found["names"].values()) == {"A2", "A21"}

    def test_another_datum_is_converted(self, admin: TestClient) -> None:
        lon, lat = (float(value) for value in from_cgcs2000(118.902, LAT, "GCJ02"))
        assert self.names(many(admin, [[lon, lat]], datum="GCJ02")) == [["A", "A1", "A11"]]

    @pytest.mark.parametrize(
        ("point", "reason"),
        [
            ([float("nan"), LAT], "not-a-position"),
            ([118.902, None], "not-a-position"),
            ([118.902], "not-a-position"),
            ([118.902, LAT, 5, 5], "not-a-position"),
            (["118.902", LAT], "not-a-position"),
            ([True, LAT], "not-a-position"),
            ([10**400, LAT], "not-a-position"),
            ({"lon": 118.902}, "not-a-position"),
            ([LAT, 118.902], "outside-china"),
            ([118.902, LAT, -1], "accuracy-range"),
            ([118.902, LAT, float("inf")], "accuracy-range"),
        ],
    )
    def test_a_bad_point_harms_no_other(self, admin: TestClient, point: Any, reason: str) -> None:
        body = {"datum": "EPSG:4490", "points": [[118.902, LAT], point, [118.96, LAT]]}
        text = json.dumps(body)  # NaN and Infinity too, as careless clients write them
        reply = admin.post("/v1/grids/locate", content=text, headers={"Content-Type": "application/json"})
        assert reply.status_code == 200, reply.text
        found = reply.json()
        assert self.names(found) == [["A", "A1", "A11"], None, ["C", "C1", "C11"]]
        assert [(one["index"], one["reason"]) for one in found["rejected"]] == [(1, reason)]

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"datum": "WGS84"}, "unknown-datum"),
            ({"points": [[118.9, LAT]] * 10_001}, "invalid"),
            ({"points": None}, "invalid"),
            ({"accuracy_m": -1}, "invalid"),
            ({"accuracy_m": 1001}, "invalid"),
            ({"on": "yesterday"}, "invalid"),
            ({"more": 1}, "invalid"),
        ],
    )
    def test_what_is_no_question(self, admin: TestClient, change: dict[str, Any], code: str) -> None:
        reply = admin.post("/v1/grids/locate", json={"datum": "EPSG:4490", "points": [], **change})
        assert (reply.status_code, reply.json()["code"]) == (422, code)

    def test_no_points_no_answers(self, admin: TestClient) -> None:
        assert many(admin, [])["points"] == []

    def test_a_new_boundary_counts_at_once(self, admin: TestClient, session: Session) -> None:
        assert self.names(many(admin, [[118.995, LAT]])) == [[None] * 3]
        make.grid(
            session,
            code=make.grid_code(community="006"),
            name="D",
            geom=make.box(118.99, make.SOUTH, 119.0, make.NORTH),
            valid_from=date(2026, 2, 1),
        )
        assert self.names(many(admin, [[118.995, LAT]])) == [["D", None, None]]
        assert self.names(many(admin, [[118.995, LAT]], on="2026-01-31")) == [[None] * 3]
