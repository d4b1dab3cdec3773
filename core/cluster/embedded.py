"""The owner's side: start, watch and stop the embedded cluster, and make the database in it."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
import structlog
from psycopg import sql

from core.cluster import places as on_disk
from core.cluster.binaries import EXTENSIONS, find_binaries
from core.cluster.errors import ClusterFailed
from core.cluster.ownership import OwnerLock
from core.cluster.places import Places
from core.cluster.server import PORT, SUPERUSER, Server, initialise

DATABASE = "xunge"
ROLE = "xunge"

log = structlog.get_logger(__name__)


class EmbeddedCluster:
    """A private PostGIS server that lives and dies with this process.

    Killed with -9, the owner takes the server down with it (cleanly, by a signal from the kernel) when
    `start` was called in the main thread; a server that outlives its owner is shut down by the next start.
    """

    def __init__(self, home: Path, *, durable: bool = True, bindir: Path | None = None) -> None:
        self.home = home.resolve()
        self._durable = durable
        self._bindir = bindir
        self._lock = OwnerLock(self.home)
        self._places: Places | None = None
        self._sockets: Path | None = None
        self._server: Server | None = None

    @property
    def url(self) -> str:
        """SQLAlchemy URL of the database; also for psql without `+psycopg`."""
        return f"postgresql+psycopg://{ROLE}@/{DATABASE}?host={self._running_sockets}&port={PORT}"

    def start(self) -> str:
        """The database accepts connections, has its extensions, and is ours alone to stop."""
        if self._server is not None:
            return self.url
        try:
            self.home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ClusterFailed(f"{self.home} cannot be made ({error.strerror}): set XUNGE_HOME") from error
        self._lock.acquire()
        try:
            self._bring_up()
            self._lock.publish(self.url)
        except BaseException:
            self.stop()
            raise
        return self.url

    def is_alive(self) -> bool:
        return self._server is not None and self._server.is_alive()

    def ensure_running(self) -> None:
        """A server that died is running again; costs nothing while it lives."""
        if self._server is None:
            raise RuntimeError("the cluster was never started")
        if self._server.is_alive():
            return
        log.warning("cluster.died", home=str(self.home))
        self._server.start()
        log.info("cluster.recovered", home=str(self.home))

    def stop(self) -> None:
        """Clean shutdown; the home may be taken by another owner."""
        try:
            if self._server is not None:
                self._server.stop()
            if self._sockets is not None:
                shutil.rmtree(self._sockets, ignore_errors=True)
        finally:
            self._server = self._sockets = None
            self._lock.release()

    def remove(self) -> None:
        """Stopped, and all its data deleted."""
        self.stop()
        if self._places is not None:
            on_disk.remove(self._places)
            self._places = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def _running_sockets(self) -> Path:
        if self._sockets is None:
            raise RuntimeError("the cluster is not running")
        return self._sockets

    def _bring_up(self) -> None:
        places = on_disk.settle(self.home, durable=self._durable)
        self._places = places
        self._lock.guard(places.folder)
        binaries = find_binaries(self._bindir, places.data)
        if not places.data.exists():
            initialise(binaries, places, durable=self._durable)
        self._sockets = on_disk.make_socket_folder(places)
        self._server = Server(binaries, places, self._sockets, durable=self._durable)
        self._server.start()
        try:
            _prepare_database(self._sockets)
        except psycopg.Error as error:
            raise ClusterFailed(f"The database could not be prepared: see {places.log}") from error


@contextlib.contextmanager
def temporary_cluster(*, bindir: Path | None = None) -> Iterator[EmbeddedCluster]:
    """A fast cluster that does not survive a power cut and is gone afterwards: for tests and benchmarks."""
    home = Path(tempfile.mkdtemp(prefix="xunge-home-", dir=on_disk.TEMPORARY))
    home.chmod(0o711)  # the server's account has to pass
    cluster = EmbeddedCluster(home, durable=False, bindir=bindir)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.remove()
        shutil.rmtree(home)


def _prepare_database(sockets: Path) -> None:
    """Role, database and extensions exist at the version the installed packages bring."""
    # template1 gets the extensions too: databases made from it are then complete without a superuser.
    with _connect(sockets, "template1") as connection:
        _ensure_extensions(connection)
        if not _exists(connection, "SELECT FROM pg_roles WHERE rolname = %s", ROLE):
            # No superuser: row level security has to bind it.
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(sql.Identifier(ROLE)))
    with _connect(sockets, "postgres") as connection:
        if not _exists(connection, "SELECT FROM pg_database WHERE datname = %s", DATABASE):
            statement = sql.SQL("CREATE DATABASE {} OWNER {}")
            connection.execute(statement.format(sql.Identifier(DATABASE), sql.Identifier(ROLE)))
    with _connect(sockets, DATABASE) as connection:
        _ensure_extensions(connection)


def _connect(sockets: Path, database: str) -> psycopg.Connection:
    return psycopg.connect(
        host=str(sockets), port=PORT, user=SUPERUSER, dbname=database, autocommit=True, connect_timeout=10
    )


def _exists(connection: psycopg.Connection, query: str, name: str) -> bool:
    return connection.execute(query.encode(), [name]).fetchone() is not None


def _ensure_extensions(connection: psycopg.Connection) -> None:
    rows = connection.execute(
        "SELECT name, installed_version IS NULL FROM pg_available_extensions"
        " WHERE name = ANY(%s) AND installed_version IS DISTINCT FROM default_version",
        [list(EXTENSIONS)],
    ).fetchall()
    for name, is_missing in rows:
        statement = sql.SQL("CREATE EXTENSION {}" if is_missing else "ALTER EXTENSION {} UPDATE")
        connection.execute(statement.format(sql.Identifier(name)))
