"""One job at a time, in one transaction, within limits of time and memory."""

import resource
import signal
import time
from collections.abc import Callable
from typing import Any

import structlog
from procrastinate.job_context import JobContext
from procrastinate.jobs import Job
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from core.database import Sessions
from core.logs import describe_error
from core.settings import MIB, JobSettings
from worker import sweeping
from worker.tasks import Task

log = structlog.get_logger(__name__)


class JobFailed(Exception):
    """Tells the queue that an attempt failed; what went wrong is in the log and stays out of the queue."""


class Performer:
    """Runs jobs for one process and knows which one is under way."""

    def __init__(self, settings: JobSettings, sessions: Sessions) -> None:
        self._settings = settings
        self._sessions = sessions
        self.running: int | None = None

    def function_of(self, task: Task) -> Callable[..., None]:
        """What the queue calls for a job of this task."""

        def perform(context: JobContext, **args: Any) -> None:
            args.pop("timestamp", None)  # the queue adds it to periodic jobs
            self._perform(task, context.job, args)

        return perform

    def _perform(self, task: Task, job: Job, args: dict[str, Any]) -> None:
        assert job.id is not None
        self.running, started = job.id, time.perf_counter()
        # The kernel ends the process: not even C code that never returns can prevent that, and another
        # process finds the job by the silence. A statement that hangs fails first and spares the process.
        signal.setitimer(signal.ITIMER_REAL, self._settings.time_limit_s)
        try:
            with self._sessions.begin() as session:
                timeout_ms = int(self._settings.time_limit_s * 900)
                session.execute(text(f"SET LOCAL statement_timeout = {timeout_ms}"))
                task.run(session, **args)
        except (Exception, SystemExit) as error:
            log.exception("job.failed", job=job.id, task=job.task_name, attempt=job.attempts + 1)
            self._bury_if_last(job, error)
            raise JobFailed from None
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            self.running = None
        milliseconds = round((time.perf_counter() - started) * 1000)
        log.info("job.done", job=job.id, task=job.task_name, attempt=job.attempts + 1, ms=milliseconds)

    def _bury_if_last(self, job: Job, error: BaseException) -> None:
        """The last failure is on record with its reason; the sweep takes the job out of the queue."""
        assert job.id is not None
        attempts = job.attempts + 1
        if attempts < self._settings.max_attempts:
            return
        try:
            with self._sessions.begin() as session:
                sweeping.bury(session, job.id, attempts, describe_error(error))
        except SQLAlchemyError:
            log.exception("job.reason_lost", job=job.id)  # the sweep records the death without it


def limit_memory(settings: JobSettings) -> None:
    """A job that asks for more memory fails with MemoryError instead of starving the machine."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = settings.memory_mib * MIB
    soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
