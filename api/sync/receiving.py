"""A batch from a phone: every item is filed, known already, in conflict, or kept aside with a reason.

Each item is a transaction of its own. So a bad one harms no other, locks are held for milliseconds, and two
batches that say the same in another order cannot wait for each other in a ring. The commits do not wait for
the disk one by one: the last transaction does, and what it writes to disk lies behind all the others. Nothing
is acknowledged before that. A crash in between may take the latest items along; the phone heard of none of
them and sends them again, which is answered as the first time.
"""

import hashlib
import json
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import msgspec
import structlog
from psycopg.errors import DeadlockDetected, LockNotAvailable, SerializationFailure, UniqueViolation
from sqlalchemy import text
from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from access.devices import touch_device
from api.problems import Unstorable, WrittenAtOnce
from api.sync.kinds import BY_NAME, KINDS, Filing, ItemInvalid, Sender
from api.sync.tokens import without_token, without_tokens
from core import quarantine
from core.clock import now
from core.database import Sessions
from core.errors import Conflict, DomainError, FieldError, Invalid, TooMany, Unavailable
from core.quarantine import QuarantineFull
from core.secrecy import key_ring
from core.sync.epochs import Epoch, current_epoch
from core.sync.marks import UNNAMED, Carrier, add_marks
from registry.people.problems import ResidentErased

MAX_ITEMS = 500
KEPT_AS = "sync-"  # kinds of items that this door keeps; what follows is the kind in the batch
BATCH, UNKNOWN = "batch", "unknown"
STORED, DUPLICATE, CONFLICT, QUARANTINED = "stored", "duplicate", "conflict", "quarantined"
REFUSED = "refused"  # there is no room to keep it: the phone does
_TRIES = 4
_AT_ONCE = (DeadlockDetected, SerializationFailure, UniqueViolation)
_LAST = len(KINDS)
_RANKS = {kind.name: place for place, kind in enumerate(KINDS)}
_ANONYMOUS = uuid.UUID("6f0d3a52-6b0e-5d0c-9a51-2f6d1a8b7c40")  # names what came without an id of its own
_LAZILY = text("SET LOCAL synchronous_commit = off")
log = structlog.get_logger(__name__)


class BatchInvalid(Invalid):
    """This batch cannot be taken apart; it is kept as a whole for a person to look at."""

    code = "batch-invalid"


class TooManyItems(Invalid):
    """These are more items than one batch may hold; send them in parts."""

    code = "too-many-items"


class KindUnknown(Invalid):
    """This server does not know items of this kind; it is kept until one does."""

    code = "kind-unknown"


class FilingFailed(Unavailable):
    """The server failed at this item; it is kept and can be tried again."""

    code = "filing-failed"


class _Batch(msgspec.Struct):
    items: list[msgspec.Raw]
    device_id: uuid.UUID | None = None
    sent_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class _Item(msgspec.Struct):
    kind: str
    id: uuid.UUID
    parent: uuid.UUID | None = None
    revision: int | None = None
    body: msgspec.Raw = msgspec.Raw(b"null")


_BATCH = msgspec.json.Decoder(_Batch)
_ITEM = msgspec.json.Decoder(_Item)


@dataclass(frozen=True, slots=True)
class Offered:
    """One item of a batch; without `item_id` it could not be read, and `body` is all of it."""

    kind: str
    item_id: uuid.UUID | None
    parent_id: uuid.UUID | None
    body: bytes
    revision: int | None = None

    @property
    def rank(self) -> int:
        return _RANKS.get(self.kind, _LAST)


@dataclass(frozen=True, slots=True)
class Batch:
    """What a phone sent at once."""

    items: tuple[Offered, ...]
    device_id: uuid.UUID | None
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one item."""

    item: Offered
    outcome: str
    problem: DomainError | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a batch, in the order of its items."""

    answers: tuple[Answer, ...]
    epoch: Epoch
    marks: dict[str, int]
    received_at: datetime


# ----------------------------------------------------------------------------------------------- reading


def parse_batch(body: bytes) -> Batch:
    """Raises: BatchInvalid when the whole cannot be taken apart, TooManyItems."""
    try:
        batch = _decoded(body)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        told = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise BatchInvalid(errors=[FieldError("", "not-a-batch", told)]) from None
    if len(batch.items) > MAX_ITEMS:
        raise TooManyItems(f"at most {MAX_ITEMS}, not {len(batch.items)}", limit=MAX_ITEMS)
    items = tuple(parse_item(bytes(raw)) for raw in batch.items)
    return Batch(items, batch.device_id, batch.sent_at)


def _decoded(body: bytes) -> _Batch:
    """The batch with its items unread.

    Strict first; a text that is no Unicode spoils one item only, so a laxer parser takes such a batch apart.
    """
    try:
        return _BATCH.decode(body)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        shell = json.loads(body)
        if not isinstance(shell, dict) or not isinstance(shell.get("items"), list):
            raise
        items = [msgspec.Raw(json.dumps(item).encode()) for item in shell.pop("items")]
        return msgspec.structs.replace(
            msgspec.convert({**shell, "items": []}, _Batch, strict=False), items=items
        )


def parse_item(raw: bytes) -> Offered:
    """One item of a batch, as far as it can be read."""
    try:
        item = _ITEM.decode(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return Offered(UNKNOWN, None, None, raw)
    return Offered(item.kind, item.id, item.parent, bytes(item.body), item.revision)


# ------------------------------------------------------------------------------------------------ filing


@dataclass(frozen=True, slots=True)
class Desk:
    """Where batches of one person are filed."""

    sessions: Sessions
    sender: Sender

    def receive(self, batch: Batch) -> Receipt:
        """Every item has its outcome, on disk. Raises: Unavailable, and then nothing is acknowledged."""
        answers: list[Answer | None] = [None] * len(batch.items)
        for place in sorted(range(len(batch.items)), key=lambda one: batch.items[one].rank):
            answers[place] = self._file(batch.items[place])
        told = tuple(answer for answer in answers if answer is not None)
        epoch, marks = self._count(batch, told)
        return Receipt(told, epoch, marks, now())

    def keep_batch(self, problem: DomainError, body: bytes) -> DomainError:
        """The problem of a batch that could not be taken apart, kept as it came."""
        whole = Offered(BATCH, None, None, body)
        with self.sessions.begin() as session:
            return self._kept(session, whole, problem)

    def _file(self, item: Offered) -> Answer:
        try:
            return self._filed(item)
        except QuarantineFull as problem:
            return Answer(item, REFUSED, problem)

    def _filed(self, item: Offered) -> Answer:
        try:
            return self._try(item)
        except QuarantineFull:
            raise
        except TooMany as problem:
            return self._keep(item, problem)  # somebody tried too many codes: the rest of the batch is fine
        except Unavailable:
            raise  # nobody's fault, and the same item may be filed in a minute
        except DomainError as problem:
            return self._keep(item, problem)
        except DataError:
            return self._keep(item, Unstorable())
        except (OperationalError, InterfaceError, PoolTimeout):
            raise  # the database is away: nothing is acknowledged
        except Exception:
            # A mistake of ours must not stand between a phone and the rest of its queue.
            log.exception("filing_failed", kind=item.kind)
            return self._keep(item, FilingFailed())

    def _try(self, item: Offered) -> Answer:
        for _ in range(_TRIES):
            try:
                with self.sessions.begin() as session:
                    session.execute(_LAZILY)
                    outcome = file_offered(session, self.sender, item)
            except DBAPIError as error:
                if isinstance(error.orig, LockNotAvailable):
                    raise WrittenAtOnce from None  # it has waited long enough: the phone sends again
                if not isinstance(error.orig, _AT_ONCE):
                    raise
                continue  # somebody wrote the same at this moment: now it can be seen
            if isinstance(outcome, DomainError):
                if "kept_aside" not in outcome.extra:
                    raise outcome
                return Answer(item, _outcome_of(outcome), outcome)
            return Answer(item, DUPLICATE if outcome else STORED)
        raise WrittenAtOnce

    def _keep(self, item: Offered, problem: DomainError) -> Answer:
        with self.sessions.begin() as session:
            session.execute(_LAZILY)
            return Answer(item, _outcome_of(problem), self._kept(session, item, problem))

    def _kept(self, session: Session, item: Offered, problem: DomainError) -> DomainError:
        return quarantine.keep(
            session,
            problem,
            kind=KEPT_AS + (item.kind if item.kind in {*BY_NAME, BATCH} else UNKNOWN),
            item_id=item.item_id or uuid.uuid5(_ANONYMOUS, hashlib.sha256(item.body).hexdigest()),
            subject_id=item.parent_id,
            person_id=self.sender.actor.person_id,
            # Of somebody erased nothing is kept: that is what erasure is.
            body=b"" if isinstance(problem, ResidentErased) else envelope(item),
            keys=key_ring(self.sender.settings),  # nobody has looked yet whether it names somebody
        )

    def _count(self, batch: Batch, answers: Sequence[Answer]) -> tuple[Epoch, dict[str, int]]:
        """The last transaction: it waits for the disk, and so everything before it is safe too."""
        received = Counter(
            answer.item.kind for answer in answers if answer.outcome == STORED and answer.item.kind in BY_NAME
        )
        actor, home = self.sender.actor, self.sender.settings.home
        with self.sessions.begin() as session:
            epoch = current_epoch(session, home)
            carrier = Carrier(actor.person_id, batch.device_id or UNNAMED)
            marks = add_marks(session, carrier, received)
            if batch.device_id is not None:
                touch_device(session, actor, batch.device_id)
        return epoch, marks


def file_offered(session: Session, sender: Sender, item: Offered) -> bool | DomainError:
    """The item is filed; True when it was before. Raises and returns what its use-case does."""
    if item.item_id is None:
        told = "须含 kind 与 id / an item is an object with kind and id"
        return ItemInvalid(errors=[FieldError("", "not-an-item", told)])
    kind = BY_NAME.get(item.kind)
    if kind is None:
        return KindUnknown()
    filing = Filing(session, sender, item.item_id, item.parent_id, item.revision, item.body)
    outcome = kind.file(filing)
    return outcome if isinstance(outcome, DomainError) else outcome.is_repeated


def envelope(item: Offered) -> bytes:
    """What is kept of an item: with its kind, for a server that knows more, and without tokens of plates."""
    if item.item_id is None:
        return without_tokens(item.body)
    members: dict[str, Any] = {
        "kind": item.kind,
        "id": item.item_id,
        "parent": item.parent_id,
        "revision": item.revision,
    }
    return msgspec.json.encode({**members, "body": msgspec.Raw(without_token(item.kind, item.body))})


def _outcome_of(problem: DomainError) -> str:
    return CONFLICT if isinstance(problem, Conflict) else QUARANTINED
