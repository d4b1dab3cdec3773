"""Who sees what over HTTP: every route needs a sign-in, and a grid outside the scope is not there."""

import re
from collections.abc import Callable, Iterator

import mapbox_vector_tile
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from access import accounts
from access.roles import Role
from access.scope import Actor, system_actor
from core.clock import now
from tests import make

ClientOf = Callable[[Actor], TestClient]

# What anybody may ask. A new route is not public unless somebody writes it here.
PUBLIC = {
    "POST /v1/auth/token",
    "POST /v1/auth/refresh",
    "POST /v1/auth/logout",
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
}
SAMPLES = {"layer": "grids", "z": "14", "x": "13604", "y": "6639", "code": make.grid_code()}
OVERVIEW = "10/850/415"  # a tile that holds the whole of tests/make.py's map
SOME_ID = "01920000-0000-7000-8000-000000000001"


def operations(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Yield method and address of every route, with sample values in the address."""
    for template, methods in app.openapi()["paths"].items():
        address = re.sub(r"{(\w+)}", lambda found: SAMPLES.get(found[1], SOME_ID), template)
        for method in methods:
            yield f"{method.upper()} {template}", address


def test_every_route_but_the_public_ones_needs_a_token(app: FastAPI, anonymous: TestClient) -> None:
    open_routes = set()
    for name, address in operations(app):
        method = name.split()[0]
        for headers in ({}, {"Authorization": "Bearer nonsense"}):
            reply = anonymous.request(method, address, headers=headers)
            if reply.status_code != 401:
                open_routes.add(name)
    assert open_routes <= PUBLIC


# grid of the tree (tests/make.py) -> what may be seen from there
SEEN = {
    "member of A11": "A11",
    "head of A1": "A1 A11 A12",
    "head of A": "A A1 A11 A12 A2 A21",
    "operator": "A A1 A11 A12 A2 A21 B B1 B11",
    "leader": "A A1 A11 A12 A2 A21 B B1 B11",
    "unit": "A A1 A11 A12 A2 A21 B B1 B11",
    "operator elsewhere": "C C1 C11",
    "county admin": "A A1 A11 A12 A2 A21 B B1 B11 C C1 C11",
    "auditor of everything": "A A1 A11 A12 A2 A21 B B1 B11 C C1 C11",
    "member of A11 and head of C1": "A11 C1 C11",
    "nobody any more": "",
}


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return make.street_tree(session)


def actor_called(session: Session, tree: make.StreetTree, who: str) -> Actor:
    match who:
        case "member of A11":
            return make.actor(session, role=Role.MEMBER, grid=tree.a11)
        case "head of A1":
            return make.actor(session, role=Role.HEAD, grid=tree.a1)
        case "head of A":
            return make.actor(session, role=Role.HEAD, grid=tree.a)
        case "operator elsewhere":
            return make.actor(session, role=Role.OPERATOR, area=f"{make.OTHER_STREET}/")
        case "county admin":
            return make.actor(session, role=Role.ADMIN, area="320113")
        case "auditor of everything":
            return make.actor(session, role=Role.AUDITOR, area="")
        case "member of A11 and head of C1":
            actor = make.actor(session, role=Role.MEMBER, grid=tree.a11)
            make.assignment(session, person_id=actor.person_id, role=Role.HEAD, grid=tree.c1)
            return actor
        case "nobody any more":
            actor = make.actor(session, role=Role.HEAD, grid=tree.a)
            accounts.end_assignment(session, system_actor("cli:test"), actor.assignments[0].assignment_id)
            session.flush()
            return actor
    return make.actor(session, role=Role(who))


def names_by_code(tree: make.StreetTree) -> dict[str, str]:
    return {getattr(tree, name).code: name.upper() for name in tree.__slots__}


@pytest.mark.parametrize("who", SEEN)
def test_lists_hold_exactly_what_may_be_seen(
    client: ClientOf, session: Session, tree: make.StreetTree, who: str
) -> None:
    items = client(actor_called(session, tree, who)).get("/v1/grids").json()["items"]
    names = names_by_code(tree)
    assert " ".join(sorted(names[item["code"]] for item in items)) == SEEN[who]


@pytest.mark.parametrize("who", SEEN)
@pytest.mark.parametrize("below", ["", "/children", "/history"])
def test_a_grid_outside_is_not_there(
    client: ClientOf, session: Session, tree: make.StreetTree, who: str, below: str
) -> None:
    signed_in = client(actor_called(session, tree, who))
    missing = signed_in.get(f"/v1/grids/{make.grid_code(community='599')}{below}")
    assert missing.status_code == 404
    seen = set()
    for code, name in names_by_code(tree).items():
        reply = signed_in.get(f"/v1/grids/{code}{below}")
        if reply.status_code == 200:
            seen.add(name)
        else:
            assert {**reply.json(), "instance": ""} == {**missing.json(), "instance": ""}, (
                "as if it did not exist"
            )
    assert " ".join(sorted(seen)) == SEEN[who]


@pytest.mark.parametrize("who", SEEN)
def test_tiles_show_exactly_what_may_be_seen(
    client: ClientOf, session: Session, tree: make.StreetTree, who: str
) -> None:
    signed_in = client(actor_called(session, tree, who))
    names, shown = names_by_code(tree), set()
    for level in (1, 2, 3):
        reply = signed_in.get(f"/tiles/grids/{OVERVIEW}.mvt?level={level}")
        assert reply.status_code in {200, 204}, reply.text
        for layer in mapbox_vector_tile.decode(reply.content).values() if reply.content else ():
            shown |= {names[feature["properties"]["code"]] for feature in layer["features"]}
    assert " ".join(sorted(shown)) == SEEN[who]


@pytest.mark.parametrize("who", SEEN)
def test_a_position_names_only_grids_that_may_be_seen(
    client: ClientOf, session: Session, tree: make.StreetTree, who: str
) -> None:
    signed_in, names, found = client(actor_called(session, tree, who)), names_by_code(tree), set()
    for lon in (118.902, 118.907, 118.915, 118.93, 118.96):
        reply = signed_in.get(f"/v1/grids/locate?lon={lon}&lat=32.105&datum=EPSG:4490")
        for level in reply.json()["levels"]:
            found |= {names[grid["code"]] for grid in level["grids"]}
    assert " ".join(sorted(found)) == SEEN[who]


NOT_READING_WORK = {"unit"}
NOT_PATROLLING = {"operator", "leader", "unit", "operator elsewhere", "county admin", "auditor of everything"}


@pytest.mark.parametrize("who", SEEN)
def test_compliance_is_read_by_those_who_answer_for_it(
    client: ClientOf, session: Session, tree: make.StreetTree, who: str
) -> None:
    signed_in = client(actor_called(session, tree, who))
    missing = signed_in.get("/v1/compliance", params={"grid": make.grid_code(community="599")})
    assert missing.status_code == 404
    for code, name in names_by_code(tree).items():
        reply = signed_in.get("/v1/compliance", params={"grid": code})
        visible = name in SEEN[who].split()
        expected = 404 if not visible else 403 if who in NOT_READING_WORK else 200
        assert reply.status_code == expected, (name, reply.text)
        if not visible:
            assert reply.json()["code"] == missing.json()["code"], "as if it did not exist"


@pytest.mark.parametrize("who", SEEN)
def test_patrols_begin_where_one_may_walk(
    client: ClientOf, session: Session, tree: make.StreetTree, who: str
) -> None:
    signed_in = client(actor_called(session, tree, who))
    started_at = now().isoformat()
    for number, (code, name) in enumerate(
        [(make.grid_code(community="599"), "none"), *names_by_code(tree).items()]
    ):
        address = f"/v1/patrols/01920000-0000-7000-8000-{number:012}"
        reply = signed_in.put(address, json={"grid_code": code, "started_at": started_at})
        visible = name in SEEN[who].split()
        expected = 404 if not visible else 403 if who in NOT_PATROLLING else 201
        assert reply.status_code == expected, (name, reply.text)
        if not visible:
            assert reply.json()["code"] == "grid-unknown", "as if it did not exist"


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("member of A11", 200),  # it is the own one
        ("head of A1", 200),
        ("head of A", 200),
        ("operator", 200),
        ("auditor of everything", 200),
        ("unit", 404),
        ("operator elsewhere", 404),
        ("nobody any more", 404),
    ],
)
def test_a_patrol_is_read_by_whom_it_concerns(
    client: ClientOf, session: Session, tree: make.StreetTree, who: str, status: int
) -> None:
    walker = make.actor(session, role=Role.MEMBER, grid=tree.a11, username="walker")
    reader = walker if who == "member of A11" else actor_called(session, tree, who)
    body = {"grid_code": tree.a11.code, "started_at": now().isoformat()}
    assert client(walker).put(f"/v1/patrols/{SOME_ID}", json=body).status_code == 201
    assert client(reader).get(f"/v1/patrols/{SOME_ID}").status_code == status
    items = client(reader).get("/v1/patrols").json()["items"]
    assert [item["id"] for item in items] == ([SOME_ID] if status == 200 else [])


@pytest.mark.parametrize("who", SEEN)
def test_only_administrators_import_grids(
    client: ClientOf, session: Session, tree: make.StreetTree, who: str
) -> None:
    file = {"file": ("grids.geojson", b'{"type": "FeatureCollection", "features": []}')}
    query = {"datum": "EPSG:4490", "dry_run": "true"}
    reply = client(actor_called(session, tree, who)).post("/v1/grids/import", params=query, files=file)
    assert (reply.status_code == 403) is (who != "county admin"), reply.text
