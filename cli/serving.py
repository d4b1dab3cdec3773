"""The processes behind `serve`, `worker` and `demo`, and what they wait for."""

import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import typer
from sqlalchemy.exc import OperationalError

from cli.console import say
from cli.database import engine_of, migrated_database
from core import migrations
from core.settings import HttpSettings, Settings
from core.supervisor import Child, Supervisor

ROOT = Path(__file__).resolve().parent.parent
WAIT_S = 1.0


def serve(settings: Settings) -> int:
    """The HTTP server, until it is told to stop."""
    refuse_busy_port(settings.http)
    tell_missing_front_end(settings.http)
    with migrated_database(settings) as running, server(running.settings) as child:
        wait_for_migrations(running.settings)
        say(f"Serving {url_of(settings.http)}")
        return Supervisor([child], running.keep_alive).run()


def work(settings: Settings) -> int:
    """The workers, until they are told to stop; they wait for migrations by themselves."""
    with migrated_database(settings) as running:
        say(f"{settings.jobs.processes} worker processes")
        return Supervisor(workers(running.settings), running.keep_alive).run()


@contextmanager
def server(settings: Settings) -> Iterator[Child]:
    """The server's command; several processes share their figures in a folder that lives as long."""
    http = settings.http
    env = {
        "XUNGE_HTTP__HOST": http.host,
        "XUNGE_HTTP__PORT": str(http.port),
        "XUNGE_HTTP__PROCESSES": str(http.processes),
    }
    with ExitStack() as stack:
        if http.processes > 1:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="xunge-metrics-"))
            env |= {"XUNGE_HTTP__METRICS_DIR": folder, "PROMETHEUS_MULTIPROC_DIR": folder}
        yield _child("server", "api.server", settings, env)


def workers(settings: Settings) -> list[Child]:
    return [_child(f"worker-{n + 1}", "worker", settings, {}) for n in range(settings.jobs.processes)]


def _child(name: str, module: str, settings: Settings, env: Mapping[str, str]) -> Child:
    # -P: a folder `api` or `worker` where the command was typed must not be mistaken for ours.
    return Child(
        name,
        [sys.executable, "-P", "-m", module],
        {
            "PYTHONPATH": str(ROOT),
            "XUNGE_HOME": str(settings.home.resolve()),
            "XUNGE_DATABASE_URL": settings.required_database_url,
            **env,
        },
    )


def wait_for_migrations(settings: Settings) -> None:
    """The database answers and lacks no migration."""
    told = ""
    with engine_of(settings) as engine:
        while True:
            try:
                with engine.connect() as connection:
                    if not migrations.is_behind(connection):
                        return
                reason = "Waiting for the migrations: run `xunge migrate`."
            except OperationalError:
                reason = "Waiting for the database."
            if reason != told:
                say(reason)
                told = reason
            time.sleep(WAIT_S)


def refuse_busy_port(http: HttpSettings) -> None:
    """The port can be taken; otherwise a line that says how to choose another."""
    family, *_, address = socket.getaddrinfo(http.host, http.port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            reason = f"{http.host}:{http.port} cannot be used ({error.strerror}): choose another --port"
            raise typer.BadParameter(reason) from None


def tell_missing_front_end(http: HttpSettings) -> None:
    if not http.web_dist.is_dir():
        say(f"The front end is not built ({http.web_dist} is missing): only the API is served.")


def url_of(http: HttpSettings) -> str:
    host = "127.0.0.1" if http.host in ("0.0.0.0", "::") else http.host
    return f"http://{f'[{host}]' if ':' in host else host}:{http.port}"
