"""`xunge backup` and `xunge restore`, with the real programs: nothing is lost, phones offer again (F14)."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

from access.roles import Role
from api.app import create_app
from cli.app import run
from core import audit
from core.settings import Settings
from geo.models import Grid
from tests import make
from tests.api.register import HOUSEHOLD, RESIDENT, household_body, resident_body
from tests.api.sync.phone import Phone, items_of, outcomes
from tests.patrol.deliveries import Round

pytestmark = pytest.mark.own_database
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def empty_database_url(own_database_url: str) -> str:
    """A database without a table, beside the other."""
    here = own_database_url.partition("@/")[2].partition("?")[0]
    admin_url = own_database_url.replace(f"@/{here}?", "@/postgres?").replace("+psycopg", "")
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {here}_empty")
    return own_database_url.replace(f"@/{here}?", f"@/{here}_empty?")


def contents(url: str) -> dict[str, str | None]:
    """Each table with a hash of all that it holds."""
    with psycopg.connect(url.replace("+psycopg", "")) as database:
        tables = database.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        hashed = "SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {} t"
        return {name: held for (name,) in tables for (held,) in database.execute(hashed.format(name))}


def phone_at(url: str, home: Path, token: str) -> tuple[Phone, Callable[[], None]]:
    app = create_app(Settings(home=home).with_database(url))
    client = TestClient(app, raise_server_exceptions=False, headers={"Authorization": f"Bearer {token}"})
    return Phone(client), app.state.engine.dispose


@pytest.fixture
def begun(own_database_url: str, tmp_path: Path) -> Iterator[tuple[Phone, Grid, str]]:
    """A phone that has synced a household and somebody in it, the member's grid, the token."""
    engine = create_engine(own_database_url)
    with sessionmaker(engine, expire_on_commit=False).begin() as session:
        tree = make.street_tree(session)
        member = make.actor(session, role=Role.MEMBER, grid=tree.a11)
        token = make.access_token(session, sign_in_id=member.sign_in_id)
    engine.dispose()
    phone, close = phone_at(own_database_url, tmp_path, token)
    phone.push({"kind": "household", "id": HOUSEHOLD, "body": household_body()})
    phone.push({"kind": "resident", "id": RESIDENT, "body": resident_body(phone="13812345678")})
    phone.pull_all()
    yield phone, tree.a11, token
    close()


def say(monkeypatch: pytest.MonkeyPatch, url: str, home: Path, *command: str) -> int:
    """The command on this database, as a person types it."""
    monkeypatch.setenv("XUNGE_HOME", str(home))
    monkeypatch.setenv("XUNGE_DATABASE_URL", url)
    return run(list(command))


def offer_again(phone: Phone, restored: Phone) -> list[dict[str, Any]]:
    """The phone meets the restored server, asks what it lacks, and sends that."""
    phone.http = restored.http
    assert phone.pull()["reset"]
    asked = [{"kind": item["kind"], "id": item["id"]} for item in phone.sent]
    states = phone.http.post("/v1/sync/known", json={"items": asked}).json()["items"]
    missing = [item for item, told in zip(phone.sent, states, strict=True) if told["state"] == "missing"]
    assert set(outcomes(phone.push(*missing))) == {"stored"}
    return missing


def test_yesterdays_backup_under_phones_that_synced_since(
    begun: tuple[Phone, Grid, str],
    own_database_url: str,
    empty_database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    phone, grid, token = begun
    before, file = contents(own_database_url), str(tmp_path / "xunge.dump")
    assert say(monkeypatch, own_database_url, tmp_path, "backup", file) == 0
    since = items_of(Round.of(grid, name="since"))
    assert set(outcomes(phone.push(*since))) == {"stored"}
    assert say(monkeypatch, empty_database_url, tmp_path, "restore", file) == 0
    after = contents(empty_database_url)
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= {"server_epochs", "audit_entries"}, "only the new epoch was added"
    engine = create_engine(empty_database_url)
    with Session(engine) as session:
        assert audit.verify(session) == []
    engine.dispose()
    restored, close = phone_at(empty_database_url, tmp_path, token)
    assert offer_again(phone, restored) == since
    shown = phone.http.get(f"/v1/residents/{RESIDENT}")
    assert shown.json()["phone"] == "138****5678", "the key opens what came back"
    close()


def test_nothing_is_written_over(
    own_database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: Captured, tmp_path: Path
) -> None:
    """Neither a file by a backup nor a database by a restore."""
    file = str(tmp_path / "xunge.dump")
    assert say(monkeypatch, own_database_url, tmp_path, "backup", file) == 0
    assert say(monkeypatch, own_database_url, tmp_path, "backup", file) != 0
    assert "exists already" in capsys.readouterr().err
    assert say(monkeypatch, own_database_url, tmp_path, "restore", file) != 0
    assert "not empty" in capsys.readouterr().err


def test_a_file_that_is_no_backup(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: Captured, tmp_path: Path
) -> None:
    (tmp_path / "cut.dump").write_bytes(b"PGDMP\x01\x0e")
    monkeypatch.setenv("XUNGE_HOME", str(tmp_path))
    monkeypatch.setenv("XUNGE_DATABASE_URL", empty_database_url)
    assert run(["restore", str(tmp_path / "cut.dump")]) != 0
    assert "pg_restore" in capsys.readouterr().err
    assert set(contents(empty_database_url)) <= {"spatial_ref_sys"}
