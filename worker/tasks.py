"""Which function does the work of which job. A row here is all that a new kind of job needs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from core.photo_files import photo_folder
from core.photos import prune_photos
from core.settings import Settings
from core.sync.marks import forget_unused
from patrol.coverage.rolling import roll_up_coverage
from patrol.duties.reminding import REMIND_STREET, remind, remind_street
from patrol.judging.batch import judge_many, judge_waiting
from patrol.judging.judge import judge_abandoned
from patrol.retention import RETAIN, retain
from patrol.trackers.folding import FOLD, enqueue_folding, fold
from patrol.weeks.freezing import freeze_recent, freeze_week
from patrol.weeks.roll_up import roll_up, roll_up_recent
from worker import sweeping


@dataclass(frozen=True, slots=True)
class Task:
    """`run(session, **args)` does the work in the session it is given and leaves the commit to the worker.

    It must bear being run twice: a worker may die between commit and acknowledgement.
    """

    run: Callable[..., None]
    cron: str | None = None  # UTC; such a job has no arguments


def make_tasks(settings: Settings) -> Mapping[str, Task]:
    """Every job of the product, by the name under which it is enqueued."""
    return {
        "patrol.judge": Task(judge_waiting),
        "patrol.judge_many": Task(judge_many),
        "patrol.roll_up": Task(roll_up),
        "patrol.roll_up_coverage": Task(roll_up_coverage),
        "patrol.judge_abandoned": Task(partial(judge_abandoned, limits=settings.patrol), cron="*/10 * * * *"),
        "patrol.roll_up_recent": Task(roll_up_recent, cron="5 * * * *"),
        "patrol.freeze_week": Task(freeze_week),
        "patrol.freeze_recent": Task(freeze_recent, cron="20 * * * *"),
        "core.prune_photos": Task(
            partial(prune_photos, files=photo_folder(settings), limits=settings.photos), cron="41 * * * *"
        ),
        REMIND_STREET: Task(remind_street),
        "patrol.remind": Task(remind, cron="0 1 * * *"),  # 09:00 in China
        FOLD: Task(partial(fold, limits=settings.patrol, sync=settings.sync)),
        "patrol.trackers.enqueue": Task(enqueue_folding, cron="* * * * *"),
        "core.sync.forget": Task(partial(forget_unused, days=settings.sync.state_days), cron="41 20 * * *"),
        RETAIN: Task(
            partial(retain, privacy=settings.privacy, limits=settings.patrol), cron="30 18 * * *"
        ),  # 02:30 in China
        "core.prune": Task(sweeping.prune, cron="23 * * * *"),
    }
