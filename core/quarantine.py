"""Things that a known person sent and that could not be filed: kept with the reason, never dropped.

A use-case that keeps something returns its error instead of raising it, so that the door commits the row and
still answers with the problem. The problem then says `kept_aside`. What may hold personal data is kept
sealed: give `keys`.
"""

import hashlib
import uuid
from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.clock import now
from core.database import QUARANTINE_BYTES
from core.errors import DomainError, NotFound, TooMany
from core.models import QuarantinedItem
from core.secrecy import KeyRing

_BYTES = "latin-1"  # each byte as a character: a body need not be text
_PURPOSE = "quarantined body"
_TRY_AGAIN_S = 3600  # somebody has to look at what is kept
# What makes two deliveries one item.
_SAME = tuple_(
    QuarantinedItem.person_id, QuarantinedItem.item_id, QuarantinedItem.body_hash, QuarantinedItem.reason
)


class QuarantineFull(TooMany):
    """Too much of yours waits that could not be filed; this was not stored. Keep it and send it later."""

    code = "quarantine-full"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(retry_after_s=_TRY_AGAIN_S, limit_bytes=limit_bytes)


def keep(
    session: Session,
    problem: DomainError,
    *,
    kind: str,
    item_id: uuid.UUID,
    subject_id: uuid.UUID | None,
    person_id: uuid.UUID,
    body: bytes,
    keys: KeyRing | None = None,
) -> DomainError:
    """The body is kept once, however often it is sent; the problem names the row in `kept_aside`.

    Raises: QuarantineFull; whoever sent it keeps it then.
    """
    quarantine_id, body_hash = uuid.uuid4(), _hashed(body, keys)
    stored_id = session.scalar(
        insert(QuarantinedItem)
        .values(
            quarantine_id=quarantine_id,
            kind=kind,
            item_id=item_id,
            subject_id=subject_id,
            person_id=person_id,
            reason=problem.code,
            problem=_storable(problem.members()),
            body=body if keys is None else keys.seal(body.decode(_BYTES), _place_of(quarantine_id)),
            is_sealed=keys is not None,
            body_hash=body_hash,
            received_at=func.clock_timestamp(),
        )
        .on_conflict_do_nothing()
        .returning(QuarantinedItem.quarantine_id)
    )
    if stored_id is not None:
        _require_room(session, person_id, item_id, len(body))
    same = (person_id, item_id, body_hash, problem.code)
    problem.extra["kept_aside"] = str(stored_id or _kept_before(session, same))
    return problem


def _kept_before(session: Session, same: tuple[uuid.UUID, uuid.UUID, bytes, str]) -> uuid.UUID:
    return session.scalars(select(QuarantinedItem.quarantine_id).where(_SAME.in_([same]))).one()


def _require_room(session: Session, person_id: uuid.UUID, item_id: uuid.UUID, size: int) -> None:
    """Raises: QuarantineFull, when more is kept of the person than anybody could look at.

    The item itself does not count: it may be leaving this moment for another reason to be kept.
    """
    limit = session.info.get(QUARANTINE_BYTES)
    if limit is None:
        return
    kept = select(func.coalesce(func.sum(func.octet_length(QuarantinedItem.body)), 0)).where(
        QuarantinedItem.person_id == person_id,
        QuarantinedItem.item_id != item_id,
        QuarantinedItem.refiled_at.is_(None),
    )
    if session.scalars(kept).one() + size > limit:
        raise QuarantineFull(limit)


def body_of(item: QuarantinedItem, keys: KeyRing) -> bytes:
    """The body as it was sent. Raises: KeyMissing, NotOpened."""
    if not item.is_sealed:
        return item.body
    return keys.open(item.body, _place_of(item.quarantine_id)).encode(_BYTES)


def refile(
    session: Session,
    person_id: uuid.UUID,
    quarantine_id: uuid.UUID,
    file_again: Callable[[QuarantinedItem], bool | DomainError],
) -> bool | DomainError:
    """The person's own kept item is filed, or stays with the reason of today; True when it was filed before.

    Raises: NotFound, and what the filing may raise. Returns: the problem when one is still in the way.
    """
    item = session.scalar(
        select(QuarantinedItem)
        .where(QuarantinedItem.quarantine_id == quarantine_id, QuarantinedItem.person_id == person_id)
        .with_for_update()
    )
    if item is None:
        raise NotFound
    if item.refiled_at is not None:
        return True
    outcome = file_again(item)
    if not isinstance(outcome, DomainError):
        item.refiled_at = now()
    return outcome


def kept_of(session: Session, person_id: uuid.UUID, item_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Which of these items of the person wait here."""
    return set(
        session.scalars(
            select(QuarantinedItem.item_id).where(
                QuarantinedItem.person_id == person_id,
                QuarantinedItem.item_id.in_(item_ids),
                QuarantinedItem.refiled_at.is_(None),
            )
        )
    )


def empty(session: Session, of: Collection[uuid.UUID]) -> None:
    """What is kept of these things, or below them, has no contents any more and is not tried again.

    The rows stay: the same sent once more is known by its hash and does not come back.
    """
    told = func.jsonb_build_object(
        *("code", QuarantinedItem.problem["code"], "title", QuarantinedItem.problem["title"])
    )
    session.execute(
        update(QuarantinedItem)
        .where(or_(QuarantinedItem.item_id.in_(of), QuarantinedItem.subject_id.in_(of)))
        .values(
            body=b"",
            is_sealed=False,
            problem=told,
            refiled_at=func.coalesce(QuarantinedItem.refiled_at, func.clock_timestamp()),
        )
    )


def reseal(session: Session, keys: KeyRing, *, limit: int) -> int:
    """Up to so many bodies are sealed anew under the newest key; how many. Raises: KeyMissing, NotOpened."""
    mark = f"{keys.newest}:".encode()
    older = func.substring(QuarantinedItem.body, 1, len(mark)) != mark
    items = session.scalars(
        select(QuarantinedItem).where(QuarantinedItem.is_sealed, older).limit(limit).with_for_update()
    ).all()
    for item in items:
        item.body = keys.seal(body_of(item, keys).decode(_BYTES), _place_of(item.quarantine_id))
    return len(items)


def is_sealed_under(session: Session, label: str) -> bool:
    """Whether a kept body can be opened with this key alone."""
    mark = f"{label}:".encode()
    sealed = select(QuarantinedItem.quarantine_id).where(
        QuarantinedItem.is_sealed, func.substring(QuarantinedItem.body, 1, len(mark)) == mark
    )
    return session.scalars(sealed.limit(1)).first() is not None


def _hashed(body: bytes, keys: KeyRing | None) -> bytes:
    """Equal for equal bodies; of a sealed one nobody without the keys can try out what it holds."""
    return hashlib.sha256(body).digest() if keys is None else keys.index(body.decode(_BYTES), _PURPOSE)


def _place_of(quarantine_id: uuid.UUID) -> str:
    return f"quarantined_items:body:{quarantine_id}"


def _storable(value: Any) -> Any:
    """The same without what the database cannot keep: a problem may quote what was sent."""
    if isinstance(value, str):
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_storable(name): _storable(inner) for name, inner in value.items()}
    return [_storable(inner) for inner in value] if isinstance(value, list | tuple) else value
