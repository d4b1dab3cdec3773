"""The weekly count on the wire."""

import uuid
from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel

from api.schemas.patrols import PersonOut, ReasonOut
from core.clock import Week
from patrol.closing import WeekState
from patrol.judging.verdicts import COUNTING, Status
from patrol.weeks.standing import CountedPatrol, Pair, StandingGrid, Totals


class WeekOut(BaseModel):
    """An ISO week in Asia/Shanghai; in `grace` late uploads still count, then it is `closed`."""

    iso: str
    starts_on: date
    ends_on: date
    state: WeekState

    @classmethod
    def of(cls, week: Week, state: WeekState) -> "WeekOut":
        return cls(iso=str(week), starts_on=week.monday, ends_on=week.sunday, state=state)


class GridOut(BaseModel):
    """The grid asked for."""

    code: str
    name: str
    level: int

    @classmethod
    def of(cls, grid: StandingGrid | None) -> "GridOut | None":
        return cls(code=grid.code, name=grid.name, level=grid.level) if grid else None


class TotalsOut(BaseModel):
    """Sums over all pairs asked for, not only those of the page."""

    pairs_due: int
    pairs_met: int
    patrols_counted: int
    patrols_needed: int

    @classmethod
    def of(cls, totals: Totals) -> "TotalsOut":
        return cls(
            pairs_due=totals.pairs_due,
            pairs_met=totals.pairs_met,
            patrols_counted=totals.patrols_counted,
            patrols_needed=totals.patrols_needed,
        )


class CountedPatrolOut(BaseModel):
    """A judged patrol of the week, who walked it, perhaps as substitute, and why it does not count."""

    id: uuid.UUID
    walked_by: PersonOut
    started_at: datetime
    status: Status
    counted: bool
    reason: ReasonOut | None

    @classmethod
    def of(cls, patrol: CountedPatrol) -> "CountedPatrolOut":
        return cls(
            id=patrol.patrol_id,
            walked_by=PersonOut(id=patrol.walker_id, name=patrol.walker_name),
            started_at=patrol.started_at,
            status=patrol.status,
            counted=patrol.counted,
            reason=ReasonOut.of(patrol.reason),
        )


class PairOut(BaseModel):
    """One person and one own grid: `valid` passed by themselves, `counted` also keep gap and days.

    `frozen_counted` is what was written down after the week closed, null before; `corrected` says that
    decisions made since changed what is counted.
    """

    grid_code: str
    grid_name: str
    level: int
    person: PersonOut
    required: int
    counted: int
    frozen_counted: int | None
    corrected: bool
    valid: int
    invalid: int
    pending: int
    met: bool
    status: Literal["met", "partial", "none"]
    patrols: list[CountedPatrolOut]

    @classmethod
    def of(cls, pair: Pair) -> "PairOut":
        return cls.model_validate(
            {
                "grid_code": pair.grid.code,
                "grid_name": pair.grid.name,
                "level": pair.grid.level,
                "person": PersonOut(id=pair.person_id, name=pair.person_name),
                "required": pair.policy.required_per_week,
                "counted": pair.counted,
                "frozen_counted": pair.frozen_counted,
                "corrected": pair.corrected,
                "valid": pair.number_of(*COUNTING),
                "invalid": pair.number_of(Status.INVALID),
                "pending": pair.number_of(Status.PENDING_REVIEW),
                "met": pair.met,
                "status": pair.status.value,
                "patrols": [CountedPatrolOut.of(patrol) for patrol in pair.patrols],
            }
        )


class ComplianceOut(BaseModel):
    """Clause 11.2.1 in one week: who made the required patrols of the own grid."""

    week: WeekOut
    grid: GridOut | None
    totals: TotalsOut
    items: list[PairOut]
    next: str | None
