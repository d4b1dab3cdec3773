"""Visits as phones deliver them: late, twice, out of order, and never lost.

Every use-case here bears repetition: the same again is answered as the first time, something else under the
same id is a conflict. What cannot be filed goes to the quarantine, and the error is returned, not raised, so
that the door commits that row. What waits for a household or a form is filed when that arrives.
"""

import uuid
from datetime import datetime

from sqlalchemy import ColumnElement, Row, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from access.models import Person
from access.scope import NOBODY, Actor, person_label
from core import audit, quarantine
from core.clock import now
from core.errors import DomainError
from core.models import QuarantinedItem
from core.photos import expect_photos
from core.settings import PatrolSettings
from geo.datums import to_cgcs2000
from patrol.recording.tracks import REFILERS, Filed
from patrol.recording.wire import check_moment
from patrol.visits.correcting import CORRECTION, correct_visit, file_waiting_corrections
from patrol.visits.forgetting import lasting, lasting_body
from patrol.visits.form_desk import form_of
from patrol.visits.models import Visit, VisitForm
from patrol.visits.needs import follow_up_in, keep_needs
from patrol.visits.problems import (
    HouseholdUnknown,
    VisitConflict,
    VisitFormUnknown,
    VisitInvalid,
    VisitOutOfScope,
)
from patrol.visits.rights import VisitedHousehold, has_seen, may_record, visited_household
from patrol.visits.wire import Position, VisitIn, content_hash, parse
from registry.people.keeping import ARRIVED

VISIT = "visit"  # kind of kept items
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('visits-of:' || :household_id, 0))")


def record_visit(
    session: Session,
    actor: Actor,
    visit_id: uuid.UUID,
    body: bytes,
    limits: PatrolSettings,
    *,
    received_at: datetime | None = None,
) -> Filed | DomainError:
    """The visit is stored with the needs it states, or its body kept with the reason why not.

    Returns: VisitInvalid, VisitConflict, HouseholdUnknown, VisitOutOfScope, VisitFormUnknown, AnswersInvalid.
    """
    subject_id: uuid.UUID | None = None
    outcome: Filed | DomainError
    try:
        said = parse(VisitIn, body)
        subject_id = said.household_id
        outcome = _file(session, actor, visit_id, said, limits=limits, received_at=received_at or now())
        if not isinstance(outcome, Filed):
            body = lasting_body(session, said.household_id, said.at, said, body)
    except VisitInvalid as error:
        outcome = error
    if isinstance(outcome, Filed):
        return outcome
    return quarantine.keep(
        session,
        outcome,
        kind=VISIT,
        item_id=visit_id,
        subject_id=subject_id,
        person_id=actor.person_id,
        body=body,
    )


def _file(
    session: Session,
    actor: Actor,
    visit_id: uuid.UUID,
    said: VisitIn,
    *,
    limits: PatrolSettings,
    received_at: datetime,
) -> Filed | DomainError:
    body_hash = content_hash(said)
    if (known := _known(session, visit_id)) is not None:
        return _repeated(actor, known, body_hash)
    errors = list(check_moment("/at", said.at, received_at=received_at, limits=limits))
    if errors:
        return VisitInvalid(errors=errors)
    household = _household(session, said)
    problem = _why_not(session, actor, household, said)
    form = form_of(session, said)
    if problem is not None or household is None:
        return problem or HouseholdUnknown()
    if isinstance(form, DomainError):
        return form
    said, _ = lasting(session, said.household_id, said.at, said)
    if not _insert(session, actor, visit_id, said, form=form, body_hash=body_hash):
        known = _known(session, visit_id)  # another request was faster
        return VisitConflict() if known is None else _repeated(actor, known, body_hash)
    visit = session.get_one(Visit, visit_id)
    keep_needs(session, visit)
    expect_photos(
        session,
        [bytes.fromhex(name) for name in said.photos],
        kind=VISIT,
        item_id=visit_id,
        person_id=actor.person_id,
        path=household.path_then,
    )
    file_waiting_corrections(session, actor, visit, limits)
    _record(session, actor, visit, household.street_code)
    return Filed(is_repeated=False)


def _known(session: Session, visit_id: uuid.UUID) -> Row[uuid.UUID, bytes] | None:
    statement = select(Visit.person_id, Visit.body_hash).where(Visit.visit_id == visit_id)
    return session.execute(statement).one_or_none()


def _repeated(actor: Actor, known: Row[uuid.UUID, bytes], body_hash: bytes) -> Filed | DomainError:
    """What was first delivered decides, whatever corrections have made of it since."""
    is_same = (known.person_id, known.body_hash) == (actor.person_id, body_hash)
    return Filed(is_repeated=True) if is_same else VisitConflict()


def _household(session: Session, said: VisitIn) -> VisitedHousehold | None:
    household = visited_household(session, said.household_id, said.at)
    if household is None:
        # It may be arriving at this moment: from here on one waits for the other.
        session.execute(_LOCK, {"household_id": str(said.household_id)})
        household = visited_household(session, said.household_id, said.at)
    return household


def _why_not(
    session: Session, actor: Actor, household: VisitedHousehold | None, said: VisitIn
) -> DomainError | None:
    if household is None:
        return HouseholdUnknown()
    if may_record(session, actor.person_id, household, said.at):
        return None
    # To whom it was never shown, it does not exist.
    return VisitOutOfScope() if has_seen(session, actor.person_id, household) else HouseholdUnknown()


def _insert(
    session: Session,
    actor: Actor,
    visit_id: uuid.UUID,
    said: VisitIn,
    *,
    form: VisitForm | None,
    body_hash: bytes,
) -> bool:
    values = {
        **said.model_dump(include={"household_id", "at", "outcome", "theme", "answers", "note", "patrol_id"}),
        **_placed(said.position),
        "visit_id": visit_id,
        "person_id": actor.person_id,
        "form_id": form.form_id if form else None,
        "follow_up_on": follow_up_in(said.answers),
        "proof": said.proof.model_dump(mode="json", exclude_none=True) if said.proof else None,
        "photos": said.photos,
        "body_hash": body_hash,
    }
    statement = insert(Visit).values(values).on_conflict_do_nothing().returning(Visit.visit_id)
    return session.scalar(statement) is not None


def _placed(position: Position | None) -> dict[str, float | str | None]:
    if position is None:
        return dict.fromkeys(("lon", "lat", "accuracy_m", "source_datum"))
    lon, lat = to_cgcs2000(position.lon, position.lat, position.datum)
    return {
        "lon": float(lon),
        "lat": float(lat),
        "accuracy_m": position.accuracy_m,
        "source_datum": position.datum.value,
    }


def _record(session: Session, actor: Actor, visit: Visit, street_code: str) -> None:
    audit.record(
        session,
        chain=street_code,
        actor=actor.label,
        action="visit.recorded",
        subject=f"visit:{visit.visit_id}",
        detail={
            "household": str(visit.household_id),
            "outcome": visit.outcome,
            "theme": visit.theme,
            "at": visit.at.isoformat(),
        },
    )


# ---------------------------------------------------------------------------------------------- waiting items


def file_waiting_visits(session: Session, household_id: uuid.UUID) -> None:
    """What anybody sent of this household before it was known is filed, or kept anew for another reason.

    Called by whoever stores a new household, in the same transaction.
    """
    session.execute(_LOCK, {"household_id": str(household_id)})
    _file_waiting(
        session,
        QuarantinedItem.subject_id == household_id,
        QuarantinedItem.kind == VISIT,
        QuarantinedItem.reason == HouseholdUnknown.code,
    )


def file_visits_waiting_for(session: Session, form: VisitForm) -> None:
    """What was filled in by this version of a form before it was known is filed, or kept anew."""
    _file_waiting(
        session,
        QuarantinedItem.kind.in_([VISIT, CORRECTION]),
        QuarantinedItem.reason == VisitFormUnknown.code,
        QuarantinedItem.problem["form"].astext == form.code,
        QuarantinedItem.problem["version"].astext == str(form.version),
    )


def _file_waiting(session: Session, *wanted: ColumnElement[bool]) -> None:
    waiting = session.scalars(
        select(QuarantinedItem)
        .where(*wanted, QuarantinedItem.refiled_at.is_(None))
        .order_by(QuarantinedItem.kind, QuarantinedItem.received_at, QuarantinedItem.quarantine_id)
        .with_for_update()
    ).all()
    limits = PatrolSettings()  # of no weight for visits: their times were right when they came
    for item in waiting:
        author = _author(session, item.person_id)
        _file_again(session, author, item, limits, received_at=item.received_at)
        item.refiled_at = now()


def _file_again(
    session: Session,
    actor: Actor,
    item: QuarantinedItem,
    limits: PatrolSettings,
    *,
    received_at: datetime | None = None,
) -> Filed | DomainError:
    """What a kept visit or correction asked for is tried once more."""
    if item.kind == VISIT:
        return record_visit(session, actor, item.item_id, item.body, limits, received_at=received_at)
    assert item.subject_id is not None
    return correct_visit(session, actor, item.subject_id, item.body, limits, received_at=received_at)


REFILERS[VISIT] = REFILERS[CORRECTION] = _file_again
ARRIVED.append(file_waiting_visits)


def _author(session: Session, person_id: uuid.UUID) -> Actor:
    """Who sent it, to be named in the trail; what they may do is asked by the day and not of this."""
    name = session.scalars(select(Person.name).where(Person.person_id == person_id)).one()
    return Actor(person_id, name, name, NOBODY, (), person_label(person_id))
