"""`xunge keys`: everything is sealed anew while people read and search, whatever interrupts it."""

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from cli import keys as commands
from cli.app import run
from core.secrecy import key_file, key_ring
from core.settings import Settings, child_environment, load_settings
from registry.people.models import Resident
from registry.people.rekeying import count_outdated, sealed_values
from registry.people.revealing import residents_with
from registry.people.views import ResidentView
from tests import make, make_people

pytestmark = pytest.mark.own_database

RESIDENTS = 300


def phone(number: int) -> str:
    return f"139{number:08}"


@pytest.fixture
def settings(own_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("XUNGE_HOME", str(tmp_path))
    monkeypatch.setenv("XUNGE_DATABASE_URL", own_database_url)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(commands, "BATCH", 20)
    return load_settings()


@pytest.fixture
def database(settings: Settings) -> Iterator[Session]:
    """Three hundred residents with numbers."""
    engine = create_engine(settings.required_database_url)
    with Session(engine) as session, session.begin():
        make.street(session)
        household = make_people.household(session)
        for number in range(RESIDENTS):
            make_people.resident(
                session,
                household=household,
                name=f"某{number}",
                id_number=make_people.id_number(sequence=f"{number:03}"),
                phone=phone(number) if number % 3 else None,
                keys=key_ring(settings),
            )
    with Session(engine) as session:
        yield session
    engine.dispose()


def read_until(stop: Event, settings: Settings, seed: int) -> int:
    """Rows read and numbers looked up meanwhile; every one must be readable and found."""
    engine, chance, done = create_engine(settings.required_database_url), random.Random(seed), 0
    with Session(engine) as session:
        while not stop.is_set():
            number = chance.randrange(RESIDENTS)
            wanted = make_people.id_number(sequence=f"{number:03}")
            (found,) = residents_with(session, wanted, "id_number", key_ring(settings))
            assert found.name == f"某{number}"
            view = ResidentView.of(found, key_ring(settings))
            assert view.id_number == f"{wanted[:4]}**********{wanted[-4:]}"
            session.rollback()
            session.expunge_all()
            done += 1
    engine.dispose()
    return done


def test_rotation_while_people_read_and_search(database: Session, settings: Settings) -> None:
    stop = Event()
    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read_until, stop, settings, seed) for seed in range(4)]
        try:
            for _ in range(2):
                assert commands.rotate(settings, settle_s=0) == RESIDENTS
        finally:
            stop.set()
        assert all(reader.result() > 0 for reader in readers)
    keys = key_ring(settings)
    assert [key.key_id for key in keys.keys] == ["k3", "k2", "k1"]
    assert [(one.label, one.count) for one in sealed_values(database)] == [(keys.newest, 2 * RESIDENTS - 100)]


def test_nothing_but_the_seals_changes(database: Session, settings: Settings) -> None:
    columns = (
        Resident.resident_id,
        Resident.revision,
        Resident.changed_at,
        Resident.changed_by,
        Resident.name,
    )
    before = database.execute(select(*columns).order_by(Resident.resident_id)).all()
    database.rollback()
    commands.rotate(settings, settle_s=0)
    assert database.execute(select(*columns).order_by(Resident.resident_id)).all() == before


_SLOWLY = """
import time
import cli.keys as commands
from core.settings import load_settings
commands.BATCH = 10
whole = commands.reseal
def slow(*args, **kwargs):
    time.sleep(0.1)
    return whole(*args, **kwargs)
commands.reseal = slow
commands.rotate(load_settings(), settle_s=0)
"""


def test_killed_it_goes_on_where_it_was(database: Session, settings: Settings) -> None:
    environment = child_environment({"XUNGE_DATABASE_URL": settings.required_database_url})
    child = subprocess.Popen([sys.executable, "-c", _SLOWLY], env=environment)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        outdated = count_outdated(database, key_ring(settings))
        database.rollback()
        if len(key_ring(settings).keys) == 2 and 0 < outdated < RESIDENTS:
            break
        time.sleep(0.02)
    child.kill()
    child.wait()
    keys = key_ring(settings)
    left = count_outdated(database, keys)
    assert 0 < left < RESIDENTS
    for row in database.scalars(select(Resident)):
        assert ResidentView.of(row, keys).id_number
    database.rollback()
    assert commands.rotate(settings, settle_s=0) == left, "no third key, and only what was left"
    assert len(key_ring(settings).keys) == 2
    assert count_outdated(database, keys) == 0


def test_list_and_forget(database: Session, settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["keys", "forget", "k1"]) == 2
    commands.rotate(settings, settle_s=0)
    assert run(["keys", "list"]) == 0
    shown = capsys.readouterr().out
    assert "seals" in shown
    assert all(label in shown for label in key_ring(settings).labels)
    assert all(key.secret.hex() not in shown for key in key_ring(settings).keys)
    assert run(["keys", "forget", "k2"]) == 2
    assert run(["keys", "forget", "k1"]) == 0
    assert [key.key_id for key in key_ring(settings).keys] == ["k2"]
    assert key_file(settings).stat().st_mode & 0o777 == 0o600


def test_doctor_knows_whether_everything_opens(database: Session, settings: Settings) -> None:
    assert commands.check_keys(database, settings).is_ok
    path = key_file(settings)
    path.chmod(0o644)
    assert "chmod 600" in commands.check_keys(database, settings).detail
    path.chmod(0o600)
    kept = path.read_text()
    path.unlink()
    assert "bring it back" in commands.check_keys(database, settings).detail
    key_ring(settings)  # a new one is made: it opens nothing
    found = commands.check_keys(database, settings)
    assert not found.is_ok
    assert f"{2 * RESIDENTS - 100} under k1." in found.detail
    assert run(["keys", "rotate"]) != 0, "it would seal nothing anew that it cannot open"
    path.write_text("nonsense")
    assert not commands.check_keys(database, settings).is_ok
    path.write_text(kept)
    assert commands.check_keys(database, settings).is_ok
