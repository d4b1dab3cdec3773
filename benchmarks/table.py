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


@dataclass(frozen=True, slots=True)
class Taken:
    """Wall time and processor time of one call: on a busy machine only the second means much."""

    wall_s: float
    cpu_s: float

    def __str__(self) -> str:
        return f"{self.wall_s * 1000:.0f} ms (CPU {self.cpu_s * 1000:.0f})"


def taken(work: Callable[[], object], *, runs: int = 5, warm_up: int = 1) -> Taken:
    """Median times of one call; all threads of this process count."""
    for _ in range(warm_up):
        work()
    walls, cpus = [], []
    for _ in range(runs):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return Taken(median(walls), median(cpus))


def show(lines: list[Line]) -> None:
    table = Table(title="Xunge: every figure beside its peer in the same run")
    for heading in ("work", "xunge", "peer or floor", "ratio", "promise", "holds"):
        table.add_column(heading, overflow="fold")
    for line in lines:
        ratio = "" if line.ratio is None else f"{line.ratio:.2f}x"
        holds = {None: "", True: "yes", False: "NO"}[line.holds]
        table.add_row(line.work, line.ours, line.peer, ratio, line.floor, holds)
    Console(width=150).print(table)
