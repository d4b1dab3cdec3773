"""Patrols as phones deliver them: the walk of walks.py as segment bodies, close to the present."""

import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from access.scope import Actor
from core.clock import now
from core.settings import PatrolSettings
from geo.models import Grid
from patrol.fixes import Fixes
from patrol.judging.judge import judge_patrol
from patrol.models import PatrolVerdict
from patrol.recording.tracks import (
    Filed,
    Finish,
    SegmentKey,
    Start,
    finish_patrol,
    record_segment,
    start_patrol,
)
from tests import make
from tests.patrol.walks import SOUTH, WEST, lon_lat, patrol

LIMITS = PatrolSettings()
GRID_SIDE_M = 400.0


def plot(
    session: Session, *, sequence: str = "10", parent: Grid | None = None, kind: str = "residential"
) -> Grid:
    """The square of walks.py as a grid."""
    east, north = lon_lat(GRID_SIDE_M, GRID_SIDE_M)
    shape = make.box(WEST, SOUTH, float(east), float(north))
    code = make.grid_code(community="001", sequence=sequence)
    return make.grid(session, code=code, parent=parent, name=f"格{sequence}", kind=kind, geom=shape)


def recent(fixes: Fixes, *, ended_ago: timedelta = timedelta(minutes=10)) -> Fixes:
    """The same walk, ending some minutes before now, on a whole second."""
    end_ms = int((now() - ended_ago).timestamp()) * 1000
    return replace(fixes, at_ms=fixes.at_ms + (end_ms - int(fixes.at_ms.max())))


def moment(fixes: Fixes, index: int) -> datetime:
    return datetime.fromtimestamp(int(fixes.at_ms[index]) / 1000, UTC)


def fix_members(fixes: Fixes) -> Iterable[dict[str, Any]]:
    for index in range(len(fixes)):
        yield {
            "at": moment(fixes, index).isoformat(),
            "lon": float(fixes.lon[index]),
            "lat": float(fixes.lat[index]),
            "accuracy_m": float(fixes.accuracy_m[index]),
            "mock": bool(fixes.mock[index]),
        }


def body_of(fixes: Fixes, *, seq: int = 0, datum: str = "EPSG:4326") -> bytes:
    return json.dumps({"seq": seq, "datum": datum, "fixes": list(fix_members(fixes))}).encode()


@dataclass(frozen=True)
class Round:
    """A patrol about to be delivered."""

    grid_code: str
    fixes: Fixes
    patrol_id: uuid.UUID

    @classmethod
    def of(cls, grid: Grid, fixes: Fixes | None = None, name: str = "round") -> "Round":
        walk = recent(patrol(30)) if fixes is None else fixes
        return cls(grid.code, walk, make.fixed_uuid(name))

    @property
    def start(self) -> Start:
        return Start(self.grid_code, moment(self.fixes, 0))

    @property
    def finish(self) -> Finish:
        return Finish(moment(self.fixes, -1))

    def key(self, name: str) -> SegmentKey:
        return SegmentKey(self.patrol_id, make.fixed_uuid(f"{self.patrol_id} {name}"))

    def begin(self, session: Session, actor: Actor) -> Filed:
        return filed(start_patrol(session, actor, self.patrol_id, self.start, LIMITS))

    def send(self, session: Session, actor: Actor, fixes: Fixes, name: str = "0", seq: int = 0) -> Filed:
        return filed(record_segment(session, actor, self.key(name), body_of(fixes, seq=seq), LIMITS))

    def end(self, session: Session, actor: Actor) -> Filed:
        return filed(finish_patrol(session, actor, self.patrol_id, self.finish, LIMITS))

    def deliver(self, session: Session, actor: Actor) -> PatrolVerdict:
        """Everything in order, then judged."""
        self.begin(session, actor)
        self.send(session, actor, self.fixes)
        self.end(session, actor)
        return self.judge(session)

    def judge(self, session: Session) -> PatrolVerdict:
        judge_patrol(session, str(self.patrol_id))
        return session.get_one(PatrolVerdict, self.patrol_id, populate_existing=True)


def filed(outcome: Any) -> Filed:
    assert isinstance(outcome, Filed), outcome
    return outcome


def row_of(verdict: PatrolVerdict) -> dict[str, Any]:
    """A stored verdict without the moment of judging."""
    columns = {column.key: getattr(verdict, column.key) for column in PatrolVerdict.__table__.columns}
    columns["geom"] = None if verdict.geom is None else bytes(verdict.geom.data)
    del columns["judged_at"]
    return columns


def jobs_of(session: Session, task_name: str) -> list[dict[str, Any]]:
    rows = session.execute(
        text("SELECT args FROM procrastinate_jobs WHERE task_name = :name ORDER BY id"), {"name": task_name}
    )
    return [dict(args) for (args,) in rows]
