"""`xunge backup` and `xunge restore`: the database as one file, and a new epoch after it came back."""

from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from cli.console import say
from cli.database import bring_up_to_date, engine_of, running_database, who
from core import backups
from core.cluster.binaries import Binaries, find_binaries
from core.settings import Settings
from core.sync import epochs

_HAS_TABLES = text("SELECT to_regclass('public.alembic_version') IS NOT NULL")


def backup(settings: Settings, file: Path) -> None:
    """The file holds everything but photos and keys."""
    with running_database(settings) as running:
        backups.dump(running.settings.required_database_url, file, _binaries(settings))
    say(f"{file}: {file.stat().st_size:,} bytes. Keep photos and keys as well, keys apart from it.")


def restore(settings: Settings, file: Path) -> None:
    """The empty database holds what the file does, at the newest schema, in a new epoch."""
    with running_database(settings) as running, engine_of(running.settings) as engine:
        with Session(engine) as session:
            if session.scalar(_HAS_TABLES):
                raise backups.BackupFailed("目标数据库不是空的 / the database to restore into is not empty")
        engine.dispose()
        backups.restore(running.settings.required_database_url, file, _binaries(settings))
        bring_up_to_date(running.settings)
        with Session(engine) as session, session.begin():
            made = epochs.bump(session, settings.home, actor=who())
    say(f"Restored. Epoch {made.token} begins: phones will offer again what they sent since the backup.")


def _binaries(settings: Settings) -> Binaries:
    """Those of the home's cluster, if there is one: a newer pg_dump may write what its server cannot read."""
    return find_binaries(settings.postgres_bindir, settings.home / "postgres")
