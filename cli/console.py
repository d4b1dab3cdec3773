"""What a person at the terminal sees: results on stdout, everything else on stderr."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from core.errors import DomainError

FAILED, WRONG_INPUT, INTERRUPTED = 1, 2, 130  # exit codes
MAX_FIELDS = 5

out = Console()
err = Console(stderr=True)


def say(line: str) -> None:
    """One line about what happens, not part of a result."""
    err.print(line, markup=False, highlight=False, soft_wrap=True)


def show(text: str) -> None:
    """A result as it is, for pipes and files."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def one_line(error: DomainError) -> str:
    """`code: what is wrong`, with the fields that are wrong."""
    told = error.detail or error.title
    fields = [field for field in error.errors if field.detail not in told]
    parts = [told, *(f"{field.pointer} {field.detail}" for field in fields[:MAX_FIELDS])]
    if len(fields) > MAX_FIELDS:
        parts.append(f"and {len(fields) - MAX_FIELDS} more")
    return " ".join(f"{error.code}: {'; '.join(parts)}".split())


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """A function to tell `(step, done, total)` to: bars on a terminal, one line per step elsewhere."""
    if not err.is_terminal:
        yield _PlainProgress()
        return
    with Progress(
        TextColumn("{task.description:<24}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
    ) as bars:
        tasks: dict[str, TaskID] = {}

        def tell(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=total)
            bars.update(tasks[step], completed=done, total=total)

        yield tell


class _PlainProgress:
    """A log file wants one line per step, when the step is done."""

    def __call__(self, step: str, done: int, total: int) -> None:
        if done == total:
            say(f"{step}: {total}")
