"""From stored segments to the stored verdict: the job `patrol.judge`.

The verdict follows from what is stored, the grid version of the day and the policy of the day. It is
rewritten whenever more arrives, so it never depends on the order of arrival.
"""

import uuid
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import audit, jobs
from core.clock import Week, local_date, now
from core.settings import PatrolSettings
from geo.area import path_wkb
from geo.cells import packed
from geo.models import CGCS2000
from patrol.coverage.rolling import enqueue_days
from patrol.fixes import Fixes
from patrol.judging.cleaning import CleanTrack, clean
from patrol.judging.evidence import (
    JudgedGrid,
    Recorded,
    area_of,
    grid_on,
    newest_of_patrol,
    recorded,
    stored_policies,
)
from patrol.judging.likeness import middle_of, trace_of
from patrol.judging.likeness import packed as packed_trace
from patrol.judging.suspicion import Suspicion, suspicion_of
from patrol.judging.verdicts import Verdict, doubted, judge, walked_path
from patrol.models import Patrol, PatrolVerdict
from patrol.policies import Policy, PolicyRow, policy_for
from patrol.presence.rules import NO_EVIDENCE, presence_of
from patrol.recording.filing import FINISH_TOLERANCE, enqueue_judging

ROLL_UP = "patrol.roll_up"
_DRAWN_TO_M = 2.0  # below the error of a fix
_TOLERANCE_MS = round(FINISH_TOLERANCE / timedelta(milliseconds=1))


def judge_patrol(session: Session, patrol_id: str) -> None:
    """The patrol's verdict is that of everything stored, and its week will be counted again.

    Takes the patrol's row lock first: what is on its way is waited for, what comes later asks for another.
    """
    patrol = session.scalar(
        select(Patrol)
        .where(Patrol.patrol_id == uuid.UUID(patrol_id))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if patrol is None or patrol.fixes_deleted_at is not None:
        return  # the verdict stays: what it was computed from has been deleted (patrol/retention.py)
    judged_at = session.scalars(select(func.clock_timestamp())).one()
    seen = look_at(session, patrol)
    suspicion = suspicion_of(session, patrol, seen.verdict, seen.track, seen.chosen.policy)
    values = row_of(patrol, seen, suspicion, judged_at)
    week = Week.of(patrol.started_at)
    before = session.execute(
        select(PatrolVerdict.status, PatrolVerdict.related).where(PatrolVerdict.patrol_id == patrol.patrol_id)
    ).one_or_none()
    _store(session, patrol.patrol_id, values)
    enqueue_roll_up(session, seen.grid.street_code, week)
    enqueue_days(session, seen.grid.street_code, [local_date(patrol.started_at)])
    _judge_again(session, suspicion.related ^ set(before.related if before else ()))
    if before is None or before.status != values["status"]:
        _record(session, patrol.patrol_id, seen.grid.street_code, before and before.status, values)


def row_of(patrol: Patrol, seen: "Seen", suspicion: Suspicion, judged_at: datetime) -> dict[str, Any]:
    """The columns of PatrolVerdict, but for its key and a supervisor's decision."""
    return {
        **verdict_values(doubted(seen.verdict, suspicion.doubts), seen.track),
        "clock_offset_s": seen.recorded.evidence.clock_offset_s,
        "related": sorted(suspicion.related),
        "person_id": patrol.person_id,
        "grid_id": patrol.grid_id,
        "week": Week.of(patrol.started_at).monday,
        "started_at": patrol.started_at,
        "policy_id": seen.chosen.policy_id,
        "grid_version_id": seen.grid.version_id,
        "judged_at": judged_at,
    }


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A patrol judged by what it shows itself, before it is compared with others."""

    grid: JudgedGrid
    chosen: PolicyRow
    recorded: Recorded
    verdict: Verdict
    track: CleanTrack


def look_at(session: Session, patrol: Patrol) -> Seen:
    """Judge what is stored of the patrol by itself; nothing is written."""
    day = local_date(patrol.started_at)
    grid = grid_on(session, patrol.grid_id, day)
    chosen = policy_for(stored_policies(session), path=grid.path, kind=grid.kind, day=day)
    stored = recorded(session, patrol, grid)
    verdict, track = judge_recorded(stored, grid, chosen.policy)
    return Seen(grid, chosen, stored, verdict, track)


def judge_fixes(patrol: Patrol, fixes: Fixes, grid: JudgedGrid, policy: Policy) -> tuple[Verdict, CleanTrack]:
    """The verdict on these fixes alone between the start and the finish of the patrol."""
    started_ms = _milliseconds(patrol.started_at)
    finished_ms = None if patrol.finished_at is None else _milliseconds(patrol.finished_at)
    return judge_recorded(Recorded(fixes, started_ms, finished_ms, NO_EVIDENCE), grid, policy)


def judge_recorded(stored: Recorded, grid: JudgedGrid, policy: Policy) -> tuple[Verdict, CleanTrack]:
    """The verdict on what was recorded between start and finish; without a finish, up to the last of it.

    Fixes after the finish and its tolerance are left out, as a segment wholly after it is refused at the
    door: otherwise the flags would depend on which came first, the segment or the finish.
    """
    if not grid.has_polygon:  # a floor cannot be walked through on a map; the time around it can be measured
        policy = replace(policy, min_coverage_ratio=0.0)
    fixes, span = stored.fixes, {"started_ms": stored.started_ms, "finished_ms": stored.ends_ms}
    if stored.finished_ms is not None:
        in_time = fixes.at_ms <= stored.finished_ms + _TOLERANCE_MS
        fixes = fixes if in_time.all() else fixes.take(in_time)
    track = clean(fixes, policy, **span)
    presence = presence_of(track, stored.evidence, policy, **span)
    area = area_of(grid.geom, grid.cells, policy.boundary_tolerance_m)
    return judge(track, area, policy, presence, stored.evidence.clock_offset_s), track


def verdict_values(verdict: Verdict, track: CleanTrack) -> dict[str, Any]:
    """The columns of PatrolVerdict that follow from the patrol by itself."""
    path = path_wkb(walked_path(track), simplify_m=_DRAWN_TO_M, srid=CGCS2000)
    trace, presence = trace_of(track), verdict.presence
    return {
        "status": verdict.status.value,
        "results": [result.members() for result in verdict.results],
        "flags": verdict.flags,
        "fix_count": verdict.fix_count,
        "observed_s": verdict.observed_s,
        "in_grid_s": verdict.in_grid_s,
        "length_m": verdict.length_m,
        "coverage_ratio": verdict.coverage_ratio,
        "cells": packed(verdict.cells),
        "dwell_s": verdict.dwell_s.astype("<f4").tobytes(),
        "geom": None if path is None else WKBElement(path),
        "checkpoints_visited": len(presence.visits),
        "checkpoints_total": presence.total,
        "visits": [visit.members() for visit in presence.visits],
        "check_ins": [one.members() for one in presence.useless],
        "indoor_s": presence.indoor_s,
        "unknown_s": presence.unknown_s,
        "gaps": [dict(gap) for gap in presence.gaps],
        "trace": trace and packed_trace(trace),
        "middle": trace and _point(*middle_of(trace)),
    }


def judge_abandoned(session: Session, limits: PatrolSettings) -> None:
    """Patrols without a finish and without news for long will be judged as they stand."""
    last_news = func.greatest(Patrol.start_received_at, *newest_of_patrol())  # passes over null
    silence = timedelta(hours=limits.abandoned_after_hours)
    abandoned = session.scalars(
        select(Patrol.patrol_id)
        .outerjoin(PatrolVerdict, PatrolVerdict.patrol_id == Patrol.patrol_id)
        .where(
            Patrol.finished_at.is_(None),
            last_news < now() - silence,
            or_(PatrolVerdict.judged_at.is_(None), PatrolVerdict.judged_at < last_news),
        )
    ).all()
    for patrol_id in abandoned:
        enqueue_judging(session, patrol_id)


def enqueue_roll_up(session: Session, street_code: str, week: Week) -> None:
    """The week of the street will be counted again, once for all that is waiting."""
    lock = f"{ROLL_UP}:{street_code}:{week}"
    jobs.enqueue(session, ROLL_UP, lock=lock, queueing_lock=lock, street_code=street_code, week=str(week))


def _judge_again(session: Session, patrol_ids: Collection[uuid.UUID]) -> None:
    """Other judged patrols that have come to resemble this one, or do so no more, are compared anew."""
    judged = select(PatrolVerdict.patrol_id).where(PatrolVerdict.patrol_id.in_(patrol_ids))
    for other in session.scalars(judged.order_by(PatrolVerdict.patrol_id)).all() if patrol_ids else ():
        enqueue_judging(session, other)


def _store(session: Session, patrol_id: uuid.UUID, values: dict[str, Any]) -> None:
    statement = insert(PatrolVerdict).values(patrol_id=patrol_id, **values)
    changed = {name: statement.excluded[name] for name in values}  # the decision of a supervisor stays
    session.execute(statement.on_conflict_do_update(index_elements=["patrol_id"], set_=changed))


def _record(
    session: Session, patrol_id: uuid.UUID, street_code: str, before: str | None, values: dict[str, Any]
) -> None:
    audit.record(
        session,
        chain=street_code,
        actor="worker",
        action="patrol.judged",
        subject=f"patrol:{patrol_id}",
        detail={"status": values["status"], "before": before, "policy_id": values["policy_id"]},
    )


def _point(lon: float, lat: float, day: float) -> str:
    return f"SRID={CGCS2000};POINT Z({lon!r} {lat!r} {day!r})"


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
