"""The offline pack over HTTP: whose grids it holds, how it is kept, how large it is."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import shapely
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from geo import pack
from geo.models import Grid
from tests import make
from tests.geo.curvy import CurvyDistrict

ClientOf = Callable[[Actor], TestClient]


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return make.street_tree(session)


def pack_of(client: TestClient, **query: str) -> Any:
    reply = client.get("/v1/grids/pack", params=query)
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"] == "application/geo+json"
    return reply.json()


def names(found: Any, *, mine: bool) -> str:
    shown = [one["properties"] for one in found["features"]]
    return " ".join(sorted(one["name"] for one in shown if one["mine"] is mine))


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ("member a11", "A11 | A A1 A12"),
        ("member a12", "A12 | A A1 A11 A21"),
        ("head a1", "A1 A11 A12 | A A2 A21"),
        ("head a", "A A1 A11 A12 A2 A21 | B B1 B11"),
        ("head c1", "C1 C11 | C"),
    ],
)
def test_own_grids_those_above_and_those_beside(
    client: ClientOf, session: Session, tree: make.StreetTree, who: str, expected: str
) -> None:
    role, where = who.split()
    found = pack_of(client(make.actor(session, role=Role(role), grid=getattr(tree, where))))
    assert f"{names(found, mine=True)} | {names(found, mine=False)}" == expected


def test_what_a_pack_says(client: ClientOf, session: Session, tree: make.StreetTree) -> None:
    found = pack_of(client(make.actor(session, role=Role.MEMBER, grid=tree.a11)))
    assert found["type"] == "FeatureCollection"
    assert (found["datum"], found["tolerance_m"], found["valid_until"]) == ("EPSG:4490", 2.0, None)
    assert 0 <= found["deviation_m"] <= 2.0
    own = found["features"][-2]
    assert own["properties"] == {
        "code": tree.a11.code,
        "name": "A11",
        "level": 3,
        "parent": tree.a1.code,
        "mine": True,
    }
    assert own["geometry"] == {
        "type": "Polygon",
        "coordinates": [[[118.905, 32.1], [118.905, 32.11], [118.9, 32.11], [118.9, 32.1], [118.905, 32.1]]],
    }


def test_street_staff_have_their_street(client: ClientOf, session: Session, tree: make.StreetTree) -> None:
    found = pack_of(client(make.actor(session, role=Role.OPERATOR)))
    assert names(found, mine=True) == "A A1 A11 A12 A2 A21 B B1 B11"
    assert names(found, mine=False) == ""
    admin = client(make.actor(session, role=Role.ADMIN, area=""))
    assert names(pack_of(admin, street=make.OTHER_STREET), mine=True) == "C C1 C11"


def test_whose_grid_is_a_floor(client: ClientOf, session: Session, tree: make.StreetTree) -> None:
    """It has no shape; the grid around it has."""
    floor = make.grid(session, code=f"{tree.a11.code}01", parent=tree.a11, name="F")
    found = pack_of(client(make.actor(session, role=Role.MEMBER, grid=floor)))
    assert (names(found, mine=True), names(found, mine=False)) == ("F", "A A1 A11 A12")
    assert found["features"][-1]["geometry"] is None


def test_until_when_it_is_right(client: ClientOf, session: Session, tree: make.StreetTree) -> None:
    member = client(make.actor(session, role=Role.MEMBER, grid=tree.a11, valid_to=date(2099, 3, 1)))
    assert pack_of(member)["valid_until"] == "2099-03-01"
    tree.a12.retired_on = date(2099, 2, 1)
    session.flush()
    assert pack_of(member)["valid_until"] == "2099-02-01"


def test_a_known_pack_is_not_sent_again(client: ClientOf, session: Session, tree: make.StreetTree) -> None:
    member = client(make.actor(session, role=Role.MEMBER, grid=tree.a11))
    etag = member.get("/v1/grids/pack").headers["etag"]
    again = member.get("/v1/grids/pack", headers={"If-None-Match": etag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    make.grid(
        session,
        code=make.grid_code(sequence="09"),
        parent=tree.a1,
        name="A13",
        geom=make.box(118.9, make.NORTH, 118.905, 32.115),
    )
    changed = member.get("/v1/grids/pack", headers={"If-None-Match": etag})
    assert changed.status_code == 200
    assert names(changed.json(), mine=False) == "A A1 A12 A13"


def test_a_street_that_is_not_ones_own(client: ClientOf, session: Session, tree: make.StreetTree) -> None:
    member = client(make.actor(session, role=Role.MEMBER, grid=tree.a11))
    for street in (make.OTHER_STREET, "999999999"):
        reply = member.get("/v1/grids/pack", params={"street": street})
        assert (reply.status_code, reply.json()["code"]) == (404, "not-found")


def test_too_many_grids_are_asked_for_by_street(
    client: ClientOf, session: Session, tree: make.StreetTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack, "_MOST", 9)
    admin = client(make.actor(session, role=Role.ADMIN, area=""))
    reply = admin.get("/v1/grids/pack")
    assert (reply.status_code, reply.json()["code"]) == (422, "pack-too-large")
    assert names(pack_of(admin, street=make.STREET), mine=True) == "A A1 A11 A12 A2 A21 B B1 B11"


def test_nobody_has_an_empty_pack(client: ClientOf, session: Session, tree: make.StreetTree) -> None:
    ended = make.actor(session, role=Role.HEAD, grid=tree.a, valid_to=date(2026, 1, 2))
    assert pack_of(client(ended))["features"] == []


def test_sizes(client: ClientOf, session: Session) -> None:
    """A street of 12 communities and 192 crooked grids of 61 vertices; an own grid among them."""
    member_of = crooked_street(session)
    street = client(make.actor(session, role=Role.OPERATOR)).get("/v1/grids/pack")
    assert len(street.json()["features"]) == 12 + 48 + 192
    assert len(street.content) <= 300_000
    assert street.json()["deviation_m"] <= street.json()["tolerance_m"] <= 8
    member = client(make.actor(session, role=Role.MEMBER, grid=member_of)).get("/v1/grids/pack")
    assert len(member.json()["features"]) == 1 + 8 + 2
    assert len(member.content) <= 100_000
    assert member.json()["tolerance_m"] == 2


def crooked_street(session: Session) -> Grid:
    """Communities of 4 x 4 cells, 2 x 2 of them an area; answers a grid in the middle."""
    district = CurvyDistrict(12, 16)
    chosen = None

    def plot(number: str, sequence: int, parent: Grid | None, block: tuple[int, int, int]) -> Grid:
        row, column, side = block
        shape = shapely.MultiPolygon([district.block(row, column, side, side)])
        code = make.grid_code(community=number, sequence=f"{sequence:02d}")
        return make.grid(session, code=code, parent=parent, geom=f"SRID=4490;{shape.wkt}")

    for community in range(12):
        top, left = community // 4 * 4, community % 4 * 4
        number, sequence = f"{community + 1:03d}", 0
        above = plot(number, 0, None, (top, left, 4))
        for area in range(4):
            row, column = top + area // 2 * 2, left + area % 2 * 2
            sequence += 1
            middle = plot(number, sequence, above, (row, column, 2))
            for cell in range(4):
                sequence += 1
                made = plot(number, sequence, middle, (row + cell // 2, column + cell % 2, 1))
                chosen = made if community == 5 else chosen
    assert chosen is not None
    return chosen
