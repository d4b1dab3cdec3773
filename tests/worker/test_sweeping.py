from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from core import jobs
from core.models import DeadJob
from core.settings import JobSettings
from worker import sweeping

SETTINGS = JobSettings(max_attempts=3, backoff_s=5, stalled_after_s=30)


def worker_silent_for(session: Session, seconds: float) -> int:
    statement = (
        "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - make_interval(secs => :s))"
    )
    number = session.scalar(text(f"{statement} RETURNING id"), {"s": seconds})
    assert isinstance(number, int)
    return number


def job(
    session: Session,
    status: str,
    *,
    worker: int | None = None,
    attempts: int = 0,
    queueing_lock: str | None = None,
) -> int:
    jobs.enqueue(session, "patrol.judge", queueing_lock=queueing_lock, patrol_id="1")
    job_id = session.scalar(text("SELECT max(id) FROM procrastinate_jobs"))
    assert isinstance(job_id, int)
    for step in ("doing", status):
        session.execute(
            text(
                "UPDATE procrastinate_jobs SET status = :step, worker_id = :w, attempts = :n WHERE id = :id"
            ),
            {"step": step, "w": worker, "n": attempts, "id": job_id},
        )
    return job_id


def state(session: Session, job_id: int) -> Row[Any] | None:
    query = "SELECT status, attempts, scheduled_at - now() AS wait FROM procrastinate_jobs WHERE id = :id"
    return session.execute(text(query), {"id": job_id}).one_or_none()


def sweep(session: Session, *, own: int | None = None, running: int | None = None) -> int:
    return sweeping.sweep(session, SETTINGS, own=own, running=running)


@pytest.mark.parametrize(("attempts", "wait_s"), [(1, 5), (2, 10)])
def test_a_failed_job_waits_longer_each_time(session: Session, attempts: int, wait_s: int) -> None:
    job_id = job(session, "failed", attempts=attempts)
    assert sweep(session) == 1
    assert state(session, job_id) == ("todo", attempts, timedelta(seconds=wait_s))


def test_a_lost_job_counts_an_attempt_and_waits_no_longer(session: Session) -> None:
    job_id = job(session, "doing", worker=worker_silent_for(session, 31))
    sweep(session)
    assert state(session, job_id) == ("todo", 1, timedelta(0))


def test_a_job_that_failed_stands_behind_those_that_did_not(session: Session) -> None:
    failed, fresh = job(session, "failed", attempts=1), job(session, "todo")
    sweep(session)
    order = text("SELECT id FROM procrastinate_jobs ORDER BY priority DESC, id")
    assert session.scalars(order).all() == [fresh, failed]


def test_a_job_without_a_worker_is_lost(session: Session) -> None:
    job_id = job(session, "doing")
    sweep(session)
    assert state(session, job_id) == ("todo", 1, timedelta(0))


@pytest.mark.parametrize("status", ["todo", "succeeded", "doing"])
def test_other_jobs_are_left_alone(session: Session, status: str) -> None:
    job_id = job(session, status, worker=worker_silent_for(session, 29))
    assert sweep(session) == 0
    assert state(session, job_id) == (status, 0, None)


@pytest.mark.parametrize(("status", "before"), [("failed", 3), ("doing", 2)])
def test_the_last_attempt_sets_the_job_aside(session: Session, status: str, before: int) -> None:
    job_id = job(session, status, attempts=before)
    sweep(session)
    assert state(session, job_id) is None
    dead = session.get_one(DeadJob, job_id)
    assert (dead.task_name, dead.args, dead.attempts) == ("patrol.judge", {"patrol_id": "1"}, 3)


def test_the_reason_that_the_worker_gave_stays(session: Session) -> None:
    job_id = job(session, "failed", attempts=3)
    sweeping.bury(session, job_id, 3, "ValueError")
    sweep(session)
    assert session.get_one(DeadJob, job_id).reason == "ValueError"


def test_a_retry_gives_way_to_a_waiting_job_that_does_the_same(session: Session) -> None:
    old = job(session, "failed", attempts=1, queueing_lock="patrol:1")
    new = job(session, "todo", queueing_lock="patrol:1")
    sweep(session)
    assert state(session, old) is None
    assert state(session, new) is not None


def test_two_lost_jobs_that_do_the_same_become_one(session: Session) -> None:
    both = [job(session, "doing", queueing_lock="patrol:1") for _ in range(2)]
    sweep(session)
    assert [state(session, job_id) is None for job_id in both] == [False, True]


def test_a_process_finds_what_it_forgot_but_not_what_it_is_at(session: Session) -> None:
    own = worker_silent_for(session, 0)
    forgotten, running, fresh = (job(session, "doing", worker=own) for _ in range(3))
    session.execute(
        text("UPDATE procrastinate_events SET at = now() - interval '31 s' WHERE job_id IN (:a, :b)"),
        {"a": forgotten, "b": running},
    )
    assert sweep(session, own=own, running=running) == 1
    assert state(session, forgotten) == ("todo", 1, timedelta(0))
    assert state(session, fresh) == ("doing", 0, None)


def test_released_jobs_wait_as_if_never_started(session: Session) -> None:
    own, other = worker_silent_for(session, 0), worker_silent_for(session, 0)
    ours, theirs = job(session, "doing", worker=own), job(session, "doing", worker=other)
    assert sweeping.release(session, [own]) == [ours]
    assert state(session, ours) == ("todo", 0, None)
    assert state(session, theirs) == ("doing", 0, None)


def test_prune_keeps_a_week_and_everything_unfinished(session: Session) -> None:
    old, recent = job(session, "succeeded"), job(session, "succeeded")
    unfinished = [job(session, "todo"), job(session, "failed", attempts=1)]
    session.execute(
        text("UPDATE procrastinate_events SET at = now() - interval '8 days' WHERE job_id <> :recent"),
        {"recent": recent},
    )
    sweeping.prune(session)
    assert state(session, old) is None
    assert all(state(session, job_id) is not None for job_id in [recent, *unfinished])


def test_a_dead_job_lives_again_under_the_locks_it_had(session: Session) -> None:
    jobs.enqueue(session, "patrol.roll_up", lock="week", queueing_lock="week:1", week="1")
    job_id = session.scalar(text("SELECT max(id) FROM procrastinate_jobs"))
    assert isinstance(job_id, int)
    ended = "UPDATE procrastinate_jobs SET status = :step, attempts = 3 WHERE id = :id"
    for step in ("doing", "failed"):
        session.execute(text(ended), {"step": step, "id": job_id})
    assert sweep(session) == 1
    assert state(session, job_id) is None
    assert sweeping.revive(session) == 1
    query = "SELECT lock, queueing_lock, args FROM procrastinate_jobs WHERE status = 'todo'"
    assert session.execute(text(query)).one() == ("week", "week:1", {"week": "1"})
