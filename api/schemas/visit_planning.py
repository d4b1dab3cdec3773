"""Forms, due lists and rounds of visits on the wire."""

from datetime import date
from typing import Any

from pydantic import BaseModel, Field

from api.schemas.patrols import ReasonOut
from api.schemas.visits import DoorOut, FormRefOut, Outcome, reason_of
from core.storable import Body
from patrol.visits.advice import State
from patrol.visits.asked import Asked, AskedOfHouseholds
from patrol.visits.due import DueLine, DueList
from patrol.visits.form_desk import FormDraft
from patrol.visits.models import VisitForm
from patrol.visits.routing import RoutedStop
from patrol.visits.wire import Theme

# ---------------------------------------------------------------------------------------------------- forms


class FormIn(Body):
    """A version of a form; `definition` is a JSON Schema (2020-12) whose fields carry zh and en."""

    theme: Theme
    zh: str = Field(min_length=1, max_length=100)
    en: str = Field(min_length=1, max_length=100)
    clause: str = Field(max_length=200)
    definition: dict[str, Any]
    valid_from: date

    def draft(self) -> FormDraft:
        return FormDraft(self.theme, self.zh, self.en, self.clause, self.definition, self.valid_from)


class FormOut(FormRefOut):
    """A form as any client can render it."""

    theme: Theme
    clause: str
    definition: dict[str, Any]
    valid_from: date
    valid_to: date | None

    @classmethod
    def of_form(cls, form: VisitForm) -> "FormOut":
        return cls.model_validate({name: getattr(form, name) for name in cls.model_fields})


class FormsOut(BaseModel):
    """The forms that are offered on the day, each in its newest version."""

    on: date
    items: list[FormOut]


# ------------------------------------------------------------------------------------------------- due list


class AskedOut(BaseModel):
    """What a duty asks: so many visits in a period."""

    count: int
    first: date
    last: date
    outcomes: list[str]

    @classmethod
    def of(cls, asked: Asked | None) -> "AskedOut | None":
        if asked is None:
            return None
        period = asked.period
        return cls(count=asked.count, first=period.first, last=period.last, outcomes=list(asked.outcomes))


class AskedOfHouseholdsOut(BaseModel):
    """What is asked of special households and of all."""

    special: AskedOut | None
    full: AskedOut | None

    @classmethod
    def of(cls, asked: AskedOfHouseholds) -> "AskedOfHouseholdsOut":
        return cls(special=AskedOut.of(asked.special), full=AskedOut.of(asked.full))


class DueOut(BaseModel):
    """A household on the list. `attempt_days` are days in vain since the last visit that counts."""

    household: DoorOut
    state: State
    special: bool
    reason: ReasonOut
    come: ReasonOut | None
    due_by: date | None
    last_counted_on: date | None
    last_outcome: Outcome | None
    done_special: int
    done_full: int
    attempt_days: int
    attempts_today: int
    attempts_this_week: int
    follow_up_on: date | None
    distance_m: float | None

    @classmethod
    def of(cls, line: DueLine, distance_m: float | None) -> "DueOut":
        figures, advice = line.figures, line.advice
        return cls.model_validate(
            {
                "household": DoorOut.of(line.household_id, line.plate),
                "state": figures.state,
                "special": figures.is_special,
                "reason": reason_of(advice.reason),
                "come": reason_of(advice.come),
                "due_by": advice.due_by,
                "last_counted_on": figures.last_on,
                "last_outcome": advice.last_outcome,
                "done_special": figures.done_special,
                "done_full": figures.done_full,
                "attempt_days": figures.attempt_days,
                "attempts_today": advice.attempts_today,
                "attempts_this_week": advice.attempts_this_week,
                "follow_up_on": figures.follow_up_on,
                "distance_m": distance_m,
            }
        )


class DuePage(BaseModel):
    """The most pressing first; `counts` are of the whole list. Earlier visits are not looked at."""

    on: date
    asked: AskedOfHouseholdsOut
    looked_back_to: date
    counts: dict[State, int]
    items: list[DueOut]
    next: str | None

    @classmethod
    def of(cls, found: DueList, on: date, items: list[DueOut], more: str | None) -> "DuePage":
        return cls(
            on=on,
            asked=AskedOfHouseholdsOut.of(found.asked),
            looked_back_to=found.looked_back_to,
            counts=dict(found.counts),
            items=items,
            next=more,
        )


class RouteStopOut(BaseModel):
    """One entrance of a round, its households from the lowest floor up."""

    position: tuple[float, float]
    leg_m: float
    households: list[DueOut]

    @classmethod
    def of(cls, routed: RoutedStop) -> "RouteStopOut":
        stop = routed.stop
        households = [DueOut.of(line, None) for line in routed.lines]
        return cls(position=(stop.lon, stop.lat), leg_m=stop.leg_m, households=households)


class RouteOut(BaseModel):
    """A round from the start, in the order of its stops; metres are straight over the ground."""

    on: date
    start: tuple[float, float]
    datum: str
    method: str
    length_m: float
    households: int
    stops: list[RouteStopOut]

    @classmethod
    def of(cls, on: date, start: tuple[float, float], stops: list[RoutedStop]) -> "RouteOut":
        return cls(
            on=on,
            start=start,
            datum="EPSG:4490",
            method="nearest-neighbour + 2-opt",
            length_m=sum(one.stop.leg_m for one in stops),
            households=sum(len(one.lines) for one in stops),
            stops=[RouteStopOut.of(one) for one in stops],
        )
