"""An older state is restored under phones that have synced since: they offer again, and nothing is lost."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import func, select, text

from access.roles import Role
from access.scope import Actor
from core.models import QuarantinedItem
from core.sync.epochs import BEHIND, CLUSTER, MARKER_FILE, bump, current_epoch, read_marker
from core.sync.models import ServerEpoch
from patrol.models import Patrol, Segment
from tests import make
from tests.api.sync.conftest import Server
from tests.api.sync.phone import Phone, items_of, outcomes
from tests.patrol.deliveries import Round, plot

pytestmark = pytest.mark.own_database


def copy_of(url: str) -> str:
    """The database as it is now, in another one: what a dump and a restore make, without the wait."""
    here = url.partition("@/")[2].partition("?")[0]
    name = f"{here}_backup"
    admin_url = url.replace(f"@/{here}?", "@/postgres?").replace("+psycopg", "")
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [here])
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {here}")
    return url.replace(f"@/{here}?", f"@/{name}?")


def epochs(server: Server) -> list[str]:
    with server.sessions() as session:
        return list(session.scalars(select(ServerEpoch.reason).order_by(ServerEpoch.number)))


def tick(server: Server) -> None:
    """A minute passes: the next sync bears witness, and the one after it keeps the mark outside."""
    with server.sessions.begin() as session:
        session.execute(text("UPDATE server_epochs SET witnessed_at = witnessed_at - interval '2 minutes'"))


def count(server: Server, table: Any) -> int:
    with server.sessions() as session:
        return session.scalars(select(func.count()).select_from(table)).one()


@pytest.fixture
def begun(start: Callable[[str], Server], own_database_url: str) -> tuple[Server, Actor, Round, Round]:
    server = start(own_database_url)
    with server.sessions.begin() as session:
        grid = plot(session)
        member = make.actor(session, role=Role.MEMBER, grid=grid)
    return server, member, Round.of(grid, name="before"), Round.of(grid, name="after")


def test_a_phone_offers_again_what_the_restored_server_forgot(
    begun: tuple[Server, Actor, Round, Round],
    start: Callable[[str], Server],
    own_database_url: str,
) -> None:
    server, member, before, after = begun
    phone = Phone(server.client(member))
    phone.push(*items_of(before))
    phone.pull_all()
    backup_url = copy_of(own_database_url)
    for _ in range(2):
        tick(server)
        phone.pull()
    marks = phone.push(*items_of(after))["high_water"]

    restored = start(backup_url)
    phone.http = restored.client(member)
    page = phone.pull()

    assert epochs(restored)[-1] == BEHIND
    assert page["reset"], "what the phone has was said by a server that is no more"
    assert page["high_water"] != marks, "the marks went back too"
    asked = [{"kind": item["kind"], "id": item["id"]} for item in phone.sent]
    states = phone.http.post("/v1/sync/known", json={"items": asked}).json()["items"]
    missing = [item for item, told in zip(phone.sent, states, strict=True) if told["state"] == "missing"]
    assert len(missing) == 3
    assert outcomes(phone.push(*missing)) == ["stored"] * 3
    everything = list(phone.sent)
    assert outcomes(phone.push(*everything)) == ["duplicate"] * len(everything)
    assert (count(restored, Patrol), count(restored, Segment), count(restored, QuarantinedItem)) == (2, 2, 0)
    assert phone.pull()["reset"] is False


def test_a_dump_in_another_cluster_is_a_new_epoch(begun: tuple[Server, Actor, Round, Round]) -> None:
    server, member, *_ = begun
    phone = Phone(server.client(member))
    phone.pull()
    first = phone.epoch
    with server.sessions.begin() as session:
        session.execute(text("UPDATE server_epochs SET system_identifier = '1'"))
    assert phone.pull()["reset"] is True
    assert phone.epoch != first
    assert epochs(server) == ["first", CLUSTER]
    assert phone.pull()["reset"] is False


def test_said_by_hand(begun: tuple[Server, Actor, Round, Round], tmp_path: Path) -> None:
    server, member, *_ = begun
    phone = Phone(server.client(member))
    phone.pull()
    with server.sessions.begin() as session:
        made = bump(session, tmp_path, actor="cli:test")
    assert phone.pull()["epoch"] == made.token
    assert len(epochs(server)) == 2


def test_the_mark_outside_never_runs_ahead(begun: tuple[Server, Actor, Round, Round], tmp_path: Path) -> None:
    """A witness that was not committed is not in the file: it would look like a restore."""
    server, *_ = begun
    with server.sessions.begin() as session:
        current_epoch(session, tmp_path)
    tick(server)
    for _ in range(3):
        with server.sessions() as session:
            current_epoch(session, tmp_path)
            session.rollback()
    with server.sessions.begin() as session:
        current_epoch(session, tmp_path)
    assert epochs(server) == ["first"]
    marker = read_marker(tmp_path)
    assert marker is not None
    assert marker.number == 1


def test_many_processes_notice_one_restore_once(
    begun: tuple[Server, Actor, Round, Round], tmp_path: Path
) -> None:
    server, *_ = begun
    with server.sessions.begin() as session:
        current_epoch(session, tmp_path)
    with server.sessions.begin() as session:
        session.execute(text("UPDATE server_epochs SET system_identifier = '1'"))

    def look() -> None:
        with server.sessions.begin() as session:
            current_epoch(session, tmp_path)

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert epochs(server) == ["first", CLUSTER]


@pytest.mark.parametrize("contents", ["", "{}", "null", "[1]", "\x00"])
def test_a_broken_mark_is_no_mark(
    begun: tuple[Server, Actor, Round, Round], tmp_path: Path, contents: str
) -> None:
    server, *_ = begun
    (tmp_path / MARKER_FILE).write_text(contents)
    for _ in range(2):
        with server.sessions.begin() as session:
            current_epoch(session, tmp_path)
    assert epochs(server) == ["first"]
    assert read_marker(tmp_path) is not None
