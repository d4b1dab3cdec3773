"""Which visits count: one per household and local day, at any hour, by what the duty accepts. Pure.

Clause 11.1.3 of DB32/T 2763-2015 (each household at least twice a year) and annex A 16 (special households
each quarter). Visits in the evening count like all others. The answer depends on the facts alone, not on the
order in which they arrived or on how often.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from core.clock import local_date
from patrol.visits.reasons import VisitReason


class Outcome(StrEnum):
    """What came of a visit; stored by value in `visits.outcome`."""

    MET = "met"
    NOT_HOME = "not_home"
    REFUSED = "refused"
    MOVED_AWAY = "moved_away"
    BY_PHONE = "by_phone"
    WITHDRAWN = "withdrawn"  # by a correction only


# Somebody went there and could not do more: shown as effort, never as done.
ATTEMPTS = frozenset({Outcome.NOT_HOME, Outcome.REFUSED})


@dataclass(frozen=True, slots=True)
class VisitRules:
    """Which outcomes a duty accepts as a visit; the rest of the rule is the same for all duties."""

    outcomes: frozenset[Outcome] = frozenset({Outcome.MET})

    @classmethod
    def of(cls, settings: Mapping[str, object]) -> "VisitRules":
        """The rules of a duty row's settings: `{"outcomes": ["met", "by_phone"]}`; nothing there is `met`.

        Raises: ValueError for outcomes that are none, or that can never count.
        """
        named = settings.get("outcomes", [Outcome.MET.value])
        if not isinstance(named, Collection) or isinstance(named, str) or not named:
            raise ValueError("outcomes is a list with at least one of met, by_phone")
        outcomes = frozenset(Outcome(one) for one in named)
        if outcomes - {Outcome.MET, Outcome.BY_PHONE}:
            raise ValueError("only met and by_phone can count as a visit")
        return cls(outcomes)


@dataclass(frozen=True, slots=True)
class VisitFact:
    """What counting needs to know of a visit."""

    visit_id: uuid.UUID
    household_id: uuid.UUID
    person_id: uuid.UUID
    at: datetime
    outcome: Outcome

    @property
    def day(self) -> date:
        return local_date(self.at)


@dataclass(frozen=True, slots=True)
class CountedVisit:
    """Whether a visit counts, and if not, why."""

    fact: VisitFact
    reason: VisitReason | None

    @property
    def counted(self) -> bool:
        return self.reason is None


def count_visits(visits: Iterable[VisitFact], rules: VisitRules) -> list[CountedVisit]:
    """Each visit once, in order of time, with whether it counts: the first acceptable one of a day.

    A visit of the day that is corrected later gives its place to the next one.
    """
    distinct = {visit.visit_id: visit for visit in visits}
    taken: set[tuple[uuid.UUID, date]] = set()
    answers: list[CountedVisit] = []
    for visit in sorted(distinct.values(), key=lambda one: (one.at, one.visit_id)):
        reason = _not_counted(visit, taken, rules)
        if reason is None:
            taken.add((visit.household_id, visit.day))
        answers.append(CountedVisit(visit, reason))
    return answers


def counted_days(visits: Iterable[VisitFact], rules: VisitRules) -> dict[uuid.UUID, list[date]]:
    """The days that count for each household, in order; households without one are not named."""
    days: dict[uuid.UUID, list[date]] = {}
    for one in count_visits(visits, rules):
        if one.counted:
            days.setdefault(one.fact.household_id, []).append(one.fact.day)
    return days


def attempt_days(visits: Iterable[VisitFact]) -> list[date]:
    """The days on which somebody came in vain: knocking twice on one day is one attempt."""
    return sorted({visit.day for visit in visits if visit.outcome in ATTEMPTS})


def _not_counted(
    visit: VisitFact, taken: Collection[tuple[uuid.UUID, date]], rules: VisitRules
) -> VisitReason | None:
    if visit.outcome not in rules.outcomes:
        return VisitReason(f"visit-{visit.outcome.replace('_', '-')}")
    if (visit.household_id, visit.day) in taken:
        return VisitReason("visit-same-day")
    return None
