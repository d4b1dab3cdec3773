"""Which database a command works on: the one of the settings, or the private cluster of the home."""

import os
import pwd
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from cli.console import say
from core import migrations
from core.cluster import EmbeddedCluster, attach
from core.database import make_engine
from core.settings import Settings
from seeds.base import load_base


@dataclass(frozen=True, slots=True)
class Running:
    """A database that answers, and who keeps it running."""

    settings: Settings
    is_ours: bool = False  # this process owns the cluster: nobody else uses it before we do
    keep_alive: Callable[[], None] | None = None


@contextmanager
def running_database(settings: Settings) -> Iterator[Running]:
    """The database of XUNGE_DATABASE_URL; or the home's cluster, started and stopped here unless it runs."""
    url = None if settings.database_url is not None else attach(settings.home)
    if settings.database_url is not None:
        yield Running(settings)
    elif url is not None:
        yield Running(settings.with_database(url))
    else:
        say(f"Starting the database in {settings.home} …")
        with EmbeddedCluster(settings.home, bindir=settings.postgres_bindir) as cluster:
            yield Running(settings.with_database(cluster.url), True, cluster.ensure_running)


@contextmanager
def migrated_database(settings: Settings) -> Iterator[Running]:
    """The same, and a cluster of our own is at the newest schema; another's is left to `xunge migrate`."""
    with running_database(settings) as running:
        if running.is_ours:
            bring_up_to_date(running.settings)
        yield running


def bring_up_to_date(settings: Settings) -> None:
    """Newest schema, and the code tables hold what the product ships."""
    migrations.upgrade(settings.required_database_url)
    with engine_of(settings) as engine, Session(engine) as session, session.begin():
        load_base(session)


@contextmanager
def engine_of(settings: Settings) -> Iterator[Engine]:
    engine = make_engine(settings)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def writing(settings: Settings) -> Iterator[Session]:
    """One transaction on a migrated database: all or nothing."""
    with (
        migrated_database(settings) as running,
        engine_of(running.settings) as engine,
        Session(engine, expire_on_commit=False) as session,
        session.begin(),
    ):
        yield session


def who() -> str:
    """The name the audit trail gives to whoever types commands."""
    try:
        return f"cli:{pwd.getpwuid(os.getuid()).pw_name}"
    except KeyError:  # a container may run as a number without a name
        return f"cli:{os.getuid()}"
