"""Any order of arrival, any batching, any repetition, all at once: one verdict, and nothing lost."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import Session, sessionmaker

from access.roles import Role
from access.scope import Actor
from core.database import Sessions
from core.models import QuarantinedItem
from geo.models import Grid
from patrol.fixes import join
from patrol.models import Segment
from patrol.presence.models import CheckIn
from patrol.presence.recording import GapReason
from patrol.recording.tracks import JUDGE, Filed, finish_patrol, record_segment, start_patrol
from registry.models import Checkpoint
from tests import make
from tests.patrol.deliveries import LIMITS, Round, body_of, jobs_of, moment, plot, recent, row_of
from tests.patrol.presence_proofs import check_in, checkpoint, gap, some_building, token_of
from tests.patrol.walks import patrol, shifted, track


def count(session: Session, table: type) -> int:
    return session.scalars(select(func.count()).select_from(table)).one()


def steps_of(walk: Round, parts: list[Any]) -> list[Callable[[Session, Actor], Any]]:
    def segment(name: str, part: Any) -> Callable[[Session, Actor], Any]:
        return lambda session, actor: record_segment(session, actor, walk.key(name), body_of(part), LIMITS)

    return [
        lambda session, actor: start_patrol(session, actor, walk.patrol_id, walk.start, LIMITS),
        lambda session, actor: finish_patrol(session, actor, walk.patrol_id, walk.finish, LIMITS),
        *(segment(str(number), part) for number, part in enumerate(parts)),
    ]


@dataclass(frozen=True)
class Place:
    """Where everything is walked; the same rows in every transaction but for the numbers of the grid."""

    grid: Grid
    member: Actor
    stairs: list[Checkpoint]
    elsewhere: Checkpoint


def place(session: Session) -> Place:
    grid = plot(session)
    building = some_building(session)
    stairs = [
        checkpoint(session, f"{floor}楼", 200, 200, kind="vertical", building_id=building, floor=floor)
        for floor in ("1", "6")
    ]
    checkpoint(session, "门", 200, 10)
    elsewhere = checkpoint(session, "外", 900, 100)
    return Place(grid, make.actor(session, role=Role.MEMBER, grid=grid), stairs, elsewhere)


def proofs_of(walk: Round, here: Place) -> list[Callable[[Session, Actor], Any]]:
    """Check-ins and gaps of every kind: good ones, and those that are kept with a reason."""

    def shown(name: str, index: int, **claim: Any) -> Callable[[Session, Actor], Any]:
        at = moment(walk.fixes, index)
        return lambda session, actor: check_in(session, actor, walk, name, at, **claim)

    def silent(name: str, first: int, last: int, reason: GapReason) -> Callable[[Session, Actor], Any]:
        span = (moment(walk.fixes, first), moment(walk.fixes, last))
        return lambda session, actor: gap(session, actor, walk, name, span, reason=reason)

    ground, roof = here.stairs
    return [
        shown("ground", 150, token=token_of(ground)),
        shown("roof", 205, token=token_of(roof)),
        shown("again", 300, short_code=ground.short_code),
        shown("by position", 20, checkpoint_id=roof.checkpoint_id),
        shown("elsewhere", 30, token=token_of(here.elsewhere)),
        silent("killed", 150, 190, GapReason.KILLED),
        silent("battery", 180, 210, GapReason.BATTERY),
    ]


# Each example is a delivery of its own: shrinking one would take minutes and show nothing simpler.
@settings(
    max_examples=25,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_any_partition_order_and_repetition_gives_the_identical_row(
    sessions: Sessions, data: st.DataObject
) -> None:
    whole = recent(patrol(30))
    far = shifted(track([900.0] * 3, 900.0), float(whole.at_ms[0] - track([0.0]).at_ms[0]) / 1000 + 61)
    late = shifted(whole.take(np.arange(20)), 1830)
    silence = (np.arange(len(whole)) > 150) & (np.arange(len(whole)) < 205)
    everything = join([whole.take(~silence), far, late])
    cuts = data.draw(st.lists(st.integers(1, len(everything) - 1), unique=True, max_size=8))
    order = np.random.default_rng(data.draw(st.integers(0, 2**32))).permutation(len(everything))
    parts = [everything.take(part) for part in np.split(order, sorted(cuts))]

    def delivered(session: Session, parts: list[Any], *, in_order: bool) -> dict[str, Any]:
        here = place(session)
        walk = Round.of(here.grid, whole)
        steps = [*steps_of(walk, parts), *proofs_of(walk, here)]
        if not in_order:
            again = data.draw(st.lists(st.sampled_from(steps), max_size=6))
            steps = [*data.draw(st.permutations(steps)), *again]
        for step in steps:
            step(session, here.member)
        assert count(session, CheckIn) == 5
        assert not session.scalars(select(QuarantinedItem).where(QuarantinedItem.refiled_at.is_(None))).all()
        row = row_of(walk.judge(session))
        session.rollback()
        return {name: value for name, value in row.items() if name not in ("grid_id", "grid_version_id")}

    with sessions() as session:
        found = delivered(session, parts, in_order=False)
    with sessions() as session:
        expected = delivered(session, [everything], in_order=True)

    assert found == expected
    assert expected["status"] == "valid"
    assert (expected["checkpoints_visited"], expected["checkpoints_total"]) == (3, 3)
    assert expected["indoor_s"] == 275
    assert expected["unknown_s"] == 275
    assert {one["code"] for one in expected["check_ins"]} == {"plate-needed", "checkpoint-elsewhere"}
    # The last of the twenty fixes after the finish lies beyond the tolerance of two minutes.
    assert expected["flags"] == {"jump": 3, "out_of_grid": 3, "outside_patrol": 19}


@pytest.fixture
def own_sessions(own_database_url: str) -> Any:
    engine = create_engine(own_database_url, pool_size=20)
    yield sessionmaker(engine, expire_on_commit=False)
    engine.dispose()


@pytest.mark.own_database
def test_twenty_equal_segments_at_once_are_one_row_and_twenty_equal_answers(own_sessions: Sessions) -> None:
    with own_sessions.begin() as session:
        grid = plot(session)
        member = make.actor(session, role=Role.MEMBER, grid=grid)
        walk = Round.of(grid)
        walk.begin(session, member)

    def send(_: int) -> Filed:
        with own_sessions.begin() as session:
            return walk.send(session, member, walk.fixes)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(send, range(20)))

    assert sorted(answer.is_repeated for answer in answers) == [False] + [True] * 19
    assert {answer.fix_count for answer in answers} == {361}
    with own_sessions() as session:
        assert count(session, Segment) == 1
        assert count(session, QuarantinedItem) == 0


@pytest.mark.own_database
def test_everything_at_once_loses_nothing(own_sessions: Sessions) -> None:
    """Start, finish and segments race; whatever the order, all is filed and a job will see all of it."""
    with own_sessions.begin() as session:
        grid = plot(session)
        member = make.actor(session, role=Role.MEMBER, grid=grid)
    for attempt in range(6):
        walk = Round.of(grid, name=f"race {attempt}")
        parts = [walk.fixes.take(part) for part in np.array_split(np.arange(361), 8)]

        def run(step: Callable[[Session, Actor], Any]) -> None:
            with own_sessions.begin() as session:
                step(session, member)

        with ThreadPoolExecutor(10) as pool:
            list(pool.map(run, steps_of(walk, parts)))

        with own_sessions() as session:
            of_patrol = Segment.patrol_id == walk.patrol_id
            assert session.scalars(select(func.count()).where(of_patrol)).one() == 8
            assert {"patrol_id": str(walk.patrol_id)} in jobs_of(session, JUDGE)
            assert walk.judge(session).status == "valid"
            waiting = select(func.count()).where(QuarantinedItem.refiled_at.is_(None))
            assert session.scalars(waiting).one() == 0
