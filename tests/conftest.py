"""Real PostGIS for every test: a cluster, a migrated template, a clone per worker, a rollback per test."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session, sessionmaker
from xdist.scheduler.loadscope import LoadScopeScheduling

from access.scope import Actor
from core.cluster import temporary_cluster
from core.database import Sessions
from core.migrations import upgrade
from core.settings import DatabaseSettings, Settings
from seeds.base import load_base
from tests import make

# How long a case takes says more of the machine than of the code.
hypothesis.settings.register_profile(
    "patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("patient")

# Set up once per session and dear: a demo with a browser, a seeded street. They share a worker and go first.
TOGETHER = ("tests/e2e/", "tests/seeds/")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """The marker xdist_group would say the same, but writes it into ids that pytest 9 computes itself."""
    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = lambda test: next((one for one in TOGETHER if test.startswith(one)), test)
    return scheduler


def _database_url(cluster_url: str, name: str) -> str:
    return cluster_url.replace("@/xunge?", f"@/{name}?")


def _admin(cluster_url: str) -> psycopg.Connection:
    return psycopg.connect(_database_url(cluster_url, "postgres").replace("+psycopg", ""), autocommit=True)


@pytest.fixture(scope="session")
def cluster_url() -> Iterator[str]:
    """A fast, throw-away cluster with a migrated database `template`."""
    with temporary_cluster() as cluster:
        with _admin(cluster.url) as admin:
            admin.execute("CREATE DATABASE template_xunge")
        template_url = _database_url(cluster.url, "template_xunge")
        upgrade(template_url)
        engine = create_engine(template_url)
        with Session(engine) as session, session.begin():
            load_base(session)
        engine.dispose()
        yield cluster.url


@pytest.fixture(scope="session")
def clone_database(cluster_url: str) -> Callable[[], str]:
    """Make a fresh migrated database (0.05 s) and answer its URL."""

    def clone() -> str:
        name = f"t_{uuid.uuid4().hex[:12]}"
        with _admin(cluster_url) as admin:
            admin.execute(f"CREATE DATABASE {name} TEMPLATE template_xunge")
        return _database_url(cluster_url, name)

    return clone


@pytest.fixture(scope="session")
def engine(clone_database: Callable[[], str]) -> Iterator[Engine]:
    engine = create_engine(clone_database())
    yield engine
    engine.dispose()


@pytest.fixture
def sessions(engine: Engine) -> Iterator[Sessions]:
    """Sessions joined by savepoint to one outer transaction that is rolled back: their commits are honest."""
    with engine.connect() as connection:
        outer = connection.begin()
        yield sessionmaker(connection, join_transaction_mode="create_savepoint", expire_on_commit=False)
        outer.rollback()


@pytest.fixture
def session(sessions: Sessions) -> Iterator[Session]:
    with sessions() as session:
        yield session


@pytest.fixture
def own_database_url(clone_database: Callable[[], str]) -> str:
    """A database of the test's own, for locks, races, workers and servers."""
    return clone_database()


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(home=tmp_path_factory.mktemp("home"), database=DatabaseSettings(pool_size=5))


@pytest.fixture
def app(settings: Settings, sessions: Sessions) -> FastAPI:
    from api.app import create_app  # here, so that a test of one package does not load every route

    return create_app(settings, sessions=sessions)


@pytest.fixture
def anonymous(app: FastAPI) -> TestClient:
    """A client that has not signed in."""
    return TestClient(app, raise_server_exceptions=False)


@pytest.fixture
def client(app: FastAPI, session: Session) -> Callable[[Actor], TestClient]:
    """Make a client signed in as the actor: `client(make.actor(session, role=Role.ADMIN, area=""))`."""

    def signed_in(actor: Actor) -> TestClient:
        token = make.access_token(session, sign_in_id=actor.sign_in_id)
        headers = {"Authorization": f"Bearer {token}"}
        return TestClient(app, raise_server_exceptions=False, headers=headers)

    return signed_in
