"""The remark of a day: the one thing in a diary that a person types."""

import json
import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from access.queries import street_code_of
from access.scope import Actor
from core import audit, quarantine
from core.clock import now, today
from core.errors import Conflict, DomainError, FieldError, Invalid
from core.models import QuarantinedItem
from core.settings import PatrolSettings
from patrol.diary.models import DiaryRemark
from patrol.recording.tracks import REFILERS, Filed
from patrol.recording.wire import check_moment

REMARK = "diary-remark"  # kind of kept items


class RemarkConflict(Conflict):
    """At this very moment something else was remarked on this day."""

    code = "remark-conflict"


@dataclass(frozen=True, slots=True)
class Remark:
    """What the worker typed, and when by the phone's clock."""

    text: str
    at: datetime


def put_remark(
    session: Session, actor: Actor, day: date, remark: Remark, limits: PatrolSettings
) -> Filed | DomainError:
    """The actor's own remark on the day is this one, unless a later one is there already.

    Raises: Invalid. Returns: RemarkConflict, the text kept.
    """
    _require_sound(day, remark, limits)
    statement = insert(DiaryRemark).values(
        person_id=actor.person_id, day=day, remark=remark.text, at=remark.at
    )
    newer = statement.on_conflict_do_update(
        index_elements=[DiaryRemark.person_id, DiaryRemark.day],
        set_={name: statement.excluded[name] for name in ("remark", "at")},
        where=DiaryRemark.at < statement.excluded.at,
    )
    if session.scalar(newer.returning(DiaryRemark.day)) is not None:
        _record(session, actor, day)
        return Filed(is_repeated=False)
    held = session.execute(
        select(DiaryRemark.remark, DiaryRemark.at).where(
            DiaryRemark.person_id == actor.person_id, DiaryRemark.day == day
        )
    ).one()
    if held.at == remark.at and held.remark != remark.text:
        return _keep(session, actor, day, remark)
    return Filed(is_repeated=True)


def _require_sound(day: date, remark: Remark, limits: PatrolSettings) -> None:
    errors = list(check_moment("/at", remark.at, received_at=now(), limits=limits))
    first = today() - timedelta(days=limits.max_fix_age_days)
    if not first <= day <= today():
        told = f"只能填写 {first} 至今天的日志 / a remark is on a day from {first} to today"
        errors.append(FieldError("/day", "out-of-range", told))
    if errors:
        raise Invalid(errors=errors)


def _record(session: Session, actor: Actor, day: date) -> None:
    streets = (street_code_of(held.path) for held in actor.assignments)
    audit.record(
        session,
        chain=next((street for street in streets if street), ""),
        actor=actor.label,
        action="diary.remarked",
        subject=f"diary:{actor.person_id}/{day}",
        detail={},
    )


def _keep(session: Session, actor: Actor, day: date, remark: Remark) -> DomainError:
    body = {"day": str(day), "remark": remark.text, "at": remark.at.isoformat()}
    return quarantine.keep(
        session,
        RemarkConflict(),
        kind=REMARK,
        item_id=uuid.uuid5(actor.person_id, str(day)),
        subject_id=None,
        person_id=actor.person_id,
        body=json.dumps(body, ensure_ascii=False).encode(),
    )


def _remark_again(
    session: Session, actor: Actor, item: QuarantinedItem, limits: PatrolSettings
) -> Filed | DomainError:
    said = json.loads(item.body)
    remark = Remark(said["remark"], datetime.fromisoformat(said["at"]))
    return put_remark(session, actor, date.fromisoformat(said["day"]), remark, limits)


REFILERS[REMARK] = _remark_again
