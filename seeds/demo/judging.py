"""Verdicts of the recorded patrols, by the code that judges every patrol; nothing here decides anything."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from sqlalchemy.orm import Session

from core.clock import Week, local_date
from patrol.evidence import JudgedGrid, Recorded, checkpoints_of, grid_on, stored_policies
from patrol.fixes import decode
from patrol.judging import judge_recorded, verdict_values
from patrol.models import Patrol
from patrol.policies import policy_for
from patrol.presence.rules import Evidence, StandingCheckpoint
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
        self._checkpoints: dict[tuple[int, date], tuple[StandingCheckpoint, ...]] = {}
        self._marks: dict[tuple[int, tuple[int, float]], dict[str, Any]] = {}

    def verdict_row(self, recording: Recording) -> dict[str, Any]:
        """The verdict on what was stored, not on what was walked: the codec rounds to the centimetre."""
        assert recording.finish_received_at
        started_at = recording.outing.starts_at
        grid_id = self._stored[recording.outing.grid].grid_id
        grid = self._grid(grid_id, local_date(started_at))
        chosen = policy_for(self._policies, path=grid.path, kind=grid.kind, day=local_date(started_at))
        stored = self._recorded(recording, grid_id, grid)
        verdict, track = judge_recorded(stored, grid, chosen.policy)
        original = self._original(grid_id, verdict)
        if original is not None:
            shown = [{"id": str(original["patrol_id"])}]
            verdict = doubted(verdict, [replayed(verdict, patrols=shown)])
        row = {
            **verdict_values(verdict, track),
            "patrol_id": recording.patrol_id,
            "person_id": recording.outing.duty.worker.person_id,
            "grid_id": grid_id,
            "week": Week.of(started_at).monday,
            "started_at": started_at,
            "policy_id": chosen.policy_id,
            "grid_version_id": grid.version_id,
            "judged_at": recording.finish_received_at + _JUDGED_AFTER,
            "related": [],
        }
        self._relate(row, original, verdict)
        return row

    def _recorded(self, recording: Recording, grid_id: int, grid: JudgedGrid) -> Recorded:
        started_at, finished_at = recording.outing.starts_at, recording.finished_at
        assert finished_at
        key = (grid_id, local_date(started_at))
        if key not in self._checkpoints:
            patrol = Patrol(started_at=started_at)
            self._checkpoints[key] = checkpoints_of(self._session, patrol, grid)
        return Recorded(
            fixes=decode([segment.upload.blob for segment in recording.segments]),
            started_ms=round(started_at.timestamp() * 1000),
            finished_ms=round(finished_at.timestamp() * 1000),
            evidence=Evidence(checkpoints=self._checkpoints[key]),
        )

    def _original(self, grid_id: int, verdict: Verdict) -> dict[str, Any] | None:
        """The row of an earlier recording of the grid that was the same; they come in order of start."""
        mark = track_mark(verdict)
        return None if mark is None else self._marks.get((grid_id, mark))

    def _relate(self, row: dict[str, Any], original: dict[str, Any] | None, verdict: Verdict) -> None:
        mark = track_mark(verdict)
        if original is not None:
            row["related"].append(original["patrol_id"])
            original["related"].append(row["patrol_id"])
        elif mark is not None:
            self._marks[row["grid_id"], mark] = row

    def _grid(self, grid_id: int, day: date) -> JudgedGrid:
        if grid_id not in self._grids:
            self._grids[grid_id] = grid_on(self._session, grid_id, day)
        return self._grids[grid_id]
