"""Where a patrol may have been while nothing was recorded: “unknown”, which is not “not patrolled”.

Between two positions and two moments a walker stays inside an ellipse: whoever goes from the first position
to a cell and on to the second must have had the time (Hägerstrand's space-time prism, potential path area).
The figures are local settings; no standard speaks of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from geo.area import distances_m
from geo.cells import Cells, centres_of
from patrol.judging.cleaning import CleanTrack

REACH_MPS = 1.5  # a brisk walk
_SLACK_M = 30.0  # about an edge of a cell, and what a receiver errs by
_Position = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Silence:
    """A stretch of a patrol without a usable fix, with the positions before and after it, if any."""

    seconds: float
    before: _Position | None
    after: _Position | None


def silences_of(
    track: CleanTrack, *, started_ms: int, finished_ms: int, longest_s: float
) -> Iterator[Silence]:
    """Every stretch between start and finish longer than the policy lets pass as walked."""
    at_ms = track.fixes.at_ms[track.kept]
    ends = np.concatenate([[started_ms], at_ms, [finished_ms]]) / 1000.0
    for number, seconds in enumerate(np.diff(ends).tolist()):
        if seconds > longest_s:
            yield Silence(seconds, _position(track, number - 1), _position(track, number))


def reachable(silence: Silence, cells: Cells) -> Cells:
    """The cells that the walker can have passed meanwhile; all of them when nothing is known at all."""
    ends = [end for end in (silence.before, silence.after) if end is not None]
    if not ends or not len(cells):
        return cells
    lon, lat = centres_of(cells)
    way_m = np.zeros(len(cells))
    for end_lon, end_lat in ends:
        way_m += distances_m(lon, lat, np.full(len(cells), end_lon), np.full(len(cells), end_lat))
    budget_m = max(REACH_MPS * silence.seconds, _apart_m(ends))
    within: Cells = cells[way_m <= budget_m + _SLACK_M * len(ends)]
    return within


def _apart_m(ends: list[_Position]) -> float:
    (lon, lat), (other_lon, other_lat) = ends[0], ends[-1]
    return float(distances_m(*(np.array([value]) for value in (lon, lat, other_lon, other_lat)))[0])


def _position(track: CleanTrack, number: int) -> _Position | None:
    """The kept fix with this number; before the first and behind the last there is none."""
    if not 0 <= number < len(track.kept):
        return None
    fix = track.kept[number]
    return float(track.fixes.lon[fix]), float(track.fixes.lat[fix])
