"""`xunge dead-jobs`: look at the jobs that used up their attempts, and decide about them."""

import json

from rich.table import Table
from sqlalchemy import delete, select

from cli.console import out, say
from cli.database import writing
from core.models import DeadJob
from core.settings import Settings
from worker import sweeping


def look(settings: Settings) -> None:
    """They are listed, newest first."""
    with writing(settings) as session:
        dead = session.scalars(select(DeadJob).order_by(DeadJob.died_at.desc())).all()
    table = Table("died at", "job", "task", "arguments", "attempts", "reason", box=None, header_style="bold")
    for job in dead:
        died_at = job.died_at.isoformat(timespec="seconds")
        table.add_row(
            died_at, str(job.job_id), job.task_name, json.dumps(job.args), str(job.attempts), job.reason
        )
    out.print(table) if dead else say("No dead jobs.")


def retry(settings: Settings) -> None:
    with writing(settings) as session:
        say(f"{sweeping.revive(session)} jobs wait in the queue again.")


def discard(settings: Settings) -> None:
    with writing(settings) as session:
        job_ids = session.scalars(delete(DeadJob).returning(DeadJob.job_id)).all()
    say(f"{len(job_ids)} jobs are gone for good.")
