"""Checklists in their versions over HTTP: what ships, who makes new ones, and where they hold."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from core.clock import today
from core.models import AuditEntry
from patrol.checklists.models import Checklist
from tests import make

ClientOf = Callable[[Actor], TestClient]
CITY = [
    *("环境卫生", "车辆停放", "房产建设", "摆摊设点", "公共设施"),
    *("交通出行", "市政道路", "公共绿化", "广告设置", "市容市貌"),
]
CITY_ASPECTS = ["违法违规", "漏洞隐患", "死角盲区", "投诉举报", "意见建议"]


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return make.street_tree(session)


@pytest.fixture
def phone(client: ClientOf, session: Session, tree: make.StreetTree) -> TestClient:
    return client(make.actor(session, role=Role.MEMBER, grid=tree.a11))


def problem(reply: Response, status: int, code: str) -> dict[str, Any]:
    assert (reply.status_code, reply.json().get("code")) == (status, code), reply.text
    return dict(reply.json())


def test_chapter_7_is_there_with_its_clauses(phone: TestClient, tree: make.StreetTree) -> None:
    reply = phone.get("/v1/checklists", params={"grid": tree.a11.code})
    lists = {one["code"]: one for one in reply.json()["items"]}
    assert list(lists) == ["city_management", "safety", "public_order"], "in the order of the clauses"
    city = lists["city_management"]
    assert [one["zh"] for one in city["items"]] == (
        [
            "环境卫生",
            "车辆停放",
            "房产建设",
            "摆摊设点",
            "公共设施",
            "交通出行",
            "市政道路",
            "公共绿化",
            "广告设置",
            "市容市貌",
        ]
    )
    assert [one["zh"] for one in city["aspects"]] == [
        "违法违规",
        "漏洞隐患",
        "死角盲区",
        "投诉举报",
        "意见建议",
    ]
    assert {one["clause"] for one in city["items"]} == {"7.3.1"}
    of_standard = [one["zh"] for one in lists["safety"]["items"] if one["clause"]]
    assert of_standard == ["火灾火情", "天然气管道泄漏", "线路漏电"], "what is ours names no clause"
    order = lists["public_order"]
    assert [one["zh"] for one in order["items"]] == ["社会治安", "邪教", "传销", "信访"]
    assert [one["zh"] for one in order["aspects"]] == ["违法违规", "监管漏洞", "死角盲区", "投诉举报"]


def version(**changes: Any) -> dict[str, Any]:
    plain = {
        "area": make.STREET,
        "valid_from": str(today()),
        "field": "safety",
        "zh": "街道安全检查单",
        "en": "Safety in our street",
        "items": [{"code": "fire", "zh": "火灾火情", "en": "fire", "clause": "7.4.1"}],
    }
    return {**plain, **changes}


def test_a_new_version_holds_where_and_from_when_it_is_made_for(
    client: ClientOf, session: Session, phone: TestClient, tree: make.StreetTree
) -> None:
    desk = client(make.actor(session, role=Role.OPERATOR))
    first = desk.put("/v1/checklists/safety", json=version(), headers={"If-Match": '"1"'})
    assert (first.status_code, first.headers["etag"]) == (201, '"2"'), first.text
    again = desk.put("/v1/checklists/safety", json=version())
    assert (again.status_code, again.json()) == (200, first.json())
    assert session.scalar(select(func.count()).select_from(Checklist)) == 4
    mine = {one["code"]: one for one in phone.get(f"/v1/checklists?grid={tree.a11.code}").json()["items"]}
    assert (mine["safety"]["version"], len(mine["safety"]["items"])) == (2, 1)
    yesterday = str(today() - timedelta(days=1))
    past = phone.get(f"/v1/checklists?grid={tree.a11.code}&on={yesterday}").json()["items"]
    assert {one["code"]: one["version"] for one in past}["safety"] == 1
    elsewhere = client(make.actor(session, role=Role.MEMBER, grid=tree.c11, username="c"))
    theirs = elsewhere.get(f"/v1/checklists?grid={tree.c11.code}").json()["items"]
    assert {one["code"]: one["version"] for one in theirs}["safety"] == 1
    assert [one["version"] for one in elsewhere.get("/v1/checklists/safety").json()["items"]] == [1]
    assert [one["version"] for one in phone.get("/v1/checklists/safety").json()["items"]] == [2, 1]
    actions = session.scalars(select(AuditEntry.action).where(AuditEntry.subject == "checklist:safety/2"))
    assert list(actions) == ["checklist.created"]


def test_a_version_without_items_ends_the_list_there(
    client: ClientOf, session: Session, phone: TestClient, tree: make.StreetTree
) -> None:
    desk = client(make.actor(session, role=Role.OPERATOR))
    made = desk.put("/v1/checklists/safety", json=version(items=[]), headers={"If-Match": '"1"'})
    assert made.status_code == 201
    codes = [one["code"] for one in phone.get(f"/v1/checklists?grid={tree.a11.code}").json()["items"]]
    assert codes == ["city_management", "public_order"]


def test_who_may_not_make_versions(
    client: ClientOf, session: Session, phone: TestClient, tree: make.StreetTree
) -> None:
    desk = client(make.actor(session, role=Role.OPERATOR))
    address = "/v1/checklists/safety"
    problem(phone.put(address, json=version(area=tree.a11.code)), 403, "forbidden")
    problem(phone.put(address, json=version()), 404, "grid-unknown")
    problem(desk.put(address, json=version(area="")), 403, "forbidden")
    problem(desk.put(address, json=version(area=make.OTHER_STREET)), 404, "grid-unknown")
    problem(desk.put(address, json=version(area="999999999")), 404, "grid-unknown")
    problem(desk.put(address, json=version()), 428, "if-match-required")
    problem(desk.put(address, json=version(), headers={"If-Match": '"7"'}), 412, "outdated")
    problem(phone.get("/v1/checklists/nonsense"), 404, "checklist-unknown")
    problem(phone.get(f"/v1/checklists?grid={tree.c11.code}"), 404, "not-found")


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"valid_from": "2020-01-01"}, "/valid_from", "in-the-past"),
        ({"field": "city_management"}, "/field", "field-changed"),
        ({"items": [{"code": "a", "zh": "a", "en": "a"}] * 2}, "/items/1/code", "repeated"),
        ({"items": [{"code": "A b", "zh": "a", "en": "a"}]}, "/items/0/code", "string-pattern-mismatch"),
        ({"zh": "\0"}, "/zh", "unstorable"),
        ({"extra": 1}, "/extra", "extra-forbidden"),
    ],
)
def test_a_version_that_cannot_be(
    client: ClientOf,
    session: Session,
    tree: make.StreetTree,
    *,
    changes: dict[str, Any],
    pointer: str,
    code: str,
) -> None:
    desk = client(make.actor(session, role=Role.OPERATOR))
    reply = desk.put("/v1/checklists/safety", json=version(**changes), headers={"If-Match": '"1"'})
    errors = problem(reply, 422, "invalid")["errors"]
    assert (errors[0]["pointer"], errors[0]["code"]) == (pointer, code)
