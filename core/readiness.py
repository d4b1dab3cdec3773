"""Whether the parts that every request depends on are there; /readyz and `xunge doctor` ask here."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from core import migrations
from core.settings import JobSettings

_SILENCE = text("SELECT extract(epoch FROM clock_timestamp() - max(beat_at))::float FROM worker_heartbeats")


@dataclass(frozen=True, slots=True)
class Check:
    """One part, and what to know about it."""

    name: str
    is_ok: bool
    detail: str


def check_migrations(session: Session) -> Check:
    found = migrations.current(session.connection())
    if migrations.is_behind(session.connection()):
        return Check(
            "migrations", False, f"at {found or 'nothing'}, needs {migrations.newest()}: xunge migrate"
        )
    return Check("migrations", True, f"at {found}")


def check_worker(session: Session, settings: JobSettings) -> Check:
    """A worker has shown life lately."""
    silence_s = session.scalar(_SILENCE)
    if silence_s is None:
        return Check("worker", False, "none has started: xunge worker")
    return Check("worker", silence_s <= settings.stalled_after_s, f"last sign of life {silence_s:.0f} s ago")


def readiness(session: Session, settings: JobSettings) -> list[Check]:
    """What a database that answers has to offer; without migrations there is nothing further to ask."""
    schema = check_migrations(session)
    return [schema, check_worker(session, settings)] if schema.is_ok else [schema]
