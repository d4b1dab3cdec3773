"""One PostgreSQL server process: made, started, watched, stopped."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from core.child_process import dying_with_parent, wait_until
from core.cluster.binaries import Binaries
from core.cluster.errors import ClusterFailed
from core.cluster.places import Places, open_log

PORT = 5432  # only part of the socket's name: nothing listens on TCP
SUPERUSER = "postgres"
# Crash recovery replays up to max_wal_size; a slow disk needs its time.
START_S = 120.0
# Fast shutdown writes a checkpoint; immediate shutdown loses nothing either, the next start replays the log.
STOP_STEPS = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
# Nothing of our environment: it holds secrets, and PG* and LC_* variables change what the server does.
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}

SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "64MB",
    "random_page_cost": "1.1",
    "jit": "off",  # compiling costs more than it saves in statements of milliseconds
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
    # Constraint errors quote the row in DETAIL: no personal data in the log.
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
DURABLE = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_level": "replica",
    "wal_compression": "on",
    "max_wal_size": "1GB",
}
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
}


@dataclass(frozen=True, slots=True)
class Running:
    """Processes of one cluster that are alive now."""

    servers: list[int]
    backends: list[int]

    @property
    def pids(self) -> list[int]:
        return self.servers + self.backends


def running_processes(places: Places) -> Running:
    """Every process of the cluster, whoever started it.

    Command lines can be read by everybody; working directories cannot, not even by root in a container that
    forbids ptrace. A server has `-D <data>` in its own, a backend the cluster's name, a zombie nothing.
    """
    server_mark = b"\0-D\0" + os.fsencode(places.data) + b"\0"
    backend_mark = f"postgres: {places.name}: ".encode()
    servers, backends = [], []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes()
            if entry.stat().st_uid != places.account.uid:
                continue
        except OSError:
            continue
        if command.startswith(backend_mark):
            backends.append(int(entry.name))
        elif server_mark in command:
            servers.append(int(entry.name))
    return Running(servers, backends)


def end_processes(places: Places) -> None:
    """No process of the cluster runs any more, and nothing it left blocks the next start.

    Covers a server of our own, one that outlived its owner, and backends whose server was killed: those end
    by themselves, but only when they next wait for something, and until then they hold the shared memory.
    """
    for number, patience_s in STOP_STEPS:
        running = running_processes(places)
        everyone = number == signal.SIGKILL or not running.servers
        for pid in running.pids if everyone else running.servers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        if wait_until(lambda: not running_processes(places).pids, patience_s, pause_s=0.05):
            break
    else:
        left = running_processes(places).pids
        raise ClusterFailed(f"Processes {left} of {places.data} do not end: restart the machine.")
    # Its process id may by now be that of a stranger, and the server would then refuse to start.
    (places.data / "postmaster.pid").unlink(missing_ok=True)


def initialise(binaries: Binaries, places: Places, *, durable: bool) -> None:
    """The data folder holds a new cluster; an interrupted attempt leaves nothing that looks like one."""
    for partial in places.folder.glob("data.partial-*"):
        shutil.rmtree(partial, ignore_errors=True)
    partial = Path(tempfile.mkdtemp(prefix="data.partial-", dir=places.folder))
    places.account.take(partial)
    command = [
        binaries.path("initdb"),
        *("--pgdata", str(partial), "--username", SUPERUSER),
        *("--auth-local", "trust", "--auth-host", "reject"),
        *("--encoding", "UTF8", "--locale", "C.UTF-8", "--data-checksums"),
        *([] if durable else ["--no-sync"]),
    ]
    result = subprocess.run(
        dying_with_parent(command, "KILL"),
        cwd=partial,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        **places.account.drop(),
    )
    if result.returncode != 0:
        shutil.rmtree(partial, ignore_errors=True)
        raise ClusterFailed(f"initdb failed: {_last_line(result.stderr)}")
    partial.rename(places.data)


class Server:
    """The server of one cluster, a direct child of this process."""

    def __init__(self, binaries: Binaries, places: Places, sockets: Path, *, durable: bool) -> None:
        self._binaries = binaries
        self._places = places
        self._sockets = sockets
        self._durable = durable
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """The server accepts connections."""
        end_processes(self._places)
        for stale in self._sockets.iterdir():
            stale.unlink()
        log_descriptor = open_log(self._places)
        try:
            # A session of its own: Ctrl-C in the terminal is for the owner, which then stops things in order.
            self._process = subprocess.Popen(
                dying_with_parent(self._command(), "INT"),
                cwd=self._places.data,
                env=ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=log_descriptor,
                stderr=log_descriptor,
                start_new_session=True,
                **self._places.account.drop(),
            )
        finally:
            os.close(log_descriptor)
        if not wait_until(lambda: self._is_ready() or not self.is_alive(), START_S):
            raise ClusterFailed(f"PostgreSQL was not ready within {START_S:.0f} s: see {self._places.log}")
        if not self.is_alive():
            raise ClusterFailed(f"PostgreSQL did not start: {self._last_complaint()}")

    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Every committed row is on disk and no process is left."""
        end_processes(self._places)
        if self._process is not None:
            self._process.kill()  # without effect, unless /proc is hidden from us
            self._process.wait()
            self._process = None

    def _command(self) -> list[str]:
        settings = SETTINGS | (DURABLE if self._durable else FAST)
        settings |= {"unix_socket_directories": str(self._sockets), "cluster_name": self._places.name}
        options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
        return [self._binaries.path("postgres"), "-D", str(self._places.data), *options]

    def _is_ready(self) -> bool:
        """What pg_ctl looks at: polling with connections would fill the log with refusals."""
        try:
            lines = (self._places.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready"

    def _last_complaint(self) -> str:
        with self._places.log.open("rb") as file:
            file.seek(max(0, self._places.log.stat().st_size - 4096))
            lines = file.read().decode(errors="replace").splitlines()
        worst = [line for line in lines if "FATAL:" in line or "PANIC:" in line]
        return f"{_last_line(chr(10).join(worst or lines))} (see {self._places.log})"


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it said nothing"
