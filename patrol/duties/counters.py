"""The counters of this package: patrols, by the weekly count, and visits to households."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Integer, Select, cast, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from core.clock import Week, day_begins, local_date
from core.periods import PeriodKind
from patrol.duties.facts import Asked, Counted, Done, FactKind, Key, Measure, register
from patrol.judging.verdicts import Status
from patrol.policies import Policy
from patrol.visits.counting import VisitRules
from patrol.visits.models import Visit
from patrol.weeks.counting import JudgedPatrol, count_week
from patrol.weeks.standing import Pair, pairs_in_week
from registry.people.models import Household

_STEP = timedelta(hours=1)  # in which a possible start is looked for
_DAY_S = 86_400
_FEW = 2000  # households that are named one by one; more are found by their street


def count_patrols(session: Session, asked: Asked) -> Counted:
    """The patrols that the weekly count accepts (patrol/weeks/), and what the grid's policy asks for."""
    if asked.period.kind is not PeriodKind.WEEK:
        raise ValueError("patrols are counted by the week (clause 11.2.1)")
    pairs = pairs_in_week(session, asked.grids.values(), Week(asked.period.first))
    done, measures = [], {}
    for pair in pairs:
        key: Key = (pair.person_id, pair.grid.grid_id)
        measures[key] = _measure(pair, asked.moment)
        done += [
            Done(key, patrol.walker_id, local_date(patrol.started_at))
            for patrol in pair.patrols
            if patrol.counted
        ]
    return Counted(done, measures)


def _measure(pair: Pair, moment: datetime) -> Measure:
    judged = [JudgedPatrol(one.patrol_id, one.started_at, one.status, one.is_late) for one in pair.patrols]

    def reach(days: Sequence[date]) -> int:
        return reachable(judged, pair.policy, moment, days)

    return Measure(pair.policy.required_per_week, reach)


def reachable(patrols: Sequence[JudgedPatrol], policy: Policy, moment: datetime, days: Sequence[date]) -> int:
    """How many of the required patrols count if somebody sets out on these days as soon as it counts."""
    tried = list(patrols)
    counted = _number(tried, policy)
    for day in days:
        begins = day_begins(day)
        at = max(moment, begins)
        while at < begins + timedelta(days=1) and counted < policy.required_per_week:
            trial = [*tried, JudgedPatrol(uuid.UUID(int=len(tried)), at, Status.VALID)]
            number = _number(trial, policy)
            if number > counted:
                tried, counted = trial, number
            at += _STEP
    return min(counted, policy.required_per_week)


def _number(patrols: Sequence[JudgedPatrol], policy: Policy) -> int:
    return sum(one.counted for one in count_week(patrols, policy))


def count_visit_days(session: Session, asked: Asked) -> Counted:
    """The visits that count, whoever made them: the first acceptable one of each household and day.

    The same rule as patrol/visits/counting.py; a street's year is more than Python should look through.
    """
    if not asked.households:
        return Counted([])
    days = list(asked.period.days)
    return Counted(
        [
            Done(household_id, person_id, days[number])
            for household_id, person_id, number in session.execute(_first_of_each_day(asked))
            if household_id in asked.households
        ]
    )


def _first_of_each_day(asked: Asked) -> Select[*tuple[Any, ...]]:
    """Rows (household, person, number of the day in the period) of the households asked about, or of more.

    Days are counted off from a midnight: clocks have not been changed here since 1991.
    """
    period = asked.period
    rules = VisitRules.of({"outcomes": list(asked.duty.options.outcomes)})
    number = cast(func.floor(func.extract("epoch", Visit.at - period.starts_at) / _DAY_S), Integer)
    statement = (
        select(Visit.household_id, Visit.person_id, number.label("number"))
        .ext(distinct_on(Visit.household_id, number))
        .where(
            Visit.at >= period.starts_at,
            Visit.at < period.ends_at,
            Visit.outcome.in_(sorted(outcome.value for outcome in rules.outcomes)),
        )
        .order_by(Visit.household_id, number, Visit.at, Visit.visit_id)
    )
    if len(asked.households) <= _FEW:
        return statement.where(Visit.household_id.in_(asked.households))
    streets = {grid.path.partition("/")[0] for grid in asked.grids.values()}
    return statement.join(Household, Household.household_id == Visit.household_id).where(
        Household.street_code.in_(streets)
    )


def register_own() -> None:
    """The kinds of fact that this package records are known."""
    register(FactKind("patrols", "次巡查", "patrols", count_patrols))
    register(FactKind("visits", "次走访", "visits", count_visit_days))


register_own()
