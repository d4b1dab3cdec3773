"""What closed weeks hold: written down once, untouched by late facts, corrected by decisions alone."""

import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from access.models import Assignment
from access.roles import Role
from access.scope import Actor
from core.models import AuditEntry
from geo.models import Grid
from patrol.appeals.deciding import Ruling, review_patrol
from patrol.appeals.models import FrozenWeek, PatrolDecision, WeekResult
from patrol.closing import closes_at
from patrol.judging.verdicts import Decision
from patrol.models import GridWeek, Patrol, PatrolVerdict
from patrol.weeks.freezing import FREEZE, PATIENCE, freeze_recent, freeze_week
from patrol.weeks.roll_up import roll_up
from patrol.weeks.standing import Pair, counts_of
from tests import make
from tests.patrol.deliveries import jobs_of
from tests.patrol.weeks.test_roll_up import THIS_WEEK, World, a_week, judged, pair_of, world
from tests.patrol.weeks.test_substitutes import away

__all__ = ["world"]  # the fixture
CLOSED = closes_at(THIS_WEEK)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def thursday() -> Iterator[None]:
    """An hour after the closing."""
    with time_machine.travel(CLOSED + HOUR, tick=False):
        yield


def freeze(session: Session) -> None:
    freeze_week(session, make.STREET, str(THIS_WEEK))
    session.flush()


def figures(pair: Pair) -> tuple[int, int | None, bool]:
    return pair.counted, pair.frozen_counted, pair.corrected


def decide(
    session: Session, world: World, patrol_id: uuid.UUID, decision: Decision = Decision.ACCEPTED
) -> None:
    """As the head above would, whatever the patrol's status."""
    verdict = session.get_one(PatrolVerdict, patrol_id)
    verdict.decision = decision.value
    session.add(
        PatrolDecision(
            patrol_id=patrol_id,
            decision=decision.value,
            note="",
            decided_by=world.leader.person_id,
            decided_at=CLOSED + HOUR,
            computed_status=verdict.status,
            results=[],
        )
    )
    session.flush()


def test_a_closed_week_is_written_down_once(session: Session, world: World) -> None:
    a_week(session, world)
    for _ in range(2):
        freeze(session)

    rows = {row.person_id: row for row in session.scalars(select(WeekResult))}
    assert len(rows) == 4
    wang = rows[world.wang.person_id]
    assert (wang.required, wang.counted, wang.met, len(wang.patrols)) == (2, 3, True, 4)
    reasons = [one["reason"] and one["reason"]["code"] for one in wang.patrols]
    assert reasons == [None, "gap-too-short", None, None]
    (line,) = session.scalars(select(AuditEntry).where(AuditEntry.action == "week.frozen"))
    assert (line.chain, line.subject) == (make.STREET, f"week:{THIS_WEEK}")
    assert line.detail == {"pairs": 4, "met": 1, "patrols": 7, "counted": 4, "unjudged": 0}


def test_frozen_results_are_those_of_the_facts(session: Session, world: World) -> None:
    a_week(session, world)
    away(session, world.li, world.zhao)
    before = {actor.username: pair_of(session, actor) for actor in (world.wang, world.li, world.zhao)}
    freeze(session)
    for actor in (world.wang, world.li, world.zhao):
        after, then = pair_of(session, actor), before[actor.username]
        assert (after.patrols, after.counted, after.policy) == (then.patrols, then.counted, then.policy)
        assert figures(after) == (then.counted, then.counted, False)


def test_no_week_is_frozen_before_it_closes(session: Session, world: World) -> None:
    with time_machine.travel(CLOSED - HOUR, tick=False):
        freeze(session)
        freeze_recent(session)
    assert session.scalar(select(func.count()).select_from(FrozenWeek)) == 0
    assert str(THIS_WEEK) not in {args["week"] for args in jobs_of(session, FREEZE)}


def test_every_closed_week_of_late_is_asked_for_until_it_is_frozen(session: Session, world: World) -> None:
    freeze_recent(session)
    asked = [args["week"] for args in jobs_of(session, FREEZE) if args["street_code"] == make.STREET]
    assert asked == [str(THIS_WEEK.shifted(-back)) for back in range(7, -1, -1)]
    freeze(session)
    session.execute(update(FrozenWeek).values(week=THIS_WEEK.monday))
    asked_before = len(jobs_of(session, FREEZE))
    freeze_recent(session)
    assert len(jobs_of(session, FREEZE)) == asked_before  # the others wait already


def late_patrol(session: Session, world: World) -> None:
    judged(session, world.li, world.tree.a11, 40, delivered_at=CLOSED + HOUR)


def assignment_ended_backwards(session: Session, world: World) -> None:
    session.execute(
        update(Assignment).where(Assignment.person_id == world.li.person_id).values(valid_to=THIS_WEEK.monday)
    )


def somebody_entered_backwards(session: Session, world: World) -> None:
    other = make.person(session, name="后来者")
    make.assignment(session, person_id=other.person_id, role=Role.MEMBER, grid=world.tree.a11)


def absence_entered_backwards(session: Session, world: World) -> None:
    away(session, world.li, world.wang)


def policy_entered_backwards(session: Session, world: World) -> None:
    make.patrol_policy(session, path=world.tree.a11.path, kind="", required_per_week=1)


def verdict_made_anew(session: Session, world: World) -> None:
    session.execute(
        update(PatrolVerdict)
        .where(PatrolVerdict.person_id == world.li.person_id, PatrolVerdict.week == THIS_WEEK.monday)
        .values(status="valid")
    )


@pytest.mark.parametrize(
    "change",
    [
        late_patrol,
        assignment_ended_backwards,
        somebody_entered_backwards,
        absence_entered_backwards,
        policy_entered_backwards,
        verdict_made_anew,
    ],
)
def test_nothing_entered_later_rewrites_a_frozen_week(session: Session, world: World, change: object) -> None:
    a_week(session, world)
    roll_up(session, make.STREET, str(THIS_WEEK))
    freeze(session)
    rolled = rolled_up(session)
    assert callable(change)
    change(session, world)
    session.flush()
    session.expire_all()
    roll_up(session, make.STREET, str(THIS_WEEK))
    assert rolled_up(session) == rolled
    assert figures(pair_of(session, world.li)) == (1, 1, False)
    assert figures(pair_of(session, world.wang)) == (3, 3, False)


def rolled_up(session: Session) -> list[tuple[int, ...]]:
    columns = (GridWeek.grid_id, GridWeek.pairs_due, GridWeek.pairs_met, GridWeek.patrols_counted)
    return [tuple(row) for row in session.execute(select(*columns).order_by(GridWeek.grid_id))]


def test_what_came_late_is_shown_with_its_reason(session: Session, world: World) -> None:
    a_week(session, world)
    freeze(session)
    late = judged(session, world.li, world.tree.a11, 50, delivered_at=CLOSED + HOUR)
    shown = {one.patrol_id: one for one in pair_of(session, world.li).patrols}
    reason = shown[late].reason
    assert reason is not None
    assert reason.code == "too-late"
    answers = counts_of(session, [(world.li.person_id, world.tree.a11.grid_id, THIS_WEEK)])
    assert not answers[late].counted


def test_a_decision_corrects_a_frozen_week_and_both_figures_stay(session: Session, world: World) -> None:
    a_week(session, world)
    freeze(session)
    doubted = make.fixed_uuid(f"li {world.tree.a11.code} 30")

    review_patrol(session, world.leader, doubted, Ruling(Decision.ACCEPTED, "属实"))

    assert figures(pair_of(session, world.li)) == (2, 1, True)
    assert pair_of(session, world.li).met
    roll_up(session, make.STREET, str(THIS_WEEK))
    met = select(GridWeek.pairs_met).where(GridWeek.grid_id == world.tree.a11.grid_id)
    assert session.scalars(met).one() == 2


def test_a_patrol_accepted_though_late_counts_in_its_frozen_week(session: Session, world: World) -> None:
    a_week(session, world)
    freeze(session)
    late = judged(session, world.li, world.tree.a11, 50, delivered_at=CLOSED + HOUR)
    decide(session, world, late)
    assert figures(pair_of(session, world.li)) == (2, 1, True)


def test_a_rejection_after_the_freezing_takes_away(session: Session, world: World) -> None:
    a_week(session, world)
    freeze(session)
    decide(session, world, make.fixed_uuid(f"wang {world.tree.a11.code} 24"), Decision.REJECTED)
    assert figures(pair_of(session, world.wang)) == (2, 3, True)


def test_what_was_decided_before_the_freezing_is_no_correction(session: Session, world: World) -> None:
    a_week(session, world)
    decide(session, world, make.fixed_uuid(f"li {world.tree.a11.code} 30"))
    freeze(session)
    assert figures(pair_of(session, world.li)) == (2, 2, False)


def test_a_substitutes_late_patrol_is_accepted_for_whoever_was_away(session: Session, world: World) -> None:
    away(session, world.li, world.zhao)
    freeze(session)
    late = judged(session, world.zhao, world.tree.a11, 50, delivered_at=CLOSED + HOUR)
    decide(session, world, late)
    assert figures(pair_of(session, world.li)) == (1, 0, True)
    assert figures(pair_of(session, world.zhao)) == (0, 0, False)


def unjudged(session: Session, actor: Actor, grid: Grid) -> Patrol:
    started_at = THIS_WEEK.starts_at + timedelta(days=6, hours=10)
    made = Patrol(
        patrol_id=make.fixed_uuid("not judged"),
        person_id=actor.person_id,
        grid_id=grid.grid_id,
        source="app",
        started_at=started_at,
        start_received_at=started_at,
        finished_at=started_at + HOUR,
        finish_received_at=started_at + HOUR,
    )
    session.add(made)
    session.flush()
    return made


def test_what_came_in_time_is_judged_before_the_week_is_frozen(session: Session, world: World) -> None:
    unjudged(session, world.wang, world.tree.a11)
    freeze(session)
    assert session.scalar(select(FrozenWeek.frozen_at)) is None
    with time_machine.travel(CLOSED + PATIENCE, tick=False):
        freeze(session)
    assert session.scalar(select(FrozenWeek.frozen_at)) is not None
    (line,) = session.scalars(select(AuditEntry).where(AuditEntry.action == "week.frozen"))
    assert line.detail["unjudged"] == 1


def test_a_patrol_that_came_too_late_holds_nothing_up(session: Session, world: World) -> None:
    patrol = unjudged(session, world.wang, world.tree.a11)
    patrol.start_received_at = patrol.finish_received_at = CLOSED
    session.flush()
    freeze(session)
    assert session.scalar(select(FrozenWeek.frozen_at)) is not None


def test_one_street_is_frozen_without_the_other(session: Session, world: World) -> None:
    other = make.actor(session, role=Role.MEMBER, grid=world.tree.c11, username="other")
    freeze(session)
    judged(session, other, world.tree.c11, 0)
    assert figures(pair_of(session, other)) == (1, None, False)
