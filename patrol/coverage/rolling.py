"""The roll-up of judged cells by street and day: the job `patrol.roll_up_coverage`."""

from collections.abc import Iterable
from datetime import date

from sqlalchemy.orm import Session

from core import jobs
from core.clock import Week

ROLL_UP = "patrol.roll_up_coverage"


def enqueue_days(session: Session, street_code: str, days: Iterable[date]) -> None:
    """The cells walked in the street on these days will be summed again, once for all that is waiting.

    Days of one week wait for each other, because they share the row of the week.
    """
    for day in sorted(set(days)):
        lock = f"{ROLL_UP}:{street_code}:{Week.of_day(day)}"
        waiting = f"{ROLL_UP}:{street_code}:{day}"
        jobs.enqueue(
            session, ROLL_UP, lock=lock, queueing_lock=waiting, street_code=street_code, day=day.isoformat()
        )


def roll_up_coverage(session: Session, street_code: str, day: str) -> None:
    """The sums of the street's day, and of its week, are those of the stored verdicts."""
