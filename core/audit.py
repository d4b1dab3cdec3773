"""The append-only trail: every change leaves a line, and each line seals the one before it.

A line's hash covers its contents and the hash of the line before it in its chain. Rewriting history breaks
the chain at a place that `verify` can name. Only cutting off the newest lines leaves no mark inside the
database: so `heads` gives the newest hash of each chain, to be kept elsewhere, and `compare` holds the trail
against it. The database refuses updates and deletes (alembic/versions/0001_audit_guard.sql); a superuser can
switch that off, so the trail is tamper-evident, not tamper-proof.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from sqlalchemy import Row, Select, insert, select, text
from sqlalchemy.orm import Session

from core.models import AuditEntry

GENESIS = bytes(32)  # what the first line of a chain is linked to
SEALED = ("chain", "seq", "at", "actor", "action", "subject", "detail")
BATCH = 1000

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('audit:' || :chain, 0))")
# A statement of its own: its snapshot must be taken after the lock is held, or it would miss the newest line.
_HEAD = text(
    "SELECT clock_timestamp() AS at, head.seq, head.entry_hash FROM (VALUES (1)) AS one "
    "LEFT JOIN LATERAL (SELECT seq, entry_hash FROM audit_entries WHERE chain = :chain "
    "ORDER BY seq DESC LIMIT 1) AS head ON true"
)
_HEADS = text("SELECT DISTINCT ON (chain) chain, seq, entry_hash FROM audit_entries ORDER BY chain, seq DESC")


@dataclass(frozen=True, slots=True)
class Head:
    """The newest line of a chain: all that an anchor outside the database needs."""

    chain: str
    seq: int
    entry_hash: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where a chain does not hold."""

    chain: str
    seq: int
    problem: str  # "altered", "unlinked", "gap", "cut", "replaced"
    detail: str


def record(
    session: Session, *, chain: str, actor: str, action: str, subject: str, detail: Mapping[str, Any]
) -> None:
    """The change that this transaction makes is in the trail if and only if the transaction commits.

    Writers of one chain wait for each other from here to the end of their transactions: call it last.
    `detail` is JSON and holds no personal data: ids, codes, counts, old and new values of settings.
    """
    record_many(session, chain=chain, actor=actor, action=action, subjects=[(subject, detail)])


def record_many(
    session: Session,
    *,
    chain: str,
    actor: str,
    action: str,
    subjects: Sequence[tuple[str, Mapping[str, Any]]],
) -> None:
    """The same for the same change of many things, each with its own line and detail, in this order."""
    session.execute(_LOCK, {"chain": chain})
    head = session.execute(_HEAD, {"chain": chain}).one()
    previous_hash, lines = head.entry_hash or GENESIS, []
    for seq, (subject, detail) in enumerate(subjects, (head.seq or 0) + 1):
        contents = {
            "chain": chain,
            "seq": seq,
            "at": head.at,
            "actor": actor,
            "action": action,
            "subject": subject,
            "detail": dict(detail),
        }
        entry_hash = sealed(previous_hash, contents)
        lines.append({**contents, "previous_hash": previous_hash, "entry_hash": entry_hash})
        previous_hash = entry_hash
    if lines:
        session.execute(insert(AuditEntry), lines)


def verify(session: Session, chain: str | None = None) -> list[Finding]:
    """Every place where a chain does not hold, in order; empty when the trail is whole."""
    findings: list[Finding] = []
    current: str | None = None
    expected_seq, expected_link = 1, GENESIS
    for row in _rows(session, chain):
        if row.chain != current:
            current, expected_seq, expected_link = row.chain, 1, GENESIS
        findings += _problems_of(row, expected_seq, expected_link)
        expected_seq, expected_link = row.seq + 1, row.entry_hash
    return findings


def heads(session: Session) -> list[Head]:
    """The newest line of every chain, for an anchor kept where this database's owner cannot reach it."""
    return [Head(row.chain, row.seq, row.entry_hash.hex()) for row in session.execute(_HEADS)]


def compare(session: Session, anchors: Iterable[Head]) -> list[Finding]:
    """Every anchored line that is gone or no longer the same: the loss that a chain cannot show by itself."""
    findings = []
    for anchor in anchors:
        stored = session.scalar(
            select(AuditEntry.entry_hash).where(
                AuditEntry.chain == anchor.chain, AuditEntry.seq == anchor.seq
            )
        )
        if stored is None:
            findings.append(Finding(anchor.chain, anchor.seq, "cut", "the anchored line is gone"))
        elif stored.hex() != anchor.entry_hash:
            findings.append(
                Finding(anchor.chain, anchor.seq, "replaced", "the anchored line has another hash")
            )
    return findings


def _rows(session: Session, chain: str | None) -> Iterator[Row[Any]]:
    statement: Select[Any] = select(*AuditEntry.__table__.columns).order_by(AuditEntry.chain, AuditEntry.seq)
    if chain is not None:
        statement = statement.where(AuditEntry.chain == chain)
    # A server-side cursor: years of lines do not fit in memory.
    yield from session.execute(statement, execution_options={"yield_per": BATCH})


def _problems_of(row: Row[Any], expected_seq: int, expected_link: bytes) -> Iterator[Finding]:
    if row.seq != expected_seq:
        missing = f"{expected_seq}" if row.seq == expected_seq + 1 else f"{expected_seq} to {row.seq - 1}"
        yield Finding(row.chain, row.seq, "gap", f"line {missing} before this one is gone")
    elif row.previous_hash != expected_link:
        yield Finding(row.chain, row.seq, "unlinked", "does not continue the line before it")
    contents = {name: getattr(row, name) for name in SEALED}
    if row.entry_hash != sealed(row.previous_hash, contents):
        yield Finding(row.chain, row.seq, "altered", "the contents are not those that were written")


def sealed(previous_hash: bytes, contents: Mapping[str, Any]) -> bytes:
    """The hash of a line with these contents that follows the line with that hash."""
    at = contents["at"].astimezone(UTC).isoformat(timespec="microseconds")
    columns = {**contents, "at": at, "detail": _stable(contents["detail"])}
    canonical = json.dumps(columns, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(previous_hash + canonical.encode()).digest()


def _stable(value: Any) -> Any:
    """The value as it comes back from jsonb, which knows one kind of number: 1e16 returns as an integer."""
    if isinstance(value, Mapping):
        return {str(key): _stable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_stable(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
