import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, Row, create_engine, text
from sqlalchemy.orm import Session

from core import jobs
from core.database import Sessions

FETCH = text("SELECT id FROM procrastinate_fetch_job_v2(NULL, :worker)")


def waiting(session: Session) -> list[Row[Any]]:
    return list(
        session.execute(
            text(
                "SELECT task_name, lock, queueing_lock, args, scheduled_at FROM procrastinate_jobs"
                " WHERE status = 'todo' ORDER BY id"
            )
        )
    )


@pytest.fixture
def own_engine(clone_database: Callable[[], str]) -> Iterator[Engine]:
    engine = create_engine(clone_database(), pool_size=3, max_overflow=0)
    yield engine
    engine.dispose()


def test_a_job_exists_from_the_commit_on_and_not_before(own_engine: Engine) -> None:
    with Session(own_engine) as ours, Session(own_engine) as others:
        jobs.enqueue(ours, "patrol.judge", patrol_id="1")
        assert waiting(others) == []
        ours.commit()
        others.rollback()
        assert [(job.task_name, job.args) for job in waiting(others)] == [
            ("patrol.judge", {"patrol_id": "1"})
        ]


def test_a_rollback_leaves_no_job(own_engine: Engine) -> None:
    with Session(own_engine) as session:
        jobs.enqueue(session, "patrol.judge", patrol_id="1")
        session.rollback()
        assert waiting(session) == []


def test_a_job_carries_its_locks_and_its_time(session: Session) -> None:
    at = datetime(2026, 11, 23, 4, tzinfo=UTC)
    jobs.enqueue(session, "patrol.roll_up", lock="a", queueing_lock="b", schedule_at=at, week="2026-W47")
    (job,) = waiting(session)
    assert (job.lock, job.queueing_lock, job.scheduled_at, job.args) == ("a", "b", at, {"week": "2026-W47"})


def test_a_waiting_job_with_the_same_queueing_lock_is_enough(session: Session) -> None:
    for _ in range(3):
        jobs.enqueue(session, "patrol.roll_up", queueing_lock="320113007 2026-W47", week="2026-W47")
    jobs.enqueue(session, "patrol.roll_up", queueing_lock="320113007 2026-W48", week="2026-W48")
    assert [job.args["week"] for job in waiting(session)] == ["2026-W47", "2026-W48"]


def test_jobs_without_a_queueing_lock_pile_up(session: Session) -> None:
    for _ in range(2):
        jobs.enqueue(session, "patrol.judge", lock="patrol:1", patrol_id="1")
    assert len(waiting(session)) == 2


def test_the_savepoints_of_a_caller_hold(sessions: Sessions) -> None:
    with sessions.begin() as session:
        jobs.enqueue(session, "kept", queueing_lock="a")
        with session.begin_nested() as nested:
            jobs.enqueue(session, "dropped", queueing_lock="b")
            nested.rollback()
    with sessions() as session:
        assert [job.task_name for job in waiting(session)] == ["kept"]


def test_no_connection_is_opened(own_engine: Engine) -> None:
    with Session(own_engine) as session:
        jobs.enqueue(session, "patrol.judge", patrol_id="1")
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        assert session.scalar(text(query)) == 1


def test_a_refused_insert_keeps_what_the_caller_did(own_engine: Engine) -> None:
    """Two transactions enqueue the same at once: the later one waits, finds a job, and goes on."""
    with Session(own_engine) as first, Session(own_engine) as second:
        jobs.enqueue(first, "patrol.roll_up", queueing_lock="same")
        jobs.enqueue(second, "patrol.judge", patrol_id="1")
        committer = threading.Timer(0.3, first.commit)
        committer.start()
        jobs.enqueue(second, "patrol.roll_up", queueing_lock="same")
        committer.join()
        second.commit()
        assert sorted(job.task_name for job in waiting(second)) == ["patrol.judge", "patrol.roll_up"]


def test_a_job_that_stands_in_does_not_start_before_we_commit(own_engine: Engine) -> None:
    """Else it would not see what we are about to commit, and nothing would run afterwards."""
    with Session(own_engine) as earlier:
        jobs.enqueue(earlier, "patrol.judge", queueing_lock="patrol:1")
        earlier.commit()
    with Session(own_engine) as ours, Session(own_engine) as worker:
        number = worker.scalar(text("INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id"))
        worker.commit()
        jobs.enqueue(ours, "patrol.judge", queueing_lock="patrol:1")
        assert worker.scalar(FETCH, {"worker": number}) is None
        worker.rollback()
        ours.commit()
        assert worker.scalar(FETCH, {"worker": number}) is not None


def test_a_job_that_has_started_stands_in_for_nothing(own_engine: Engine) -> None:
    with Session(own_engine) as session:
        jobs.enqueue(session, "patrol.judge", queueing_lock="patrol:1")
        session.execute(text("UPDATE procrastinate_jobs SET status = 'doing'"))
        jobs.enqueue(session, "patrol.judge", queueing_lock="patrol:1")
        assert len(waiting(session)) == 1
