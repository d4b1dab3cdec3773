"""Duties, what is due and reminders on the wire."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel

from api.schemas.patrols import PersonOut
from core.periods import Period
from patrol.duties.due import Door, DueItem
from patrol.duties.explaining import Sentence, Share
from patrol.duties.households import Arrival
from patrol.duties.measuring import Credit, DutyItem
from patrol.duties.models import Reminder
from patrol.duties.rules import DutyRow, Status
from patrol.weeks.standing import StandingGrid


class SentenceOut(BaseModel):
    """A sentence in both languages."""

    zh: str
    en: str

    @classmethod
    def of(cls, sentence: Sentence) -> "SentenceOut":
        return cls(zh=sentence.zh, en=sentence.en)


class DutyOut(BaseModel):
    """What is asked for, and where it stands in DB32/T 2763-2015."""

    code: str
    zh: str
    en: str
    subject: Literal["pair", "household", "grid", "community"]
    clause: str

    @classmethod
    def of(cls, duty: DutyRow) -> "DutyOut":
        return cls.model_validate(
            {
                "code": duty.code,
                "zh": duty.zh,
                "en": duty.en,
                "subject": duty.subject.value,
                "clause": duty.clause,
            }
        )


class PeriodOut(BaseModel):
    """A span of days, both included."""

    iso: str
    kind: Literal["week", "month", "quarter", "half", "year"]
    starts_on: date
    ends_on: date

    @classmethod
    def of(cls, period: Period) -> "PeriodOut":
        return cls.model_validate(
            {
                "iso": str(period),
                "kind": period.kind.value,
                "starts_on": period.first,
                "ends_on": period.last,
            }
        )


class GridRefOut(BaseModel):
    """A grid as it is called on the day."""

    code: str
    name: str
    level: int

    @classmethod
    def of(cls, grid: StandingGrid) -> "GridRefOut":
        return cls(code=grid.code, name=grid.name, level=grid.level)


class ShareOut(BaseModel):
    """Some subjects: how many, how many are done, and what they are asked for and credited with."""

    subjects: int
    met: int
    required: int
    credited: int

    @classmethod
    def of(cls, share: Share) -> "ShareOut":
        return cls(subjects=share.subjects, met=share.met, required=share.required, credited=share.credited)


class ExcusedOut(BaseModel):
    """What would be asked for less long legal holidays and days without the grid: for comparison only."""

    required: int
    status: Status
    holiday_days: int
    not_assigned_days: int
    explained: SentenceOut


class ForecastOut(BaseModel):
    """What is left, and what each working day that remains would have to bring."""

    left: int
    still_possible: bool
    per_day_needed: float | None
    per_day_possible: float | None


class CreditOut(BaseModel):
    """Who did it, by what they were to the grid on the day."""

    person: PersonOut
    own: int
    as_substitute: int
    otherwise: int

    @classmethod
    def of(cls, credit: Credit) -> "CreditOut":
        return cls(
            person=PersonOut(id=credit.person_id, name=credit.name),
            own=credit.own,
            as_substitute=credit.as_substitute,
            otherwise=credit.otherwise,
        )


class DutyItemOut(BaseModel):
    """One subject of one duty: raw figures, and beside them what would be excused.

    `required`, `credited` and `done` are those of the subjects that were there on the first day together with
    those that arrived; `arrived` shows the latter apart. `done` also counts more than was asked for.
    """

    duty: DutyOut
    period: PeriodOut
    grid: GridRefOut
    person: PersonOut | None
    substitutes: list[PersonOut]
    required: int
    done: int
    credited: int
    status: Status
    total: int
    left_out: int
    standing: ShareOut
    arrived: ShareOut
    forecast: ForecastOut
    exempted: ExcusedOut
    credits: list[CreditOut]
    explained: SentenceOut

    @classmethod
    def of(cls, item: DutyItem) -> "DutyItemOut":
        words = item.forecast
        return cls(
            duty=DutyOut.of(item.duty),
            period=PeriodOut.of(item.period),
            grid=GridRefOut.of(item.grid),
            person=person_out(item.person_id, item.person_name),
            substitutes=[
                PersonOut(id=one.substitute_id, name=one.substitute_name) for one in item.substitutes
            ],
            required=item.standing.required + item.arrived.required,
            done=item.done,
            credited=item.standing.credited + item.arrived.credited,
            status=words.status,
            total=item.total,
            left_out=item.left_out,
            standing=ShareOut.of(item.standing),
            arrived=ShareOut.of(item.arrived),
            forecast=ForecastOut(
                left=words.left,
                still_possible=words.still_possible,
                per_day_needed=words.per_day_needed,
                per_day_possible=words.per_day_possible,
            ),
            exempted=ExcusedOut(
                required=item.excused.required,
                status=item.excused_status,
                holiday_days=item.excused.holidays,
                not_assigned_days=item.excused.not_assigned,
                explained=SentenceOut.of(item.excused_explained),
            ),
            credits=[CreditOut.of(credit) for credit in item.credits],
            explained=SentenceOut.of(item.explained),
        )


class DutyTotalOut(BaseModel):
    """All items of one duty and period, not only those of the page; `by_status` counts items.

    `required` and `credited` are of those due on the first day and of those that came since; the latter are
    told apart in `arrived_*`, so that the main figure is the difference.
    """

    duty: DutyOut
    period: PeriodOut
    items: int
    by_status: dict[Status, int]
    required: int
    credited: int
    arrived_required: int
    arrived_credited: int
    exempted_required: int

    @classmethod
    def of(cls, items: Sequence[DutyItem]) -> "DutyTotalOut":
        statuses = [item.forecast.status for item in items]
        return cls(
            duty=DutyOut.of(items[0].duty),
            period=PeriodOut.of(items[0].period),
            items=len(items),
            by_status={status: statuses.count(status) for status in Status if status in statuses},
            required=sum(item.standing.required + item.arrived.required for item in items),
            credited=sum(item.standing.credited + item.arrived.credited for item in items),
            arrived_required=sum(item.arrived.required for item in items),
            arrived_credited=sum(item.arrived.credited for item in items),
            exempted_required=sum(item.excused.required for item in items),
        )


class DutyPage(BaseModel):
    """By duty, grid code and person: there is no ranking."""

    as_of: datetime
    totals: list[DutyTotalOut]
    items: list[DutyItemOut]
    next: str | None


class DoorOut(BaseModel):
    """Where a household is found; names are not shown here."""

    id: uuid.UUID
    compound: str | None
    building: str | None
    address: str | None
    entrance: str | None
    floor: str | None
    room: str | None

    @classmethod
    def of(cls, door: Door | None) -> "DoorOut | None":
        if door is None:
            return None
        return cls(
            id=door.household_id,
            compound=door.compound,
            building=door.building,
            address=door.address,
            entrance=door.entrance,
            floor=door.floor,
            room=door.room,
        )


class DueItemOut(BaseModel):
    """Something still to be done: `next_by` for the next time, `ends_on` of the period for all of it."""

    duty: DutyOut
    period: PeriodOut
    grid: GridRefOut
    person: PersonOut | None
    household: DoorOut | None
    arrival: Arrival | None
    required: int
    done: int
    last_on: date | None
    next_by: date
    status: Status

    @classmethod
    def of(cls, item: DueItem) -> "DueItemOut":
        return cls(
            duty=DutyOut.of(item.duty),
            period=PeriodOut.of(item.period),
            grid=GridRefOut.of(item.grid),
            person=person_out(item.person_id, item.person_name),
            household=DoorOut.of(item.door),
            arrival=item.arrival,
            required=item.required,
            done=item.done,
            last_on=item.last_on,
            next_by=item.next_by,
            status=item.status,
        )


class DuePage(BaseModel):
    """What is due first, first."""

    as_of: datetime
    items: list[DueItemOut]
    next: str | None


class ReminderOut(BaseModel):
    """A message to you; `grids` are the figures it speaks of."""

    id: uuid.UUID
    duty: str
    period: str
    step: str
    subject: Literal["own", "summary"]
    grids: list[dict[str, Any]]
    text: SentenceOut
    made_at: datetime
    seen_at: datetime | None

    @classmethod
    def of(cls, reminder: Reminder) -> "ReminderOut":
        return cls.model_validate(
            {
                "id": reminder.reminder_id,
                "duty": reminder.duty,
                "period": reminder.period,
                "step": reminder.step,
                "subject": reminder.subject,
                "grids": reminder.grids,
                "text": {"zh": reminder.zh, "en": reminder.en},
                "made_at": reminder.made_at,
                "seen_at": reminder.seen_at,
            }
        )


class ReminderPage(BaseModel):
    """The latest first."""

    items: list[ReminderOut]
    next: str | None


def person_out(person_id: uuid.UUID | None, name: str | None) -> PersonOut | None:
    return None if person_id is None or name is None else PersonOut(id=person_id, name=name)
