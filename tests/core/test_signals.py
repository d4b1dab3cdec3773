"""Notices arrive after commit, never before; a listener whose connection is cut says so and comes back."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from core.signals import ACCESS, GRIDS, Listener, announce

pytestmark = pytest.mark.own_database


def eventually(condition: Callable[[], Any], *, within_s: float = 5.0) -> bool:
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.02)
    return False


@pytest.fixture
def conninfo(own_database_url: str) -> str:
    return own_database_url.replace("+psycopg", "")


@pytest.fixture
def heard() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def listener(conninfo: str, heard: list[tuple[str, str]]) -> Iterator[Listener]:
    listener = Listener(conninfo)
    listener.subscribe(lambda topic, payload: heard.append((topic, payload)))
    listener.start()
    assert eventually(lambda: listener.is_connected)
    heard.clear()
    yield listener
    listener.stop()


def test_a_notice_comes_with_the_commit_and_not_with_a_rollback(
    own_database_url: str, listener: Listener, heard: list[tuple[str, str]]
) -> None:
    engine = create_engine(own_database_url)
    with Session(engine) as session:
        announce(session, GRIDS, "rolled-back")
        session.rollback()
        announce(session, GRIDS, "320113007")
        time.sleep(0.2)
        assert heard == []
        session.commit()
    assert eventually(lambda: heard == [(GRIDS, "320113007")])
    engine.dispose()


def test_a_cut_connection_shows_and_heals_and_everything_cached_is_dropped(
    conninfo: str, listener: Listener, heard: list[tuple[str, str]]
) -> None:
    with psycopg.connect(conninfo, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert eventually(lambda: not listener.is_connected)
    assert eventually(lambda: listener.is_connected)
    assert (ACCESS, "") in heard
    assert (GRIDS, "") in heard
