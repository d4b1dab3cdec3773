"""Somebody else's change takes long: whoever waits hears so in time, and nothing of theirs is stored."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from access.roles import Role
from registry.people.changes import lock_street
from registry.people.models import Household
from tests import make
from tests.api.register import HOUSEHOLD, household_body
from tests.api.sync.conftest import Server, running

pytestmark = pytest.mark.own_database


@pytest.fixture
def server(own_database_url: str, tmp_path: Path) -> Iterator[Server]:
    with running(own_database_url, tmp_path, lock_timeout_ms=100) as server:
        yield server


@pytest.fixture
def holding(server: Server) -> Iterator[Session]:
    """An import of the street's households that has not ended."""
    with server.sessions() as session:
        lock_street(session, make.STREET)
        yield session


def test_a_waiting_edit_is_told_to_come_again(server: Server, holding: Session) -> None:
    with server.sessions.begin() as session:
        member = make.actor(session, role=Role.MEMBER, grid=make.street_tree(session).a11)
    client = server.client(member)
    item = {"kind": "household", "id": HOUSEHOLD, "body": household_body()}
    replies = [
        client.put(f"/v1/households/{HOUSEHOLD}", json=household_body()),
        client.post("/v1/sync", json={"items": [item]}),
    ]
    assert [(reply.status_code, reply.json()["code"]) for reply in replies] == [(503, "written-at-once")] * 2
    assert all(int(reply.headers["retry-after"]) > 0 for reply in replies)
    holding.rollback()
    assert client.post("/v1/sync", json={"items": [item]}).json()["items"][0]["outcome"] == "stored"
    assert client.put(f"/v1/households/{HOUSEHOLD}", json=household_body()).status_code == 200
    with server.sessions() as session:
        assert session.scalars(select(func.count()).select_from(Household)).one() == 1
