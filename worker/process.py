"""One worker process: procrastinate's worker inside a loop that outlives the database.

procrastinate's worker ends, without an error, when the database goes away for a moment. The loop waits for
the database, opens the same app again and goes on; what was under way when a life ended is run again.
"""

import asyncio
import os
import signal
import uuid
from collections.abc import Callable, Mapping

import psycopg
import structlog
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.worker import Worker
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from core import migrations
from core.database import make_engine, make_sessions
from core.jobs import QUEUE
from core.logs import describe_error
from core.settings import Settings
from worker import sweeping
from worker.performing import Performer
from worker.tasks import Task

FIRST_BACKOFF_S = 0.5
LAST_BACKOFF_S = 5.0
STOP_PATIENCE_S = 8.0  # less than core.supervisor gives
# A server that vanished without a word is noticed within seconds (TCP only).
KEEPALIVE = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
DATABASE_ERRORS = (ConnectorException, SQLAlchemyError, psycopg.Error, OSError)

log = structlog.get_logger(__name__)


class WorkerProcess:
    """Takes one job after the other until it is told to stop."""

    def __init__(self, settings: Settings, tasks: Mapping[str, Task]) -> None:
        self._settings = settings
        self._engine: Engine = make_engine(settings)
        self._sessions = make_sessions(self._engine)
        self._performer = Performer(settings.jobs, self._sessions)
        self._app = self._make_app(tasks)
        self._worker_id = uuid.uuid4()
        self._worker: Worker | None = None
        self._former: list[int] = []  # the queue's numbers of this process in earlier lives
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Nothing is under way any more, and what was not finished waits for another process."""
        self._listen_for_stop()
        log.info("worker.started")
        backoff_s = FIRST_BACKOFF_S
        while not self._stopping.is_set():
            try:
                if await asyncio.to_thread(self._database_is_usable):
                    backoff_s = FIRST_BACKOFF_S
                    await self._live()
            except DATABASE_ERRORS as error:
                log.warning("worker.interrupted", error=describe_error(error), retry_s=backoff_s)
            await self._pause(backoff_s)
            backoff_s = min(backoff_s * 2, LAST_BACKOFF_S)
        await self._quietly(self._leave)
        self._engine.dispose()
        log.info("worker.stopped")

    @property
    def _own(self) -> int | None:
        """The queue's number of this process."""
        return self._worker.worker_id if self._worker is not None else None

    def _make_app(self, tasks: Mapping[str, Task]) -> App:
        url = self._engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        connector = PsycopgConnector(
            conninfo=url, kwargs={"connect_timeout": 3, **KEEPALIVE}, min_size=1, max_size=3, timeout=5.0
        )
        app = App(connector=connector)
        for name, task in tasks.items():
            queued = app.task(name=name, queue=QUEUE, pass_context=True)(self._performer.function_of(task))
            if task.cron is not None:
                app.periodic(cron=task.cron, lock=name, queueing_lock=name)(queued)
        return app

    async def _live(self) -> None:
        """One life of procrastinate's worker: until the database goes away, or until the stop."""
        await asyncio.to_thread(self._in_transaction, self._begin_life)
        self._former.clear()
        jobs = self._settings.jobs
        async with self._app.open_async():
            if self._stopping.is_set():
                return
            worker = Worker(
                self._app,
                concurrency=1,
                fetch_job_polling_interval=jobs.poll_s,
                install_signal_handlers=False,
                update_heartbeat_interval=jobs.heartbeat_s,
                stalled_worker_timeout=jobs.stalled_after_s,
            )
            self._worker = worker
            companions = [
                asyncio.create_task(self._every(jobs.heartbeat_s, self._beat)),
                asyncio.create_task(self._every(jobs.sweep_s, self._sweep)),
            ]
            try:
                await worker.run()  # type: ignore[no-untyped-call]
            finally:
                self._note_end(worker)
                for companion in companions:
                    companion.cancel()
                await asyncio.gather(*companions, return_exceptions=True)
        log.info("worker.life_over", stopping=self._stopping.is_set())

    def _begin_life(self, session: Session) -> None:
        if self._former:
            log.info("worker.resumed", released=sweeping.release(session, self._former))
        sweeping.beat(session, self._worker_id)

    def _note_end(self, worker: Worker) -> None:
        self._worker = None
        if worker.worker_id is not None:  # it could not sign off
            self._former.append(worker.worker_id)

    def _database_is_usable(self) -> bool:
        with self._engine.connect() as connection:
            if not migrations.is_behind(connection):
                return True
        log.info("worker.waits_for_migrations")
        return False

    def _beat(self) -> None:
        self._in_transaction(lambda session: sweeping.beat(session, self._worker_id, own=self._own))

    def _leave(self) -> None:
        self._in_transaction(lambda session: sweeping.leave(session, self._worker_id))

    def _sweep(self) -> None:
        own, running = self._own, self._performer.running
        self._in_transaction(
            lambda session: sweeping.sweep(session, self._settings.jobs, own=own, running=running)
        )

    def _in_transaction(self, work: Callable[[Session], object]) -> None:
        with self._sessions.begin() as session:
            work(session)

    async def _every(self, seconds: float, work: Callable[[], None]) -> None:
        while True:
            await self._quietly(work)
            await asyncio.sleep(seconds)

    async def _quietly(self, work: Callable[[], None]) -> None:
        """Done, or not this time: the database may be away."""
        try:
            await asyncio.to_thread(work)
        except Exception as error:
            log.warning("worker.skipped", work=work.__name__, error=describe_error(error))

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return

    def _listen_for_stop(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)

    def _stop(self) -> None:
        """The job under way gets a little time; then the process ends without it."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        if self._worker is not None:
            self._worker.stop()  # type: ignore[no-untyped-call]
        asyncio.get_running_loop().call_later(STOP_PATIENCE_S, self._abandon)

    def _abandon(self) -> None:
        """Ends the process; a job cannot be ended alone. It waits for another worker as if never started."""
        log.warning("worker.abandons", job=self._performer.running)
        workers = [] if self._own is None else [self._own]
        try:
            self._in_transaction(lambda session: sweeping.release(session, workers))
            self._leave()
        except DATABASE_ERRORS:
            log.exception("worker.release_failed")  # the sweep of another process finds it
        os._exit(0)
