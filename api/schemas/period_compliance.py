"""Compliance over the weeks of a longer period on the wire."""

from typing import Literal

from pydantic import BaseModel

from api.schemas.compliance import GridOut
from api.schemas.duties import PeriodOut, SentenceOut, person_out
from api.schemas.patrols import PersonOut
from core.clock import Week, now
from patrol.closing import WeekState, week_state
from patrol.duties.compliance import By, Line, PeriodStanding, Sums
from patrol.duties.compliance_table import explain


class SumsOut(BaseModel):
    """Weeks of pairs (person × own grid) added up; `exempted_*` less long legal holidays, for comparison."""

    pairs_due: int
    pairs_met: int
    patrols_counted: int
    patrols_needed: int
    exempted_pairs_met: int
    exempted_patrols_needed: int

    @classmethod
    def of(cls, sums: Sums) -> "SumsOut":
        return cls(
            pairs_due=sums.pairs_due,
            pairs_met=sums.pairs_met,
            patrols_counted=sums.patrols_counted,
            patrols_needed=sums.patrols_needed,
            exempted_pairs_met=sums.exempted_met,
            exempted_patrols_needed=sums.exempted_needed,
        )


class WeekSumsOut(BaseModel):
    """One week of a line."""

    iso: str
    pairs_due: int
    pairs_met: int
    patrols_counted: int
    patrols_needed: int

    @classmethod
    def of(cls, week: Week, sums: Sums) -> "WeekSumsOut":
        return cls(
            iso=str(week),
            pairs_due=sums.pairs_due,
            pairs_met=sums.pairs_met,
            patrols_counted=sums.patrols_counted,
            patrols_needed=sums.patrols_needed,
        )


class LineOut(BaseModel):
    """A member in an own grid, a grid, a community or a street; weeks without anybody due are left out."""

    code: str
    name: str
    level: int | None
    person: PersonOut | None
    status: Literal["met", "partial", "none", "unassigned"]
    totals: SumsOut
    weeks: list[WeekSumsOut]

    @classmethod
    def of(cls, line: Line) -> "LineOut":
        return cls.model_validate(
            {
                "code": line.code,
                "name": line.name,
                "level": line.level,
                "person": person_out(line.person_id, line.person_name),
                "status": line.total.status.value,
                "totals": SumsOut.of(line.total),
                "weeks": [WeekSumsOut.of(week, sums) for week, sums in line.weeks.items()],
            }
        )


class WeekStateOut(BaseModel):
    """A week of the period and whether it may still change."""

    iso: str
    state: WeekState

    @classmethod
    def of(cls, week: Week) -> "WeekStateOut":
        return cls(iso=str(week), state=week_state(week, now()))


class PeriodComplianceOut(BaseModel):
    """Clause 11.2.1 over the weeks whose Thursday lies in the period; in order of code, never a ranking."""

    period: PeriodOut
    weeks: list[WeekStateOut]
    weeks_to_come: int
    grid: GridOut | None
    by: By
    totals: SumsOut
    explained: SentenceOut
    items: list[LineOut]
    next: str | None

    @classmethod
    def of(cls, standing: PeriodStanding, page: list[Line], more: str | None) -> "PeriodComplianceOut":
        return cls(
            period=PeriodOut.of(standing.period),
            weeks=[WeekStateOut.of(week) for week in standing.weeks],
            weeks_to_come=standing.to_come,
            grid=GridOut.of(standing.grid),
            by=standing.by,
            totals=SumsOut.of(standing.total),
            explained=SentenceOut.of(explain(standing)),
            items=[LineOut.of(line) for line in page],
            next=more,
        )
