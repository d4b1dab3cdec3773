"""The heatmap of an area over some days. Read-only."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

import numpy as np
from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from geo.cells import COVERAGE_RESOLUTION, Cells, parents_of
from patrol.coverage.days import Days
from patrol.coverage.facts import judged_cells, passes_of
from patrol.coverage.ground import Area, Ground, grounds_of
from patrol.coverage.models import CoverageSum
from patrol.coverage.problems import TooManyCells
from patrol.coverage.rolling import A_DAY, A_WEEK
from patrol.coverage.sums import (
    WEEK_RESOLUTIONS,
    Heat,
    Spans,
    StoredSum,
    added,
    merged,
    spans_of,
    tally,
)

MOST_CELLS = 60_000  # about 8 MB of JSON: a city of 3,000 km2 at resolution 9, a large street at 11
OVERVIEW_RESOLUTION = 9


class State(StrEnum):
    """What is known of a cell in the days asked for."""

    COVERED = "covered"  # a patrol that is evidence passed
    UNKNOWN = "unknown"  # none did, but one may have while nothing was recorded
    NOT_COVERED = "not_covered"


@dataclass(frozen=True, slots=True)
class Heatmap:
    """What was asked for, and the figures."""

    area: Area
    days: Days
    resolution: int
    heat: Heat


def heatmap(session: Session, area: Area, days: Days, resolution: int | None) -> Heatmap:
    """The figures of every cell of the area; without a resolution, of what suits its size.

    Whoever may not read patrols sees coarse cells only: in a fine one often a single person walks.
    Raises: TooManyCells.
    """
    finest = COVERAGE_RESOLUTION if area.shows_days else OVERVIEW_RESOLUTION
    wanted = min(resolution or (COVERAGE_RESOLUTION if area.is_small else OVERVIEW_RESOLUTION), finest)
    grounds = grounds_of(session, area.scope, days.ground_day, wanted)
    count = sum(len(ground.cells) for ground in grounds)
    if count > MOST_CELLS:
        detail = f"{count} 个单元，上限 {MOST_CELLS} / {count} cells, at most {MOST_CELLS}"
        raise TooManyCells(detail)
    return Heatmap(area, days, wanted, heat_on(session, grounds, days, wanted))


def heat_on(session: Session, grounds: Sequence[Ground], days: Days, resolution: int) -> Heat:
    """The figures of every cell of the ground, those without any too.

    What was walked is told of the ground as it is on that day: a cell that has changed hands has its past.
    """
    whole = [ground for ground in grounds if ground.fine is None]
    heats = [
        _from_facts(session, ground, ground.fine, days, resolution)
        for ground in grounds
        if ground.fine is not None
    ]
    if whole:
        heats.append(_from_sums(session, whole, days, resolution))
    if not heats:
        return added((), np.empty(0, np.uint64))
    return heats[0] if len(heats) == 1 else merged(heats)


def states_of(heat: Heat) -> list[State]:
    """The state of each cell, in order."""
    number = np.where(heat.visits > 0, 0, np.where(heat.unknown > 0, 1, 2))
    states = (State.COVERED, State.UNKNOWN, State.NOT_COVERED)
    return [states[one] for one in number.tolist()]


def _from_sums(session: Session, grounds: Sequence[Ground], days: Days, resolution: int) -> Heat:
    """From stored rows alone: the sums of whole streets, or single cells, of which each lies in one grid."""
    spans = spans_of(days.first, days.last, in_weeks=resolution in WEEK_RESOLUTIONS)
    rows = session.execute(
        select(CoverageSum.first_day, CoverageSum.cells).where(
            CoverageSum.street_code.in_([ground.street_code for ground in grounds]),
            CoverageSum.resolution == resolution,
            or_(*_rows_of(spans)),
        )
    )
    cells = grounds[0].cells if len(grounds) == 1 else np.unique(np.concatenate([g.cells for g in grounds]))
    return added((StoredSum(*row) for row in rows), cells)


def _rows_of(spans: Spans) -> Iterator[ColumnElement[bool]]:
    for length, firsts in ((A_WEEK, spans.mondays), (A_DAY, spans.days)):
        for first, last in _runs(firsts, length):
            yield and_(CoverageSum.days == length, CoverageSum.first_day.between(first, last))


def _runs(firsts: Sequence[date], length: int) -> Iterator[tuple[date, date]]:
    """Neighbouring rows as ranges."""
    begun = 0
    for number, first in enumerate(firsts):
        if number + 1 == len(firsts) or firsts[number + 1] - first != timedelta(days=length):
            yield firsts[begun], first
            begun = number + 1


def _from_facts(session: Session, ground: Ground, fine: Cells, days: Days, resolution: int) -> Heat:
    """For a part of a street: a coarse cell on its rim says nothing of the neighbours' patrols.

    What is unknown needs no counting of patrols and comes from the stored cells.
    """
    judged = judged_cells(session, ground.street_code, days)
    coarse = tally(passes_of(judged).inside(fine), resolution)
    stored = _from_sums(session, [Ground(ground.street_code, fine, None)], days, COVERAGE_RESOLUTION)
    unknown = np.unique(parents_of(fine[stored.unknown > 0], resolution))
    return coarse.on(ground.cells, unknown)
