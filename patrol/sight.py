"""Whose track may be seen, by whom and for how long.

Where somebody walked is sensitive personal information (GB/T 45574-2025, 6.6). Walkers always see their own;
heads see it while it matters for a verdict, whoever else decides as long as it waits for that (0021), and
each look leaves a line in the trail.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec
import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from access.roles import Action
from access.scope import Actor, person_label, require, scope_of
from core import audit
from core.clock import now
from core.errors import Forbidden, NotFound
from core.settings import PatrolSettings
from geo.models import Grid
from patrol.appeals.asking import open_appeal_about
from patrol.appeals.queries import waits_for_decision
from patrol.judging.judge import Seen, look_at
from patrol.models import Patrol, PatrolVerdict
from patrol.presence.rules import CheckInFact, GapFact
from registry.models import Checkpoint
from registry.placing import OF_CHECKPOINTS, Home


class TrackClosed(Forbidden):
    """The time in which this track could be looked at is over."""

    code = "track-closed"


class Purpose(StrEnum):
    """Why somebody looks at another's track. A list and no free text: the trail cannot be erased."""

    REVIEW = "review"
    APPEAL = "appeal"
    COMPLAINT = "complaint"
    SAFETY = "safety"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Positions in order, CGCS2000, with their times."""

    lon: Sequence[float]
    lat: Sequence[float]
    at: Sequence[datetime]


@dataclass(frozen=True, slots=True)
class Break:
    """A time of which the track says nothing, between two positions where there are any.

    `cause` is what the phone reported; "silence" when it said nothing; "ride" when it moved too fast to walk.
    """

    cause: str
    from_at: datetime
    to_at: datetime
    ends: Stretch | None


@dataclass(frozen=True, slots=True)
class Stop:
    """A check-in, where the phone was or else where the checkpoint is."""

    checkpoint_id: uuid.UUID
    name: str
    proof: str
    at: datetime
    lon: float | None
    lat: float | None


@dataclass(frozen=True, slots=True)
class TrackView:
    """What is known of where somebody walked. `summary` alone is left once the positions are deleted."""

    patrol_id: uuid.UUID
    stretches: tuple[Stretch, ...]
    breaks: tuple[Break, ...]
    stops: tuple[Stop, ...]
    summary: tuple[Stretch, ...]


def see_track(
    session: Session, actor: Actor, patrol_id: uuid.UUID, *, purpose: Purpose, limits: PatrolSettings
) -> TrackView:
    """The cleaned track of a patrol; somebody else's look is in the trail.

    Raises: NotFound, Forbidden, TrackClosed.
    """
    patrol = session.get(Patrol, patrol_id)
    if patrol is None:
        raise NotFound
    grid = session.get_one(Grid, patrol.grid_id)
    if patrol.person_id != actor.person_id:
        _require_sight(session, actor, patrol, grid, limits)
        audit.record(
            session,
            chain=grid.street_code,
            actor=actor.label,
            action="patrol.track_seen",
            subject=f"patrol:{patrol_id}",
            detail={"of": person_label(patrol.person_id), "why": purpose.value},
        )
    if patrol.fixes_deleted_at is not None:
        return TrackView(patrol_id, (), (), (), tuple(_stored_path(session, patrol_id)))
    return _view(session, patrol_id, look_at(session, patrol))


def _require_sight(
    session: Session, actor: Actor, patrol: Patrol, grid: Grid, limits: PatrolSettings
) -> None:
    if not scope_of(actor, Action.READ_PATROLS).covers(grid.path):
        raise NotFound
    if not scope_of(actor, Action.READ_TRACKS).covers(grid.path):
        decides = scope_of(actor, Action.DECIDE_PATROLS).covers(grid.path)
        if decides and waits_for_decision(session, patrol.patrol_id):
            return  # nobody decides blind; afterwards it is none of their business again (0021)
        require(actor, Action.READ_TRACKS, grid.path)
    closes = (patrol.finished_at or patrol.started_at) + timedelta(days=limits.track_visible_days)
    if now() >= closes and open_appeal_about(session, patrol.patrol_id) is None:
        days = limits.track_visible_days
        raise TrackClosed(f"轨迹只在巡查后 {days} 天内可查看 / tracks are shown for {days} days")


# ---------------------------------------------------------------------------------------------- what is shown


def _view(session: Session, patrol_id: uuid.UUID, seen: Seen) -> TrackView:
    evidence = seen.recorded.evidence
    return TrackView(
        patrol_id=patrol_id,
        stretches=tuple(_stretches(seen)),
        breaks=tuple(_breaks(seen, evidence.gaps)),
        stops=tuple(_stops(session, evidence.check_ins)),
        summary=(),
    )


def _stretches(seen: Seen) -> Iterator[Stretch]:
    track = seen.track
    for part in np.split(track.kept, np.flatnonzero(~track.walked) + 1):
        if len(part) > 1:
            yield _stretch(seen, part)


def _stretch(seen: Seen, part: Any) -> Stretch:
    fixes = seen.track.fixes
    at = [_moment(at_ms) for at_ms in fixes.at_ms[part].tolist()]
    return Stretch(fixes.lon[part].tolist(), fixes.lat[part].tolist(), at)


def _breaks(seen: Seen, gaps: Sequence[GapFact]) -> Iterator[Break]:
    """The legs that nobody can be said to have walked, then what the phone reported beside them."""
    track = seen.track
    told: set[uuid.UUID] = set()
    for leg in np.flatnonzero(~track.walked).tolist():
        ends = _stretch(seen, track.kept[leg : leg + 2])
        from_ms, to_ms = (round(at.timestamp() * 1000) for at in ends.at)
        reported = [gap for gap in gaps if gap.from_ms < to_ms and gap.to_ms > from_ms]
        told.update(gap.gap_id for gap in reported)
        silent = "silence" if track.leg_s[leg] > seen.chosen.policy.max_gap_s else "ride"
        yield Break(reported[0].reason if reported else silent, ends.at[0], ends.at[1], ends)
    for gap in gaps:
        if gap.gap_id not in told:
            yield Break(gap.reason, _moment(gap.from_ms), _moment(gap.to_ms), None)


def _stops(session: Session, check_ins: Sequence[CheckInFact]) -> Iterator[Stop]:
    """In order of time; where the phone did not say where it was, the checkpoint's own position."""
    point = OF_CHECKPOINTS.point
    rows = session.execute(
        select(Checkpoint.checkpoint_id, Checkpoint.name, func.ST_X(point), func.ST_Y(point))
        .outerjoin(Home, Home.building_id == Checkpoint.building_id)
        .where(Checkpoint.checkpoint_id.in_({one.checkpoint_id for one in check_ins}))
    )
    plates = {checkpoint_id: (name, lon, lat) for checkpoint_id, name, lon, lat in rows}
    for one in sorted(check_ins, key=lambda one: (one.at_ms, one.check_in_id)):
        name, lon, lat = plates[one.checkpoint_id]
        if one.lon is not None:
            lon, lat = one.lon, one.lat
        yield Stop(one.checkpoint_id, name, one.proof, _moment(one.at_ms), lon, lat)


def _stored_path(session: Session, patrol_id: uuid.UUID) -> Iterator[Stretch]:
    """The path that the verdict keeps, simplified and without times."""
    shape = session.scalar(
        select(func.ST_AsGeoJSON(PatrolVerdict.geom, 7)).where(PatrolVerdict.patrol_id == patrol_id)
    )
    for line in msgspec.json.decode(shape)["coordinates"] if shape else ():
        yield Stretch([lon for lon, _ in line], [lat for _, lat in line], ())


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
