"""`xunge doctor`: is everything as it should be, and if not, what to do."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import typer
from rich.table import Column, Table
from sqlalchemy import make_url, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from cli.console import out
from cli.database import Running, engine_of, running_database
from cli.keys import check_keys
from core import audit
from core.logs import describe_error
from core.readiness import Check, check_migrations, check_worker
from core.settings import Settings

MIN_SERVER = 15
MIN_FREE_BYTES = 1 << 30
MIN_FREE_SHARE = 0.1
MAX_FINDINGS = 3


def examine(settings: Settings, *, anchor: Path | None, new_anchor: Path | None) -> int:
    """Every check printed as a table; 1 when one failed."""
    anchored = read_anchor(anchor) if anchor is not None else []
    with (
        running_database(settings) as running,
        engine_of(running.settings) as engine,
        Session(engine) as session,
    ):
        checks = list(_checks(session, running, anchored))
        if new_anchor is not None:
            write_anchor(new_anchor, audit.heads(session))
    table = Table("", "check", Column("what was found", overflow="fold"), box=None, header_style="bold")
    for check in checks:
        table.add_row("[green]✓[/]" if check.is_ok else "[red]✗[/]", check.name, check.detail)
    out.print(table)
    return 0 if all(check.is_ok for check in checks) else 1


def read_anchor(path: Path) -> list[audit.Head]:
    """The heads that `--write-anchor` kept."""
    try:
        return [audit.Head(**line) for line in json.loads(path.read_text())]
    except (OSError, ValueError, TypeError) as error:
        raise typer.BadParameter(f"{path} is not an anchor file: {describe_error(error)}") from None


def write_anchor(path: Path, heads: list[audit.Head]) -> None:
    lines = [{"chain": head.chain, "seq": head.seq, "entry_hash": head.entry_hash} for head in heads]
    path.write_text(json.dumps(lines, indent=1) + "\n")


def _checks(session: Session, running: Running, anchored: list[audit.Head]) -> Iterator[Check]:
    yield _settings(running.settings)
    yield _disk(running.settings)
    server = _tried("database", session, _server)
    yield server
    if not server.is_ok:
        return
    yield _tried("PostGIS", session, _postgis)
    schema = check_migrations(session)
    yield schema
    if not schema.is_ok:
        return
    yield _tried("audit chain", session, lambda session: _audit(session, anchored))
    yield _tried("personal keys", session, lambda session: check_keys(session, running.settings))
    yield _tried("dead jobs", session, _dead_jobs)
    if not running.is_ours:  # else nothing can be running: it would own the cluster
        yield check_worker(session, running.settings.jobs)


def _tried(name: str, session: Session, check: Callable[[Session], Check]) -> Check:
    try:
        return check(session)
    except SQLAlchemyError as error:
        session.rollback()
        return Check(name, False, describe_error(error))


def _settings(settings: Settings) -> Check:
    url = make_url(settings.required_database_url).render_as_string(hide_password=True)
    front_end = "" if settings.http.web_dist.is_dir() else "; front end not built"
    return Check("settings", True, f"home {settings.home}, database {url}{front_end}")


def _disk(settings: Settings) -> Check:
    place = settings.home if settings.home.exists() else Path()
    usage = shutil.disk_usage(place)
    is_ok = usage.free >= MIN_FREE_BYTES and usage.free >= usage.total * MIN_FREE_SHARE
    return Check("disk", is_ok, f"{usage.free / 1e9:.1f} GB free of {usage.total / 1e9:.1f} GB")


def _server(session: Session) -> Check:
    number = int(session.scalar(text("SHOW server_version_num")) or 0)
    version = session.scalar(text("SHOW server_version"))
    return Check("database", number >= MIN_SERVER * 10_000, f"PostgreSQL {version}")


def _postgis(session: Session) -> Check:
    version = session.scalar(text("SELECT extversion FROM pg_extension WHERE extname = 'postgis'"))
    return Check("PostGIS", version is not None, version or "not installed in this database: xunge migrate")


def _audit(session: Session, anchored: list[audit.Head]) -> Check:
    findings = audit.verify(session) + audit.compare(session, anchored)
    if findings:
        first = [f"{f.chain or 'main'} line {f.seq} {f.problem}: {f.detail}" for f in findings[:MAX_FINDINGS]]
        more = f" and {len(findings) - MAX_FINDINGS} more" if len(findings) > MAX_FINDINGS else ""
        return Check("audit chain", False, "; ".join(first) + more)
    heads = audit.heads(session)
    lines = sum(head.seq for head in heads)
    against = f", {len(anchored)} anchors hold" if anchored else ""
    return Check("audit chain", True, f"{lines} lines in {len(heads)} chains{against}")


def _dead_jobs(session: Session) -> Check:
    rows = session.execute(text("SELECT task_name, count(*) FROM dead_jobs GROUP BY 1 ORDER BY 1")).all()
    found = ", ".join(f"{count} {name}" for name, count in rows)
    return Check("dead jobs", not rows, f"{found}: xunge dead-jobs" if found else "none")
