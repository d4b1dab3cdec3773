"""Verdicts of the recorded patrols, by the code that judges every patrol; nothing here decides anything."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from sqlalchemy.orm import Session

from core.clock import Week, local_date
from patrol.evidence import JudgedGrid, grid_on, stored_policies
from patrol.fixes import decode
from patrol.judging import judge_fixes, verdict_values
from patrol.models import Patrol
from patrol.policies import policy_for
from patrol.suspicion import replayed, track_mark
from patrol.verdicts import Verdict, doubted
from seeds.demo.recordings import Recording
from seeds.demo.storing import StoredGrid
from seeds.demo.street import DemoGrid

_JUDGED_AFTER = timedelta(seconds=2)  # the worker's usual delay


class Judge:
    """Judges recordings in stored grids; each grid is read once, for the demo's have one version."""

    def __init__(self, session: Session, stored: Mapping[DemoGrid, StoredGrid]) -> None:
        self._session = session
        self._stored = stored
        self._policies = stored_policies(session)
        self._grids: dict[int, JudgedGrid] = {}
        self._marks: set[tuple[int, tuple[int, float]]] = set()

    def verdict_row(self, recording: Recording) -> dict[str, Any]:
        """The verdict on what was stored, not on what was walked: the codec rounds to the centimetre."""
        assert recording.finish_received_at
        started_at = recording.outing.starts_at
        grid_id = self._stored[recording.outing.grid].grid_id
        grid = self._grid(grid_id, local_date(started_at))
        patrol = Patrol(started_at=started_at, finished_at=recording.finished_at)
        fixes = decode([segment.upload.blob for segment in recording.segments])
        chosen = policy_for(self._policies, path=grid.path, kind=grid.kind, day=local_date(started_at))
        verdict, track = judge_fixes(patrol, fixes, grid, chosen.policy)
        if self._is_known(grid_id, verdict):
            verdict = doubted(verdict, [replayed(verdict)])
        return {
            **verdict_values(verdict, track),
            "patrol_id": recording.patrol_id,
            "person_id": recording.outing.duty.worker.person_id,
            "grid_id": grid_id,
            "week": Week.of(started_at).monday,
            "started_at": started_at,
            "policy_id": chosen.policy_id,
            "grid_version_id": grid.version_id,
            "judged_at": recording.finish_received_at + _JUDGED_AFTER,
        }

    def _is_known(self, grid_id: int, verdict: Verdict) -> bool:
        """Whether an earlier recording of the grid was the same; they come in the order of their starts."""
        mark = track_mark(verdict)
        if mark is None:
            return False
        is_known = (grid_id, mark) in self._marks
        self._marks.add((grid_id, mark))
        return is_known

    def _grid(self, grid_id: int, day: date) -> JudgedGrid:
        if grid_id not in self._grids:
            self._grids[grid_id] = grid_on(self._session, grid_id, day)
        return self._grids[grid_id]
