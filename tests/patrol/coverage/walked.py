"""Judged patrols with known cells, and the ground they lie on, for tests of coverage."""

import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from access.scope import Actor
from core.clock import Week
from geo.cells import Cells, packed
from geo.models import Grid, GridVersion
from patrol.coverage.rolling import roll_up_coverage
from patrol.judging.evidence import area_of
from patrol.models import Patrol, PatrolPolicy, PatrolVerdict
from tests.patrol.weeks.test_roll_up import BLANK

MONDAY = date(2026, 11, 16)
SUNDAY = date(2026, 11, 22)


def cells_in(session: Session, grid: Grid) -> Cells:
    """The cells of the grid's shape."""
    statement = select(GridVersion.geom).where(GridVersion.grid_id == grid.grid_id)
    geom = session.scalars(statement).one()
    assert geom is not None
    return area_of(bytes(geom.data), b"", 0.0).cells


def _walk(session: Session, common: dict[str, Any], finished_at: datetime) -> None:
    received = {"start_received_at": common["started_at"], "finish_received_at": finished_at}
    session.add(Patrol(**common, **received, source="app", finished_at=finished_at))
    session.flush()


def walked(
    session: Session,
    actor: Actor,
    grid: Grid,
    cells: Cells,
    *,
    day: date = MONDAY,
    hour: int = 9,
    status: str = "valid",
    decision: str | None = None,
    **verdict: Any,
) -> uuid.UUID:
    """A judged patrol of half an hour that spent ten seconds in each of these cells."""
    started_at = datetime(day.year, day.month, day.day, hour, tzinfo=UTC) - timedelta(hours=8)
    common: dict[str, Any] = {
        "patrol_id": uuid.uuid5(uuid.NAMESPACE_OID, f"{actor.username} {grid.code} {started_at}"),
        "person_id": actor.person_id,
        "grid_id": grid.grid_id,
        "started_at": started_at,
    }
    finished_at = started_at + timedelta(minutes=30)
    _walk(session, common, finished_at)
    version = select(GridVersion.version_id).where(GridVersion.grid_id == grid.grid_id)
    policy = select(PatrolPolicy.policy_id).where(PatrolPolicy.path == "")
    said = {
        **BLANK,
        "observed_s": 1800.0,
        "cells": packed(cells),
        "dwell_s": np.full(len(cells), 10, "<f4").tobytes(),
        "policy_id": session.scalar(policy),
        "grid_version_id": session.scalar(version),
        "week": Week.of(started_at).monday,
        "judged_at": finished_at,
        "status": status,
        "decision": decision,
        **verdict,
    }
    session.add(PatrolVerdict(**common, **said))
    session.flush()
    return uuid.UUID(str(common["patrol_id"]))


def rolled_up(session: Session, *days: date, street_code: str = "320113007") -> None:
    """The sums of these days are those of the facts."""
    for day in days or (MONDAY,):
        roll_up_coverage(session, street_code, day.isoformat())
