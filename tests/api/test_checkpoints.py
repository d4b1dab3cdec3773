"""Plates of checkpoints over HTTP: printed, scanned, typed, replaced."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from core.documents import render_png
from core.models import AuditEntry
from core.settings import Settings
from registry.models import Checkpoint
from registry.plates import Plate, plate_keys, shown
from registry.qr_sheet import TEMPLATE
from tests import make

ClientOf = Callable[[Actor], TestClient]


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return make.street_tree(session)


@pytest.fixture
def checkpoint(session: Session, tree: make.StreetTree) -> Checkpoint:
    return make.checkpoint(session)


@pytest.fixture
def operator(client: ClientOf, session: Session, tree: make.StreetTree) -> TestClient:
    return client(make.actor(session, role=Role.OPERATOR))


@pytest.fixture
def member(client: ClientOf, session: Session, tree: make.StreetTree) -> TestClient:
    return client(make.actor(session, role=Role.MEMBER, grid=tree.a11))


@pytest.fixture
def neighbour(client: ClientOf, session: Session, tree: make.StreetTree) -> TestClient:
    return client(make.actor(session, role=Role.MEMBER, grid=tree.a12, username="neighbour"))


def token_of(checkpoint: Checkpoint, settings: Settings) -> str:
    plate = Plate(checkpoint.checkpoint_id, checkpoint.short_code, checkpoint.generation)
    return plate_keys(settings).token(plate)


def resolve(client: TestClient, **shown: str) -> Any:
    return client.post("/v1/checkpoints/resolve", json=shown)


def test_a_plate_is_found_by_token_address_and_short_code(
    member: TestClient, checkpoint: Checkpoint, settings: Settings
) -> None:
    token = token_of(checkpoint, settings)
    for text in (token, token.upper(), f"https://example.org/c/{token}"):
        reply = resolve(member, token=text)
        assert reply.status_code == 200, reply.text
        assert (reply.json()["shown"], reply.json()["checkpoint"]["name"]) == ("token", "北门")
    reply = resolve(member, short_code=shown(checkpoint.short_code).lower())
    assert (reply.status_code, reply.json()["shown"]) == (200, "short_code")


def test_what_is_on_a_plate_is_shown_to_keepers_only(
    member: TestClient, operator: TestClient, checkpoint: Checkpoint
) -> None:
    address = f"/v1/checkpoints/{checkpoint.checkpoint_id}"
    assert operator.get(address).json()["short_code"] == shown(checkpoint.short_code)
    assert member.get(address).json()["short_code"] is None
    assert member.get("/v1/checkpoints").json()["items"][0]["short_code"] is None
    assert member.get("/v1/checkpoints", params={"text": checkpoint.short_code}).json()["items"] == []


@pytest.mark.parametrize("wrong", ["", "nonsense", "0" * 34, "https://example.org/c/"])
def test_no_plate_says_so(member: TestClient, checkpoint: Checkpoint, wrong: str) -> None:
    for body in ({"token": wrong}, {"short_code": wrong}):
        reply = resolve(member, **body)
        assert (reply.status_code, reply.json()["code"]) == (404, "plate-unknown")


def test_a_plate_of_another_grid_is_not_found(
    neighbour: TestClient, checkpoint: Checkpoint, settings: Settings
) -> None:
    reply = resolve(neighbour, token=token_of(checkpoint, settings))
    assert (reply.status_code, reply.json()["code"]) == (404, "plate-unknown")


def test_either_token_or_short_code(member: TestClient) -> None:
    for body in ({}, {"token": "a", "short_code": "b"}):
        assert resolve(member, **body).json()["errors"][0]["code"] == "one-of-two"


def test_a_replaced_plate_is_worthless(
    member: TestClient, operator: TestClient, session: Session, checkpoint: Checkpoint, settings: Settings
) -> None:
    old_token, old_code = token_of(checkpoint, settings), checkpoint.short_code
    address = f"/v1/checkpoints/{checkpoint.checkpoint_id}"
    assert member.post(f"{address}/plate").status_code == 403
    reply = operator.post(f"{address}/plate")
    assert (reply.status_code, reply.json()["generation"]) == (200, 2)
    assert resolve(member, token=old_token).status_code == 404
    assert resolve(member, short_code=old_code).status_code == 404
    session.refresh(checkpoint)
    assert resolve(member, token=token_of(checkpoint, settings)).status_code == 200
    operator.post(f"{address}/retire")
    assert resolve(member, token=token_of(checkpoint, settings)).status_code == 404
    assert operator.post(f"{address}/plate").json()["code"] == "place-retired"
    assert operator.post(f"/v1/checkpoints/{make.fixed_uuid('none')}/plate").status_code == 404


def test_the_sheet_is_a_pdf_with_chinese_text(
    operator: TestClient, session: Session, checkpoint: Checkpoint, tree: make.StreetTree
) -> None:
    reply = operator.get("/v1/checkpoints/sheet.pdf", params={"grid": tree.a.code})
    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/pdf")
    assert reply.content.startswith(b"%PDF-")
    assert b"NotoSansCJK" in reply.content
    assert reply.headers["cache-control"] == "no-store"
    printed = session.scalars(select(AuditEntry).where(AuditEntry.action == "checkpoints.printed")).one()
    assert (printed.subject, printed.detail) == (f"grid:{tree.a.code}", {"count": 1})


def test_the_sheet_is_for_keepers(
    operator: TestClient, member: TestClient, checkpoint: Checkpoint, tree: make.StreetTree
) -> None:
    assert member.get("/v1/checkpoints/sheet.pdf").status_code == 403
    assert operator.get("/v1/checkpoints/sheet.pdf", params={"grid": tree.c.code}).status_code == 404
    empty = operator.get("/v1/checkpoints/sheet.pdf", params={"grid": tree.b.code})
    assert (empty.status_code, empty.json()["code"]) == (404, "nothing-to-print")


def test_the_template_draws_what_it_is_told() -> None:
    def page(name: str) -> bytes:
        plate = {
            "qr": '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
            "short_code": "", "name": name, "place": "", "grid": "", "grid_code": "", "kind": "",
            "generation": 1,
        }  # fmt: skip
        data = {"title": "", "street": "", "heading": "", "printed": "", "plates": [plate]}
        (png,) = render_png(TEMPLATE, data)
        return png

    # Signs without a glyph would all be drawn as the same box.
    drawn = {page(name) for name in ("仙", "林", "巡", "格")}
    assert len(drawn) == 4
    assert re.match(rb"\x89PNG", drawn.pop())
