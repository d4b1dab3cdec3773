"""Announcements between processes over PostgreSQL LISTEN/NOTIFY: something changed, forget what you cached.

A notice travels with the transaction that made the change: it arrives after commit, or never. Each process
runs one Listener. While its connection is down nothing may be served from a cache (`is_connected`): a missed
notice can never keep a revoked right alive.
"""

import threading
from collections.abc import Callable

import psycopg
import structlog
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy import text
from sqlalchemy.orm import Session

CHANNEL = "xunge"
ACCESS = "access"  # somebody's roles, tokens or account changed
GRIDS = "grids"  # shapes or their dates changed; payload: the street code, or "" for many
RESULTS = "results"  # weekly results changed, shapes did not; the same payload
RECONNECT_S = 1.0
# A connection whose other end is gone must not look alive: noticed within about ten seconds.
KEEPALIVE = "keepalives_idle=5 keepalives_interval=2 keepalives_count=2 connect_timeout=3"

Handler = Callable[[str, str], None]
log = structlog.get_logger(__name__)


def announce(session: Session, topic: str, payload: str = "") -> None:
    """Every listening process hears (topic, payload) once this transaction commits."""
    session.execute(
        text("SELECT pg_notify(:channel, :notice)"), {"channel": CHANNEL, "notice": f"{topic} {payload}"}
    )


class Listener:
    """One background connection that hands each notice to the handlers; reconnects for ever."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = make_conninfo(conninfo, **conninfo_to_dict(KEEPALIVE))
        self._handlers: list[Handler] = []
        self._stopping = threading.Event()
        self._connected = threading.Event()
        self._thread = threading.Thread(target=self._run, name="xunge-listener", daemon=True)

    @property
    def is_connected(self) -> bool:
        return self._connected.is_set()

    def subscribe(self, handler: Handler) -> None:
        self._handlers.append(handler)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(timeout=3)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._stay_connected()
            except psycopg.Error as error:
                log.warning("listener_lost", error=type(error).__name__)
                self._stopping.wait(RECONNECT_S)

    def _stay_connected(self) -> None:
        try:
            with psycopg.connect(self._conninfo, autocommit=True) as connection:
                self._listen(connection)
        finally:
            self._connected.clear()  # at once: from here on a notice may be missed

    def _listen(self, connection: psycopg.Connection) -> None:
        connection.execute(f"LISTEN {CHANNEL}")
        self._dispatch(ACCESS, "")  # whatever was missed while the connection was down
        self._dispatch(GRIDS, "")
        self._connected.set()
        while not self._stopping.is_set():
            for notice in connection.notifies(timeout=0.5, stop_after=1):
                topic, _, payload = notice.payload.partition(" ")
                self._dispatch(topic, payload)
            connection.execute("SELECT 1")  # a half-dead connection must not look alive

    def _dispatch(self, topic: str, payload: str) -> None:
        for handler in self._handlers:
            handler(topic, payload)
