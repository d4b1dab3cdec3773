"""Any order of arrival, any batching, any repetition, all at once: one verdict, and nothing lost."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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
from patrol.fixes import join
from patrol.models import Segment
from patrol.tracks import JUDGE, Filed, finish_patrol, record_segment, start_patrol
from tests import make
from tests.patrol.deliveries import LIMITS, Round, body_of, jobs_of, plot, recent, row_of
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


# Each example is a delivery of its own: shrinking one would take minutes and show nothing simpler.
@settings(
    deadline=None,
    max_examples=25,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_any_partition_order_and_repetition_gives_the_identical_row(
    sessions: Sessions, data: st.DataObject
) -> None:
    with sessions() as session:
        grid = plot(session)
        member = make.actor(session, role=Role.MEMBER, grid=grid)
        whole = recent(patrol(30))
        far = shifted(track([900.0] * 3, 900.0), float(whole.at_ms[0] - track([0.0]).at_ms[0]) / 1000 + 61)
        late = shifted(whole.take(np.arange(20)), 1830)
        everything = join([whole, far, late])
        walk = Round.of(grid, whole)
        cuts = data.draw(st.lists(st.integers(1, len(everything) - 1), unique=True, max_size=8))
        order = np.random.default_rng(data.draw(st.integers(0, 2**32))).permutation(len(everything))
        parts = [everything.take(part) for part in np.split(order, sorted(cuts))]
        steps = steps_of(walk, parts)
        sent = data.draw(st.permutations(steps)) + data.draw(st.lists(st.sampled_from(steps), max_size=5))
        for step in sent:
            step(session, member)
        found = row_of(walk.judge(session))
        expected_walk = Round.of(grid, whole, "in order")
        expected_walk.begin(session, member)
        expected_walk.send(session, member, everything)
        expected_walk.end(session, member)
        expected = row_of(expected_walk.judge(session))
        session.rollback()

    assert found.pop("patrol_id") != expected.pop("patrol_id")
    assert found == expected
    assert expected["status"] == "valid"
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
