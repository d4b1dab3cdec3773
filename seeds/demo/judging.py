"""Verdicts of the recorded patrols, by the code that judges every patrol; nothing here decides anything.

As when a week is judged anew (patrol/judging/batch.py): every patrol by itself, then each beside the others.
Grids and checkpoints of the demo have one version, so they are read once and not for every day.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from core.clock import local_date
from patrol.coverage.rolling import enqueue_days
from patrol.judging.batch import doubtful_values
from patrol.judging.evidence import (
    StoredRows,
    checkpoints_on,
    grids_on,
    recorded_of,
    standing_in,
    stored_policies,
    stored_rows,
)
from patrol.judging.judge import Seen, judge_recorded, row_of
from patrol.judging.likeness import trace_of
from patrol.judging.suspicion import Compared, Suspect, Suspicion, suspicions_of
from patrol.models import Patrol, PatrolVerdict
from patrol.policies import policy_for
from patrol.presence.rules import StandingCheckpoint
from seeds.demo.copying import copy_rows
from seeds.demo.places import STREET_CODE
from seeds.demo.storing import StoredGrid
from seeds.demo.street import DemoGrid

_JUDGED_AFTER = timedelta(seconds=2)  # the worker's usual delay
_BATCH = 200
_UNSUSPECTED = Suspicion((), frozenset())


class Judge:
    """Judges the stored patrols of the demo."""

    def __init__(self, session: Session, stored: Mapping[DemoGrid, StoredGrid], moment: datetime) -> None:
        self._session = session
        self._stored = stored
        self._moment = moment
        day = local_date(moment)
        places = {(one.grid_id, day) for one in stored.values()}
        self._grids = {grid_id: grid for (grid_id, _), grid in grids_on(session, places).items()}
        self._placed = checkpoints_on(session, f"{STREET_CODE}/", day)
        self._checkpoints: dict[int, tuple[StandingCheckpoint, ...]] = {}

    def plates_of(self, grid: DemoGrid) -> tuple[StandingCheckpoint, ...]:
        """The checkpoints of a grid and of those below it."""
        return self._plates(self._stored[grid].grid_id)

    def judge(self) -> Iterator[int]:
        """Every finished patrol has its verdict; answers after each how many remain."""
        finished = select(Patrol).where(Patrol.finished_at.is_not(None))
        patrols = self._session.scalars(finished.order_by(Patrol.started_at, Patrol.patrol_id)).all()
        self._policies = stored_policies(self._session)
        seen: dict[uuid.UUID, Seen] = {}
        rows: dict[uuid.UUID, dict[str, Any]] = {}
        for batch in _batches(patrols):
            stored = stored_rows(self._session, batch)
            for patrol in batch:
                own = stored[patrol.patrol_id]
                seen[patrol.patrol_id] = self._look_at(patrol, own)
                row = row_of(patrol, seen[patrol.patrol_id], _UNSUSPECTED, _judged_at(patrol, own))
                rows[patrol.patrol_id] = {"patrol_id": patrol.patrol_id, **row}
                yield len(patrols) - len(seen)
        copy_rows(self._session, PatrolVerdict, list(rows.values()))
        self._session.execute(text("ANALYZE patrols, patrol_verdicts"))
        self._compare(patrols, seen)
        # The worker sums up the cells that were walked.
        enqueue_days(self._session, STREET_CODE, {local_date(patrol.started_at) for patrol in patrols})

    def _look_at(self, patrol: Patrol, own: StoredRows) -> Seen:
        grid = self._grids[patrol.grid_id]
        day = local_date(patrol.started_at)
        chosen = policy_for(self._policies, path=grid.path, kind=grid.kind, day=day)
        recorded = recorded_of(patrol, own, self._plates(patrol.grid_id))
        verdict, track = judge_recorded(recorded, grid, chosen.policy)
        return Seen(grid, chosen, recorded, verdict, track)

    def _compare(self, patrols: Sequence[Patrol], seen: Mapping[uuid.UUID, Seen]) -> None:
        compared, doubted = Compared(), []
        for batch in _batches(patrols):
            suspects = [_suspect(patrol, seen[patrol.patrol_id]) for patrol in batch]
            found = suspicions_of(self._session, suspects, compared=compared)
            for patrol in batch:
                key = patrol.patrol_id
                if found[key] != _UNSUSPECTED:
                    doubted.append({"patrol_id": key, **doubtful_values(seen[key].verdict, found[key])})
        self._session.execute(update(PatrolVerdict), doubted)

    def _plates(self, grid_id: int) -> tuple[StandingCheckpoint, ...]:
        if grid_id not in self._checkpoints:
            path = self._grids[grid_id].path
            self._checkpoints[grid_id] = standing_in(self._placed, path, self._moment)
        return self._checkpoints[grid_id]


def _batches(patrols: Sequence[Patrol]) -> Iterable[Sequence[Patrol]]:
    return (patrols[first : first + _BATCH] for first in range(0, len(patrols), _BATCH))


def _suspect(patrol: Patrol, one: Seen) -> Suspect:
    return Suspect(patrol, one.verdict, trace_of(one.track), one.chosen.policy)


def _judged_at(patrol: Patrol, own: StoredRows) -> datetime:
    assert patrol.finish_received_at
    came: list[datetime] = [
        row.received_at for rows in (own.segments, own.check_ins, own.gaps) for row in rows
    ]
    return max([patrol.finish_received_at, *came]) + _JUDGED_AFTER
