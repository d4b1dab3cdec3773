"""Worker processes on a database of their own, with short times, and what they left behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from core import jobs
from core.child_process import wait_until
from core.settings import JobSettings
from tests.worker import trial

TRIAL = Path(trial.__file__)
QUICK = JobSettings(
    max_attempts=3, time_limit_s=2, backoff_s=0.1, heartbeat_s=0.3, stalled_after_s=1.5, sweep_s=0.3
)
PATIENCE_S = 90  # a busy machine needs seconds to start a process


class Bench:
    """A database with a queue, and the workers of one test."""

    def __init__(self, url: str, log: Path) -> None:
        self.url = url
        self.log = log
        self.engine: Engine = create_engine(url, pool_pre_ping=True)
        self.workers: list[subprocess.Popen[bytes]] = []
        with self.engine.begin() as connection:
            connection.execute(text(trial.NOTES))

    def start(
        self, *arguments: str, program: Sequence[str] = (str(TRIAL),), **jobs: float
    ) -> subprocess.Popen[bytes]:
        """A worker on trial tasks, or another program; `jobs` are settings of jobs."""
        settings = QUICK.model_copy(update=jobs)
        environment = {f"XUNGE_JOBS__{name.upper()}": str(value) for name, value in settings}
        environment |= {"XUNGE_DATABASE_URL": self.url, "PYTHONPATH": str(TRIAL.parents[2])}
        with self.log.open("ab") as log:
            worker = subprocess.Popen(
                [sys.executable, *program, *arguments],
                env={"PATH": "/usr/bin:/bin", **environment},
                stderr=log,
                start_new_session=True,
            )
        self.workers.append(worker)
        return worker

    def enqueue(self, task: str, **values: Any) -> None:
        with Session(self.engine) as session, session.begin():
            jobs.enqueue(session, task, **values)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(statement))]

    def notes(self) -> list[str]:
        return [name for (name,) in self.rows("SELECT name FROM notes ORDER BY at")]

    def statuses(self) -> dict[str, int]:
        return dict(self.rows("SELECT status::text, count(*) FROM procrastinate_jobs GROUP BY 1"))

    def dead(self) -> list[tuple[Any, ...]]:
        return self.rows("SELECT task_name, attempts, reason FROM dead_jobs ORDER BY job_id")

    def wait(self, condition: Callable[[], bool]) -> None:
        assert wait_until(condition, PATIENCE_S, pause_s=0.05), (
            f"{self.statuses()} {self.notes()} {self.dead()}\n{self.log.read_text()}"
        )

    def close(self) -> None:
        for worker in self.workers:
            if worker.poll() is None:
                os.killpg(worker.pid, signal.SIGTERM)
        for worker in self.workers:
            try:
                worker.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(worker.pid, signal.SIGKILL)
                worker.wait()
        self.engine.dispose()
