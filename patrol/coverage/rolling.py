"""The roll-up of judged cells by street and day: the job `patrol.roll_up_coverage`."""

from collections.abc import Iterable, Sequence
from datetime import date

import numpy as np
from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import jobs
from core.clock import Week
from core.signals import RESULTS, announce
from geo.cells import COVERAGE_RESOLUTION
from patrol.coverage.days import Days
from patrol.coverage.facts import JudgedCells, judged_cells, passes_of, silent_passes_of, unknown_passes
from patrol.coverage.models import CoverageSum
from patrol.coverage.sums import (
    CELL,
    RESOLUTIONS,
    WEEK_RESOLUTIONS,
    Passes,
    StoredSum,
    added,
    cells_in,
    tally,
)

ROLL_UP = "patrol.roll_up_coverage"
A_DAY, A_WEEK = 1, 7

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('coverage:' || :street_week, 0))")


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
    """The sums of the street's day, and of its week, are those of the stored verdicts.

    Maps hear of it if anything changed. Whoever rolls up the same week waits, so that each reads the days
    that the other wrote.
    """
    of_day = date.fromisoformat(day)
    week = Week.of_day(of_day)
    session.execute(_LOCK, {"street_week": f"{street_code}:{week}"})
    judged = judged_cells(session, street_code, Days(of_day, of_day))
    passes = Passes.joined([passes_of(judged), _unknown(session, street_code, of_day, judged)])
    sums = {
        resolution: tally(passes, resolution).records(of_day).tobytes() if len(passes) else b""
        for resolution in RESOLUTIONS
    }
    changed = _rewrite(session, street_code, A_DAY, of_day, sums)
    weeks = {resolution: _week(session, street_code, week, resolution) for resolution in WEEK_RESOLUTIONS}
    if _rewrite(session, street_code, A_WEEK, week.monday, weeks) or changed:
        announce(session, RESULTS, street_code)


def _unknown(session: Session, street_code: str, day: date, judged: Sequence[JudgedCells]) -> Passes:
    """What may have been passed unseen. Once fixes are deleted by age, what was stored before stays."""
    if all(one.fixes_deleted_at is None for one in judged):
        return silent_passes_of(session, judged)
    stored = session.get(CoverageSum, (street_code, COVERAGE_RESOLUTION, A_DAY, day))
    records = np.frombuffer(stored.cells if stored else b"", CELL)
    return unknown_passes(records["cell"][records["unknown"] > 0], len(judged), day)


def _week(session: Session, street_code: str, week: Week, resolution: int) -> bytes:
    """The records of seven days together."""
    rows = session.execute(
        select(CoverageSum.first_day, CoverageSum.cells).where(
            CoverageSum.street_code == street_code,
            CoverageSum.resolution == resolution,
            CoverageSum.days == A_DAY,
            CoverageSum.first_day.between(week.monday, week.sunday),
        )
    )
    days = [StoredSum(*row) for row in rows]
    return added(days, cells_in(days)).records(week.monday).tobytes()


def _rewrite(session: Session, street_code: str, days: int, first_day: date, sums: dict[int, bytes]) -> bool:
    """The rows hold these bytes; without any, there is no row. True when something changed."""
    given = [resolution for resolution, cells in sums.items() if cells]
    gone = delete(CoverageSum).where(
        CoverageSum.street_code == street_code,
        CoverageSum.days == days,
        CoverageSum.first_day == first_day,
        CoverageSum.resolution.not_in(given),
    )
    changed = bool(session.scalars(gone.returning(CoverageSum.resolution)).all())
    rows = [
        {
            "street_code": street_code,
            "resolution": resolution,
            "days": days,
            "first_day": first_day,
            "cells": sums[resolution],
        }
        for resolution in given
    ]
    return (bool(rows) and _upsert(session, rows)) or changed


def _upsert(session: Session, rows: Sequence[dict[str, object]]) -> bool:
    statement = insert(CoverageSum).values(rows)
    new = {"cells": statement.excluded.cells, "rolled_up_at": func.clock_timestamp()}
    changed = statement.on_conflict_do_update(
        index_elements=["street_code", "resolution", "days", "first_day"],
        set_=new,
        where=CoverageSum.cells != statement.excluded.cells,
    )
    return bool(session.scalars(changed.returning(CoverageSum.resolution)).all())
