"""A worker with jobs made for trouble: `trial.py` is one process, `trial.py N` keeps N of them alive."""

import asyncio
import os
import sys
import time

from sqlalchemy import text
from sqlalchemy.orm import Session

from core import logs
from core.settings import load_settings
from core.supervisor import Child, Supervisor
from worker.performing import limit_memory
from worker.process import WorkerProcess
from worker.tasks import Task

NOTES = "CREATE TABLE notes (name text, pid int, at timestamptz DEFAULT clock_timestamp())"
NOTE = text("INSERT INTO notes (name, pid) VALUES (:name, :pid)")


def note(session: Session, *, name: str) -> None:
    session.execute(NOTE, {"name": name, "pid": os.getpid()})


def note_slowly(session: Session, *, name: str, seconds: float) -> None:
    """The start is visible at once, the end with the job's own commit."""
    assert session.bind is not None
    with Session(session.bind) as other, other.begin():
        note(other, name=f"{name} started")
    time.sleep(seconds)
    note(session, name=name)


def fail(session: Session, *, name: str) -> None:
    note(session, name=name)
    raise ValueError("13812345678")


def leave(_session: Session) -> None:
    sys.exit("a job must not end its worker politely either")


def crash(_session: Session) -> None:
    os._exit(1)


def hang(_session: Session) -> None:
    while True:
        pass


def hang_in_database(session: Session) -> None:
    session.execute(text("SELECT pg_sleep(3600)"))


def gorge(_session: Session) -> None:
    len(bytearray(8 << 30))


TASKS = {
    "trial.note": Task(note),
    "trial.slow": Task(note_slowly),
    "trial.fail": Task(fail),
    "trial.leave": Task(leave),
    "trial.crash": Task(crash),
    "trial.hang": Task(hang),
    "trial.hang_in_database": Task(hang_in_database),
    "trial.gorge": Task(gorge),
}


async def run() -> None:
    await WorkerProcess(load_settings(), TASKS).run()


if __name__ == "__main__":
    logs.configure(load_settings().log)
    if len(sys.argv) > 1:
        children = [
            Child(f"worker-{number}", [sys.executable, __file__]) for number in range(int(sys.argv[1]))
        ]
        sys.exit(Supervisor(children).run())
    limit_memory(load_settings().jobs)
    asyncio.run(run())
