"""Engine and sessions. One request = one transaction; only doors commit."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session, sessionmaker

from core.settings import Settings

Sessions = sessionmaker[Session]

_READ_ONLY = text(
    "SELECT set_config('transaction_read_only', 'on', true), set_config('statement_timeout', :timeout, true)"
)
QUARANTINE_BYTES = "quarantine_bytes"  # in Session.info: how much is kept of one person


def make_engine(settings: Settings, *, lock_timeout_ms: int = 0) -> Engine:
    """Engine on psycopg 3; a request that finds no connection in time fails fast instead of queueing.

    With a lock time-out nobody waits longer for another's transaction; commands and jobs wait (0).
    """
    return create_engine(
        settings.required_database_url,
        pool_size=settings.database.pool_size,
        max_overflow=0,
        pool_timeout=settings.database.pool_timeout_s,
        pool_pre_ping=True,
        hide_parameters=True,  # an error text must not carry what somebody typed
        connect_args={"connect_timeout": 3, "options": f"-c timezone=UTC -c lock_timeout={lock_timeout_ms}"},
    )


def make_sessions(engine: Engine, *, quarantine_bytes: int | None = None) -> Sessions:
    """Sessions of this engine; a door that can tell a phone to wait sets a limit (core/quarantine.py)."""
    return sessionmaker(engine, expire_on_commit=False, info={QUARANTINE_BYTES: quarantine_bytes})


def make_snapshots(engine: Engine) -> Sessions:
    """Sessions in which every statement sees what the first one saw."""
    return sessionmaker(engine.execution_options(isolation_level="REPEATABLE READ"), expire_on_commit=False)


@contextmanager
def reading(sessions: Sessions, *, timeout_ms: int) -> Iterator[Session]:
    """A session that cannot write and always ends in rollback.

    Set by a statement, READ ONLY also works inside a test's savepoint; the engine's option does not.
    """
    session = sessions()
    try:
        session.execute(_READ_ONLY, {"timeout": str(timeout_ms)})
        yield session
    finally:
        session.rollback()
        session.close()
