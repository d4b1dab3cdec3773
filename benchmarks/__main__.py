"""`make bench`: run the measurements and print one table. Name some to run only those."""

import sys

from benchmarks import (
    checking,
    drawing,
    heatmap,
    importing,
    judging,
    judging_weeks,
    locating,
    registering,
    starting,
    syncing,
    uploading,
)
from benchmarks.city import LARGE, load_city, make_city
from benchmarks.databases import empty_database
from benchmarks.table import Line, show

NAMES = (
    "judging",
    "checking",
    "locating",
    "uploading",
    "syncing",
    "registering",
    "drawing",
    "drawing-large",
    "heatmap",
    "judging-street-week",
    "judging-city-week",
    "importing",
    "starting",
)


def in_the_city(wanted: set[str]) -> list[Line]:
    """The measurements that need a database with grids in it."""
    lines: list[Line] = []
    grids = make_city()
    with empty_database() as (engine, url):
        load_city(engine, grids)
        if "checking" in wanted:
            lines += checking.run(engine, grids)
        if "locating" in wanted:
            lines += locating.run(engine, grids)
        if "uploading" in wanted:
            lines += uploading.run(engine, url, grids)
        if "drawing" in wanted:
            lines += drawing.run(engine, url, grids)
        if "syncing" in wanted:
            lines += syncing.run(engine, url, grids)
        if "registering" in wanted:
            lines += registering.run(engine, url, grids)
    return lines


def in_the_large_city() -> list[Line]:
    grids = make_city(LARGE)
    with empty_database() as (engine, url):
        load_city(engine, grids, with_cells=False)
        return drawing.run(engine, url, grids)


def in_small_streets() -> list[Line]:
    grids = heatmap.small_streets(make_city())
    with empty_database() as (engine, _):
        load_city(engine, grids, with_cells=False)
        return heatmap.run(engine, grids)


def judged_weeks(wanted: set[str]) -> list[Line]:
    lines: list[Line] = []
    city = heatmap.small_streets(make_city())
    street = heatmap.first_streets(city, 2)
    for name, grids, run in (
        ("judging-street-week", street, judging_weeks.run_street),
        ("judging-city-week", city, judging_weeks.run_city),
    ):
        if name in wanted:
            with empty_database() as (engine, url):
                load_city(engine, grids)
                lines += run(engine, url, grids)
    return lines


def main() -> int:
    wanted = set(sys.argv[1:]) or set(NAMES)
    if unknown := wanted - set(NAMES):
        print(f"unknown benchmark {min(unknown)}; there are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    lines: list[Line] = []
    if "judging" in wanted:
        lines += judging.run()
    if wanted & {"checking", "locating", "uploading", "drawing", "syncing", "registering"}:
        lines += in_the_city(wanted)
    if "drawing-large" in wanted:
        lines += in_the_large_city()
    if "heatmap" in wanted:
        lines += in_small_streets()
    if wanted & {"judging-street-week", "judging-city-week"}:
        lines += judged_weeks(wanted)
    if "importing" in wanted:
        lines += importing.run()
    if "starting" in wanted:
        lines += starting.run()
    show(lines)
    return 0 if all(line.holds is not False for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
