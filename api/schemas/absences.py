"""Absences on the wire."""

import uuid
from datetime import date

from pydantic import BaseModel, Field

from access.absences import AbsenceReason, AbsenceView
from api.schemas.patrols import PersonOut
from core.storable import Body


class AbsenceIn(Body):
    """Who is away and who stands in; `valid_to` is the first day back, null while nobody knows it."""

    person_id: uuid.UUID
    substitute_id: uuid.UUID
    valid_from: date
    valid_to: date | None = None
    reason: AbsenceReason
    note: str = Field(default="", max_length=500)


class CancelIn(Body):
    """The first day on which the absence no longer holds; today, or its first day, if not given."""

    on: date | None = None


class AbsenceOut(BaseModel):
    """An absence; `reason` and `note` are null for everybody but the person and those who manage the team."""

    id: uuid.UUID
    person: PersonOut
    substitute: PersonOut
    valid_from: date
    valid_to: date | None
    cancelled_on: date | None
    reason: AbsenceReason | None
    note: str | None

    @classmethod
    def of(cls, absence: AbsenceView) -> "AbsenceOut":
        return cls(
            id=absence.absence_id,
            person=PersonOut(id=absence.person_id, name=absence.person_name),
            substitute=PersonOut(id=absence.substitute_id, name=absence.substitute_name),
            valid_from=absence.valid_from,
            valid_to=absence.valid_to,
            cancelled_on=absence.cancelled_on,
            reason=absence.reason,
            note=absence.note,
        )


class AbsencePage(BaseModel):
    """The latest first."""

    items: list[AbsenceOut]
    next: str | None
