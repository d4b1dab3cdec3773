"""OGC API - Features: axis orders, boxes and days."""

from datetime import date

import pytest
from fastapi.testclient import TestClient
from pyproj import CRS, Transformer
from sqlalchemy import select
from sqlalchemy.orm import Session

from access.roles import Role
from geo.models import GridVersion
from geo.reference_systems import CRS84, SYSTEMS
from tests import make
from tests.api.test_grids import signed_area
from tests.api.test_ogc import EPSG, GRIDS, Client, names, page, ring


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return make.street_tree(session)


@pytest.fixture
def operator(client: Client, session: Session, tree: make.StreetTree) -> TestClient:
    return client(make.actor(session, role=Role.OPERATOR))


def official(uri: str) -> CRS:
    """The system as PROJ knows it."""
    return CRS.from_user_input("OGC:CRS84" if uri == CRS84.uri else f"EPSG:{uri.rpartition('/')[2]}")


class TestSystems:
    @pytest.mark.parametrize("uri", SYSTEMS)
    def test_coordinates_are_those_of_proj_in_the_axis_order_of_the_system(
        self, operator: TestClient, tree: make.StreetTree, uri: str
    ) -> None:
        """The order comes from the EPSG definition here, so it is not our own table that is compared."""
        reply = operator.get(GRIDS, params={"code": tree.a1.code, "crs": uri})
        assert reply.headers["content-crs"] == f"<{uri}>"
        system = official(uri)
        base = CRS.from_epsg(4490) if "CGCS2000" in system.name else CRS.from_epsg(4326)
        # pyproj takes and gives the axes in their official order; these two begin with the latitude.
        there = Transformer.from_crs(base, system)
        corners = [there.transform(lat, lon) for lon in (118.90, 118.91) for lat in (make.SOUTH, make.NORTH)]
        (feature,) = page(reply)["features"]
        tolerance = 1e-9 if system.is_geographic else 1e-3
        for corner in corners:
            assert any(corner == pytest.approx(one, abs=tolerance) for one in ring(feature)), corner
        turns_left = signed_area(ring(feature)) > 0
        assert turns_left is (system.axis_info[0].direction == "east"), "counterclockwise on the ground"

    @pytest.mark.parametrize("uri", SYSTEMS)
    def test_a_box_is_read_in_its_own_system(self, operator: TestClient, uri: str) -> None:
        """A box that lies inside A12 and touches nothing else of level 3."""
        there = Transformer.from_crs("OGC:CRS84", official(uri))
        low, high = there.transform(118.906, 32.103), there.transform(118.909, 32.107)
        box = ",".join(f"{value:.9f}" for value in (*low, *high))
        assert names(operator.get(GRIDS, params={"bbox": box, "bbox-crs": uri, "level": "3"})) == ["A12"]

    @pytest.mark.parametrize(
        ("box", "uri", "expected"),
        [
            ("118.906,32.103,0,118.909,32.107,100", CRS84.uri, ["A12"]),  # six numbers: heights do not matter
            ("170,-10,-170,10", CRS84.uri, []),  # across the 180th meridian
            ("118.935,0,-170,80", CRS84.uri, ["B11"]),
            ("-180.5,-90.5,180.5,90.5", CRS84.uri, ["A11", "A12", "A21", "B11"]),
            ("118.905,32.11,118.905,32.11", CRS84.uri, ["A11", "A12"]),  # a point on a corner touches both
            ("118.905,32.103,118.905,32.107", CRS84.uri, ["A11", "A12"]),  # so does a line along the edge
            ("118.901,32.11,118.907,32.11", CRS84.uri, ["A11", "A12"]),
            ("118.901,32.105,118.901,32.105", CRS84.uri, ["A11"]),
            ("-9e9,-9e9,9e9,9e9", f"{EPSG}4549", ["A11", "A12", "A21", "B11"]),
            ("-9e9,-9e9,9e9,9e9", f"{EPSG}3857", ["A11", "A12", "A21", "B11"]),
        ],
    )
    def test_boxes_at_the_edge(self, operator: TestClient, box: str, uri: str, expected: list[str]) -> None:
        query = {"bbox": box, "bbox-crs": uri, "level": "3"}
        assert names(operator.get(GRIDS, params=query)) == expected

    def test_a_box_keeps_out_what_only_its_envelope_touches(
        self, operator: TestClient, session: Session, tree: make.StreetTree
    ) -> None:
        triangle = "SRID=4490;MULTIPOLYGON(((118.80 32.00, 118.82 32.00, 118.80 32.02, 118.80 32.00)))"
        make.grid(session, code=make.grid_code(sequence="66"), parent=tree.a1, name="triangle", geom=triangle)
        assert names(operator.get(GRIDS, params={"bbox": "118.815,32.015,118.82,32.02"})) == []
        assert names(operator.get(GRIDS, params={"bbox": "118.80,32.00,118.81,32.01"})) == ["triangle"]


class TestTime:
    @pytest.fixture
    def renamed(self, session: Session, tree: make.StreetTree) -> None:
        """A11 is called otherwise from 2026-03-01 on; B11 ends on that day."""
        change = date(2026, 3, 1)
        only = session.scalars(select(GridVersion).where(GridVersion.grid_id == tree.a11.grid_id)).one()
        only.valid_to = change
        session.flush()
        make.grid_version(session, grid=tree.a11, name="A11 new", version=2, valid_from=change)
        tree.b11.retired_on = change
        session.flush()

    @pytest.mark.usefixtures("renamed")
    @pytest.mark.parametrize(
        ("when", "expected"),
        [
            (None, ["A11 new", "A12", "A21"]),
            ("2026-02-28", ["A11", "A12", "A21", "B11"]),
            ("2026-02-28T15:59:59Z", ["A11", "A12", "A21", "B11"]),
            ("2026-02-28T16:00:00Z", ["A11 new", "A12", "A21"]),  # midnight in Nanjing
            ("2026-03-01T00:00:00+08:00", ["A11 new", "A12", "A21"]),
            ("2026-02-01/2026-02-28", ["A11", "A12", "A21", "B11"]),
            ("2026-02-01/2026-04-01", ["A11 new", "A12", "A21", "B11"]),  # the last state of each
            ("../2026-02-01", ["A11", "A12", "A21", "B11"]),
            ("2026-03-01/..", ["A11 new", "A12", "A21"]),
            ("2026-02-01/", ["A11 new", "A12", "A21", "B11"]),
            ("../..", ["A11 new", "A12", "A21", "B11"]),
            ("2025-12-31", []),
        ],
    )
    def test_a_moment_or_an_interval(
        self, operator: TestClient, when: str | None, expected: list[str]
    ) -> None:
        query = {"level": "3", **({"datetime": when} if when else {})}
        found = operator.get(GRIDS, params=query)
        assert names(found) == expected
        assert page(found)["numberMatched"] == len(expected)

    @pytest.mark.usefixtures("renamed")
    def test_one_feature_on_a_day(self, operator: TestClient, tree: make.StreetTree) -> None:
        before = operator.get(f"{GRIDS}/{tree.a11.code}", params={"datetime": "2026-02-01"})
        assert before.json()["properties"]["name"] == "A11"
        gone = operator.get(f"{GRIDS}/{tree.b11.code}")
        assert (gone.status_code, gone.json()["code"]) == (404, "not-on-that-day")
        assert gone.json()["exists_until"] == "2026-03-01"
