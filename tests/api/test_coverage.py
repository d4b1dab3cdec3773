"""The heatmap and the shares over HTTP."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import h3
import pytest
import shapely
import time_machine
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from api.schemas.coverage import HeatFeaturesOut, HeatmapOut
from geo.cells import Cells, centres_of
from patrol.visits.models import Visit
from registry.people.models import Household
from tests import make
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
    """Those of A11; Wang walked ten of them on Monday and five of these once more on Sunday."""
    cells = cells_in(session, tree.a11)
    walked(session, wang, tree.a11, cells[:10])
    walked(session, wang, tree.a11, cells[:5], day=SUNDAY)
    walked(session, wang, tree.a11, cells[10:12], day=SUNDAY, hour=12, status="pending_review")
    rolled_up(session, MONDAY, SUNDAY)
    return cells


def by_cell(reply: Any) -> dict[str, dict[str, Any]]:
    assert reply.status_code == 200, reply.text
    return {cell["cell"]: cell for cell in reply.json()["cells"]}


class TestHeatmap:
    def test_every_cell_of_the_grid(
        self, client: ClientOf, wang: Actor, tree: make.StreetTree, cells: Cells
    ) -> None:
        reply = client(wang).get("/v1/coverage", params={"grid": tree.a11.code, **WEEK})

        found = by_cell(reply)
        assert set(found) == {f"{cell:x}" for cell in cells.tolist()}
        assert found[f"{cells[0]:x}"] == {
            "cell": f"{cells[0]:x}",
            "state": "covered",
            "visits": 2,
            "dwell_s": 20.0,
            "last_visit_on": "2026-11-22",
            "unconfirmed": 0,
            "unknown": 0,
        }
        assert found[f"{cells[7]:x}"]["last_visit_on"] == "2026-11-16"
        doubted = found[f"{cells[10]:x}"]
        assert (doubted["state"], doubted["visits"], doubted["unconfirmed"]) == ("not_covered", 0, 1)
        assert found[f"{cells[20]:x}"]["state"] == "not_covered"
        body = HeatmapOut.model_validate_json(reply.content)
        assert (body.totals.cells, body.totals.covered) == (len(cells), 10)
        assert body.resolution == 11
        assert all(one.zh and one.en for one in body.explained)
        assert reply.headers["cache-control"] == "private, no-store"

    def test_unknown_is_not_the_same_as_not_walked(
        self, client: ClientOf, session: Session, wang: Actor, tree: make.StreetTree, cells: Cells
    ) -> None:
        walked(session, wang, tree.a11, cells[:0], day=SUNDAY, hour=8, status="invalid", observed_s=0.0)
        rolled_up(session, SUNDAY)
        found = by_cell(client(wang).get("/v1/coverage", params={"grid": tree.a11.code, **WEEK}))
        assert {cell["state"] for cell in found.values()} == {"covered", "unknown"}

    @pytest.mark.usefixtures("cells")
    def test_days_narrow_it(self, client: ClientOf, wang: Actor, tree: make.StreetTree) -> None:
        def covered(**query: str) -> int:
            reply = client(wang).get("/v1/coverage", params={"grid": tree.a11.code, **query})
            return int(reply.json()["totals"]["covered"])

        assert covered(**{"from": "2026-11-17"}) == 5
        assert covered(to="2026-11-16") == 10
        assert covered(**{"from": "2026-11-17", "to": "2026-11-21"}) == 0
        assert covered(days="1") == 5
        assert covered(days="7") == 10
        assert covered() == 10

    @pytest.mark.parametrize("resolution", [7, 8, 9, 10])
    def test_coarser_cells(
        self, client: ClientOf, wang: Actor, tree: make.StreetTree, cells: Cells, resolution: int
    ) -> None:
        query = {"grid": tree.a11.code, "resolution": str(resolution), **WEEK}
        found = by_cell(client(wang).get("/v1/coverage", params=query))
        assert {h3.get_resolution(cell) for cell in found} == {resolution}
        around = h3.cell_to_parent(f"{cells[0]:x}", resolution)
        assert found[around]["visits"] == 2
        assert sum(cell["dwell_s"] for cell in found.values()) == 150.0

    def test_geojson_by_the_right_hand_rule(
        self, client: ClientOf, wang: Actor, tree: make.StreetTree, cells: Cells
    ) -> None:
        query = {"grid": tree.a11.code, "format": "geojson", **WEEK}
        reply = client(wang).get("/v1/coverage", params=query)
        assert reply.headers["content-type"] == "application/geo+json"
        body = HeatFeaturesOut.model_validate_json(reply.content)
        assert [feature.id for feature in body.features] == [f"{cell:x}" for cell in cells.tolist()]
        for feature, lon, lat in zip(body.features[:20], *centres_of(cells[:20]), strict=True):
            ring = shapely.LinearRing(feature.geometry["coordinates"][0])
            assert ring.is_ccw
            assert shapely.contains_xy(shapely.Polygon(ring), lon, lat)

    @pytest.mark.usefixtures("tree")
    def test_without_a_grid_all_that_one_may_read(
        self, client: ClientOf, session: Session, wang: Actor, cells: Cells
    ) -> None:
        mine = client(wang).get("/v1/coverage", params=WEEK).json()
        assert (mine["grid_code"], mine["resolution"], mine["totals"]["cells"]) == (None, 11, len(cells))
        leader = client(make.actor(session, role=Role.LEADER))
        street = leader.get("/v1/coverage", params=WEEK).json()
        assert street["resolution"] == 9
        assert street["totals"]["covered"] >= 1
        assert "name" not in str(street), "leaders see counts"

    def test_a_floor_is_as_large_as_the_grid_around_it(
        self, client: ClientOf, session: Session, tree: make.StreetTree, cells: Cells
    ) -> None:
        floor = make.grid(session, code=f"{tree.a11.code}-001", parent=tree.a11, name="一层")
        member = client(make.actor(session, role=Role.MEMBER, grid=floor, username="floor"))
        found = by_cell(member.get("/v1/coverage", params={"grid": floor.code, **WEEK}))
        assert set(found) == {f"{cell:x}" for cell in cells.tolist()}

    def test_ground_that_changed_hands_keeps_its_past(
        self, client: ClientOf, session: Session, tree: make.StreetTree, cells: Cells
    ) -> None:
        leader = client(make.actor(session, role=Role.LEADER))
        tree.a11.retired_on = SUNDAY
        session.flush()
        around = by_cell(leader.get("/v1/coverage", params={"grid": tree.a1.code, **WEEK}))
        assert around[f"{cells[0]:x}"]["visits"] == 2

    @pytest.mark.parametrize(
        ("query", "pointer"),
        [
            ({"from": "yesterday"}, "/query/from"),
            ({"to": "20261116"}, "/query/to"),
            ({"to": "2026-02-30"}, "/query/to"),
            ({"to": "0001-01-01"}, "/query/to"),
            ({"from": "9999-12-31"}, "/query/from"),
            ({"from": "2026-11-20", "to": "2026-11-19"}, "/query/from"),
            ({"from": "2025-11-21", "to": "2026-11-22"}, "/query/from"),
            ({"from": "2026-11-20", "days": "7"}, "/query/days"),
            ({"days": "0"}, "/query/days"),
            ({"days": "367"}, "/query/days"),
            ({"days": "7 OR 1=1"}, "/query/days"),
            ({"resolution": "12"}, "/query/resolution"),
            ({"resolution": "6"}, "/query/resolution"),
            ({"resolution": "nine"}, "/query/resolution"),
            ({"format": "xml"}, "/query/format"),
            ({"grid": "9" * 41}, "/query/grid"),
        ],
    )
    def test_what_cannot_be_asked(
        self, client: ClientOf, wang: Actor, query: dict[str, str], pointer: str
    ) -> None:
        reply = client(wang).get("/v1/coverage", params=query)
        assert reply.status_code == 422
        assert [error["pointer"] for error in reply.json()["errors"]] == [pointer]

    @pytest.mark.usefixtures("cells")
    def test_the_longest_range_is_a_leap_year(self, client: ClientOf, wang: Actor) -> None:
        reply = client(wang).get("/v1/coverage", params={"from": "2025-11-22", "to": "2026-11-22"})
        assert reply.status_code == 200
        ahead = client(wang).get("/v1/coverage", params={"from": "2026-11-22", "to": "2027-01-22"})
        assert ahead.json()["totals"]["covered"] == 5

    @pytest.mark.usefixtures("cells")
    def test_too_many_cells_ask_for_a_coarser_resolution(
        self, client: ClientOf, session: Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("patrol.coverage.queries.MOST_CELLS", 100)
        leader = client(make.actor(session, role=Role.LEADER))
        reply = leader.get("/v1/coverage", params={"resolution": "11", **WEEK})
        assert (reply.status_code, reply.json()["code"]) == (422, "too-many-cells")
        assert leader.get("/v1/coverage", params={"resolution": "9", **WEEK}).status_code == 200

    @pytest.mark.usefixtures("cells")
    def test_who_may_not_read_patrols_sees_neither_days_nor_fine_cells(
        self,
        client: ClientOf,
        session: Session,
        tree: make.StreetTree,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        from access import roles, scope

        blind = {**roles.ACTIONS, Role.LEADER: roles.ACTIONS[Role.LEADER] - {roles.Action.READ_PATROLS}}
        monkeypatch.setattr(scope, "ACTIONS", blind)
        leader = client(make.actor(session, role=Role.LEADER))
        body = leader.get("/v1/coverage", params={"grid": tree.a11.code, "resolution": "11", **WEEK}).json()
        assert body["resolution"] == 9
        assert {cell["last_visit_on"] for cell in body["cells"]} == {None}


@pytest.mark.parametrize(
    ("who", "grid", "status"),
    [
        ("member", "a11", 200),
        ("member", "a12", 404),
        ("member", "a1", 404),
        ("member", "c11", 404),
        ("head of a1", "a12", 200),
        ("head of a1", "a21", 404),
        ("leader", "b11", 200),
        ("leader", "c11", 404),
        ("unit", "a11", 403),
        ("unit", "c11", 404),
    ],
)
@pytest.mark.parametrize("address", ["/v1/coverage", "/v1/coverage/summary", "/v1/coverage/summary/export"])
def test_scope(
    client: ClientOf,
    session: Session,
    tree: make.StreetTree,
    *,
    who: str,
    grid: str,
    status: int,
    address: str,
) -> None:
    match who:
        case "member":
            actor = make.actor(session, role=Role.MEMBER, grid=tree.a11)
        case "head of a1":
            actor = make.actor(session, role=Role.HEAD, grid=tree.a1)
        case _:
            actor = make.actor(session, role=Role(who))
    reply = client(actor).get(address, params={"grid": getattr(tree, grid).code, **WEEK})
    assert reply.status_code == status, reply.text
    missing = client(actor).get(address, params={"grid": make.grid_code(community="599"), **WEEK})
    assert missing.status_code == 404
    if status == 404:
        assert reply.json()["code"] == missing.json()["code"] == "grid-unknown"


def test_neighbours_add_nothing_to_a_coarse_cell_on_the_rim(
    client: ClientOf, session: Session, wang: Actor, tree: make.StreetTree, cells: Cells
) -> None:
    query = {"grid": tree.a11.code, "resolution": "8", **WEEK}
    before = client(wang).get("/v1/coverage", params=query).json()["cells"]
    li = make.actor(session, role=Role.MEMBER, grid=tree.a12, username="li")
    walked(session, li, tree.a12, cells_in(session, tree.a12))
    rolled_up(session)
    assert client(wang).get("/v1/coverage", params=query).json()["cells"] == before


class TestSummary:
    def test_what_was_reached_of_each_grid(
        self, client: ClientOf, session: Session, tree: make.StreetTree, cells: Cells
    ) -> None:
        lon, lat = (column.tolist() for column in centres_of(cells))
        make.building(session, name="近", lon=lon[0], lat=lat[0], households=12)
        make.building(session, name="远", lon=lon[-1], lat=lat[-1], households=30)
        make.building(session, name="不详", lon=lon[-1], lat=lat[-1] - 1e-5, households=None)
        make.building(
            session, name="手工", lon=lon[0], lat=lat[0], households=5, manual_grid_id=tree.a12.grid_id
        )
        leader = client(make.actor(session, role=Role.LEADER))

        body = leader.get("/v1/coverage/summary", params={"street": make.STREET, **WEEK}).json()

        grids = {grid["name"]: grid for grid in body["items"]}
        assert list(grids) == ["A11", "A12", "A21", "B11"]
        assert grids["A11"]["cells"] == {
            "reached": 10,
            "total": len(cells),
            "ratio": round(10 / len(cells), 4),
        }
        assert grids["A11"]["buildings"] == {"reached": 1, "total": 3, "ratio": 0.3333}
        assert grids["A11"]["households"] == {"reached": 12, "total": 42, "ratio": 0.2857}
        assert grids["A11"]["buildings_without_households"] == 1
        assert grids["A12"]["buildings"] == {"reached": 1, "total": 1, "ratio": 1.0}
        assert grids["A21"]["buildings"] == {"reached": 0, "total": 0, "ratio": None}
        assert body["next"] is None
        assert {"cells", "checkpoints", "buildings", "households", "registered_households"} <= {
            one["code"] for one in body["denominators"]
        }

    def test_checkpoints_count_where_a_patrol_that_counts_proved_it(
        self, client: ClientOf, session: Session, wang: Actor, tree: make.StreetTree, cells: Cells
    ) -> None:
        names = ("北门", "南门", "东门")
        gates = [make.checkpoint(session, name=name) for name in names]
        shown = [{"checkpoint_id": str(gate.checkpoint_id), "proof": "token", "at": ""} for gate in gates]
        day = MONDAY + timedelta(days=2)
        seen: dict[str, Any] = {"checkpoints_visited": 1, "checkpoints_total": 3}
        walked(session, wang, tree.a11, cells[:1], day=day, visits=shown[:1], **seen)
        walked(session, wang, tree.a11, cells[:1], day=day, hour=12, visits=shown[:1], **seen)
        walked(
            session, wang, tree.a11, cells[:1], day=day, hour=15, status="invalid", visits=shown[1:2], **seen
        )
        body = client(wang).get("/v1/coverage/summary", params={"grid": tree.a11.code, **WEEK}).json()
        assert body["items"][0]["checkpoints"] == {"reached": 1, "total": 3, "ratio": 0.3333}

    @pytest.mark.usefixtures("cells")
    def test_registered_households_count_once(
        self, client: ClientOf, session: Session, wang: Actor, tree: make.StreetTree
    ) -> None:
        homes = [household(session, number) for number in range(3)]
        for number, (home, outcome, day) in enumerate(
            [(0, "met", 16), (0, "met", 18), (1, "not_home", 18), (2, "met", 1)]
        ):
            session.add(visit(homes[home], wang, number, outcome, date(2026, 11, day)))
        session.flush()
        body = client(wang).get("/v1/coverage/summary", params={"grid": tree.a11.code, **WEEK}).json()
        assert body["items"][0]["registered_households"] == {"reached": 1, "total": 3, "ratio": 0.3333}

    @pytest.mark.usefixtures("tree", "cells")
    def test_levels_and_pages(self, client: ClientOf, session: Session) -> None:
        leader = client(make.actor(session, role=Role.LEADER))
        query = {"street": make.STREET, "level": "1", "limit": "1", **WEEK}
        first = leader.get("/v1/coverage/summary", params=query).json()
        assert [grid["name"] for grid in first["items"]] == ["A"]
        assert first["items"][0]["cells"]["reached"] == 10
        second = leader.get("/v1/coverage/summary", params={**query, "after": first["next"]}).json()
        assert ([grid["name"] for grid in second["items"]], second["next"]) == (["B"], None)

    @pytest.mark.parametrize(
        ("query", "status", "code"),
        [
            ({}, 422, "invalid"),
            ({"street": make.STREET, "grid": make.grid_code()}, 422, "invalid"),
            ({"street": "仙林"}, 422, "invalid"),
            ({"street": make.OTHER_STREET}, 404, "grid-unknown"),
            ({"street": make.STREET, "level": "4"}, 422, "invalid"),
            ({"street": make.STREET, "from": "2026-13-01"}, 422, "invalid"),
        ],
    )
    def test_what_cannot_be_asked(
        self, client: ClientOf, session: Session, query: dict[str, str], status: int, code: str
    ) -> None:
        make.street(session)
        reply = client(make.actor(session, role=Role.LEADER)).get("/v1/coverage/summary", params=query)
        assert (reply.status_code, reply.json()["code"]) == (status, code)


def household(session: Session, number: int) -> Household:
    made = Household(
        household_id=make.fixed_uuid(f"household {number}"),
        street_code=make.STREET,
        kind="registered",
        room=str(number),
        geom=make.point(118.902, 32.105),
        source_datum="EPSG:4490",
        source="test",
        attributes={},
        revision=1,
        changed_by="测试",
    )
    session.add(made)
    session.flush()
    return made


def visit(home: Household, actor: Actor, number: int, outcome: str, day: date) -> Visit:
    return Visit(
        visit_id=make.fixed_uuid(f"visit {number}"),
        household_id=home.household_id,
        person_id=actor.person_id,
        at=datetime(day.year, day.month, day.day, 12, tzinfo=UTC),
        outcome=outcome,
        theme="routine",
        answers={},
        note="",
        photos=[],
        body_hash=b"",
    )
