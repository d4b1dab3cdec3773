"""Which visits count, by hand and by chance: any order and repetition gives the same answer."""

import uuid
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrol.visits.counting import (
    Outcome,
    VisitFact,
    VisitRules,
    attempt_days,
    count_visits,
    counted_days,
)
from patrol.visits.reasons import CODES, VisitReason
from tests.make_visits import local

MONDAY = date(2026, 11, 16)
HOMES = [uuid.UUID(int=number) for number in range(1, 4)]
WORKER = uuid.UUID(int=99)


def fact(name: int, *, day: int = 0, hour: int = 10, home: int = 0, outcome: str = "met") -> VisitFact:
    at = local(MONDAY + timedelta(days=day), hour)
    return VisitFact(uuid.UUID(int=1000 + name), HOMES[home], WORKER, at, Outcome(outcome))


def codes(visits: list[VisitFact], rules: VisitRules | None = None) -> list[str | None]:
    rules = rules or VisitRules()
    return [one.reason.code if one.reason else None for one in count_visits(visits, rules)]


def test_one_visit_a_day_counts_and_the_first_of_the_day_does() -> None:
    assert codes([fact(1, hour=19), fact(2, hour=9), fact(3, day=1, hour=9)]) == [
        None,
        "visit-same-day",
        None,
    ]


def test_an_evening_counts_for_its_own_day_until_midnight_in_china() -> None:
    days = counted_days([fact(1, hour=23), fact(2, day=1, hour=0)], VisitRules())
    assert days == {HOMES[0]: [MONDAY, MONDAY + timedelta(days=1)]}


@pytest.mark.parametrize("outcome", [one for one in Outcome if one is not Outcome.MET])
def test_each_outcome_that_does_not_count_says_why(outcome: Outcome) -> None:
    assert codes([fact(1, outcome=outcome.value)]) == [f"visit-{outcome.value.replace('_', '-')}"]


def test_a_duty_may_accept_phone_calls() -> None:
    rules = VisitRules.of({"outcomes": ["met", "by_phone"]})
    assert codes([fact(1, outcome="by_phone"), fact(2, hour=11)], rules) == [None, "visit-same-day"]


@pytest.mark.parametrize("outcomes", [[], "met", ["not_home"], ["unknown"], 3])
def test_rules_that_cannot_be(outcomes: object) -> None:
    with pytest.raises(ValueError, match=r"count|outcomes|Outcome"):
        VisitRules.of({"outcomes": outcomes})


def test_coming_in_vain_twice_on_one_day_is_one_attempt() -> None:
    visits = [
        fact(1, outcome="not_home"),
        fact(2, hour=19, outcome="refused"),
        fact(3, day=2, outcome="not_home"),
    ]
    assert attempt_days(visits) == [MONDAY, MONDAY + timedelta(days=2)]


def test_every_reason_has_both_sentences() -> None:
    names = ("done", "required", "due_by", "follow_up_on", "looked_back_to", "last_on", "attempts", "hour")
    figures = dict.fromkeys(names, "1")
    for code in CODES:
        reason = VisitReason(code, figures)
        assert reason.zh
        assert reason.en
        assert "{" not in reason.zh + reason.en


FACTS = st.builds(
    fact,
    st.integers(0, 400),
    day=st.integers(0, 6),
    hour=st.integers(0, 23),
    home=st.integers(0, 2),
    outcome=st.sampled_from([one.value for one in Outcome]),
)


@settings(max_examples=150)
@given(st.lists(FACTS, max_size=25, unique_by=lambda one: one.visit_id), st.data())
def test_any_order_and_repetition_of_a_week_counts_the_same(
    week: list[VisitFact], data: st.DataObject
) -> None:
    rules = VisitRules(frozenset({Outcome.MET, Outcome.BY_PHONE}))
    expected = count_visits(week, rules)
    delivered = data.draw(st.permutations(week + data.draw(st.lists(st.sampled_from(week))) if week else []))
    assert count_visits(delivered, rules) == expected
    counted = [(one.fact.household_id, one.fact.day) for one in expected if one.counted]
    assert len(counted) == len(set(counted))
    acceptable = {(one.household_id, one.day) for one in week if one.outcome in rules.outcomes}
    assert set(counted) == acceptable
