"""Which function does the work of which job. A row here is all that a new kind of job needs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from access import tokens
from worker import sweeping


@dataclass(frozen=True, slots=True)
class Task:
    """`run(session, **args)` does the work in the session it is given and leaves the commit to the worker.

    It must bear being run twice: a worker may die between commit and acknowledgement.
    """

    run: Callable[..., None]
    cron: str | None = None  # UTC; such a job has no arguments


TASKS: Mapping[str, Task] = {
    "core.prune": Task(sweeping.prune, cron="23 * * * *"),
    "access.forget_ended": Task(tokens.forget_ended, cron="41 19 * * *"),  # at night in China
}
