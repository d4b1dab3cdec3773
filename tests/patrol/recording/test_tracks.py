"""Delivering patrols: repeats, conflicts, every order of arrival, and nothing lost."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from access.models import Assignment
from access.roles import Role
from access.scope import Actor
from core import quarantine
from core.clock import now, today
from core.errors import DomainError, Forbidden, Invalid, NotFound
from core.models import AuditEntry, QuarantinedItem
from core.settings import PatrolSettings
from geo.models import Grid
from patrol.fixes import decode
from patrol.models import Patrol, Segment
from patrol.recording.problems import (
    PatrolConflict,
    PatrolFinished,
    PatrolOfAnother,
    PatrolUnknown,
    SegmentConflict,
)
from patrol.recording.tracks import (
    JUDGE,
    Filed,
    Finish,
    Start,
    file_again,
    finish_patrol,
    record_segment,
    start_patrol,
)
from patrol.recording.wire import SegmentInvalid
from patrol.rights import GridUnknown
from tests import make
from tests.patrol.deliveries import LIMITS, Round, body_of, jobs_of, plot, recent
from tests.patrol.walks import patrol


@pytest.fixture
def grid(session: Session) -> Grid:
    return plot(session)


@pytest.fixture
def member(session: Session, grid: Grid) -> Actor:
    return make.actor(session, role=Role.MEMBER, grid=grid)


def kept(session: Session) -> list[QuarantinedItem]:
    return list(session.scalars(select(QuarantinedItem).order_by(QuarantinedItem.received_at)))


def count(session: Session, table: type) -> int:
    return session.scalars(select(func.count()).select_from(table)).one()


def code_of(outcome: Filed | DomainError) -> str:
    assert isinstance(outcome, DomainError), outcome
    return outcome.code


def test_a_patrol_is_delivered_and_its_judging_enqueued_once(
    session: Session, grid: Grid, member: Actor
) -> None:
    walk = Round.of(grid)

    assert not walk.begin(session, member).is_repeated
    assert walk.send(session, member, walk.fixes) == Filed(False, 361)
    assert not jobs_of(session, JUDGE)  # nothing to judge while the patrol is open
    assert not walk.end(session, member).is_repeated

    assert jobs_of(session, JUDGE) == [{"patrol_id": str(walk.patrol_id)}]
    stored = session.get_one(Patrol, walk.patrol_id, populate_existing=True)
    assert (stored.person_id, stored.grid_id, stored.source) == (member.person_id, grid.grid_id, "app")
    assert stored.finished_at == walk.finish.finished_at
    assert stored.finish_received_at is not None
    assert session.scalars(select(AuditEntry.action).order_by(AuditEntry.entry_id)).all()[-2:] == [
        "patrol.started",
        "patrol.finished",
    ]


def test_everything_may_be_repeated(session: Session, grid: Grid, member: Actor) -> None:
    walk = Round.of(grid)
    for repeated in (False, True, True):
        assert walk.begin(session, member) == Filed(repeated)
    for repeated in (False, True, True):
        assert walk.send(session, member, walk.fixes) == Filed(repeated, 361)
    for repeated in (False, True):
        assert walk.end(session, member) == Filed(repeated)
    assert walk.begin(session, member).is_repeated
    assert walk.send(session, member, walk.fixes).is_repeated

    assert (count(session, Patrol), count(session, Segment), count(session, QuarantinedItem)) == (1, 1, 0)
    assert len(jobs_of(session, JUDGE)) == 1


def test_a_retry_written_otherwise_is_a_repeat(session: Session, grid: Grid, member: Actor) -> None:
    walk = Round.of(grid)
    walk.begin(session, member)
    walk.send(session, member, walk.fixes)
    backwards = walk.fixes.take(np.arange(361)[::-1])
    assert walk.send(session, member, backwards).is_repeated


def test_other_content_under_the_same_id_is_a_conflict_and_kept_once(
    session: Session, grid: Grid, member: Actor
) -> None:
    walk = Round.of(grid)
    walk.begin(session, member)
    walk.send(session, member, walk.fixes)
    other = body_of(walk.fixes.take(np.arange(10)))

    for _ in range(2):
        outcome = record_segment(session, member, walk.key("0"), other, LIMITS)
        assert isinstance(outcome, SegmentConflict)

    (item,) = kept(session)
    assert (item.kind, item.reason, item.body) == ("patrol-segment", "segment-conflict", other)
    assert (item.item_id, item.subject_id) == (walk.key("0").segment_id, walk.patrol_id)
    assert isinstance(outcome, DomainError)
    assert outcome.extra["kept_aside"] == str(item.quarantine_id)
    assert session.scalars(select(Segment.fix_count)).one() == 361


def test_a_segment_id_used_in_another_patrol_is_a_conflict(
    session: Session, grid: Grid, member: Actor
) -> None:
    first, second = Round.of(grid), Round.of(grid, name="second")
    first.begin(session, member)
    second.begin(session, member)
    first.send(session, member, first.fixes)
    stolen = replace(second.key("0"), segment_id=first.key("0").segment_id)
    assert (
        code_of(record_segment(session, member, stolen, body_of(first.fixes), LIMITS)) == "segment-conflict"
    )


def test_another_beginning_under_the_same_id_is_a_conflict(
    session: Session, grid: Grid, member: Actor
) -> None:
    walk = Round.of(grid)
    walk.begin(session, member)
    later = Start(grid.code, walk.start.started_at + timedelta(seconds=1))
    assert isinstance(start_patrol(session, member, walk.patrol_id, later, LIMITS), PatrolConflict)
    assert [item.kind for item in kept(session)] == ["patrol-start"]


def test_what_cannot_be_read_is_kept_as_it_came(session: Session, grid: Grid, member: Actor) -> None:
    walk = Round.of(grid)
    walk.begin(session, member)
    outcome = record_segment(session, member, walk.key("0"), b'{"seq": \xff', LIMITS)

    assert isinstance(outcome, SegmentInvalid)
    (item,) = kept(session)
    assert item.body == b'{"seq": \xff'
    assert item.problem["errors"][0]["code"] == "not-json"


def test_segments_and_finish_may_come_before_the_beginning(
    session: Session, grid: Grid, member: Actor
) -> None:
    walk = Round.of(grid)
    finish = finish_patrol(session, member, walk.patrol_id, walk.finish, LIMITS)
    half = [walk.fixes.take(np.arange(200)), walk.fixes.take(np.arange(200, 361))]
    early = [
        record_segment(session, member, walk.key(str(seq)), body_of(part, seq=seq), LIMITS)
        for seq, part in enumerate(half)
    ]
    assert [code_of(outcome) for outcome in (finish, *early)] == ["patrol-unknown"] * 3

    walk.begin(session, member)

    assert count(session, Segment) == 2
    assert session.get_one(Patrol, walk.patrol_id, populate_existing=True).finished_at is not None
    assert len(jobs_of(session, JUDGE)) == 1
    assert all(item.refiled_at for item in kept(session))
    assert walk.send(session, member, half[0]).is_repeated
    assert walk.judge(session).status == "valid"


def test_only_ones_own_waiting_segments_are_filed(session: Session, grid: Grid, member: Actor) -> None:
    other = make.actor(session, role=Role.MEMBER, grid=grid, username="other")
    walk = Round.of(grid)
    record_segment(session, other, walk.key("0"), body_of(walk.fixes), LIMITS)

    walk.begin(session, member)

    assert count(session, Segment) == 0
    assert [item.refiled_at for item in kept(session)] == [None]


def test_two_waiting_bodies_under_one_id_are_filed_and_kept(
    session: Session, grid: Grid, member: Actor
) -> None:
    walk = Round.of(grid)
    bodies = [body_of(walk.fixes), body_of(walk.fixes.take(np.arange(5)))]
    for body in bodies:
        record_segment(session, member, walk.key("0"), body, LIMITS)

    walk.begin(session, member)

    assert count(session, Segment) == 1
    assert [(item.reason, bool(item.refiled_at)) for item in kept(session)] == [
        ("patrol-unknown", True),
        ("patrol-unknown", True),
        ("segment-conflict", False),
    ]


def test_the_patrol_of_another_takes_nothing_and_keeps_it(
    session: Session, grid: Grid, member: Actor
) -> None:
    other = make.actor(session, role=Role.MEMBER, grid=grid, username="other")
    walk = Round.of(grid)
    walk.begin(session, member)

    segment = record_segment(session, other, walk.key("0"), body_of(walk.fixes), LIMITS)
    finish = finish_patrol(session, other, walk.patrol_id, walk.finish, LIMITS)
    begin = start_patrol(session, other, walk.patrol_id, walk.start, LIMITS)

    assert isinstance(segment, PatrolOfAnother)
    assert isinstance(finish, PatrolOfAnother)
    assert isinstance(begin, PatrolConflict)
    assert {item.person_id for item in kept(session)} == {other.person_id}
    assert len(kept(session)) == 3


def test_late_segments_of_a_finished_patrol_are_judged_again(
    session: Session, grid: Grid, member: Actor
) -> None:
    walk = Round.of(grid)
    walk.begin(session, member)
    walk.end(session, member)
    assert walk.judge(session).status == "invalid"
    session.execute(select(func.count()))  # the first job has run; a new one is needed

    walk.send(session, member, walk.fixes)

    assert jobs_of(session, JUDGE)
    assert walk.judge(session).status == "valid"


def test_a_segment_wholly_after_the_finish_is_refused_and_kept(
    session: Session, grid: Grid, member: Actor
) -> None:
    whole = recent(patrol(30))
    walk = Round.of(grid, whole.take(np.arange(200)))
    walk.begin(session, member)
    walk.end(session, member)

    after = record_segment(
        session, member, walk.key("after"), body_of(whole.take(np.arange(230, 300))), LIMITS
    )
    assert isinstance(after, PatrolFinished)
    assert after.extra["finished_at"] == walk.finish.finished_at.isoformat()
    assert walk.send(session, member, whole.take(np.arange(150, 300)), "across").fix_count == 150
    assert [item.reason for item in kept(session)] == ["patrol-finished"]


def test_a_second_finish_at_another_time_is_refused(session: Session, grid: Grid, member: Actor) -> None:
    walk = Round.of(grid)
    walk.begin(session, member)
    walk.end(session, member)
    earlier = Finish(walk.finish.finished_at - timedelta(seconds=5))
    assert isinstance(finish_patrol(session, member, walk.patrol_id, earlier, LIMITS), PatrolFinished)
    assert [item.kind for item in kept(session)] == ["patrol-finish"]


def test_a_finish_before_the_start_is_refused(session: Session, grid: Grid, member: Actor) -> None:
    walk = Round.of(grid)
    walk.begin(session, member)
    before = Finish(walk.start.started_at - timedelta(seconds=1))
    outcome = finish_patrol(session, member, walk.patrol_id, before, LIMITS)
    assert isinstance(outcome, Invalid)
    assert [(error.pointer, error.code) for error in outcome.errors] == [("/finished_at", "before-start")]


@pytest.mark.parametrize(
    ("ago", "code"), [(timedelta(minutes=-6), "in-the-future"), (timedelta(61), "too-old")]
)
def test_beginning_and_ending_have_plausible_times(
    session: Session, grid: Grid, member: Actor, ago: timedelta, code: str
) -> None:
    patrol_id = make.fixed_uuid("p")
    with pytest.raises(Invalid) as caught:
        start_patrol(session, member, patrol_id, Start(grid.code, now() - ago), LIMITS)
    assert [error.code for error in caught.value.errors] == [code]
    with pytest.raises(Invalid):
        finish_patrol(session, member, patrol_id, Finish(now() - ago), LIMITS)


def test_without_the_moment_of_sending_no_time_is_changed(
    session: Session, grid: Grid, member: Actor
) -> None:
    walk = Round.of(grid, recent(patrol(30), ended_ago=timedelta(minutes=-3)))
    walk.begin(session, member)
    walk.send(session, member, walk.fixes)
    segment = session.scalars(select(Segment)).one()
    assert segment.clock_offset_s == 0
    assert int(decode([segment.fixes]).at_ms[0]) == int(walk.fixes.at_ms[0])


# ---------------------------------------------------------------------------------------------------- rights


def test_a_grid_that_is_not_there(session: Session, grid: Grid, member: Actor) -> None:
    with pytest.raises(GridUnknown):
        start_patrol(session, member, make.fixed_uuid("p"), Start("no such", now()), LIMITS)


def test_a_grid_out_of_sight(session: Session, member: Actor) -> None:
    elsewhere = plot(session, sequence="11")
    with pytest.raises(NotFound):
        start_patrol(session, member, make.fixed_uuid("p"), Start(elsewhere.code, now()), LIMITS)


def test_seeing_a_grid_is_not_patrolling_it(session: Session, grid: Grid) -> None:
    leader = make.actor(session, role=Role.LEADER)
    with pytest.raises(Forbidden):
        start_patrol(session, leader, make.fixed_uuid("p"), Start(grid.code, now()), LIMITS)


def test_work_done_before_a_transfer_is_still_accepted(session: Session, grid: Grid) -> None:
    # The member was moved to another grid this morning; the phone was offline since the day before.
    moved = make.actor(session, role=Role.MEMBER, grid=grid, valid_to=today())
    assert moved.assignments == ()
    walk = Round.of(grid, recent(patrol(30), ended_ago=timedelta(days=1, hours=1)))
    assert not walk.begin(session, moved).is_repeated
    with pytest.raises(NotFound):
        start_patrol(session, moved, make.fixed_uuid("today"), Start(grid.code, now()), LIMITS)


def test_a_repeated_beginning_needs_no_right_any_more(session: Session, grid: Grid, member: Actor) -> None:
    walk = Round.of(grid)
    walk.begin(session, member)
    session.query(Assignment).delete()
    assert walk.begin(session, replace(member, assignments=())).is_repeated


# ------------------------------------------------------------------------------------------------- refiling


def refile(session: Session, actor: Actor, item: QuarantinedItem, limits: PatrolSettings) -> object:
    def again(kept_item: QuarantinedItem) -> bool | DomainError:
        outcome = file_again(session, actor, kept_item, limits, received_at=now())
        return outcome if isinstance(outcome, DomainError) else outcome.is_repeated

    return quarantine.refile(session, actor.person_id, item.quarantine_id, again)


def test_a_kept_item_can_be_tried_again_by_its_owner(session: Session, grid: Grid, member: Actor) -> None:
    walk = Round.of(grid)
    future = recent(patrol(30), ended_ago=timedelta(minutes=-10))
    walk.begin(session, member)
    record_segment(session, member, walk.key("0"), body_of(future), LIMITS)
    (item,) = kept(session)

    assert isinstance(refile(session, member, item, LIMITS), SegmentInvalid)
    patient = LIMITS.model_copy(update={"max_fix_future_s": 1200})
    assert refile(session, member, item, patient) is False
    assert refile(session, member, item, patient) is True
    other = make.actor(session, role=Role.ADMIN, area="")
    with pytest.raises(NotFound):
        refile(session, other, item, patient)


def test_problem_codes_are_those_of_the_contract() -> None:
    kinds = (PatrolUnknown, PatrolOfAnother, PatrolConflict, SegmentConflict, PatrolFinished)
    assert [kind.code for kind in kinds] == [
        "patrol-unknown",
        "patrol-of-another",
        "patrol-conflict",
        "segment-conflict",
        "patrol-finished",
    ]
