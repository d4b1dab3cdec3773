"""From stored segments to the stored verdict: the job `patrol.judge`.

The verdict follows from what is stored, the grid version of the day and the policy of the day. It is
rewritten whenever more arrives, so it never depends on the order of arrival.
"""

import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import audit, jobs
from core.clock import Week, local_date, now
from core.settings import PatrolSettings
from geo.area import path_wkb
from geo.cells import packed
from geo.models import CGCS2000
from patrol.cleaning import CleanTrack, clean
from patrol.evidence import JudgedGrid, area_of, grid_on, stored_fixes, stored_policies
from patrol.fixes import Fixes
from patrol.models import Patrol, PatrolVerdict, Segment
from patrol.policies import Policy, policy_for
from patrol.tracks import FINISH_TOLERANCE, enqueue_judging
from patrol.verdicts import Check, Status, Verdict, doubted, judge, walked_path

ROLL_UP = "patrol.roll_up"
_DRAWN_TO_M = 2.0  # below the error of a fix
_MIN_REPLAY_M = 100.0  # a few steps may be equal by chance
_DECIDED = (Status.VALID.value, Status.INVALID.value)


def judge_patrol(session: Session, patrol_id: str) -> None:
    """The patrol's verdict is that of everything stored, and its week will be counted again.

    Takes the patrol's row lock first: segments on their way are waited for, later ones ask for another run.
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
    day, week = local_date(patrol.started_at), Week.of(patrol.started_at)
    grid = grid_on(session, patrol.grid_id, day)
    chosen = policy_for(stored_policies(session), path=grid.path, kind=grid.kind, day=day)
    verdict, track = judge_fixes(patrol, stored_fixes(session, patrol), grid, chosen.policy)
    if session.scalars(_same_track(patrol, verdict, PatrolVerdict.started_at < patrol.started_at)).first():
        verdict = as_replayed(verdict)
    values = {
        **verdict_values(verdict, track),
        "person_id": patrol.person_id,
        "grid_id": patrol.grid_id,
        "week": week.monday,
        "started_at": patrol.started_at,
        "policy_id": chosen.policy_id,
        "grid_version_id": grid.version_id,
        "judged_at": judged_at,
    }
    before = session.scalar(select(PatrolVerdict.status).where(PatrolVerdict.patrol_id == patrol.patrol_id))
    _store(session, patrol.patrol_id, values)
    enqueue_roll_up(session, grid.street_code, week)
    replayed_later = and_(PatrolVerdict.started_at > patrol.started_at, PatrolVerdict.status.in_(_DECIDED))
    for other in session.scalars(_same_track(patrol, verdict, replayed_later)).all():
        enqueue_judging(session, other)  # it was judged before this one was here
    if before != verdict.status:
        _record(session, patrol.patrol_id, grid.street_code, before, values)


def judge_fixes(patrol: Patrol, fixes: Fixes, grid: JudgedGrid, policy: Policy) -> tuple[Verdict, CleanTrack]:
    """The verdict on these fixes between start and finish; without a finish, up to the last fix.

    What lies after the finish and its tolerance is left out, as a segment wholly after it is refused at the
    door: otherwise the flags would depend on which came first, the segment or the finish.
    """
    if not grid.has_polygon:  # a floor cannot be walked through on a map; the time around it can be measured
        policy = replace(policy, min_coverage_ratio=0.0)
    started_ms = _milliseconds(patrol.started_at)
    if patrol.finished_at is None:
        finished_ms = int(fixes.at_ms.max()) if len(fixes) else started_ms
    else:
        finished_ms = _milliseconds(patrol.finished_at)
        fixes = fixes.take(fixes.at_ms <= _milliseconds(patrol.finished_at + FINISH_TOLERANCE))
    track = clean(fixes, policy, started_ms=started_ms, finished_ms=finished_ms)
    return judge(track, area_of(grid.geom, grid.cells, policy.boundary_tolerance_m), policy), track


def as_replayed(verdict: Verdict) -> Verdict:
    """The verdict on a track that an earlier patrol of the grid has already shown: a person decides."""
    return doubted(verdict, Check("replayed_fixes", verdict.fix_count, 0, "fixes", False, "replayed-track"))


def track_mark(verdict: Verdict) -> tuple[int, float] | None:
    """What two patrols share only when one track was played twice: no two walks are equal to the last bit."""
    return (verdict.fix_count, verdict.length_m) if verdict.length_m >= _MIN_REPLAY_M else None


def verdict_values(verdict: Verdict, track: CleanTrack) -> dict[str, Any]:
    """The columns of PatrolVerdict that follow from the fixes."""
    path = path_wkb(walked_path(track), simplify_m=_DRAWN_TO_M)
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
        "geom": None if path is None else WKBElement(path, srid=CGCS2000),
    }


def judge_abandoned(session: Session, limits: PatrolSettings) -> None:
    """Patrols without a finish and without news for long will be judged as they stand."""
    of_patrol = Segment.patrol_id == Patrol.patrol_id
    newest = select(func.max(Segment.received_at)).where(of_patrol).scalar_subquery()
    last_news = func.greatest(Patrol.start_received_at, newest)  # passes over null
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


def _same_track(patrol: Patrol, verdict: Verdict, condition: ColumnElement[bool]) -> Select[uuid.UUID]:
    """Other patrols of the grid with exactly this track (`track_mark`), at another time."""
    return select(PatrolVerdict.patrol_id).where(
        PatrolVerdict.grid_id == patrol.grid_id,
        PatrolVerdict.patrol_id != patrol.patrol_id,
        PatrolVerdict.fix_count == verdict.fix_count,
        PatrolVerdict.length_m == verdict.length_m,
        PatrolVerdict.length_m >= _MIN_REPLAY_M,
        condition,
    )


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


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
