"""Enqueue a job in the caller's own transaction: commit and the job is there, roll back and it never was."""

import json
from datetime import datetime
from typing import Any

import psycopg
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.jobs import Job
from procrastinate.manager import JobManager, get_channel_for_queues
from procrastinate.sync_psycopg_connector import SyncPsycopgConnector
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from core.errors import Unavailable

QUEUE = "default"
TRIES = 5

# Never opened: it only writes through the connection it is handed; enqueueing opens no connection of its own.
_manager = JobManager(SyncPsycopgConnector())

# The share lock keeps a worker from starting the waiting job before this transaction ends. Without it that
# job could run without seeing what this transaction is about to commit, and nothing would run afterwards.
_WAITING = text(
    "SELECT id FROM procrastinate_jobs WHERE queueing_lock = :queueing_lock AND status = 'todo' FOR SHARE"
)
# While the share lock was held a worker may have passed the job over: wake one at commit.
_WAKE = text("SELECT pg_notify(:channel, :notice)")


def enqueue(
    session: Session,
    task_name: str,
    *,
    lock: str | None = None,
    queueing_lock: str | None = None,
    schedule_at: datetime | None = None,
    **args: Any,
) -> None:
    """A job of that name will run after this transaction commits, and will see what it wrote.

    `args` are JSON values: ids and codes, never personal data (they are logged and kept).
    Jobs with the same `lock` run one after the other. A job that waits with the same `queueing_lock`, not yet
    started, stands in for this one, at the time it was given.
    """
    connection = session.connection()
    job = Job(
        queue=QUEUE,
        lock=lock,
        queueing_lock=queueing_lock,
        task_name=task_name,
        task_kwargs=args,
        scheduled_at=schedule_at,
    )
    if queueing_lock is None:
        _manager.defer_job(job, connection=_driver(connection))
        return
    for _ in range(TRIES):
        if _is_waiting(connection, queueing_lock) or _insert(connection, job):
            return
    raise Unavailable("the job queue is busy; try again")


def _is_waiting(connection: Connection, queueing_lock: str) -> bool:
    job_id = connection.scalar(_WAITING, {"queueing_lock": queueing_lock})
    if job_id is None:
        return False
    (channel,) = get_channel_for_queues(None)
    notice = json.dumps({"type": "job_inserted", "job_id": job_id})
    connection.execute(_WAKE, {"channel": channel, "notice": notice})
    return True


def _insert(connection: Connection, job: Job) -> bool:
    """False when another transaction has just enqueued one with the same queueing lock."""
    try:
        with connection.begin_nested():  # a refused insert must not spoil the caller's transaction
            _manager.defer_job(job, connection=_driver(connection))
    except AlreadyEnqueued:
        return False
    return True


def _driver(connection: Connection) -> psycopg.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver
