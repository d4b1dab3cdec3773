"""In which order to go to some doors: nearest neighbour, then 2-opt. Pure and deterministic.

Households of one entrance are one stop. The way begins at the start and ends anywhere; distances are straight
over the ground (geo/distances.py), which is what matters between the buildings of one grid. Nearest neighbour
is typically a quarter longer than the best way, 2-opt brings it to some 5 %; an exact solver would win what
nobody notices on foot.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.distances import distance_table

_ENOUGH_M = 0.01  # a gain that is worth a change; smaller ones are rounding and could go round in circles
_MAX_SWEEPS = 50


@dataclass(frozen=True, slots=True)
class DoorAt:
    """A household to be visited and where it is; `door` sorts by building, entrance, floor and room."""

    household_id: uuid.UUID
    lon: float
    lat: float
    door: str

    @property
    def place(self) -> tuple[str, str, float, float]:
        """Equal for the households of one entrance."""
        home, _, rest = self.door.partition("/")
        return home, rest.partition("/")[0], self.lon, self.lat


@dataclass(frozen=True, slots=True)
class Stop:
    """An entrance with its households from the lowest floor up; `leg_m` leads to it from the stop before."""

    lon: float
    lat: float
    doors: tuple[DoorAt, ...]
    leg_m: float


def plan_route(start: tuple[float, float], doors: Sequence[DoorAt]) -> list[Stop]:
    """All the doors, entrance by entrance, in an order that is short from the start on."""
    groups: dict[tuple[str, str, float, float], list[DoorAt]] = {}
    for one in sorted(doors, key=lambda one: (one.door, one.household_id)):
        groups.setdefault(one.place, []).append(one)
    stops = list(groups.values())
    lon = np.array([start[0], *(stop[0].lon for stop in stops)])
    lat = np.array([start[1], *(stop[0].lat for stop in stops)])
    metres = distance_table(lon, lat)
    order = two_opt(metres, nearest_neighbour(metres))
    legs = metres[order[:-1], order[1:]].tolist()
    visited = [stops[index - 1] for index in order[1:]]
    return [
        Stop(group[0].lon, group[0].lat, tuple(group), leg) for group, leg in zip(visited, legs, strict=True)
    ]


def nearest_neighbour(metres: NDArray[np.float64]) -> NDArray[np.int64]:
    """All places from the first on, each the nearest of those left; of equals the one listed first."""
    left = np.ones(len(metres), np.bool_)
    order = [0]
    left[0] = False
    while left.any():
        order.append(int(np.where(left, metres[order[-1]], np.inf).argmin()))
        left[order[-1]] = False
    return np.array(order)


def two_opt(metres: NDArray[np.float64], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """The order with stretches turned round while that shortens the open way from its first place."""
    order = order.copy()
    for _ in range(_MAX_SWEEPS):
        if not sum(_turn_best(metres, order, begin) for begin in range(1, len(order) - 1)):
            break
    return order


def _turn_best(metres: NDArray[np.float64], order: NDArray[np.int64], begin: int) -> bool:
    """Turn the stretch from `begin` that gains most; whether there was one."""
    before, first = order[begin - 1], order[begin]
    ends, after = order[begin + 1 :], order[begin + 2 :]
    gain = metres[before, first] - metres[before, ends]
    gain[:-1] += metres[ends[:-1], after] - metres[first, after]  # the last place leads nowhere
    best = int(gain.argmax())
    if gain[best] <= _ENOUGH_M:
        return False
    end = begin + 2 + best
    order[begin:end] = order[begin:end][::-1].copy()
    return True
