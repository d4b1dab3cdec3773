"""Corrections by whoever made the visit: a new version beside the first, both kept, the latest holds.

Corrections arrive like visits do: late, twice, before their visit, the second before the first. Which one
holds follows from when it was made, by the phone's clock, and never from the order of arrival.
"""

import uuid
from datetime import datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from access.scope import Actor
from core import audit, quarantine
from core.clock import now
from core.errors import DomainError, FieldError
from core.models import QuarantinedItem
from core.settings import PatrolSettings
from patrol.recording.tracks import Filed
from patrol.recording.wire import check_moment
from patrol.visits.forgetting import lasting, lasting_body
from patrol.visits.form_desk import form_of
from patrol.visits.models import Visit, VisitForm, VisitVersion
from patrol.visits.needs import follow_up_in, keep_needs
from patrol.visits.problems import (
    CorrectionTooLate,
    VisitConflict,
    VisitInvalid,
    VisitOfAnother,
    VisitUnknown,
)
from patrol.visits.wire import CorrectionIn, content_hash, parse
from registry.people.models import Household

CORRECTION = "visit-correction"  # kind of kept items
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('visit:' || :visit_id, 0))")
_CONTENTS = ("outcome", "theme", "form_id", "answers", "note")


def correct_visit(
    session: Session,
    actor: Actor,
    visit_id: uuid.UUID,
    body: bytes,
    limits: PatrolSettings,
    *,
    received_at: datetime | None = None,
) -> Filed | DomainError:
    """The visit says what its latest correction says, and what it said before is kept; or the body is.

    Returns: VisitInvalid, VisitUnknown, VisitOfAnother, VisitConflict, CorrectionTooLate, VisitFormUnknown,
    AnswersInvalid.
    """
    item_id = visit_id
    outcome: Filed | DomainError
    try:
        said = parse(CorrectionIn, body)
        item_id = said.id
        outcome = _file(session, actor, visit_id, said, limits=limits, received_at=received_at or now())
        visit = session.get(Visit, visit_id)
        if visit is not None and not isinstance(outcome, Filed):
            body = lasting_body(session, visit.household_id, visit.at, said, body)
    except VisitInvalid as error:
        outcome = error
    if isinstance(outcome, Filed):
        return outcome
    return quarantine.keep(
        session,
        outcome,
        kind=CORRECTION,
        item_id=item_id,
        subject_id=visit_id,
        person_id=actor.person_id,
        body=body,
    )


def file_waiting_corrections(session: Session, actor: Actor, visit: Visit, limits: PatrolSettings) -> None:
    """What this person sent to correct the visit before it was known is filed, or kept anew."""
    session.execute(_LOCK, {"visit_id": str(visit.visit_id)})
    waiting = session.scalars(
        select(QuarantinedItem)
        .where(
            QuarantinedItem.subject_id == visit.visit_id,
            QuarantinedItem.person_id == actor.person_id,
            QuarantinedItem.reason == VisitUnknown.code,
            QuarantinedItem.refiled_at.is_(None),
        )
        .order_by(QuarantinedItem.received_at, QuarantinedItem.quarantine_id)
    ).all()
    for item in waiting:
        correct_visit(session, actor, visit.visit_id, item.body, limits, received_at=item.received_at)
        item.refiled_at = now()


def _file(
    session: Session,
    actor: Actor,
    visit_id: uuid.UUID,
    said: CorrectionIn,
    *,
    limits: PatrolSettings,
    received_at: datetime,
) -> Filed | DomainError:
    visit = _locked(session, visit_id)
    if visit is None:
        # It may be arriving at this moment: from here on one waits for the other.
        session.execute(_LOCK, {"visit_id": str(visit_id)})
        visit = _locked(session, visit_id)
    body_hash = content_hash(said)
    if visit is not None and visit.person_id == actor.person_id:
        known = session.get(VisitVersion, said.id)
        if known is not None or said.id == visit_id:
            is_same = known is not None and (known.visit_id, known.body_hash) == (visit_id, body_hash)
            return Filed(is_repeated=True) if is_same else VisitConflict()
    problem = _why_not(actor, visit, said, limits, received_at)
    form = None if problem else form_of(session, said)
    if isinstance(form, DomainError):
        return form
    if problem is not None or visit is None:
        return problem or VisitUnknown()
    said, is_wordless = lasting(session, visit.household_id, visit.at, said)
    _add_version(session, visit, said, form, body_hash)
    _apply_latest(session, visit)
    if not is_wordless:  # else the needs would seem to be withdrawn
        keep_needs(session, visit)
    _record(session, actor, visit, said)
    return Filed(is_repeated=False)


def _locked(session: Session, visit_id: uuid.UUID) -> Visit | None:
    return session.get(Visit, visit_id, with_for_update=True, populate_existing=True)


def _why_not(
    actor: Actor, visit: Visit | None, said: CorrectionIn, limits: PatrolSettings, received_at: datetime
) -> DomainError | None:
    errors = list(check_moment("/made_at", said.made_at, received_at=received_at, limits=limits))
    if visit is not None and visit.person_id == actor.person_id and said.made_at < visit.at:
        told = f"走访在 {visit.at.isoformat()} / the visit was at {visit.at.isoformat()}"
        errors.append(FieldError("/made_at", "before-visit", told))
    if errors:
        return VisitInvalid(errors=errors)
    if visit is None:
        return VisitUnknown()
    if visit.person_id != actor.person_id:
        return VisitOfAnother()
    if said.made_at > visit.at + timedelta(days=limits.visit_correction_days):
        return CorrectionTooLate(days=limits.visit_correction_days)
    return None


def _add_version(
    session: Session, visit: Visit, said: CorrectionIn, form: VisitForm | None, body_hash: bytes
) -> None:
    if visit.revision == 1:  # what it said first is kept from now on
        first = {name: getattr(visit, name) for name in _CONTENTS}
        session.add(
            VisitVersion(
                version_id=visit.visit_id,
                visit_id=visit.visit_id,
                person_id=visit.person_id,
                made_at=visit.at,
                received_at=visit.received_at,
                reason="",
                body_hash=visit.body_hash,
                **first,
            )
        )
    session.add(
        VisitVersion(
            version_id=said.id,
            visit_id=visit.visit_id,
            person_id=visit.person_id,
            made_at=said.made_at,
            reason=said.reason,
            form_id=form.form_id if form else None,
            body_hash=body_hash,
            **said.model_dump(include={"outcome", "theme", "answers", "note"}),
        )
    )
    session.flush()  # the latest is asked of the database


def _apply_latest(session: Session, visit: Visit) -> None:
    of_visit = VisitVersion.visit_id == visit.visit_id
    is_first = VisitVersion.version_id == visit.visit_id
    latest = session.scalars(
        select(VisitVersion)
        .where(of_visit)
        .order_by(is_first, VisitVersion.made_at.desc(), VisitVersion.version_id.desc())
        .limit(1)
    ).one()
    for name in _CONTENTS:
        setattr(visit, name, getattr(latest, name))
    visit.follow_up_on = follow_up_in(visit.answers)
    visit.revision = session.scalars(select(func.count()).where(of_visit)).one()


def _record(session: Session, actor: Actor, visit: Visit, said: CorrectionIn) -> None:
    street_code = select(Household.street_code).where(Household.household_id == visit.household_id)
    session.flush()
    audit.record(
        session,
        chain=session.scalars(street_code).one(),
        actor=actor.label,
        action="visit.corrected",
        subject=f"visit:{visit.visit_id}",
        detail={"correction": str(said.id), "outcome": said.outcome, "revision": visit.revision},
    )
