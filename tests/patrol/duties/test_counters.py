"""What the counters find is what the pure rules say."""

import random
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from access.roles import Role
from core.clock import LOCAL_ZONE
from core.periods import Period
from patrol.duties import counters
from patrol.duties.counters import count_visit_days
from patrol.duties.facts import Asked, Done
from patrol.duties.queries import stored_duties
from patrol.visits.counting import Outcome, VisitFact, VisitRules, count_visits
from patrol.weeks.standing import StandingGrid
from tests import make
from tests.patrol.duties.doors import household, visited

QUARTER = Period.parse("2026-Q4")
NIGHT = datetime(2026, 10, 1, tzinfo=LOCAL_ZONE)  # the first moment of the quarter


@pytest.mark.parametrize("most_named", [2000, 0], ids=["few", "many"])
@pytest.mark.parametrize("seed", range(4))
def test_visits_count_like_the_pure_rule(
    session: Session, monkeypatch: pytest.MonkeyPatch, seed: int, most_named: int
) -> None:
    monkeypatch.setattr(counters, "_FEW", most_named)
    chance = random.Random(seed)
    tree = make.street_tree(session)
    people = [make.actor(session, role=Role.MEMBER, grid=tree.a11, username=name) for name in ("one", "two")]
    homes = [household(session, name) for name in ("101", "102", "103")]
    facts: list[VisitFact] = []
    for _ in range(60):
        # Around midnight and around both ends of the quarter.
        at = NIGHT + timedelta(days=chance.choice([0, 1, 2, 91, 92]), minutes=chance.randrange(-90, 90))
        actor, home = chance.choice(people), chance.choice(homes)
        outcome = chance.choice([Outcome.MET, Outcome.MET, Outcome.BY_PHONE, Outcome.NOT_HOME])
        visit_id = make.fixed_uuid(f"visit {home} {at} {actor.username}")
        if visit_id in {fact.visit_id for fact in facts}:
            continue
        visited(session, actor, home, at, outcome.value)
        facts.append(VisitFact(visit_id, home, actor.person_id, at.astimezone(UTC), outcome))

    asked_for = homes[:2]
    duty = next(row for row in stored_duties(session) if row.code == "special-visits")
    grid = StandingGrid(tree.a11.grid_id, tree.a11.code, "", 3, tree.a11.path, "")
    asked = Asked(duty, QUARTER, {grid.grid_id: grid}, date(2026, 12, 1), NIGHT, frozenset(asked_for))
    rules = VisitRules.of({"outcomes": list(duty.options.outcomes)})
    counted = [one.fact for one in count_visits(facts, rules) if one.counted]
    expected = {
        Done(fact.household_id, fact.person_id, fact.day)
        for fact in counted
        if fact.household_id in asked_for and QUARTER.first <= fact.day <= QUARTER.last
    }
    assert set(count_visit_days(session, asked).done) == expected
    assert expected
