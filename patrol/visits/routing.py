"""A suggestion for one round of visits: what presses most first, filled up with what lies near. Read-only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from access.scope import Actor
from geo.distances import distance_table
from patrol.visits.advice import RANKS, State
from patrol.visits.due import DueLine, lines_of, listing_of
from patrol.visits.route import DoorAt, Stop, plan_route

MAX_HOUSEHOLDS = 200
_LOOKED_AT = 5000  # households of which a round is chosen; far more than anybody walks to
# These go onto the round wherever they are; the others only if they lie near it.
_PRESSING = frozenset({State.SPECIAL_DUE, State.FOLLOW_UP, State.SPECIAL_ATTEMPTED})


@dataclass(frozen=True, slots=True)
class RoutedStop:
    """A stop with what the due list says of its households."""

    stop: Stop
    lines: tuple[DueLine, ...]


def suggest_route(
    session: Session,
    actor: Actor,
    grid_code: str | None,
    day: date,
    *,
    start: tuple[float, float],
    limit: int,
) -> list[RoutedStop]:
    """A round from the start to at most so many due households. Raises: GridUnknown, Forbidden."""
    listing = listing_of(session, actor, grid_code, day, limit=_LOOKED_AT)
    chosen = choose(start, listing.rows, limit)
    lines = {line.household_id: line for line in lines_of(session, listing, chosen)}
    stops = plan_route(start, [_door(row) for row in chosen])
    return [RoutedStop(stop, tuple(lines[door.household_id] for door in stop.doors)) for stop in stops]


def choose(start: tuple[float, float], rows: Sequence[Any], limit: int) -> list[Any]:
    """The pressing rows in the order of the list, then the others by nearness to the start and to those."""
    pressing = [row for row in rows if RANKS[row.rank] in _PRESSING][:limit]
    others = [row for row in rows if RANKS[row.rank] not in _PRESSING]
    wanted = limit - len(pressing)
    if not others or not wanted:
        return pressing
    known = sorted({start, *((row.lon, row.lat) for row in pressing)})
    spots = sorted({(row.lon, row.lat) for row in others})
    both = np.array([*known, *spots])
    metres = distance_table(both[:, 0], both[:, 1])[len(known) :, : len(known)].min(axis=1)
    near = dict(zip(spots, metres.tolist(), strict=True))
    others.sort(key=lambda row: (near[row.lon, row.lat], row.rank, row.last_key, row.door))
    return pressing + others[:wanted]


def _door(row: Any) -> DoorAt:
    return DoorAt(row.household_id, row.lon, row.lat, row.door)
