"""Organisations, shops and facilities: kept, found, retired, imported like other places."""

import uuid
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from access.roles import Role
from core.models import AuditEntry
from registry.organisations.models import Organisation
from tests import make
from tests.api.register import IN_A11, IN_B11, ClientOf, member

SHOP = "01920000-0000-7000-8000-0000000000f1"
ADDRESS = f"/v1/organisations/{SHOP}"
CREDIT = "91110000600037341L"  # made for tests of check digits: of no shop here


def shop(**changes: Any) -> dict[str, Any]:
    named = {"name": "示例小吃店", "kind": "shop", "category": "restaurant", "code": "Z1"}
    return {**named, "position": IN_A11, **changes}


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return make.street_tree(session)


@pytest.fixture
def operator(client: ClientOf, session: Session, tree: make.StreetTree) -> TestClient:
    return client(make.actor(session, role=Role.OPERATOR))


def test_a_shop_is_made_changed_and_retired(operator: TestClient, session: Session) -> None:
    made = operator.put(ADDRESS, json=shop(credit_code=CREDIT.lower(), licensed_from="2026-01-01"))
    assert made.status_code == 201, made.text
    shown = made.json()
    assert (shown["grid"]["name"], shown["category_zh"], shown["credit_code"]) == ("A11", "餐饮", CREDIT)
    again = operator.put(ADDRESS, json=shop(credit_code=CREDIT, licensed_from="2026-01-01"))
    assert (again.status_code, again.json()["revision"]) == (200, 1)
    assert operator.put(ADDRESS, json=shop(room="101")).status_code == 428
    assert operator.put(ADDRESS, json=shop(room="101"), headers={"If-Match": '"9"'}).status_code == 412
    moved = operator.put(ADDRESS, json=shop(position=IN_B11), headers={"If-Match": '"1"'})
    assert (moved.status_code, moved.json()["grid"]["name"]) == (200, "B11")
    assert (
        operator.put(f"/v1/organisations/{uuid.UUID(int=1)}", json=shop()).json()["code"]
        == "place-code-taken"
    )
    for _ in range(2):
        assert operator.post(f"{ADDRESS}/retirement").json()["retired_on"] is not None
    assert operator.get("/v1/organisations").json()["items"] == []
    actions = session.scalars(select(AuditEntry.action).where(AuditEntry.subject == f"organisation:{SHOP}"))
    assert list(actions) == ["organisation.created", "organisation.changed", "organisation.retired"]
    gone = operator.put(ADDRESS, json=shop(), headers={"If-Match": '"3"'})
    assert gone.json()["code"] == "place-retired"


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"credit_code": CREDIT[:-1] + "1"}, "/credit_code", "credit-code-wrong"),
        ({"kind": "haunted"}, "/kind", "literal-error"),
        ({"category": "haunted"}, "/category", "literal-error"),
        ({"position": None}, "/", "position-missing"),
        ({"licensed_from": "2026-02-01", "licensed_to": "2026-01-01"}, "/", "licence-dates"),
        ({"building": SHOP}, "/building", "building-unknown"),
        ({"contact": "张三"}, "/contact", "extra-forbidden"),
    ],
)
def test_what_cannot_be_is_refused_by_field(
    operator: TestClient, changes: dict[str, Any], pointer: str, code: str
) -> None:
    reply = operator.put(ADDRESS, json=shop(**changes))
    assert reply.status_code == 422
    assert (pointer, code) in [(error["pointer"], error["code"]) for error in reply.json()["errors"]]


def test_each_sees_those_of_the_own_grids(
    client: ClientOf, operator: TestClient, session: Session, tree: make.StreetTree
) -> None:
    operator.put(ADDRESS, json=shop())
    elsewhere = f"/v1/organisations/{uuid.UUID(int=2)}"
    operator.put(elsewhere, json=shop(code="Z2", kind="facility", category="power", position=IN_B11))
    walker = client(member(session, tree))
    assert [one["id"] for one in walker.get("/v1/organisations").json()["items"]] == [SHOP]
    assert walker.get(elsewhere).status_code == 404
    assert walker.put(ADDRESS, json=shop(name="另一店")).status_code == 403
    assert walker.post(f"{ADDRESS}/retirement").status_code == 403
    kinds = operator.get("/v1/organisations", params={"kind": "facility", "category": "power"}).json()
    assert [one["code"] for one in kinds["items"]] == ["Z2"]
    found = operator.get("/v1/organisations", params={"grid": tree.b.code, "limit": 1}).json()
    assert ([one["code"] for one in found["items"]], found["next"]) == (["Z2"], None)
    far = client(make.actor(session, role=Role.OPERATOR, area=f"{make.OTHER_STREET}/", username="far"))
    assert far.get(ADDRESS).status_code == 404
    assert far.put(ADDRESS, json=shop(), headers={"If-Match": '"1"'}).status_code == 404
    assert far.post(f"{ADDRESS}/retirement").status_code == 404


def test_a_table_is_imported_like_that_of_other_places(operator: TestClient, session: Session) -> None:
    make.building(session, name="1幢", code="B1")
    table = (
        "单位编码,名称,类型,类别,统一社会信用代码,楼栋编码,许可止期\r\n"
        f"Z1,示例小吃店,商铺,餐饮,{CREDIT},B1,2031-01-01\r\nZ2,配电房,设施,供电设施,,B1,\r\n"
    )
    where = "/v1/places/import?kind=organisations&datum=EPSG:4490"
    for counts in ((2, 0), (0, 2)):
        done = operator.post(where, files={"file": ("a.csv", table.encode())})
        assert done.status_code == 200, done.text
        assert (done.json()["created"], done.json()["unchanged"]) == counts
    stored = session.scalars(select(Organisation).order_by(Organisation.code)).all()
    assert [(one.kind, one.category) for one in stored] == [("shop", "restaurant"), ("facility", "power")]
    wrong = operator.post(where, files={"file": ("a.csv", table.replace(CREDIT, "123").encode())}).json()
    assert [(one["row"], one["field"], one["reason"]) for one in wrong["rejected"]] == [
        (2, "/credit_code", "credit-code-wrong")
    ]
    assert operator.get("/v1/places/template/organisations.xlsx").status_code == 200
