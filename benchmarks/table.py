"""One measured line: our figure, the peer's figure, their ratio, and the floor we promise ourselves."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Line:
    """`ratio` is how many times better we are than the peer (higher is better), whatever the unit."""

    work: str
    ours: str
    peer: str
    ratio: float | None = None
    floor: str = ""
    holds: bool | None = None


def seconds(work: Callable[[], object], *, runs: int = 5, warm_up: int = 1) -> float:
    """Median wall time of one call."""
    for _ in range(warm_up):
        work()
    taken = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return median(taken)


def show(lines: list[Line]) -> None:
    table = Table(title="Xunge: every figure beside its peer in the same run")
    for heading in ("work", "xunge", "peer or floor", "ratio", "promise", "holds"):
        table.add_column(heading, overflow="fold")
    for line in lines:
        ratio = "" if line.ratio is None else f"{line.ratio:.2f}x"
        holds = {None: "", True: "yes", False: "NO"}[line.holds]
        table.add_row(line.work, line.ours, line.peer, ratio, line.floor, holds)
    Console(width=150).print(table)
