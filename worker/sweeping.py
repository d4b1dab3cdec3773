"""Care of the queue: jobs whose process died run again, jobs that keep failing are set aside, old rows go.

procrastinate can tell stalled jobs apart but retries them without end. Here every end of a job that is not
success counts as an attempt, and the last attempt moves the job to dead_jobs.
"""

import json
import uuid
from collections.abc import Sequence
from typing import Any

import structlog
from procrastinate.manager import get_channel_for_queues
from sqlalchemy import Row, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import jobs
from core.settings import JobSettings

KEEP_DAYS = 7
PRUNE_ROWS = 50_000  # per run: a prune must fit into a job's time limit
LOST = "its worker process died, or it ran past the time limit"
UNKNOWN = "it failed before it ran: most likely this version knows no task of its name"
MAX_BACKOFF_S = 600.0

log = structlog.get_logger(__name__)

# Failed; or under way in a process that shows no life; or under way in this very process, which knows nothing
# of it any more (its end could not be written while the database was away).
_ENDED = text("""
SELECT job.id, job.status, job.task_name, job.args,
    job.attempts + CASE job.status WHEN 'doing' THEN 1 ELSE 0 END AS attempts
FROM procrastinate_jobs job LEFT JOIN procrastinate_workers process ON process.id = job.worker_id
WHERE job.status = 'failed' OR job.status = 'doing' AND (
    process.id IS NULL
    OR process.last_heartbeat < now() - make_interval(secs => :stalled_after_s)
    OR process.id = :own AND job.id <> :running AND NOT EXISTS (
        SELECT FROM procrastinate_events event WHERE event.job_id = job.id AND event.type = 'started'
        AND event.at > now() - make_interval(secs => :stalled_after_s)))
ORDER BY job.id
FOR UPDATE OF job SKIP LOCKED
""")
# One step behind jobs that have not failed as often: a few that hang must not hold up all others.
_REQUEUE = text("""
UPDATE procrastinate_jobs
SET status = 'todo', attempts = :attempts, worker_id = NULL, abort_requested = false, priority = priority - 1,
    scheduled_at = now() + make_interval(secs => :delay_s) WHERE id = :job_id
""")
_BURY = text("""
INSERT INTO dead_jobs (job_id, task_name, args, lock, queueing_lock, attempts, reason, died_at)
SELECT id, task_name, args, lock, queueing_lock, :attempts, :reason, clock_timestamp()
FROM procrastinate_jobs WHERE id = :job_id
ON CONFLICT (job_id) DO NOTHING
""")
_REMOVE = text("DELETE FROM procrastinate_jobs WHERE id = :job_id")
_RELEASE = text("""
UPDATE procrastinate_jobs SET status = 'todo', worker_id = NULL
WHERE status = 'doing' AND worker_id = ANY(:workers) RETURNING id
""")
_WAKE = text("SELECT pg_notify(:channel, :notice)")
_BEAT = text("""
INSERT INTO worker_heartbeats (worker_id, started_at, beat_at)
VALUES (:worker_id, clock_timestamp(), clock_timestamp())
ON CONFLICT (worker_id) DO UPDATE SET beat_at = clock_timestamp()
""")
# procrastinate beats too, but stops when it begins to end, however long the job under way still takes.
_BEAT_IN_QUEUE = text("UPDATE procrastinate_workers SET last_heartbeat = clock_timestamp() WHERE id = :own")
_LEAVE = text("DELETE FROM worker_heartbeats WHERE worker_id = :worker_id")
_PRUNE_JOBS = text("""
DELETE FROM procrastinate_jobs WHERE status IN ('succeeded', 'cancelled', 'aborted') AND id IN (
    SELECT job_id FROM procrastinate_events WHERE type IN ('succeeded', 'cancelled', 'aborted')
    AND at < now() - make_interval(days => :days) ORDER BY id LIMIT :rows)
""")
_REVIVE = text("DELETE FROM dead_jobs RETURNING job_id, task_name, args, lock, queueing_lock")
_PRUNE_BEATS = text("DELETE FROM worker_heartbeats WHERE beat_at < now() - interval '1 day'")


def sweep(session: Session, settings: JobSettings, *, own: int | None, running: int | None) -> int:
    """Every job that ended without success waits for its next attempt or is in dead_jobs; how many.

    `own` is the queue's number of this process, `running` the job it is at.
    """
    ended = session.execute(
        _ENDED, {"stalled_after_s": settings.stalled_after_s, "own": own or 0, "running": running or 0}
    ).all()
    for job in ended:
        if job.attempts >= settings.max_attempts:
            bury(session, job.id, job.attempts, LOST if job.status == "doing" else UNKNOWN)
            session.execute(_REMOVE, {"job_id": job.id})
            log.error("job.dead", job=job.id, task=job.task_name, attempts=job.attempts)
        else:
            _try_again(session, settings, job)
    if ended:
        _wake(session)
    return len(ended)


def bury(session: Session, job_id: int, attempts: int, reason: str) -> None:
    """The job is in dead_jobs with this reason, unless it was there already with a better one."""
    session.execute(_BURY, {"job_id": job_id, "attempts": attempts, "reason": reason})


def release(session: Session, workers: Sequence[int]) -> list[int]:
    """Jobs under way in these numbers of the queue wait again, as if never started; which jobs."""
    released = list(session.scalars(_RELEASE, {"workers": list(workers)}))
    if released:
        _wake(session)
    return released


def beat(session: Session, worker_id: uuid.UUID, *, own: int | None = None) -> None:
    """This process, and its number in the queue if it has one, shows life."""
    session.execute(_BEAT, {"worker_id": worker_id})
    if own is not None:
        session.execute(_BEAT_IN_QUEUE, {"own": own})


def leave(session: Session, worker_id: uuid.UUID) -> None:
    session.execute(_LEAVE, {"worker_id": worker_id})


def prune(session: Session) -> None:
    """What finished over a week ago is gone from the queue; dead jobs stay until somebody looks at them."""
    session.execute(_PRUNE_JOBS, {"days": KEEP_DAYS, "rows": PRUNE_ROWS})
    session.execute(_PRUNE_BEATS)


def revive(session: Session) -> int:
    """Every dead job waits in the queue again with all its attempts, under the locks it had; how many."""
    dead = sorted(session.execute(_REVIVE).all(), key=lambda job: job.job_id)
    for job in dead:
        jobs.enqueue(session, job.task_name, lock=job.lock, queueing_lock=job.queueing_lock, **job.args)
    return len(dead)


def _try_again(session: Session, settings: JobSettings, job: Row[Any]) -> None:
    # A lost job has already waited for the silence to be noticed.
    delay_s = 0.0 if job.status == "doing" else settings.backoff_s * 2 ** (job.attempts - 1)
    values = {"job_id": job.id, "attempts": job.attempts, "delay_s": min(delay_s, MAX_BACKOFF_S)}
    try:
        with session.begin_nested():
            session.execute(_REQUEUE, values)
    except IntegrityError:
        # One with the same queueing lock was enqueued meanwhile: it does this one's work.
        session.execute(_REMOVE, {"job_id": job.id})
    log.warning("job.again", job=job.id, task=job.task_name, attempt=job.attempts + 1, was=job.status)


def _wake(session: Session) -> None:
    """Workers look at the queue when this transaction commits; only inserts wake them by themselves."""
    (channel,) = get_channel_for_queues(None)
    notice = json.dumps({"type": "job_inserted", "job_id": 0})
    session.execute(_WAKE, {"channel": channel, "notice": notice})
