"""What the stored verdicts say of cells. Read-only.

Which patrols are evidence: those that count by their own figures (valid) and those that a supervisor
accepted. Whoever is still doubted, or fell short of a figure, walked all the same: shown apart, as
unconfirmed. What a supervisor rejected shows nowhere.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from core.clock import local_date
from geo.cells import Cells, unpacked
from geo.models import Grid
from patrol.coverage.days import Days
from patrol.coverage.silences import reachable, silences_of
from patrol.coverage.sums import Kind, Passes
from patrol.judging.cleaning import clean
from patrol.judging.evidence import area_of, grid_on, recorded, stored_policies
from patrol.judging.verdicts import COUNTING, Decision, Status, effective_status
from patrol.models import Patrol, PatrolVerdict
from patrol.policies import Policy


@dataclass(frozen=True, slots=True)
class JudgedCells:
    """The part of a stored verdict that coverage is made of."""

    patrol_id: uuid.UUID
    status: str
    decision: str | None
    started_at: datetime
    finished_at: datetime | None
    fixes_deleted_at: datetime | None
    observed_s: float
    policy_id: int
    cells: bytes
    dwell_s: bytes

    @property
    def kind(self) -> Kind | None:
        return kind_of(self.status, self.decision)


def kind_of(status: str, decision: str | None) -> Kind | None:
    """What a patrol's cells are worth; None when a supervisor rejected it."""
    if decision == Decision.REJECTED:
        return None
    return Kind.VISIT if effective_status(status, decision) in COUNTING else Kind.UNCONFIRMED


def is_evidence() -> ColumnElement[bool]:
    """`kind_of` is a visit, in SQL; a test compares the two."""
    accepted = PatrolVerdict.decision == Decision.ACCEPTED.value
    return or_(accepted, and_(PatrolVerdict.decision.is_(None), PatrolVerdict.status == Status.VALID.value))


def judged_cells(session: Session, street_code: str, days: Days) -> list[JudgedCells]:
    """The verdicts of the street's patrols that began on these days and were not rejected, by id."""
    rows = session.execute(
        select(
            PatrolVerdict.patrol_id,
            PatrolVerdict.status,
            PatrolVerdict.decision,
            PatrolVerdict.started_at,
            Patrol.finished_at,
            Patrol.fixes_deleted_at,
            PatrolVerdict.observed_s,
            PatrolVerdict.policy_id,
            PatrolVerdict.cells,
            PatrolVerdict.dwell_s,
        )
        .join(Grid, Grid.grid_id == PatrolVerdict.grid_id)
        .join(Patrol, Patrol.patrol_id == PatrolVerdict.patrol_id)
        .where(
            Grid.street_code == street_code,
            PatrolVerdict.week.between(*days.mondays),
            PatrolVerdict.started_at >= days.begin_at,
            PatrolVerdict.started_at < days.end_at,
        )
        .order_by(PatrolVerdict.patrol_id)
    )
    found = (JudgedCells(**row._asdict()) for row in rows)
    return [one for one in found if one.kind is not None]


def passes_of(judged: Sequence[JudgedCells]) -> Passes:
    """Every cell of every verdict with its seconds."""
    counts = [len(one.cells) // 8 for one in judged]

    def repeated(values: Sequence[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.repeat(np.array(values, np.int64), counts)

    return Passes(
        cells=unpacked(b"".join(one.cells for one in judged)),
        dwell_s=np.frombuffer(b"".join(one.dwell_s for one in judged), "<f4").astype(np.float64),
        patrols=repeated(range(len(judged))),
        kinds=repeated([int(one.kind or 0) for one in judged]),
        days=repeated([local_date(one.started_at).toordinal() for one in judged]),
    )


def silent_passes_of(session: Session, judged: Sequence[JudgedCells]) -> Passes:
    """The cells that may have been passed while nothing was recorded.

    Only patrols with a long silence are read again; the others have none by the figures of their verdict.
    """
    policies = {row.policy_id: row.policy for row in stored_policies(session)}
    parts = [passes_of(())]
    for number, one in enumerate(judged):
        policy = policies[one.policy_id]
        if _may_be_silent(one, policy):
            cells = np.unique(np.concatenate([*_unrecorded(session, one, policy), np.empty(0, np.uint64)]))
            cells = cells[~np.isin(cells, unpacked(one.cells))]
            parts.append(unknown_passes(cells, number, local_date(one.started_at)))
    return Passes.joined(parts)


def _may_be_silent(one: JudgedCells, policy: Policy) -> bool:
    if one.finished_at is None:  # up to the last fix, whenever that was
        return True
    return (one.finished_at - one.started_at).total_seconds() - one.observed_s > policy.max_gap_s


def _unrecorded(session: Session, one: JudgedCells, policy: Policy) -> Iterator[Cells]:
    patrol = session.get_one(Patrol, one.patrol_id)
    grid = grid_on(session, patrol.grid_id, local_date(patrol.started_at))
    stored = recorded(session, patrol, grid)
    span = {"started_ms": stored.started_ms, "finished_ms": stored.ends_ms}
    track = clean(stored.fixes, policy, **span)
    cells = area_of(grid.geom, grid.cells, policy.boundary_tolerance_m).cells
    for silence in silences_of(track, **span, longest_s=policy.max_gap_s):
        yield reachable(silence, cells)


def unknown_passes(cells: Cells, number: int, day: date) -> Passes:
    """These cells may have been passed by one patrol of the day."""
    count = len(cells)
    return Passes(
        cells=cells,
        dwell_s=np.zeros(count),
        patrols=np.full(count, number),
        kinds=np.full(count, int(Kind.UNKNOWN)),
        days=np.full(count, day.toordinal()),
    )
