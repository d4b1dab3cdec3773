"""Appeals (补签): a worker says why a patrol should count, with a note and photos.

Phones send them late, twice and before the patrol they are about; patrol/recording/tracks.py tells the rules.
"""

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec
from sqlalchemy import ColumnElement, Row, and_, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from access.scope import Actor
from core import audit, quarantine
from core.clock import Week, now
from core.errors import DomainError, FieldError, Invalid
from core.models import QuarantinedItem
from core.photos import expect_photos
from core.settings import PatrolSettings
from geo.models import Grid
from patrol.appeals.models import Appeal
from patrol.appeals.problems import (
    AlreadyDecided,
    AppealConflict,
    AppealOpen,
    AppealOverlaps,
    AppealTooLate,
    AppealUnknown,
)
from patrol.models import Patrol
from patrol.recording.problems import PatrolOfAnother, PatrolUnknown
from patrol.recording.tracks import REFILERS, Filed, lock_patrol
from patrol.recording.wire import check_moment
from patrol.rights import grid_to_patrol

APPEAL = "patrol-appeal"  # kind of kept items
PHOTOS = "appeal"  # kind of thing that photos hang on (access/photos.py)
RECORDED, UNRECORDED = "recorded", "unrecorded"
MAX_DURATION = timedelta(hours=12)  # nobody walks longer; a wrong day is meant


@dataclass(frozen=True, slots=True)
class Claim:
    """What the worker says: about a patrol by its id, or where and when one was walked without a record."""

    note: str
    photos: tuple[str, ...] = ()  # SHA-256 in lower-case hex
    patrol_id: uuid.UUID | None = None
    grid_code: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def content_hash(self) -> bytes:
        """The same for the same content, however its JSON looked and whatever the time zone."""
        times = [at and at.astimezone(UTC) for at in (self.started_at, self.finished_at)]
        said = [self.note, sorted(set(self.photos)), self.patrol_id, self.grid_code, *times]
        return hashlib.sha256(msgspec.json.encode(said)).digest()


@dataclass(frozen=True, slots=True)
class _Asked:
    """A claim with the grid and the times it is about."""

    kind: str
    patrol_id: uuid.UUID | None
    grid_id: int
    path: str
    street_code: str
    started_at: datetime
    finished_at: datetime | None


def put_appeal(
    session: Session, actor: Actor, appeal_id: uuid.UUID, claim: Claim, limits: PatrolSettings
) -> Filed | DomainError:
    """The appeal waits for a decision by somebody above.

    Raises: Invalid, GridUnknown, Forbidden. Returns: PatrolUnknown, PatrolOfAnother, AppealConflict,
    AppealOpen, AppealOverlaps, AppealTooLate, the body kept.
    """
    stored = session.get(Appeal, appeal_id)
    if stored is None:
        asked = _asked(session, actor, claim, limits)
        if isinstance(asked, DomainError):
            return _keep(session, actor, asked, appeal_id, claim)
        if _insert(session, actor, appeal_id, claim, asked):
            _expect_photos(session, actor, appeal_id, claim, asked.path)
            _record(
                session,
                actor,
                appeal_id,
                action="appeal.filed",
                street_code=asked.street_code,
                patrol_id=asked.patrol_id,
            )
            return Filed(is_repeated=False)
        stored = session.get(Appeal, appeal_id)  # another request was faster
    if stored is None:
        return _keep(session, actor, _open_about(session, claim.patrol_id), appeal_id, claim)
    if (stored.person_id, stored.body_hash) == (actor.person_id, claim.content_hash):
        return Filed(is_repeated=True)
    return _keep(session, actor, AppealConflict(), appeal_id, claim)


def withdraw_appeal(session: Session, actor: Actor, appeal_id: uuid.UUID) -> None:
    """The actor's own open appeal asks for nothing any more. Said again, it stays as it was.

    Raises: AppealUnknown, AlreadyDecided.
    """
    appeal = session.scalar(
        select(Appeal)
        .where(Appeal.appeal_id == appeal_id, Appeal.person_id == actor.person_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if appeal is None:
        raise AppealUnknown
    if appeal.decision is not None:
        raise AlreadyDecided(decision=appeal.decision, decided_at=str(appeal.decided_at))
    if appeal.withdrawn_at is not None:
        return
    appeal.withdrawn_at = session.scalars(select(func.clock_timestamp())).one()
    session.flush()
    street_code = session.scalars(select(Grid.street_code).where(Grid.grid_id == appeal.grid_id)).one()
    _record(
        session,
        actor,
        appeal_id,
        action="appeal.withdrawn",
        street_code=street_code,
        patrol_id=appeal.patrol_id,
    )


def overlapping_patrol(
    session: Session, person_id: uuid.UUID, started_at: datetime, finished_at: datetime
) -> uuid.UUID | None:
    """A stored patrol of the person in that time."""
    at_that_time = _overlap(Patrol, started_at, finished_at)
    found = select(Patrol.patrol_id).where(Patrol.person_id == person_id, at_that_time)
    return session.scalar(found.order_by(Patrol.started_at).limit(1))


# ------------------------------------------------------------------------------------------ what is asked for


def _asked(session: Session, actor: Actor, claim: Claim, limits: PatrolSettings) -> _Asked | DomainError:
    if claim.patrol_id is not None:
        return _about_recorded(session, actor, claim.patrol_id, limits)
    assert claim.grid_code is not None, "the schema asks for one of the two"
    assert claim.started_at is not None
    assert claim.finished_at is not None
    return _about_unrecorded(session, actor, claim.grid_code, (claim.started_at, claim.finished_at), limits)


def _about_recorded(
    session: Session, actor: Actor, patrol_id: uuid.UUID, limits: PatrolSettings
) -> _Asked | DomainError:
    found = _patrol(session, patrol_id)
    if found is None:
        lock_patrol(session, patrol_id)  # it may be arriving at this moment
        found = _patrol(session, patrol_id)
    if found is None:
        return PatrolUnknown()
    person_id, grid_id, path, street_code, started_at, finished_at = found
    if person_id != actor.person_id:
        return PatrolOfAnother()
    if _is_too_old(started_at, limits):
        return _too_late(limits)
    return _Asked(RECORDED, patrol_id, grid_id, path, street_code, started_at, finished_at)


def _about_unrecorded(
    session: Session, actor: Actor, grid_code: str, times: tuple[datetime, datetime], limits: PatrolSettings
) -> _Asked | DomainError:
    started_at, finished_at = times
    if _is_too_old(started_at, limits):
        return _too_late(limits)
    errors = list(_time_errors(started_at, finished_at, limits))
    if errors:
        raise Invalid(errors=errors)
    grid = grid_to_patrol(session, actor, grid_code, started_at)
    patrol_id = overlapping_patrol(session, actor.person_id, started_at, finished_at)
    if patrol_id is not None:
        detail = (
            "这段时间已有巡查记录，请对那次巡查申请补签 / a patrol was recorded at this time: appeal for it"
        )
        return AppealOverlaps(detail, patrol_id=str(patrol_id))
    other = _open_at_that_time(session, actor.person_id, started_at, finished_at)
    if other is not None:
        detail = "这段时间已有补签申请 / an appeal of yours is about this time already"
        return AppealOverlaps(detail, appeal_id=str(other))
    return _Asked(UNRECORDED, None, grid.grid_id, grid.path, grid.street_code, started_at, finished_at)


def _time_errors(started_at: datetime, finished_at: datetime, limits: PatrolSettings) -> Iterator[FieldError]:
    yield from check_moment("/started_at", started_at, received_at=now(), limits=limits)
    yield from check_moment("/finished_at", finished_at, received_at=now(), limits=limits)
    if finished_at <= started_at:
        detail = "结束时间必须晚于开始时间 / a patrol ends after it began"
        yield FieldError("/finished_at", "before-start", detail)
    elif finished_at - started_at > MAX_DURATION:
        detail = "一次巡查最多 12 小时，请检查日期 / a patrol takes at most 12 hours; check the day"
        yield FieldError("/finished_at", "too-long", detail)


def _patrol(
    session: Session, patrol_id: uuid.UUID
) -> Row[uuid.UUID, int, str, str, datetime, datetime | None] | None:
    statement = select(
        Patrol.person_id, Patrol.grid_id, Grid.path, Grid.street_code, Patrol.started_at, Patrol.finished_at
    ).join(Grid, Grid.grid_id == Patrol.grid_id)
    return session.execute(statement.where(Patrol.patrol_id == patrol_id)).one_or_none()


def _overlap(
    table: type[Patrol] | type[Appeal], started_at: datetime, finished_at: datetime
) -> ColumnElement[bool]:
    """Rows whose time meets the given one in more than an end; an open patrol is at its start only."""
    ends_later = or_(
        table.finished_at > started_at, and_(table.finished_at.is_(None), table.started_at >= started_at)
    )
    return and_(table.started_at < finished_at, ends_later)


def _open_at_that_time(
    session: Session, person_id: uuid.UUID, started_at: datetime, finished_at: datetime
) -> uuid.UUID | None:
    found = select(Appeal.appeal_id).where(
        Appeal.person_id == person_id,
        Appeal.kind == UNRECORDED,
        is_open(),
        _overlap(Appeal, started_at, finished_at),
    )
    return session.scalar(found.limit(1))


def is_open() -> ColumnElement[bool]:
    """Appeals that wait for a decision."""
    return and_(Appeal.decision.is_(None), Appeal.withdrawn_at.is_(None))


def open_appeal_about(session: Session, patrol_id: uuid.UUID) -> uuid.UUID | None:
    """The appeal about this patrol that waits for a decision."""
    return session.scalar(select(Appeal.appeal_id).where(Appeal.patrol_id == patrol_id, is_open()))


def _open_about(session: Session, patrol_id: uuid.UUID | None) -> AppealOpen:
    other = None if patrol_id is None else open_appeal_about(session, patrol_id)
    return AppealOpen(appeal_id=None if other is None else str(other))


def _is_too_old(started_at: datetime, limits: PatrolSettings) -> bool:
    return started_at < now() - timedelta(days=limits.appeal_within_days)


def _too_late(limits: PatrolSettings) -> AppealTooLate:
    days = limits.appeal_within_days
    return AppealTooLate(f"只能补签 {days} 天以内的巡查 / appeals are about the last {days} days")


# ---------------------------------------------------------------------------------------------------- storing


def _insert(session: Session, actor: Actor, appeal_id: uuid.UUID, claim: Claim, asked: _Asked) -> bool:
    """False when this id, or an open appeal about the patrol, is there already."""
    statement = insert(Appeal).values(
        appeal_id=appeal_id,
        person_id=actor.person_id,
        kind=asked.kind,
        patrol_id=asked.patrol_id,
        grid_id=asked.grid_id,
        week=Week.of(asked.started_at).monday,
        started_at=asked.started_at,
        finished_at=asked.finished_at,
        note=claim.note,
        photos=sorted(set(claim.photos)),
        body_hash=claim.content_hash,
    )
    added = statement.on_conflict_do_nothing().returning(Appeal.appeal_id)
    return session.scalar(added) is not None


def _expect_photos(session: Session, actor: Actor, appeal_id: uuid.UUID, claim: Claim, path: str) -> None:
    """The phone is asked for them, and whoever decides may look at them."""
    named = [bytes.fromhex(name) for name in claim.photos]
    expect_photos(session, named, kind=PHOTOS, item_id=appeal_id, person_id=actor.person_id, path=path)


def _keep(
    session: Session, actor: Actor, problem: DomainError, appeal_id: uuid.UUID, claim: Claim
) -> DomainError:
    return quarantine.keep(
        session,
        problem,
        kind=APPEAL,
        item_id=appeal_id,
        subject_id=claim.patrol_id,
        person_id=actor.person_id,
        body=msgspec.json.encode(claim),
    )


def _file_again(
    session: Session, actor: Actor, item: QuarantinedItem, limits: PatrolSettings
) -> Filed | DomainError:
    claim = msgspec.json.decode(item.body, type=Claim)
    return put_appeal(session, actor, item.item_id, claim, limits)


REFILERS[APPEAL] = _file_again


def _record(
    session: Session,
    actor: Actor,
    appeal_id: uuid.UUID,
    *,
    action: str,
    street_code: str,
    patrol_id: uuid.UUID | None,
) -> None:
    audit.record(
        session,
        chain=street_code,
        actor=actor.label,
        action=action,
        subject=f"appeal:{appeal_id}",
        detail={"patrol_id": None if patrol_id is None else str(patrol_id)},
    )
