"""`xunge keys`: which keys seal personal data, a new one, an old one let go."""

import time
import uuid

import typer
from rich.table import Table
from sqlalchemy import text
from sqlalchemy.orm import Session

from cli.console import out, progress, say
from cli.database import engine_of, migrated_database, who
from core import audit, quarantine
from core.database import Sessions, make_sessions
from core.readiness import Check
from core.secrecy import (
    KeyMissing,
    KeyRing,
    KeysInvalid,
    NotOpened,
    key_file,
    key_ring,
    new_key,
    replace_secret_file,
    written,
)
from core.settings import Settings
from registry.people.rekeying import count_outdated, reseal, sealed_values

BATCH = 500
# A request that read the list of keys just before it grew may still look for an index of the old ones.
SETTLE_S = 3.0
_ALONE = text("SELECT pg_try_advisory_lock(hashtextextended('keys', 0))")
_OWNER_ONLY = 0o077


def rotate(settings: Settings, *, settle_s: float = SETTLE_S) -> int:
    """Everything is sealed under a new key; how many rows. An interrupted run is gone on with instead.

    Raises: KeyMissing when something is sealed under a key that is not there.
    """
    with (
        migrated_database(settings) as running,
        engine_of(running.settings) as engine,
        Session(engine) as guard,
    ):
        if not guard.scalar(_ALONE):
            raise typer.BadParameter("another rotation is under way")
        sessions = make_sessions(engine)
        with sessions() as session:
            keys = key_ring(settings)
            _refuse_unknown(session, keys)
            is_new_round = count_outdated(session, keys) == 0
        if is_new_round and settings.privacy.personal_keys is None:
            keys = _add_key(settings, keys)
            time.sleep(settle_s)
        elif is_new_round:
            say("Put the new key first in XUNGE_PRIVACY__PERSONAL_KEYS, on all machines.")
        done = _reseal_all(sessions, keys) + _reseal_kept(sessions, keys)
        with sessions.begin() as session:
            detail = {"key": keys.newest, "rows": done}
            audit.record(session, chain="", actor=who(), action="keys.rotated", subject="keys", detail=detail)
        return done


def show_keys(settings: Settings) -> None:
    """A table of the keys, newest first, with how much each seals."""
    with (
        migrated_database(settings) as running,
        engine_of(running.settings) as engine,
        Session(engine) as session,
    ):
        keys = key_ring(settings)
        sealed = {one.label: one.count for one in sealed_values(session)}
    table = Table("key", "values", "", box=None, header_style="bold")
    for label in keys.labels:
        table.add_row(label, str(sealed.pop(label, 0)), "seals" if label == keys.newest else "opens")
    for label, count in sealed.items():
        table.add_row(label, str(count), "[red]missing[/]")
    out.print(table)


def forget(settings: Settings, key_id: str) -> None:
    """The key is no longer in the file. Refused while something is sealed under it, and for the newest."""
    if settings.privacy.personal_keys is not None:
        raise typer.BadParameter("the keys come from XUNGE_PRIVACY__PERSONAL_KEYS: take it out there")
    with (
        migrated_database(settings) as running,
        engine_of(running.settings) as engine,
        Session(engine) as session,
        session.begin(),
    ):
        keys = key_ring(settings)
        left = [key for key in keys.keys if key.key_id != key_id]
        gone = next((key for key in keys.keys if key.key_id == key_id), None)
        if gone is None or gone.label == keys.newest:
            raise typer.BadParameter("only an older key can be let go: xunge keys list")
        still = any(one.label == gone.label for one in sealed_values(session))
        if still or quarantine.is_sealed_under(session, gone.label):
            raise typer.BadParameter(f"{key_id} still seals personal data: xunge keys rotate")
        detail = {"key": gone.label}
        audit.record(session, chain="", actor=who(), action="keys.forgotten", subject="keys", detail=detail)
        replace_secret_file(key_file(settings), written(left))


def check_keys(session: Session, settings: Settings) -> Check:
    """Whether everything that is sealed can be opened, and the key file is its owner's alone."""
    name, path = "personal keys", key_file(settings)
    sealed = sealed_values(session)
    from_file = settings.privacy.personal_keys is None
    if from_file and not path.exists():
        told = f"{path} is gone: bring it back from its backup" if sealed else "none needed yet"
        return Check(name, not sealed, told)
    if from_file and path.stat().st_mode & _OWNER_ONLY:
        return Check(name, False, f"others can read {path}: chmod 600")
    try:
        keys = key_ring(settings)
        for one in sealed:
            one.opens(keys)
    except KeysInvalid as error:
        return Check(name, False, str(error))
    except (KeyMissing, NotOpened):
        missing = ", ".join(f"{one.count} under {one.label}" for one in sealed)
        return Check(name, False, f"sealed: {missing}; at hand: {', '.join(keys.labels)}")
    count = sum(one.count for one in sealed)
    older = f", {len(keys.keys) - 1} older" if len(keys.keys) > 1 else ""
    return Check(name, True, f"{keys.newest} seals{older}; {count} values, a sample of each key opens")


# --------------------------------------------------------------------------------------------- parts


def _refuse_unknown(session: Session, keys: KeyRing) -> None:
    for one in sealed_values(session):
        if one.label not in keys.labels:
            raise KeyMissing(f"{one.count} values are sealed under {one.label}, which is not there")


def _add_key(settings: Settings, keys: KeyRing) -> KeyRing:
    key = new_key(keys.keys)
    replace_secret_file(key_file(settings), written([key, *keys.keys]))
    say(f"{key.label} seals from now on; back up {key_file(settings)}.")
    return key_ring(settings)


def _reseal_kept(sessions: Sessions, keys: KeyRing) -> int:
    """What phones sent and nobody could file."""
    done = 0
    while True:
        with sessions.begin() as session:
            count = quarantine.reseal(session, keys, limit=BATCH)
        if count == 0:
            return done
        done += count


def _reseal_all(sessions: Sessions, keys: KeyRing) -> int:
    """Batch by batch, each committed; again from the start while requests under way left something."""
    done = 0
    with progress() as tell:
        while True:
            with sessions() as session:
                total = done + count_outdated(session, keys)
            if total == done:
                tell("sealed anew", done, total)
                return done
            after: uuid.UUID | None = None
            while True:
                with sessions.begin() as session:
                    count, after = reseal(session, keys, after=after, limit=BATCH)
                if count == 0:
                    break
                done += count
                tell("sealed anew", done, max(done, total))
