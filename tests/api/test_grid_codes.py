"""GET /v1/grid-codes/{code}: every group with its meaning or its fault."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from tests import make


@pytest.fixture
def reader(client: Callable[[Actor], TestClient], session: Session) -> TestClient:
    return client(make.actor(session, role=Role.UNIT))


def test_a_code_of_the_shipped_county(reader: TestClient) -> None:
    code = "990000" + "320113007001" + "07"
    reply = reader.get(f"/v1/grid-codes/{code}")
    assert reply.status_code == 200
    body = reply.json()
    assert (body["code"], body["valid"]) == (code, True)
    assert [(group["name"], group["digits"], group["meaning"]) for group in body["groups"][:4]] == [
        ("object", "990000", "综合网格"),
        ("county", "320113", "栖霞区"),
        ("street", "007", "仙林街道"),
        ("community", "001", "仙林新村社区居委会"),
    ]
    assert body["groups"][4]["name"] == "sequence"
    assert all(group["reason"] is None for group in body["groups"])


def test_a_wrong_group_has_a_reason_and_the_others_their_meaning(reader: TestClient) -> None:
    body = reader.get("/v1/grid-codes/99000032011360000107").json()
    assert body["valid"] is False
    by_name = {group["name"]: group for group in body["groups"]}
    assert by_name["county"]["valid"] is True
    assert "001–599" in by_name["street"]["reason"]
    assert by_name["community"]["valid"] is False  # unknown in a street that cannot be


def test_floors_counters_and_unit_grids(reader: TestClient) -> None:
    body = reader.get("/v1/grid-codes/99000032011300700107-003-012").json()
    assert [group["name"] for group in body["groups"][5:]] == ["floor", "counter"]
    assert body["valid"] is True
    unit = reader.get("/v1/grid-codes/320113007001012").json()
    assert [group["name"] for group in unit["groups"]] == ["county", "street", "community", "unit"]
    assert unit["valid"] is True


@pytest.mark.parametrize("text", ["1", "仙林", "99000032011300700107-", "9" * 60])
def test_any_text_is_answered(reader: TestClient, text: str) -> None:
    reply = reader.get(f"/v1/grid-codes/{text}")
    assert reply.status_code == 200
    assert reply.json()["valid"] is False
    assert any(group["reason"] for group in reply.json()["groups"])
