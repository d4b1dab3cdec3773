"""Reports on the division over HTTP; figures worked out by hand from tests/make.py's squares."""

import csv
import io
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from core.spreadsheets import read_rows
from geo.models import BaseFeature, Grid, GridVersion
from tests import make

ClientOf = Callable[[Actor], TestClient]
BALANCE, TABLE = "/v1/analysis/balance", "/v1/analysis/balance/table"
COVERAGE, ORPHANS = "/v1/analysis/coverage", "/v1/analysis/orphans"
STREET = {"street": make.STREET}


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    """A11, A12 and A21: 0.1, 0.1 and 0.2 km2, 300, 300 and 600 households declared; B11 declares none."""
    tree = make.street_tree(session)
    for grid, area_m2, households in (
        (tree.a11, 100_000.0, 300),
        (tree.a12, 100_000.0, 300),
        (tree.a21, 200_000.0, 600),
        (tree.b11, 400_000.0, None),
    ):
        session.execute(
            update(GridVersion)
            .where(GridVersion.grid_id == grid.grid_id)
            .values(area_m2=area_m2, households=households)
        )
    return tree


@pytest.fixture
def places(session: Session, tree: make.StreetTree) -> None:
    """Two buildings in A11, one in A12, two in A21, one outside everything."""
    plain: dict[str, Any] = {"compound": "仙林新村"}
    make.building(session, name="1", lon=118.901, households=200, entrances=4, shops=6, **plain)
    make.building(session, name="2", lon=118.902, households=100, entrances=2, organisations=1, **plain)
    make.building(session, name="3", lon=118.906, households=150, entrances=3, shops=3, compound="梅园里")
    make.building(session, name="4", lon=118.912, households=500, entrances=8, shops=6, organisations=1)
    make.building(session, name="5", lon=118.913, households=None)
    make.building(session, name="6", lon=118.99, households=50, entrances=1, organisations=2)


@pytest.fixture
def staff(session: Session, tree: make.StreetTree) -> None:
    """Three in A11, one in A12 and A21 together, one head of A2 who stands in no level-3 grid."""
    for number in range(3):
        make.actor(session, role=Role.MEMBER, grid=tree.a11, username=f"m{number}")
    both = make.actor(session, role=Role.MEMBER, grid=tree.a12, username="both")
    make.assignment(session, person_id=both.person_id, role=Role.MEMBER, grid=tree.a21)
    make.actor(session, role=Role.HEAD, grid=tree.a2, username="head2")
    make.actor(
        session, role=Role.MEMBER, grid=tree.b11, username="gone", valid_to=make.SINCE + timedelta(days=30)
    )


@pytest.fixture
def operator(client: ClientOf, session: Session, tree: make.StreetTree) -> TestClient:
    return client(make.actor(session, role=Role.OPERATOR))


def rows_of(reply: Any) -> dict[str, dict[str, Any]]:
    assert reply.status_code == 200, reply.text
    return {item["name"]: item for item in reply.json()["items"]}


def codes(item: dict[str, Any]) -> set[str]:
    return {finding["code"] for finding in item["findings"]}


@pytest.mark.usefixtures("places", "staff")
class TestBalance:
    def test_a_street_by_hand(self, operator: TestClient) -> None:
        rows = rows_of(operator.get(BALANCE, params=STREET))
        assert list(rows) == ["A11", "A12", "A21", "B11"]
        a11 = rows["A11"]
        assert {name: a11[name] for name in a11 if name != "code"} == {
            "name": "A11",
            "kind": "residential",
            "level": 3,
            "is_scattered": False,
            "area_m2": 100_000.0,
            "households": 300,
            "households_declared": 300,
            "objects": {
                "buildings": 2,
                "buildings_without_households": 0,
                "households": 300,
                "entrances": 6,
                "organisations": 1,
                "shops": 6,
                "compounds": 1,
            },
            "population": 786,  # 300 times 2.62
            "population_is_estimated": True,
            "population_per_km2": 7860.0,
            # middles: 225 households, 4.5 shops, 0.5 organisations, 2,250 per km2, 0.15 km2
            "difficulty": 1.333,  # .35 x 4/3 + .20 x 4/3 + .15 x 2 + .15 x 4/3 + .15 x 2/3
            "staff": 3,
            "staff_per_km2": 30.0,
            "households_per_staff": 100.0,
            "staffing_ratio": 1.89,  # 3/5 of the staff, 1.333/4.2 of the difficulty
            "norm": {"zh": "300 户左右", "en": "about 300 households", "least": 200, "aim": 300, "most": 400},
            "findings": [],
        }
        assert [rows[name]["difficulty"] for name in ("A12", "A21", "B11")] == [0.567, 1.9, 0.4]
        assert [rows[name]["staffing_ratio"] for name in ("A12", "A21", "B11")] == [1.482, 0.442, 0.0]

    def test_which_number_of_households_counts(self, operator: TestClient) -> None:
        rows = rows_of(operator.get(BALANCE, params=STREET))
        assert rows["A12"]["households"] == 150, "that of its buildings, which all tell it"
        assert rows["A21"]["households"] == 600, "the declared one: a building does not tell"
        assert rows["A21"]["objects"]["buildings_without_households"] == 1

    def test_what_stands_out(self, operator: TestClient) -> None:
        rows = rows_of(operator.get(BALANCE, params=STREET))
        assert codes(rows["A12"]) == {"grid-too-small", "households-differ"}
        assert codes(rows["A21"]) == {"grid-too-large", "households-differ", "staff-below-difficulty"}
        assert codes(rows["B11"]) == {"no-staff"}

    def test_totals_and_medians(self, operator: TestClient) -> None:
        found = operator.get(BALANCE, params=STREET).json()
        assert (found["street_code"], found["street_name"], found["level"]) == (make.STREET, "仙林街道", 3)
        assert found["totals"] == {
            "grids": 4,
            "area_m2": 800_000.0,
            "households": 1050,
            "objects": {
                "buildings": 5,
                "buildings_without_households": 1,
                "households": 950,
                "entrances": 17,
                "organisations": 2,
                "shops": 15,
                "compounds": 2,
            },
            "population": 786 + 393 + 1572,
            "staff": 4,  # one of the five posts is the same person's
        }
        assert found["medians"] == {
            "area_m2": 150_000.0,
            "households": 225.0,
            "difficulty": 0.95,
            "staff": 1.0,
            "households_per_staff": 150.0,
        }
        assert sum(factor["weight"] for factor in found["formula"]["factors"]) == pytest.approx(1)
        assert found["formula"]["difficulty_version"]

    def test_higher_levels_hold_what_lies_below(self, operator: TestClient) -> None:
        level_2 = rows_of(operator.get(BALANCE, params={**STREET, "level": 2}))
        assert level_2["A1"]["objects"]["households"] == 450
        assert level_2["A1"]["staff"] == 4
        assert level_2["A2"]["staff"] == 2, "with the head"
        level_1 = rows_of(operator.get(BALANCE, params={**STREET, "level": 1}))
        assert level_1["A"]["objects"] == {
            "buildings": 5,
            "buildings_without_households": 1,
            "households": 950,
            "entrances": 17,
            "organisations": 2,
            "shops": 15,
            "compounds": 2,
        }
        assert level_1["B"]["objects"]["buildings"] == 0

    def test_below_one_grid_the_coefficients_stay(self, operator: TestClient, tree: make.StreetTree) -> None:
        found = operator.get(BALANCE, params={"grid": tree.a1.code})
        rows = rows_of(found)
        assert {name: row["difficulty"] for name, row in rows.items()} == {"A11": 1.333, "A12": 0.567}
        assert found.json()["totals"]["households"] == 450
        assert list(rows_of(operator.get(BALANCE, params={"grid": tree.a11.code}))) == ["A11"]

    def test_on_another_day(self, operator: TestClient) -> None:
        early = rows_of(operator.get(BALANCE, params={**STREET, "on": "2026-01-15"}))
        assert early["B11"]["staff"] == 1, "who left later"
        before = operator.get(BALANCE, params={**STREET, "on": "2025-12-31"}).json()
        assert (before["items"], before["totals"]["grids"], before["medians"]["staff"]) == ([], 0, None)

    def test_scattered_grids_have_their_own_norm(
        self, operator: TestClient, session: Session, tree: make.StreetTree
    ) -> None:
        session.execute(
            update(GridVersion)
            .where(GridVersion.grid_id == tree.a12.grid_id)
            .values(kind="village", attributes={"population": 400})
        )
        a12 = rows_of(operator.get(BALANCE, params=STREET))["A12"]
        assert a12["is_scattered"]
        assert codes(a12) == {"grid-too-large", "households-differ"}
        assert (a12["population"], a12["population_is_estimated"]) == (400, False)

    def test_pages(self, operator: TestClient) -> None:
        found, query = [], {**STREET, "limit": "3"}
        while True:
            page = operator.get(BALANCE, params=query).json()
            assert page["totals"]["grids"] == 4
            found += [item["name"] for item in page["items"]]
            if page["next"] is None:
                break
            query["after"] = page["next"]
        assert found == ["A11", "A12", "A21", "B11"]

    def test_as_a_table(self, operator: TestClient) -> None:
        reply = operator.get(TABLE, params={**STREET, "format": "csv"})
        assert reply.headers["content-type"] == "text/csv; charset=utf-8"
        rows = list(csv.DictReader(io.StringIO(reply.content.decode("utf-8-sig"))))
        assert [row["名称 name"] for row in rows] == ["A11", "A12", "A21", "B11"]
        assert rows[0]["户数 households"] == "300"
        assert "多于规范" in rows[2]["提示 findings"]
        book = operator.get(TABLE, params={**STREET, "on": "2026-06-01"})
        assert book.headers["content-disposition"] == (
            f'attachment; filename="balance-{make.STREET}-2026-06-01.xlsx"'
        )
        sheet = read_rows(book.content, "balance.xlsx")
        assert len(sheet.rows) == 4


@pytest.mark.usefixtures("places")
class TestCoverage:
    def test_a_street_by_hand(self, operator: TestClient) -> None:
        reply = operator.get(COVERAGE, params=STREET)
        assert reply.status_code == 200, reply.text
        found = reply.json()
        assert found["objects"] == {
            "buildings": 6,
            "buildings_without_households": 1,
            "households": 1000,
            "entrances": 18,
            "organisations": 4,
            "shops": 15,
            "compounds": 2,
        }
        assert found["ground"] == "level-1"
        assert [level["grids"] for level in found["levels"]] == [2, 3, 4]
        for level in found["levels"]:
            assert level["shares"] == {
                "area": 1.0,
                "buildings": 0.833333,
                "households": 0.95,
                "entrances": 0.944444,
                "organisations": 0.5,
                "shops": 1.0,
            }

    def test_ground_that_is_not_divided(
        self, operator: TestClient, session: Session, tree: make.StreetTree
    ) -> None:
        """A21 is a quarter of the street and holds buildings 4 and 5."""
        retire(session, tree.a21, date(2026, 5, 1))
        level_2, level_3 = operator.get(COVERAGE, params=STREET).json()["levels"][1:]
        assert (level_2["shares"]["area"], level_3["shares"]["area"]) == (1.0, 0.75)
        assert (level_2["objects"]["buildings"], level_3["objects"]["buildings"]) == (5, 3)
        assert level_3["shares"]["households"] == 0.45
        before = operator.get(COVERAGE, params={**STREET, "on": "2026-04-30"}).json()
        assert before["levels"][2]["shares"]["area"] == 1.0

    def test_an_imported_outline_is_what_is_measured_against(
        self, operator: TestClient, session: Session
    ) -> None:
        """The outline reaches a quarter further east than the grids."""
        session.add(
            BaseFeature(
                layer="boundary",
                area="",
                code=make.STREET,
                source="outline.geojson",
                source_datum="EPSG:4490",
                geom=make.box(118.90, make.SOUTH, 118.95, make.NORTH),
            )
        )
        session.flush()
        found = operator.get(COVERAGE, params=STREET).json()
        assert found["ground"] == "outline"
        assert [level["shares"]["area"] for level in found["levels"]] == [0.8, 0.8, 0.8]

    def test_orphans_and_why(self, operator: TestClient, session: Session, tree: make.StreetTree) -> None:
        retire(session, tree.a21, date(2026, 5, 1))
        for grid in (tree.b11, tree.b1, tree.b):
            retire(session, grid, date(2026, 5, 1))
        make.building(session, name="7", lon=118.93)
        orphans = rows_of(operator.get(ORPHANS, params=STREET))
        assert {name: item["reason"]["code"] for name, item in orphans.items()} == {
            "4": "not-divided",
            "5": "not-divided",
            "6": "outside-every-grid",
            "7": "grid-retired",
        }
        assert (orphans["4"]["grid_name"], orphans["4"]["grid_code"]) == ("A2", tree.a2.code)
        assert (orphans["6"]["position"], orphans["6"]["grid_code"]) == ([118.99, 32.105], None)
        at_level_2 = rows_of(operator.get(ORPHANS, params={**STREET, "level": 2}))
        assert set(at_level_2) == {"6", "7"}
        assert set(rows_of(operator.get(ORPHANS, params={**STREET, "on": "2026-04-30"}))) == {"6"}

    def test_pages_hold_every_orphan_once(self, operator: TestClient, session: Session) -> None:
        for number in range(5):
            make.building(session, name=f"lost {number}", lon=118.99)
        found, query = [], {**STREET, "limit": "2"}
        while True:
            page = operator.get(ORPHANS, params=query).json()
            found += [item["name"] for item in page["items"]]
            if page["next"] is None:
                break
            query["after"] = page["next"]
        assert sorted(found) == ["6", *(f"lost {number}" for number in range(5))]


def test_a_street_without_grids_or_buildings(client: ClientOf, session: Session) -> None:
    make.street(session)
    reader = client(make.actor(session, role=Role.ADMIN, area=""))
    levels = reader.get(COVERAGE, params=STREET).json()["levels"]
    assert [level["shares"]["area"] for level in levels] == [None] * 3
    assert [level["shares"]["buildings"] for level in levels] == [None] * 3
    assert reader.get(BALANCE, params=STREET).json()["items"] == []


def retire(session: Session, grid: Grid, day: date) -> None:
    session.execute(update(Grid).where(Grid.grid_id == grid.grid_id).values(retired_on=day))


@pytest.mark.usefixtures("tree")
class TestWhoSeesWhat:
    @pytest.mark.parametrize("address", [BALANCE, TABLE, COVERAGE, ORPHANS])
    def test_another_street_is_not_there(self, client: ClientOf, session: Session, address: str) -> None:
        elsewhere = client(make.actor(session, role=Role.OPERATOR, area=f"{make.OTHER_STREET}/"))
        assert elsewhere.get(address, params=STREET).status_code == 404
        unknown = elsewhere.get(address, params={"street": "320113999"})
        assert (unknown.status_code, unknown.json()["code"]) == (404, "not-found")
        admin = client(make.actor(session, role=Role.ADMIN, area=""))
        assert admin.get(address, params={"street": "320113999"}).status_code == 404

    @pytest.mark.parametrize("address", [BALANCE, TABLE, COVERAGE, ORPHANS])
    def test_a_department_sees_the_grids_and_not_this(
        self, client: ClientOf, session: Session, address: str
    ) -> None:
        unit = client(make.actor(session, role=Role.UNIT))
        reply = unit.get(address, params=STREET)
        assert (reply.status_code, reply.json()["code"]) == (403, "forbidden")

    @pytest.mark.usefixtures("places")
    def test_a_head_sees_the_own_part_of_the_balance_alone(
        self, client: ClientOf, session: Session, tree: make.StreetTree
    ) -> None:
        head = client(make.actor(session, role=Role.HEAD, grid=tree.a1))
        found = head.get(BALANCE, params=STREET)
        assert {name: row["difficulty"] for name, row in rows_of(found).items()} == {
            "A11": 1.333,
            "A12": 0.567,
        }
        assert found.json()["totals"]["grids"] == 2
        assert head.get(BALANCE, params={"grid": tree.a12.code}).status_code == 200
        for grid in (tree.a, tree.a2, tree.b11, tree.c):
            assert head.get(BALANCE, params={"grid": grid.code}).status_code == 404
        assert head.get(COVERAGE, params=STREET).status_code == 404, (
            "that is a question about the whole street"
        )

    def test_problems(self, operator: TestClient, tree: make.StreetTree, anonymous: TestClient) -> None:
        def code(address: str, **query: str) -> tuple[int, str]:
            reply = operator.get(address, params=query)
            return reply.status_code, reply.json()["code"]

        assert code(BALANCE) == (422, "invalid")
        assert code(BALANCE, street=make.STREET, grid=tree.a.code) == (422, "invalid")
        assert code(BALANCE, street="32011300") == (422, "invalid")
        assert code(BALANCE, street=make.STREET, level="4") == (422, "invalid")
        assert code(BALANCE, street=make.STREET, on="yesterday") == (422, "invalid")
        assert code(BALANCE, grid="nothing") == (404, "not-found")
        assert code(BALANCE, grid=tree.a.code, on="2025-01-01") == (404, "not-on-that-day")
        assert code(TABLE, street=make.STREET, format="pdf") == (422, "invalid")
        assert code(COVERAGE) == (422, "invalid")
        assert code(ORPHANS, street=make.STREET, after="x") == (422, "invalid")
        assert code(ORPHANS, street=make.STREET, level="0") == (422, "invalid")
        assert anonymous.get(BALANCE, params=STREET).status_code == 401
