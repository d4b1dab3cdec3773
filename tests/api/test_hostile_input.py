"""Input that no page sends: always a reason for whoever sent it, never an error of ours."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from tests import make
from tests.api.desk import Desk

Client = Callable[[Actor], TestClient]
DEEP = "[" * 50_000


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return make.street_tree(session)


@pytest.fixture
def officer(client: Client, session: Session, tree: make.StreetTree) -> TestClient:
    return client(make.actor(session, role=Role.OPERATOR, area="320113"))


@pytest.mark.parametrize(
    "address",
    [
        "/v1/grids/a%00b",
        "/v1/grid-codes/%00",
        "/v1/people?text=a%00b",
        "/v1/geocode?text=%00",
        "/v1/grids?after=%00",
        "/v1/buildings?text=%00",
        "/v1/analysis/balance?grid=%00",
    ],
)
def test_a_nul_in_an_address(officer: TestClient, address: str) -> None:
    reply = officer.get(address)
    assert (reply.status_code, reply.json()["code"]) == (422, "unstorable")


@pytest.mark.parametrize(
    ("value", "pointer"), [('"a\\u0000b"', "/note"), ('"\\ud800"', "/note"), ("1e999", "/note"), (DEEP, "/")]
)
def test_what_no_database_keeps(officer: TestClient, value: str, pointer: str) -> None:
    facts = '"street_code": "320113007", "title": "t", "valid_from": "2027-01-04"'
    body = f'{{{facts}, "note": {value}}}'
    reply = officer.put(
        f"/v1/plans/{uuid.uuid4()}", content=body.encode(), headers={"Content-Type": "application/json"}
    )
    assert reply.status_code == 422
    if pointer != "/":  # that deep it is no JSON at all
        assert reply.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("body", [b"\xff\xfe", b'{"\\ud800": 1}', b'{"on": "2026-01-01", "\\u0000": 1}'])
def test_bodies_that_are_no_text(officer: TestClient, body: bytes) -> None:
    address = f"/v1/assignments/{uuid.uuid4()}/end"
    reply = officer.post(address, content=body, headers={"Content-Type": "application/json"})
    assert (reply.status_code, reply.json()["code"]) == (422, "invalid")


@pytest.mark.parametrize(
    "address",
    [
        "/v1/compliance?week=9999-W52",
        "/v1/patrols?week=0001-W01",
        "/tiles/grids.json?week=9999-W52",
        "/tiles/grids.json?on=9999-12-31",
        "/v1/grids?on=0001-01-01",
        "/v1/grids/export?format=csv&encoding=%00",
    ],
)
def test_days_and_names_out_of_this_world(officer: TestClient, address: str) -> None:
    assert officer.get(address).status_code == 422


@pytest.mark.parametrize("attributes", [{"a": "x" * 40_000}, {"a": {"b": "\0"}}])
def test_attributes_have_a_limit(officer: TestClient, tree: make.StreetTree, attributes: Any) -> None:
    desk = Desk(officer)
    address = f"{desk.address}/grids/{tree.a11.code}"
    reply = officer.patch(address, json={"attributes": attributes}, headers={"If-Match": desk.tag})
    assert reply.status_code == 422


@pytest.mark.parametrize("said", [{"name": None}, {"kind": None}, {"attributes": None}, {"name": " "}])
def test_facts_are_not_taken_away(officer: TestClient, tree: make.StreetTree, said: Any) -> None:
    desk = Desk(officer)
    address = f"{desk.address}/grids/{tree.a11.code}"
    assert officer.patch(address, json=said, headers={"If-Match": desk.tag}).status_code == 422


@pytest.mark.parametrize(
    "feature",
    [
        {"properties": {"name": "a\0b", "level": 4, "parent": "x"}},
        {"properties": {"name": "a", "level": 4, "x": {"y": "\0"}}},
        {"id": "\0", "properties": {"name": "a", "level": 4}},
        {"properties": {"name": "a", "level": 4, "x": "y" * 40_000}},
    ],
)
def test_a_feature_that_cannot_be_stored_is_named(
    client: Client, session: Session, tree: make.StreetTree, feature: Any
) -> None:
    admin = client(make.actor(session, role=Role.ADMIN, area=""))
    sound = {"type": "Feature", "geometry": None, "properties": {"name": "一层", "level": 4}}
    body = {"type": "FeatureCollection", "features": [sound, {**sound, **feature}]}
    reply = admin.post(
        "/v1/grids/import?datum=EPSG:4490", files={"file": ("a.geojson", json.dumps(body).encode())}
    )
    assert reply.status_code == 200
    assert not reply.json()["imported"]
    reasons = {one["reason"] for one in reply.json()["rejected"] if one["index"] == 1}
    assert reasons <= {"unstorable", "attributes-too-large"}
    assert reasons


@pytest.mark.parametrize(
    "address", ["/v1/grids/import?", "/v1/places/import?kind=buildings&", "/v1/base-layers/water/import?"]
)
def test_json_without_end(client: Client, session: Session, tree: make.StreetTree, address: str) -> None:
    admin = client(make.actor(session, role=Role.ADMIN, area=""))
    deep = ('{"type": "FeatureCollection", "features": ' + DEEP).encode()
    reply = admin.post(f"{address}datum=EPSG:4490", files={"file": ("a.geojson", deep)})
    assert reply.status_code == 422


@pytest.mark.parametrize(
    ("tool", "body"),
    [
        (
            "split",
            {"line": {"type": "LineString", "coordinates": [[118.9, 32.1], [118.91, 32.11]]}, "names": [""]},
        ),
        ("retire", {"into": ""}),
    ],
)
def test_a_change_at_a_grid_is_checked_like_one_in_a_plan(
    officer: TestClient, tree: make.StreetTree, tool: str, body: Any
) -> None:
    reply = officer.post(f"/v1/grids/{tree.a11.code}/{tool}", json=body)
    assert reply.status_code == 422


def test_a_line_does_not_cut_a_grid_to_shreds(officer: TestClient, tree: make.StreetTree) -> None:
    zigzag = [
        [118.8999 + n * 0.00002, make.SOUTH - 0.001 if n % 2 else make.NORTH + 0.001] for n in range(260)
    ]
    desk = Desk(officer)
    line = {"type": "LineString", "coordinates": zigzag}
    reply = desk.post("split", {"grid": tree.a11.code, "line": line})
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["code"] == "too-many-parts"


def test_a_closed_plan_keeps_the_status_of_the_reply(officer: TestClient, tree: make.StreetTree) -> None:
    desk = Desk(officer)
    desk.done("withdrawal")
    reply = desk.post("withdrawal")
    assert reply.json()["status"] == reply.status_code == 409
    assert reply.json()["plan_status"] == "withdrawn"


def test_nothing_is_told_of_who_changed_another_street(
    client: Client, session: Session, tree: make.StreetTree
) -> None:
    """A grid's version is compared only in the street of the plan."""
    here = client(make.actor(session, role=Role.OPERATOR, area=f"{make.STREET}/"))
    plan = Desk(here).address.rpartition("/")[2]
    reply = here.post(f"/v1/grids/{tree.c11.code}/retire", json={"plan": plan}, headers={"If-Match": '"1"'})
    assert reply.status_code == 422
    assert "changed_by" not in reply.json()
