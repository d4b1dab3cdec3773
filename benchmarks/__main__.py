"""`make bench`: run the measurements and print one table. Name some to run only those."""

import sys
import tempfile
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from benchmarks import drawing, judging, locating, starting, uploading
from benchmarks.city import CityGrid, load_city, make_city
from benchmarks.table import Line, show
from core.cluster import EmbeddedCluster
from core.migrations import upgrade
from seeds.base import load_base

NAMES = ("judging", "locating", "uploading", "drawing", "starting")


def in_the_city(wanted: set[str], grids: list[CityGrid]) -> list[Line]:
    """The measurements that need a database: durable, as in production."""
    lines: list[Line] = []
    with tempfile.TemporaryDirectory(prefix="xunge-bench-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        cluster = EmbeddedCluster(Path(folder) / "home")
        url = cluster.start()
        try:
            upgrade(url)
            engine = create_engine(url)
            with Session(engine) as session, session.begin():
                load_base(session)
            load_city(engine, grids)
            if "locating" in wanted:
                lines += locating.run(engine, grids)
            if "uploading" in wanted:
                lines += uploading.run(engine, url, grids)
            if "drawing" in wanted:
                lines += drawing.run(engine, url)
            engine.dispose()
        finally:
            cluster.remove()
    return lines


def main() -> int:
    wanted = set(sys.argv[1:]) or set(NAMES)
    if unknown := wanted - set(NAMES):
        print(f"unknown benchmark {min(unknown)}; there are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    lines: list[Line] = []
    if "judging" in wanted:
        lines += judging.run()
    if wanted & {"locating", "uploading", "drawing"}:
        lines += in_the_city(wanted, make_city())
    if "starting" in wanted:
        lines += starting.run()
    show(lines)
    return 0 if all(line.holds is not False for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
