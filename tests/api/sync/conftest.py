"""A server with a database of its own: for writes at the same moment, and for restores."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from access.scope import Actor
from api.app import create_app
from core.database import Sessions
from core.settings import DatabaseSettings, Settings
from tests import make


@dataclass(frozen=True)
class Server:
    """One server process over a database; `home` is what it keeps outside."""

    sessions: Sessions
    http: TestClient

    def client(self, actor: Actor) -> TestClient:
        with self.sessions.begin() as session:
            token = make.access_token(session, sign_in_id=actor.sign_in_id)
        client = TestClient(self.http.app, raise_server_exceptions=False)
        client.headers["Authorization"] = f"Bearer {token}"
        return client


@contextmanager
def running(url: str, home: Path, *, lock_timeout_ms: int = 10_000) -> Iterator[Server]:
    database = DatabaseSettings(pool_size=12, lock_timeout_ms=lock_timeout_ms)
    settings = Settings(home=home, database=database).with_database(url)
    engine = create_engine(url, pool_size=12, pool_pre_ping=True)
    # Without the listener's thread: nothing here is cached.
    app = create_app(settings)
    try:
        yield Server(sessionmaker(engine, expire_on_commit=False), TestClient(app))
    finally:
        app.state.engine.dispose()
        engine.dispose()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], Server]]:
    """Start a server on a database; all of one test have one home."""
    with ExitStack() as stack:
        yield lambda url: stack.enter_context(running(url, tmp_path))
