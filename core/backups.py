"""A database as one file and back: pg_dump and pg_restore, all or nothing, no password on a command line."""

import subprocess
from pathlib import Path

from sqlalchemy import make_url

from core.cluster.binaries import Binaries
from core.errors import Unavailable

_PARAMETERS = {"host": "PGHOST", "port": "PGPORT", "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT"}
# The reference systems come with PostGIS, and only a superuser may write them.
_DUMPED = ("--format=custom", "--no-owner", "--exclude-table-data=spatial_ref_sys")


class BackupFailed(Unavailable):
    """The database could not be saved or restored."""

    code = "backup-failed"


def dump(url: str, file: Path, binaries: Binaries) -> None:
    """The file holds the database as it is at this moment, and can be read back. Raises: BackupFailed."""
    if file.exists():
        raise BackupFailed(f"{file} 已存在 / {file} exists already")
    beside = file.with_name(f"{file.name}.partial")
    try:
        _run(url, binaries, "pg_dump", *_DUMPED, f"--file={beside}")
        _run(url, binaries, "pg_restore", "--list", str(beside))  # a dump that was cut off is none
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)


def restore(url: str, file: Path, binaries: Binaries) -> None:
    """The empty database holds what the file does, or nothing. Raises: BackupFailed."""
    options = ("--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges", "--no-comments")
    database = make_url(url).database or ""
    _run(url, binaries, "pg_restore", *options, f"--dbname={database}", str(file))


def _run(url: str, binaries: Binaries, program: str, *arguments: str) -> None:
    command = [binaries.path(program), *arguments]
    try:
        done = subprocess.run(command, env=_environment(url), capture_output=True, text=True, check=False)
    except OSError as error:
        raise BackupFailed(f"{program}: {error.strerror}") from None
    if done.returncode != 0:
        told = done.stderr.strip().splitlines()[:3]
        raise BackupFailed(f"{program}: {'; '.join(told)}")


def _environment(url: str) -> dict[str, str]:
    """What libpq reads: others on the machine can see arguments, but not this."""
    parts = make_url(url)
    given = {
        "PGHOST": parts.host,
        "PGPORT": str(parts.port) if parts.port else None,
        "PGUSER": parts.username,
        "PGPASSWORD": str(parts.password) if parts.password else None,
        "PGDATABASE": parts.database,
        **{name: str(parts.query[own]) for own, name in _PARAMETERS.items() if own in parts.query},
    }
    return {name: value for name, value in given.items() if value}
