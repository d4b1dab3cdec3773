"""What a due list tells the worker of a household: why it is due, what was tried, when best to come. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from core.clock import LOCAL_ZONE, Week
from patrol.visits.asked import AskedOfHouseholds
from patrol.visits.counting import ATTEMPTS, Outcome, VisitFact
from patrol.visits.reasons import VisitReason

EVENING_BEGINS = 18  # o'clock, Asia/Shanghai
_MORNING_BEGINS = 6
_SATURDAY = 5
ENOUGH_ATTEMPTS = 2  # days in vain after which a household stands apart: tried, and still not done


class State(StrEnum):
    """Where a household stands on the list, in the order of the list; its number is the rank in SQL."""

    SPECIAL_DUE = "special_due"
    FOLLOW_UP = "follow_up"
    SPECIAL_ATTEMPTED = "special_attempted"
    DUE = "due"
    ATTEMPTED = "attempted"
    DONE = "done"


RANKS = tuple(State)


@dataclass(frozen=True, slots=True)
class Figures:
    """What the list has found out about a household."""

    state: State
    is_special: bool
    last_on: date | None
    done_special: int
    done_full: int
    attempt_days: int
    follow_up_on: date | None


@dataclass(frozen=True, slots=True)
class Advice:
    """The sentences beside a household, and its attempts."""

    reason: VisitReason
    come: VisitReason | None
    due_by: date | None
    last_outcome: Outcome | None
    attempts_today: int
    attempts_this_week: int


def advise(
    figures: Figures, asked: AskedOfHouseholds, recent: Sequence[VisitFact], day: date, looked_back_to: date
) -> Advice:
    """The advice for one household on a day, from its visits up to then, in any order."""
    visits = sorted((one for one in recent if one.day <= day), key=lambda one: (one.at, one.visit_id))
    standing = [one for one in visits if one.outcome is not Outcome.WITHDRAWN]
    tried = [one for one in standing if one.outcome in ATTEMPTS]
    week = Week.of_day(day)
    return Advice(
        reason=_reason(figures, asked, looked_back_to),
        come=when_to_come(standing),
        due_by=_due_by(figures, asked),
        last_outcome=standing[-1].outcome if standing else None,
        attempts_today=sum(one.day == day for one in tried),
        attempts_this_week=sum(Week.of_day(one.day) == week for one in tried),
    )


def when_to_come(visits: Sequence[VisitFact]) -> VisitReason | None:
    """The time of day that has not failed yet, or that worked before; visits are in order of time."""
    last_met = next((one for one in reversed(visits) if one.outcome is Outcome.MET), None)
    since = [one for one in visits if last_met is None or one.at > last_met.at]
    failed = {_time_of(one.at) for one in since if one.outcome is Outcome.NOT_HOME}
    if since and since[-1].outcome is Outcome.REFUSED:
        return VisitReason("call-first")
    if not failed:
        return _as_last_time(last_met)
    for time, code in _UNTRIED:
        if time not in failed:
            return VisitReason(code)
    return VisitReason("call-first")


_DAY, _EVENING, _WEEKEND = "day", "evening", "weekend"
_UNTRIED = (
    (_EVENING, "come-in-the-evening"),
    (_WEEKEND, "come-at-the-weekend"),
    (_DAY, "come-by-day"),
)


def _time_of(at: datetime) -> str:
    local = at.astimezone(LOCAL_ZONE)
    if local.weekday() >= _SATURDAY:
        return _WEEKEND
    return _DAY if _MORNING_BEGINS <= local.hour < EVENING_BEGINS else _EVENING


def _as_last_time(met: VisitFact | None) -> VisitReason | None:
    if met is None:
        return None
    return VisitReason("come-as-last-time", {"hour": str(met.at.astimezone(LOCAL_ZONE).hour)})


def _due_by(figures: Figures, asked: AskedOfHouseholds) -> date | None:
    if figures.state is State.DONE:
        return None
    if figures.state is State.FOLLOW_UP:
        return figures.follow_up_on
    wanted = asked.special if _is_about_special(figures.state) else asked.full
    return wanted.period.last if wanted else None


def _is_about_special(state: State) -> bool:
    return state in (State.SPECIAL_DUE, State.SPECIAL_ATTEMPTED)


def _reason(figures: Figures, asked: AskedOfHouseholds, looked_back_to: date) -> VisitReason:
    state = figures.state
    if state is State.DONE:
        return VisitReason("done")
    if state is State.FOLLOW_UP:
        return VisitReason("due-follow-up", {"follow_up_on": str(figures.follow_up_on)})
    if state in (State.ATTEMPTED, State.SPECIAL_ATTEMPTED):
        return VisitReason("attempted", {"attempts": str(figures.attempt_days)})
    if state is State.SPECIAL_DUE and asked.special is not None:
        special = {"done": str(figures.done_special), "required": str(asked.special.count)}
        return VisitReason("due-special", special | {"due_by": str(asked.special.period.last)})
    required = str(asked.full.count if asked.full else 0)
    if figures.last_on is None:
        return VisitReason("due-never", {"looked_back_to": str(looked_back_to), "required": required})
    done = str(figures.done_full)
    return VisitReason("due-again", {"done": done, "required": required, "last_on": str(figures.last_on)})
