"""Patrol policies over HTTP: versions by day, who keeps them, which one holds and why."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from core.clock import today
from core.models import AuditEntry
from patrol.models import PatrolPolicy
from tests import make

ClientOf = Callable[[Actor], TestClient]


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return make.street_tree(session)


@pytest.fixture
def desk(session: Session, client: ClientOf, tree: make.StreetTree) -> TestClient:
    return client(make.actor(session, role=Role.OPERATOR))


def tomorrow() -> date:
    return today() + timedelta(days=1)


def put(desk: TestClient, **changes: Any) -> Response:
    body = {
        "street_code": make.STREET,
        "kind": "residential",
        "valid_from": tomorrow().isoformat(),
        "thresholds": {"min_minutes_in_grid": 30, "required_per_week": 3, "distinct_days": 3},
        **changes,
    }
    return desk.put("/v1/patrol-policies", json=body)


def assert_problem(reply: Response, status: int, code: str) -> dict[str, Any]:
    assert reply.status_code == status, reply.text
    problem: dict[str, Any] = reply.json()
    assert problem["code"] == code
    return problem


def test_a_policy_from_tomorrow(session: Session, desk: TestClient) -> None:
    made = put(desk)
    assert made.status_code == 201, made.text
    policy = made.json()
    assert (policy["street_code"], policy["grid_code"], policy["kind"]) == (make.STREET, None, "residential")
    assert (policy["has_begun"], policy["may_delete"]) == (False, True)
    assert policy["thresholds"]["min_minutes_in_grid"] == 30
    assert policy["thresholds"]["min_gap_hours"] == 12  # the default, written down
    again = put(desk)
    assert (again.status_code, again.json()) == (200, policy)
    assert desk.get(f"/v1/patrol-policies/{policy['id']}").json() == policy
    (line,) = session.scalars(select(AuditEntry).where(AuditEntry.action == "patrol_policy.created"))
    assert (line.chain, line.detail["thresholds"]["required_per_week"]) == (make.STREET, 3)


def test_another_policy_on_the_same_day(desk: TestClient) -> None:
    first = put(desk).json()
    problem = assert_problem(put(desk, thresholds={}), 409, "policy-conflict")
    assert problem["policy_id"] == first["id"]
    assert desk.delete(f"/v1/patrol-policies/{first['id']}").status_code == 204
    assert put(desk, thresholds={}).status_code == 201


def test_what_has_begun_to_hold_stays(session: Session, desk: TestClient) -> None:
    policy = put(desk).json()
    for day in (today(), today() - timedelta(days=1)):
        problem = assert_problem(put(desk, valid_from=day.isoformat()), 422, "invalid")
        assert problem["errors"][0]["pointer"] == "/valid_from"
    session.get_one(PatrolPolicy, policy["id"]).valid_from = today()
    session.flush()
    assert_problem(desk.delete(f"/v1/patrol-policies/{policy['id']}"), 409, "policy-holds")
    assert desk.get(f"/v1/patrol-policies/{policy['id']}").json()["may_delete"] is False


@pytest.mark.parametrize(
    "changes",
    [
        {"thresholds": {"min_minutes_in_grid": -1}},
        {"thresholds": {"nothing": 1}},
        {"thresholds": {"max_gap_s": "120"}},
        {"thresholds": {"required_per_week": True}},
        {"thresholds": {"required_per_week": 10**30}},
        {"thresholds": None},
        {"thresholds": {"a\0b": 1}},
        {"valid_from": "2026-13-01"},
        {"valid_from": "9999-12-31"},
        {"valid_from": 5},
        {"street_code": "32011"},
        {"street_code": "999999999"},
        {"street_code": make.OTHER_STREET},
        {"grid_code": make.grid_code()},
        {"kind": "x" * 41},
        {"kind": "\0"},
        {"path": "320113007/"},
    ],
)
def test_what_is_no_policy_is_refused_by_field(desk: TestClient, changes: dict[str, Any]) -> None:
    problem = assert_problem(put(desk, **changes), 422, "invalid")
    assert problem["errors"]


@pytest.mark.parametrize(
    ("role", "status"),
    [(Role.HEAD, 403), (Role.LEADER, 403), (Role.MEMBER, 404), (Role.UNIT, 403)],
)
def test_who_keeps_policies(
    session: Session, client: ClientOf, tree: make.StreetTree, role: Role, status: int
) -> None:
    grid = {Role.HEAD: tree.a, Role.MEMBER: tree.a11}.get(role)
    keeper = client(make.actor(session, role=role, grid=grid))
    code = tree.b.code if role == Role.MEMBER else tree.a.code
    assert put(keeper, street_code=None, grid_code=code).status_code == status


def test_the_rule_for_all_is_kept_by_administrators(
    session: Session, client: ClientOf, desk: TestClient
) -> None:
    assert_problem(put(desk, street_code=None), 403, "forbidden")
    admin = client(make.actor(session, role=Role.ADMIN, area=""))
    made = put(admin, street_code=None)
    assert made.status_code == 201, made.text
    assert_problem(desk.delete(f"/v1/patrol-policies/{made.json()['id']}"), 403, "forbidden")
    (line,) = session.scalars(select(AuditEntry).where(AuditEntry.action == "patrol_policy.created"))
    assert line.chain == ""


def test_a_policy_of_another_street_is_not_there(
    session: Session, client: ClientOf, tree: make.StreetTree, desk: TestClient
) -> None:
    policy = put(desk).json()
    other = client(make.actor(session, role=Role.OPERATOR, area=f"{make.OTHER_STREET}/", username="other"))
    missing = assert_problem(other.get("/v1/patrol-policies/2000000000"), 404, "policy-unknown")
    found = assert_problem(other.get(f"/v1/patrol-policies/{policy['id']}"), 404, "policy-unknown")
    assert {**found, "instance": ""} == {**missing, "instance": ""}
    assert other.delete(f"/v1/patrol-policies/{policy['id']}").status_code == 404
    assert policy["id"] not in {one["id"] for one in other.get("/v1/patrol-policies").json()["items"]}
    assert other.get("/v1/patrol-policies", params={"street": make.STREET}).json()["items"] == []
    assert other.get("/v1/patrol-policies/99999999999").status_code == 422


def test_a_list_holds_what_concerns_a_street(
    session: Session, client: ClientOf, tree: make.StreetTree, desk: TestClient
) -> None:
    street = put(desk).json()["id"]
    grid = put(desk, street_code=None, grid_code=tree.a11.code).json()
    assert (grid["grid_code"], grid["grid_name"]) == (tree.a11.code, "A11")
    member = client(make.actor(session, role=Role.MEMBER, grid=tree.a12))
    listed = [one["id"] for one in desk.get("/v1/patrol-policies").json()["items"]]
    assert listed[-2:] == [street, grid["id"]]
    assert desk.get("/v1/patrol-policies", params={"street": make.STREET}).json()["items"]
    # Whoever is judged by it may read it, and nothing of the neighbour's.
    own = {one["id"] for one in member.get("/v1/patrol-policies").json()["items"]}
    assert (street in own, grid["id"] in own) == (True, False)


def test_which_policy_holds_and_why(session: Session, desk: TestClient, tree: make.StreetTree) -> None:
    street = put(desk, kind="", thresholds={}).json()["id"]
    kind = put(desk, thresholds={}).json()["id"]
    later = put(desk, valid_from=(tomorrow() + timedelta(days=6)).isoformat()).json()["id"]

    def effective(on: date) -> dict[str, Any]:
        reply = desk.get(
            "/v1/patrol-policies/effective", params={"grid": tree.a11.code, "on": on.isoformat()}
        )
        assert reply.status_code == 200, reply.text
        found: dict[str, Any] = reply.json()
        return found

    assert effective(today())["policy"]["id"] not in {street, kind, later}
    assert effective(tomorrow())["policy"]["id"] == kind
    found = effective(tomorrow() + timedelta(days=6))
    assert found["policy"]["id"] == later
    why = {one["policy"]["id"]: one["why"]["code"] for one in found["candidates"]}
    assert (why[later], why[kind], why[street]) == ("policy-holds", "policy-older", "policy-any-kind")
    assert "policy-wider" in why.values()
    assert [one["holds"] for one in found["candidates"]].count(True) == 1
    assert found["candidates"][0]["why"]["zh"]


def test_a_policy_is_asked_for_by_grid(session: Session, client: ClientOf, desk: TestClient) -> None:
    address = "/v1/patrol-policies/effective"
    assert desk.get(address).status_code == 422
    assert_problem(desk.get(address, params={"grid": "nothing"}), 404, "grid-unknown")
    other = client(make.actor(session, role=Role.OPERATOR, area=f"{make.OTHER_STREET}/", username="other"))
    assert_problem(other.get(address, params={"grid": make.grid_code()}), 404, "grid-unknown")


def test_the_thresholds_of_a_form(desk: TestClient) -> None:
    items = {one["name"]: one for one in desk.get("/v1/patrol-policies/thresholds").json()["items"]}
    assert items["required_per_week"] == {
        "name": "required_per_week",
        "unit": "patrols",
        "zh": "每周巡查次数",
        "en": "patrols required in a week",
        "default": 2,
        "least": 0,
        "most": 21,
        "is_whole": True,
    }
