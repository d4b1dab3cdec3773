"""Which life of the database this is: phones that hear of a new one offer again what they sent.

A restored backup has forgotten what came after it, and the phones were told that it was stored. Four things
tell: the cluster is another one (a dump in a new place), its timeline is another one (a recovery to a point
in time, a standby that took over), the figure in a file beside the database is ahead of the database (an
older dump in the same cluster), or somebody says so (`xunge epoch bump`). Where none of them does, a phone
still sees its own marks go back (core/sync/marks.py).
"""

import secrets
import uuid
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import structlog
from sqlalchemy import Row, func, insert, select, text, update
from sqlalchemy.orm import Session

from core import audit
from core.sync.models import ServerEpoch

MARKER_FILE = "epoch.json"
WITNESS_EVERY = timedelta(seconds=60)
FIRST, CLUSTER, TIMELINE, BEHIND, BY_HAND = "first", "cluster", "timeline", "behind", "by-hand"
log = structlog.get_logger(__name__)

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('server-epoch', 0))")
# Outside the database's own history: what the cluster says of itself.
_CLUSTER = text(
    "SELECT system_identifier::text AS system_identifier, timeline_id AS timeline "
    "FROM pg_control_system(), pg_control_checkpoint()"
)


@dataclass(frozen=True, slots=True)
class Epoch:
    """What phones are told: compare both for equality, nothing else is meant by them."""

    server_id: uuid.UUID
    token: str


@dataclass(frozen=True, slots=True)
class Marker:
    """The furthest that this machine has seen the database come, kept in a file."""

    server_id: uuid.UUID
    number: int
    witness: int


def current_epoch(session: Session, home: Path) -> Epoch:
    """The epoch that holds now; a new one when the database has gone back, in this transaction.

    Call it in a transaction that reads what is committed, not in a snapshot taken earlier.
    """
    marker = read_marker(home)  # before the database: what it says was committed by then
    row = _newest(session)
    reason = _why_new(session, row, marker)
    if row is None or reason is not None:
        row = _begin(session, reason or FIRST, marker)
    else:
        _keep_marker(home, marker, row)
        _bear_witness(session, row)
    return Epoch(row.server_id, row.token)


def bump(session: Session, home: Path, *, actor: str) -> Epoch:
    """A new epoch begins because somebody says that the database was restored."""
    row = _begin(session, BY_HAND, read_marker(home), actor=actor, is_forced=True)
    return Epoch(row.server_id, row.token)


def read_marker(home: Path) -> Marker | None:
    """What the file says; None when there is none that can be read."""
    try:
        return msgspec.json.decode((home / MARKER_FILE).read_bytes(), type=Marker)
    except (OSError, msgspec.MsgspecError):
        return None


def _newest(session: Session) -> Row[*tuple[Any, ...]] | None:
    is_stale = (func.clock_timestamp() - ServerEpoch.witnessed_at > WITNESS_EVERY).label("is_stale")
    statement = select(*ServerEpoch.__table__.columns, is_stale).order_by(ServerEpoch.number.desc()).limit(1)
    return session.execute(statement).one_or_none()


def _why_new(session: Session, row: Row[*tuple[Any, ...]] | None, marker: Marker | None) -> str | None:
    if row is None:
        return FIRST
    cluster = session.execute(_CLUSTER).one()
    if row.system_identifier != cluster.system_identifier:
        return CLUSTER
    if row.timeline != cluster.timeline:
        return TIMELINE
    seen = marker is not None and marker.server_id == row.server_id
    if seen and marker is not None and (marker.number, marker.witness) > (row.number, row.witness):
        return BEHIND
    return None


def _begin(
    session: Session,
    reason: str,
    marker: Marker | None,
    *,
    actor: str = "server",
    is_forced: bool = False,
) -> Row[*tuple[Any, ...]]:
    session.execute(_LOCK)
    row = _newest(session)
    if not is_forced and _why_new(session, row, marker) is None and row is not None:
        return row  # another process was faster
    seen = [marker] if row is None or (marker is not None and marker.server_id == row.server_id) else []
    cluster = session.execute(_CLUSTER).one()
    number = max([0 if row is None else row.number, *(one.number for one in seen if one)]) + 1
    witness = max([0 if row is None else row.witness, *(one.witness for one in seen if one)]) + 1
    values = {
        "number": number,
        "token": f"{number}-{secrets.token_hex(4)}",
        "server_id": uuid.uuid4() if row is None else row.server_id,
        "reason": reason,
        "system_identifier": cluster.system_identifier,
        "timeline": cluster.timeline,
        "witness": witness,
    }
    session.execute(insert(ServerEpoch).values(**values))
    log.warning("server_epoch", number=number, reason=reason)
    detail = {"number": number, "reason": reason}
    audit.record(
        session,
        chain="",
        actor=actor,
        action="server.epoch",
        subject=f"server:{values['server_id']}",
        detail=detail,
    )
    found = _newest(session)
    assert found is not None
    return found


def _bear_witness(session: Session, row: Row[*tuple[Any, ...]]) -> None:
    """The figure grows about once a minute while anybody syncs; two at once count as one."""
    if row.is_stale:
        session.execute(
            update(ServerEpoch)
            .where(ServerEpoch.number == row.number, ServerEpoch.witness == row.witness)
            .values(witness=row.witness + 1, witnessed_at=func.clock_timestamp())
        )


def _keep_marker(home: Path, marker: Marker | None, row: Row[*tuple[Any, ...]]) -> None:
    """The file says what was read: that is committed, and nothing later is claimed."""
    fresh = Marker(row.server_id, row.number, row.witness)
    if marker == fresh:
        return
    try:
        home.mkdir(parents=True, exist_ok=True)
        beside = home / f"{MARKER_FILE}.{uuid.uuid4().hex}"
        beside.write_bytes(msgspec.json.encode(asdict(fresh)))
        beside.replace(home / MARKER_FILE)
    except OSError as error:
        log.warning("epoch_marker_not_kept", error=type(error).__name__)
