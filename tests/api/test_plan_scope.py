"""Who sees division plans, how they are listed, and what is said of them as a whole."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from core.clock import today
from tests import make
from tests.api.desk import MONDAY, Desk

Client = Callable[[Actor], TestClient]
SOME_PLAN = "01920000-0000-7000-8000-0000000000aa"


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return make.street_tree(session)


@pytest.fixture
def officer(client: Client, session: Session) -> TestClient:
    return client(make.actor(session, role=Role.OPERATOR, area="320113"))


def test_plans_are_for_those_who_draw_and_approve(
    tree: make.StreetTree, session: Session, client: Client, officer: TestClient
) -> None:
    desk = Desk(officer)
    member = client(make.actor(session, role=Role.MEMBER, grid=tree.a11))
    elsewhere = client(
        make.actor(session, role=Role.OPERATOR, username="other", area=f"{make.OTHER_STREET}/")
    )
    for stranger, status in ((member, 403), (elsewhere, 404)):
        assert stranger.get(desk.address).status_code == 404
        assert stranger.get(f"{desk.address}/grids").status_code == 404
        assert stranger.get(f"{desk.address}/check").status_code == 404
        assert stranger.get("/v1/plans").json() == {"items": [], "next": None}
        body = {"grid": tree.a11.code}
        reply = stranger.post(f"{desk.address}/retire", json=body, headers={"If-Match": desk.tag})
        assert reply.status_code == status
    leader = client(make.actor(session, role=Role.LEADER))
    assert leader.get(desk.address).json()["may"]["edit"] is False
    assert desk.post("retire", {"grid": tree.a11.code}, by=leader).status_code == 403


def test_plans_are_paged_newest_first(tree: make.StreetTree, officer: TestClient) -> None:
    for number in range(3):
        Desk(officer, title=f"方案{number}")
    first = officer.get("/v1/plans", params={"limit": 2, "street": make.STREET, "status": "draft"}).json()
    rest = officer.get("/v1/plans", params={"limit": 2, "after": first["next"]}).json()
    titles = [plan["title"] for plan in (*first["items"], *rest["items"])]
    assert sorted(titles) == ["方案0", "方案1", "方案2"]
    assert rest["next"] is None
    assert officer.get("/v1/plans", params={"after": "?"}).status_code == 422


def test_facts_of_a_plan_are_checked(tree: make.StreetTree, officer: TestClient) -> None:
    good = {"street_code": make.STREET, "title": "好", "valid_from": MONDAY.isoformat()}
    address = f"/v1/plans/{SOME_PLAN}"
    yesterday = (today() - timedelta(days=1)).isoformat()
    for wrong in ({"street_code": "999999999"}, {"title": " "}, {"valid_from": yesterday}):
        assert officer.put(address, json={**good, **wrong}).status_code == 422
    assert officer.put(address, json=good).status_code == 201
    assert officer.put(address, json=good).status_code == 200
    edited = officer.put(address, json={**good, "title": "更好"}, headers={"If-Match": '"1"'})
    assert (edited.status_code, edited.json()["revision"]) == (200, 2)
    stale = officer.put(address, json={**good, "title": "旧"}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
