"""Check-ins and gaps as phones deliver them: like segments late, twice, out of order, and never lost.

Nothing is judged here. A plate is looked up at once, because its token must not be stored; whether the
check-in proves anything is decided with the verdict.
"""

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute, Session

from access.scope import Actor
from core.clock import now
from core.errors import DomainError, FieldError, Invalid
from core.models import QuarantinedItem
from core.settings import PatrolSettings
from geo.datums import to_cgcs2000
from geo.models import Grid
from patrol.models import Patrol
from patrol.presence.clocks import corrected, offset_s, sent_at_errors
from patrol.presence.models import CheckIn, PatrolGap
from patrol.presence.plates import Plates, Shown, address_tail, by_id, by_short_code, by_token
from patrol.recording.filing import CHECK_IN, GAP, Filed, ItemKey, enqueue_judging, keep, lock_patrol
from patrol.recording.problems import (
    CheckInConflict,
    CheckpointUnknown,
    GapConflict,
    PatrolOfAnother,
    PatrolUnknown,
)
from patrol.recording.tracks import REFILERS
from patrol.recording.wire import check_moment
from registry.models import Checkpoint
from registry.plates import split_token
from registry.problems import PlateUnknown


class GapReason(StrEnum):
    """Why a phone recorded nothing."""

    KILLED = "killed"
    PERMISSION_LOST = "permission_lost"
    BATTERY = "battery"
    NO_FIX = "no_fix"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Position:
    """Where the phone was, in the datum it declares."""

    lon: float
    lat: float
    accuracy_m: float | None
    datum: str


@dataclass(frozen=True, slots=True)
class CheckInClaim:
    """What a phone says of a check-in; exactly one of the first three is given. A token is never kept."""

    at: datetime
    checkpoint_id: uuid.UUID | None = None
    token: str | None = None
    short_code: str | None = None
    position: Position | None = None
    sent_at: datetime | None = None
    shown: Shown | None = None  # what the plate was, once that is known


@dataclass(frozen=True, slots=True)
class GapClaim:
    """What a phone says of a time that it did not record."""

    from_at: datetime
    to_at: datetime
    reason: GapReason
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FiledCheckIn(Filed):
    """A stored check-in, and at which checkpoint."""

    checkpoint_id: uuid.UUID | None = None
    proof: str = ""


def record_check_in(
    session: Session,
    actor: Actor,
    key: ItemKey,
    claim: CheckInClaim,
    limits: PatrolSettings,
    *,
    plates: Plates | None = None,
    received_at: datetime | None = None,
) -> FiledCheckIn | DomainError:
    """The check-in is stored, or kept with the reason why not. Without `plates`, tokens open nothing.

    Raises: TooMany, for somebody who guesses short codes.
    Returns: PlateUnknown, CheckpointUnknown, PatrolUnknown, PatrolOfAnother, CheckInConflict, Invalid.
    """
    came_at = received_at or now()
    shown = claim.shown or _shown(session, actor, claim, plates)
    if isinstance(shown, DomainError):
        return _keep_check_in(session, actor, shown, key, _without_token(claim, None))
    problem = _wrong_times({"/at": claim.at}, claim.sent_at, came_at, limits)
    outcome = problem or _file(session, actor, key, _CHECK_INS, _check_in_values(claim, shown, came_at))
    if isinstance(outcome, DomainError):
        return _keep_check_in(session, actor, outcome, key, _without_token(claim, shown))
    return FiledCheckIn(outcome.is_repeated, 0, shown.checkpoint_id, shown.proof)


def record_gap(
    session: Session,
    actor: Actor,
    key: ItemKey,
    claim: GapClaim,
    limits: PatrolSettings,
    *,
    received_at: datetime | None = None,
) -> Filed | DomainError:
    """The gap is stored, or kept with the reason why not.

    Returns: PatrolUnknown, PatrolOfAnother, GapConflict, Invalid.
    """
    came_at = received_at or now()
    times = {"/from_at": claim.from_at, "/to_at": claim.to_at}
    outcome: Filed | DomainError | None = _wrong_times(times, claim.sent_at, came_at, limits)
    if outcome is None and claim.to_at < claim.from_at:
        told = "中断的结束早于开始 / the gap ends before it begins"
        outcome = Invalid(errors=[FieldError("/to_at", "before-start", told)])
    outcome = outcome or _file(session, actor, key, _GAPS, _gap_values(claim, came_at))
    if isinstance(outcome, DomainError):
        return keep(session, actor, outcome, key, kind=GAP, body=msgspec.json.encode(claim))
    return outcome


# --------------------------------------------------------------------------------------------- plates


def _shown(session: Session, actor: Actor, claim: CheckInClaim, plates: Plates | None) -> Shown | DomainError:
    """Raises: TooMany."""
    try:
        if claim.checkpoint_id is not None:
            return by_id(session, claim.checkpoint_id)
        if claim.token is not None and plates is not None:
            return by_token(session, claim.token, plates)
        if claim.short_code is not None:
            return by_short_code(session, actor, claim.short_code, plates)
    except (PlateUnknown, CheckpointUnknown) as problem:
        return problem
    return PlateUnknown()


def _without_token(claim: CheckInClaim, shown: Shown | None) -> CheckInClaim:
    """What may be kept: a token of an unknown plate leaves the short code that it begins with."""
    if claim.token is None:
        return replace(claim, shown=shown)
    split = split_token(address_tail(claim.token))
    short_code = split[0] if split is not None and shown is None else None
    return replace(claim, token=None, short_code=short_code, shown=shown)


def _keep_check_in(
    session: Session, actor: Actor, problem: DomainError, key: ItemKey, claim: CheckInClaim
) -> DomainError:
    return keep(session, actor, problem, key, kind=CHECK_IN, body=msgspec.json.encode(claim))


# --------------------------------------------------------------------------------------------- filing


@dataclass(frozen=True, slots=True)
class _Table:
    """Where a kind of item is filed."""

    model: type[CheckIn] | type[PatrolGap]
    key: InstrumentedAttribute[uuid.UUID]
    conflict: type[DomainError]


_CHECK_INS = _Table(CheckIn, CheckIn.check_in_id, CheckInConflict)
_GAPS = _Table(PatrolGap, PatrolGap.gap_id, GapConflict)


def _file(
    session: Session, actor: Actor, key: ItemKey, table: _Table, values: Mapping[str, Any]
) -> Filed | DomainError:
    """File once. The shared lock makes it wait for a finish under way, and a judge wait for it."""
    patrol = _patrol(session, key.patrol_id)
    if patrol is None:
        lock_patrol(session, key.patrol_id)  # it may be arriving at this moment
        patrol = _patrol(session, key.patrol_id)
    if patrol is None:
        return PatrolUnknown()
    if patrol.person_id != actor.person_id:
        return PatrolOfAnother()
    if not _is_of_street(session, values, patrol.street_code):
        return CheckpointUnknown() if values["generation"] is None else PlateUnknown()
    row = {table.key.key: key.item_id, "patrol_id": key.patrol_id, **values}
    statement = insert(table.model).values(row).on_conflict_do_nothing().returning(table.key)
    if session.scalar(statement) is not None:
        if patrol.finished_at is not None:
            enqueue_judging(session, key.patrol_id)
        return Filed(is_repeated=False)
    stored = session.execute(
        select(table.model.patrol_id, table.model.body_hash).where(table.key == key.item_id)
    ).one()
    is_same = (stored.patrol_id, stored.body_hash) == (key.patrol_id, values["body_hash"])
    return Filed(is_repeated=True) if is_same else table.conflict()


def _patrol(session: Session, patrol_id: uuid.UUID) -> Row[Any] | None:
    columns: Any = (Patrol.person_id, Patrol.finished_at, Grid.street_code)
    found = select(*columns).join(Grid, Grid.grid_id == Patrol.grid_id).where(Patrol.patrol_id == patrol_id)
    return session.execute(found.with_for_update(read=True, of=Patrol)).one_or_none()


def _is_of_street(session: Session, values: Mapping[str, Any], street_code: str) -> bool:
    """Codes of other streets are not told apart from codes that nobody has."""
    if "checkpoint_id" not in values:
        return True
    street = select(Checkpoint.street_code).where(Checkpoint.checkpoint_id == values["checkpoint_id"])
    return session.scalar(street) == street_code


def _check_in_values(claim: CheckInClaim, shown: Shown, came_at: datetime) -> dict[str, Any]:
    offset, position = offset_s(claim.sent_at, came_at), claim.position
    said = f"check-in 1 {shown.checkpoint_id} {shown.proof} {shown.generation} {_utc(claim.at)} {position}"
    values = {
        "checkpoint_id": shown.checkpoint_id,
        "proof": shown.proof,
        "generation": shown.generation,
        "at": corrected(claim.at, offset),
        "clock_offset_s": offset,
        "body_hash": hashlib.sha256(said.encode()).digest(),
    }
    if position is None:
        return values
    lon, lat = to_cgcs2000([position.lon], [position.lat], position.datum)
    at = {"lon": float(lon[0]), "lat": float(lat[0])}
    return {**values, **at, "accuracy_m": position.accuracy_m, "datum": position.datum}


def _gap_values(claim: GapClaim, came_at: datetime) -> dict[str, Any]:
    offset = offset_s(claim.sent_at, came_at)
    said = f"gap 1 {_utc(claim.from_at)} {_utc(claim.to_at)} {claim.reason.value}"
    return {
        "from_at": corrected(claim.from_at, offset),
        "to_at": corrected(claim.to_at, offset),
        "reason": claim.reason.value,
        "clock_offset_s": offset,
        "body_hash": hashlib.sha256(said.encode()).digest(),
    }


def _wrong_times(
    times: Mapping[str, datetime], sent_at: datetime | None, came_at: datetime, limits: PatrolSettings
) -> Invalid | None:
    errors = sent_at_errors(sent_at, came_at)
    offset = 0 if errors else offset_s(sent_at, came_at)
    for pointer, moment in times.items():
        errors += check_moment(pointer, corrected(moment, offset), received_at=came_at, limits=limits)
    return Invalid(errors=errors) if errors else None


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


# ------------------------------------------------------------------------------------------- once more


def _check_in_again(
    session: Session, actor: Actor, item: QuarantinedItem, limits: PatrolSettings
) -> Filed | DomainError:
    claim = msgspec.json.decode(item.body, type=CheckInClaim)
    return record_check_in(session, actor, _key(item), claim, limits, received_at=item.received_at)


def _gap_again(
    session: Session, actor: Actor, item: QuarantinedItem, limits: PatrolSettings
) -> Filed | DomainError:
    claim = msgspec.json.decode(item.body, type=GapClaim)
    return record_gap(session, actor, _key(item), claim, limits, received_at=item.received_at)


def _key(item: QuarantinedItem) -> ItemKey:
    assert item.subject_id is not None, "kept under the patrol that it belongs to"
    return ItemKey(item.subject_id, item.item_id)


REFILERS[CHECK_IN] = _check_in_again
REFILERS[GAP] = _gap_again
