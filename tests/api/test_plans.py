"""Division plans over HTTP: from a file with faults to grids with codes, by two people."""

import io
import json
import zipfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio.raw
import pytest
import shapely
from fastapi.testclient import TestClient
from numpy.typing import NDArray
from shapely.geometry import box
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from access.models import Assignment
from access.roles import Role
from access.scope import Actor
from core.clock import today
from geo.datums import from_cgcs2000
from geo.models import Grid, GridVersion, ObjectCode
from tests import make
from tests.api.desk import MONDAY, Desk

Client = Callable[[Actor], TestClient]
EMPTY_STREET = "320113004"


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    made = make.street_tree(session)
    session.add(
        ObjectCode(code=make.OBJECT_CODE, name="测试", name_en="test", standard="local", is_local=True)
    )
    for level, kind in ((1, "community"), (2, "area")):
        grids = select(Grid.grid_id).where(Grid.level == level)
        session.execute(update(GridVersion).where(GridVersion.grid_id.in_(grids)).values(kind=kind))
    return made


@pytest.fixture
def officer(client: Client, session: Session) -> TestClient:
    return client(make.actor(session, role=Role.OPERATOR, area="320113"))


@pytest.fixture
def leader(client: Client, session: Session) -> TestClient:
    return client(make.actor(session, role=Role.LEADER, area="320113"))


def line(lon: float) -> dict[str, Any]:
    ends = [[lon, make.SOUTH - 0.001], [lon, make.NORTH + 0.001]]
    return {"type": "LineString", "coordinates": ends}


def rectangle(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    shape: dict[str, Any] = json.loads(shapely.to_geojson(box(west, south, east, north)))
    return shape


# ---------------------------------------------------------------------------------- a street from a file


def shapefile_in_gcj02(folder: Path) -> bytes:
    """One community, two areas, six grids; GBK text, one gap and one overlap, positions in GCJ-02."""
    west, south = 118.95, 32.11
    rows: list[tuple[Any, ...]] = [("尧安社区", 1, f"{EMPTY_STREET}001", "community", box(0, 0, 6, 2))]
    rows += [(f"片区{n + 1}", 2, None, "area", box(3 * n, 0, 3 * n + 3, 2)) for n in range(2)]
    rows += [(f"网格{n + 1}", 3, None, "residential", box(n, 0, n + 1, 2)) for n in range(6)]
    rows[4] = ("网格2", 3, None, "residential", box(1.006, 0, 2, 2))  # 6 m of gap
    rows[7] = ("网格5", 3, None, "residential", box(3.996, 0, 5, 2))  # 4 m of overlap

    def placed(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(from_cgcs2000(west + xy[:, 0] * 0.01, south + xy[:, 1] * 0.01, "GCJ02"))

    shapes = shapely.transform(np.array([row[4] for row in rows]), placed)
    names = ("WGMC", "JB", "SJWG", "LX")
    columns = [np.array([row[n] for row in rows], dtype=object) for n in range(4)]
    target = folder / "仙林.shp"
    pyogrio.raw.write(
        target,
        shapely.to_wkb(shapes),
        columns,
        names,
        geometry_type="Polygon",
        crs=None,
        encoding="GBK",
        driver="ESRI Shapefile",
    )
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for path in folder.iterdir():
            archive.write(path, path.name)
    return body.getvalue()


def bring_in(desk: Desk, body: bytes, **query: Any) -> Any:
    mapping = json.dumps({"name": "WGMC", "level": "JB", "parent": "SJWG", "kind": "LX"})
    return desk.client.post(
        f"{desk.address}/import",
        params={"datum": "GCJ02", "mapping": mapping, **query},
        files={"file": ("仙林.zip", body, "application/zip")},
        headers={"If-Match": desk.tag},
    )


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_a_street_is_drawn_from_a_shapefile_mended_approved_and_split(
    session: Session, officer: TestClient, leader: TestClient, tmp_path: Path
) -> None:
    make.street(session, code=EMPTY_STREET, name="尧化街道")
    desk = Desk(officer, street=EMPTY_STREET, title="首次划分")
    reply = bring_in(desk, shapefile_in_gcj02(tmp_path))
    assert reply.status_code == 200, reply.text
    assert (reply.json()["imported"], reply.json()["created"]) == (True, 9), reply.json()
    assert "parent-by-ground" in {hint["code"] for hint in reply.json()["hints"]}
    desk.tag = reply.headers["etag"]

    check = desk.read("/check")
    assert check["ready"] is False
    assert (check["totals"]["gap"], check["totals"]["overlap"]) == (1, 1)
    overlap = next(one for one in check["faults"]["features"] if one["properties"]["kind"] == "overlap")
    assert {grid["name"] for grid in overlap["properties"]["grids"]} == {"网格4", "网格5"}

    proposal = desk.done("repair?dry_run=true", {"snap_m": 1, "gap_m": 10})
    assert {one["name"] for one in proposal["changed"]} <= {"网格1", "网格2", "网格4", "网格5"}
    assert (proposal["totals"]["gap"], proposal["totals"]["overlap"]) == (0, 0)
    assert desk.read("/check")["ready"] is False  # nothing was written
    mended = desk.done("repair", {"snap_m": 1, "gap_m": 10})
    desk.tag = f'"{mended["revision"]}"'
    assert desk.read("/check")["ready"] is True

    detail = desk.approved(leader)
    assert detail["status"] == "approved"
    codes = sorted(detail["codes"].values())
    assert codes == [f"990000{EMPTY_STREET}001{n:02}" for n in range(9)]
    on = {"on": MONDAY.isoformat()}
    named = {grid["name"]: grid for grid in officer.get("/v1/grids", params=on).json()["items"]}
    assert named["网格1"]["parent"] == named["片区1"]["code"]
    lon, lat = named["尧安社区"]["centre"]
    assert (lon, lat) == pytest.approx((118.98, 32.12), abs=0.02)
    assert officer.get("/v1/grids").json()["items"] == []  # not before its day


# ------------------------------------------------------------------------------------------------- tools


def test_a_split_is_history_afterwards(
    session: Session, tree: make.StreetTree, officer: TestClient, leader: TestClient
) -> None:
    member = make.person(session, name="周某")
    make.assignment(session, person_id=member.person_id, role=Role.MEMBER, grid=tree.a11)
    desk = Desk(officer)
    detail = desk.done("split", {"grid": tree.a11.code, "line": line(118.904), "names": ["西", "东"]})
    assert {(change["action"], change["name"]) for change in detail["changes"]} == {
        ("change", "西"),
        ("create", "东"),
    }
    codes = desk.approved(leader)["codes"]
    new_code = next(code for code in codes.values() if code != tree.a11.code)
    on = {"on": MONDAY.isoformat()}
    assert officer.get(f"/v1/grids/{new_code}", params=on).json()["name"] == "东"
    assert officer.get(f"/v1/grids/{new_code}").status_code == 404
    history = officer.get(f"/v1/grids/{tree.a11.code}/history").json()
    assert [period["valid_from"] for period in history["items"]] == ["2026-01-01", MONDAY.isoformat()]
    assert [one["code"] for one in history["successions"]["successors"]] == [new_code]
    posts = session.scalars(select(Assignment).where(Assignment.person_id == member.person_id)).all()
    grids = {session.get_one(Grid, post.grid_id).code: post.valid_from for post in posts if post.grid_id}
    assert grids == {tree.a11.code: date(2026, 1, 1), new_code: MONDAY}


def test_polygons_divide_a_grid_too(tree: make.StreetTree, officer: TestClient) -> None:
    parts = [rectangle(118.90, make.SOUTH, 118.902, make.NORTH), rectangle(118.902, 32.0, 118.904, 33.0)]
    detail = Desk(officer).done("split", {"grid": tree.a11.code, "parts": parts})
    assert len(detail["changes"]) == 3  # the third is what was left over


def coded(tree: make.StreetTree, names: Any) -> Any:
    """Codes for the names of grids; what names none stays."""
    if isinstance(names, list):
        return [coded(tree, name) for name in names]
    grid = getattr(tree, names.lower(), None)
    return grid.code if grid else names


LETTERS = {"type": "LineString", "coordinates": [[1, "x"]]}
NOTHING: dict[str, Any] = {"type": "Polygon", "coordinates": []}


@pytest.mark.parametrize(
    ("tool", "body", "pointer"),
    [
        ("split", {"grid": "A11"}, None),
        ("split", {"grid": "A11", "line": {"type": "Point", "coordinates": [1, 2]}}, "/line/type"),
        (
            "split",
            {"grid": "A11", "line": {"type": "LineString", "coordinates": [[1, "x"]]}},
            "/line/coordinates",
        ),
        ("split", {"grid": "nowhere", "line": line(118.904)}, "/grid"),
        ("split", {"grid": "A11", "line": line(120.0)}, None),
        ("split", {"grid": "A11", "line": line(118.904), "names": ["一"]}, "/names"),
        ("split", {"grid": "A11", "parts": [rectangle(1, 1, 2, 2)]}, "/parts/0"),
        ("merge", {"grids": ["A11", "A21"]}, "/grids"),
        ("merge", {"grids": ["A11"]}, "/grids"),
        ("boundary", {"grid": "A11", "geometry": rectangle(119.5, 32.1, 119.6, 32.2)}, None),
        (
            "boundary",
            {"grid": "A11", "geometry": {"type": "Polygon", "coordinates": []}},
            "/geometry/coordinates",
        ),
        (
            "boundary",
            {"grid": "A11", "geometry": rectangle(118.9, 32.1, 118.91, 32.11), "datum": "X"},
            "/datum",
        ),
        ("retire", {"grid": "A11", "into": "A99"}, "/into"),
        ("grids", {"level": 3, "parent": "A", "name": "x", "kind": "residential"}, "/geometry"),
        ("grids", {"level": 3, "parent": "A", "name": "x", "kind": "y", "extra": 1}, "/extra"),
    ],
)
def test_bad_input_names_its_field_and_changes_nothing(
    tree: make.StreetTree, officer: TestClient, tool: str, body: dict[str, Any], pointer: str | None
) -> None:
    for name in ("grid", "grids", "parent"):
        if name in body:
            body = {**body, name: coded(tree, body[name])}
    desk = Desk(officer)
    reply = desk.post(tool, body)
    assert reply.status_code == 422, reply.text
    assert pointer in {None, *(error["pointer"] for error in reply.json().get("errors", []))}
    assert desk.read()["changes"] == []


def test_two_people_at_the_same_boundary(
    tree: make.StreetTree, session: Session, client: Client, officer: TestClient
) -> None:
    """The second learns who was first and when, and nothing of the first is lost."""
    desk = Desk(officer)
    other = client(make.actor(session, role=Role.ADMIN, area="320113"))
    first = {"grid": tree.a11.code, "geometry": rectangle(118.90, make.SOUTH, 118.906, make.NORTH)}
    second = {"grid": tree.a11.code, "geometry": rectangle(118.90, make.SOUTH, 118.907, make.NORTH)}
    seen = desk.tag
    desk.done("boundary", first)
    reply = other.post(f"{desk.address}/boundary", json=second, headers={"If-Match": seen})
    assert reply.status_code == 412
    problem = reply.json()
    assert (problem["code"], problem["changed_by"], problem["revision"]) == ("outdated", "某operator", 2)
    assert problem["changed_at"]
    unguarded = other.post(f"{desk.address}/boundary", json=second)
    assert (unguarded.status_code, unguarded.json()["code"]) == (428, "if-match-required")
    nonsense = other.post(f"{desk.address}/boundary", json=second, headers={"If-Match": "now"})
    assert nonsense.status_code == 422


def test_an_own_submission_is_approved_by_somebody_else(
    tree: make.StreetTree, session: Session, client: Client
) -> None:
    admin = client(make.actor(session, role=Role.ADMIN, area="320113"))
    desk = Desk(admin)
    desk.done("merge", {"grids": [tree.a11.code, tree.a12.code], "name": "合"})
    desk.done("submission")
    assert desk.read()["may"] == {"edit": False, "submit": False, "approve": False, "withdraw": True}
    refused = desk.post("approval", {"accept_warnings": True})
    assert (refused.status_code, refused.json()["code"]) == (403, "own-plan")


def test_whoever_drew_on_a_plan_does_not_approve_what_another_submitted(
    tree: make.StreetTree, session: Session, client: Client, officer: TestClient
) -> None:
    """Four eyes: an author who lets a colleague submit is an author all the same; who returned it is none."""
    author = client(make.actor(session, role=Role.ADMIN, area="320113"))
    leader = client(make.actor(session, role=Role.LEADER, area="320113007"))
    desk = Desk(officer)
    desk.done("merge", {"grids": [tree.a11.code, tree.a12.code], "name": "合"}, by=author)
    desk.done("submission")
    desk.done("return", {"note": "再看"}, by=leader)
    desk.done("submission")
    assert author.get(desk.address).json()["may"]["approve"] is False
    refused = desk.post("approval", {"accept_warnings": True}, by=author)
    assert (refused.status_code, refused.json()["code"]) == (403, "own-plan")
    assert leader.get(desk.address).json()["may"]["approve"] is True
    assert desk.post("approval", {"accept_warnings": True}, by=leader).status_code == 200


def test_a_returned_plan_is_a_draft_again(
    tree: make.StreetTree, officer: TestClient, leader: TestClient
) -> None:
    desk = Desk(officer)
    desk.done("retire", {"grid": tree.a12.code, "into": tree.a11.code})
    refused = desk.post("return", {"note": "x"}, by=leader)
    assert (refused.status_code, refused.json()["code"]) == (409, "plan-closed")
    desk.done("submission")
    desk.done("return", {"note": "请写明原因"}, by=leader)
    assert desk.read()["status"] == "draft"
    assert desk.read()["events"][-1]["detail"] == {"note": "请写明原因"}
    desk.done("withdrawal")
    assert desk.read()["status"] == "withdrawn"


def test_a_change_can_be_described_and_undone(tree: make.StreetTree, officer: TestClient) -> None:
    desk = Desk(officer)
    address = f"{desk.address}/grids/{tree.a11.code}"
    detail = officer.patch(address, json={"households": 310}, headers={"If-Match": desk.tag}).json()
    (change,) = detail["changes"]
    assert (change["households"], change["was"]["households"]) == (310, None)
    tag = {"If-Match": f'"{detail["revision"]}"'}
    undone = officer.delete(f"{desk.address}/changes/{change['change_id']}", headers=tag)
    assert undone.json()["changes"] == []
    tag = {"If-Match": undone.headers["etag"]}
    again = officer.delete(f"{desk.address}/changes/{change['change_id']}", headers=tag)
    assert (again.status_code, again.json()["code"]) == (409, "nothing-to-undo")


def test_a_grid_that_is_too_large_is_subdivided(
    tree: make.StreetTree, session: Session, officer: TestClient
) -> None:
    for column in range(4):
        for row in range(3):
            at = make.point(118.9011 + column * 0.001, 32.102 + row * 0.003)
            make.building(session, name=f"{column}-{row}", geom=at, households=50)
    desk = Desk(officer)
    proposal = desk.done("subdivide?dry_run=true", {"grid": tree.a11.code, "households": 300})
    assert [part["properties"]["households"] for part in proposal["parts"]["features"]] == [300, 300]
    assert desk.read()["changes"] == []
    done = desk.done("subdivide", {"grid": tree.a11.code, "households": 300})
    assert {change["households"] for change in desk.read()["changes"]} == {300}
    assert done["revision"] == 2


# -------------------------------------------------------------------------------- beginning at one grid


def test_a_change_at_a_grid_makes_a_draft_of_its_own(tree: make.StreetTree, officer: TestClient) -> None:
    tag = officer.get(f"/v1/grids/{tree.a11.code}").headers["etag"]
    address = f"/v1/grids/{tree.a11.code}/split"
    reply = officer.post(address, json={"line": line(118.904)}, headers={"If-Match": tag})
    assert reply.status_code == 201, reply.text
    plan = reply.json()
    assert (plan["status"], plan["valid_from"]) == ("draft", (today() + timedelta(days=1)).isoformat())
    assert len(plan["changes"]) == 2
    into = {"plan": plan["plan_id"]}
    for address, body in (
        (f"/v1/grids/{tree.a21.code}/boundary", {"geometry": rectangle(118.91, 32.1, 118.919, 32.11)}),
        ("/v1/grids/merge", {"grids": [tree.a1.code, tree.a2.code]}),
        (f"/v1/grids/{tree.b11.code}/retire", {}),
    ):
        reply = officer.post(address, json={**body, **into})
        assert reply.status_code == 201, reply.text
        assert reply.json()["plan_id"] == plan["plan_id"]
    stale = officer.post(address, json=into, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "outdated")
    unknown = officer.post(f"/v1/grids/{make.grid_code(sequence='77')}/retire", json={})
    assert unknown.status_code == 404
