"""Rounds: every door once, floors from below, and no crossing that 2-opt would undo."""

import itertools
import uuid

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.distances import distance_table, metres_between
from patrol.visits.route import DoorAt, nearest_neighbour, plan_route, two_opt

START = (118.90, 32.10)


def door(number: int, lon: float, lat: float = 32.10, rest: str = "01/01/101") -> DoorAt:
    return DoorAt(uuid.UUID(int=number), lon, lat, f"b{lon}/{rest}")


def test_entrances_are_stops_and_floors_go_up() -> None:
    doors = [
        door(1, 118.901, rest="000002/000001/000101"),
        door(2, 118.901, rest="000001/000010/001001"),
        door(3, 118.901, rest="000001/000002/000201"),
    ]
    stops = plan_route(START, doors)
    assert [[one.household_id.int for one in stop.doors] for stop in stops] == [[3, 2], [1]]
    assert stops[1].leg_m == 0


def test_a_row_of_houses_is_walked_along() -> None:
    doors = [door(n, 118.90 + n / 1000) for n in (3, 1, 4, 2)]
    stops = plan_route(START, doors)
    assert [stop.doors[0].household_id.int for stop in stops] == [1, 2, 3, 4]
    whole = metres_between(START, (118.904, 32.10))
    assert abs(sum(stop.leg_m for stop in stops) - whole) < 0.01


def test_nothing_to_visit_is_no_round() -> None:
    assert plan_route(START, []) == []


PLACES = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=7, unique=True).map(
    lambda found: np.array([(0, 0), *found], np.float64) / 1000 + START
)


@settings(max_examples=60)
@given(PLACES)
def test_two_opt_is_near_the_best_and_never_worse_than_it_began(places: np.ndarray) -> None:
    metres = distance_table(places[:, 0], places[:, 1])
    begun = nearest_neighbour(metres)
    order = two_opt(metres, begun)
    assert sorted(order.tolist()) == list(range(len(places)))
    assert order[0] == 0
    assert _length(metres, order) <= _length(metres, begun) + 0.01
    best = min(
        _length(metres, np.array([0, *rest])) for rest in itertools.permutations(range(1, len(places)))
    )
    assert _length(metres, order) <= best * 1.5 + 0.01


def _length(metres: np.ndarray, order: np.ndarray) -> float:
    return float(metres[order[:-1], order[1:]].sum())
