"""Homes for embedded clusters, with nothing left of them afterwards."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from core.cluster import EmbeddedCluster
from core.cluster import places as on_disk
from core.cluster.server import end_processes

REPOSITORY = Path(__file__).resolve().parents[2]

Owner = subprocess.Popen[str]
StartOwner = Callable[[str], tuple[Owner, str]]


def new_home() -> Path:
    home = Path(tempfile.mkdtemp(prefix="xunge-test-", dir="/tmp"))
    home.chmod(0o755)
    return home


def clean_up(home: Path) -> None:
    if (home / "postgres" / "data").exists():
        end_processes(on_disk.settle(home, durable=True))
    shutil.rmtree(home)


@pytest.fixture
def empty_home() -> Iterator[Path]:
    home = new_home()
    yield home
    clean_up(home)


@pytest.fixture(scope="session")
def made_home() -> Iterator[Path]:
    """A stopped cluster with one table, made once: initdb takes most of the time."""
    home = new_home()
    with (
        EmbeddedCluster(home) as cluster,
        psycopg.connect(cluster.url.replace("+psycopg", "")) as connection,
    ):
        connection.execute("CREATE TABLE notes (id int PRIMARY KEY)")
    yield home
    clean_up(home)


@pytest.fixture
def home(made_home: Path) -> Iterator[Path]:
    """A copy of that home."""
    home = new_home()
    subprocess.run(["cp", "-a", f"{made_home}/.", str(home)], check=True)
    yield home
    clean_up(home)


@pytest.fixture
def start_owner(home: Path) -> Iterator[StartOwner]:
    """Run a script that owns the cluster of `home` in another process."""
    started: list[Owner] = []

    def start(script: str) -> tuple[Owner, str]:
        owner = subprocess.Popen(
            [sys.executable, "-c", script, str(home)],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(owner)
        assert owner.stdout is not None
        return owner, owner.stdout.readline().strip()

    yield start
    for owner in started:
        owner.kill()
        owner.communicate()
