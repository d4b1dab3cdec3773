"""The buildings of the demo street: whose they are, where they stand, and what a report will find."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache

import numpy as np
import pytest
import shapely
from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import Session

from access.scope import Scope
from registry.models import Address, Building, Checkpoint
from registry.placing import OF_BUILDINGS, OF_CHECKPOINTS, Home, with_grids
from registry.plates import parse_short_code
from seeds.demo.buildings import House, build_houses
from seeds.demo.crew import MEMBER_GRID
from seeds.demo.load import load_demo
from seeds.demo.places import COMMUNITIES
from seeds.demo.street import DemoGrid, build_street
from tests.make_people import KEYS

SEED = 2763
TODAY = date(2026, 11, 20)


@cache
def street() -> tuple[DemoGrid, ...]:
    names = {code: f"社区{code[-3:]}社区居委会" for code in COMMUNITIES}
    return tuple(build_street(names, np.random.default_rng([SEED, 1])))


@cache
def houses() -> tuple[House, ...]:
    return tuple(build_houses(street(), np.random.default_rng([SEED, 5])))


def test_the_houses_of_a_grid_hold_its_households() -> None:
    sums: Counter[DemoGrid] = Counter()
    for house in houses():
        if house.grid:
            sums[house.grid] += house.households
    assert {grid: grid.households for grid in street() if grid.level == 3} == dict(sums)
    assert 1500 < len(houses()) < 2500


def test_they_stand_in_their_grids_and_a_few_in_none() -> None:
    lost = [house for house in houses() if house.grid is None]
    assert len(lost) == 7
    for house in houses():
        if house.grid and house.grid.shape:
            assert shapely.contains_xy(house.grid.shape.flat, *house.at)
    names = [house.called for house in houses()]
    assert len(set(names)) == len(names)


def test_one_grid_has_grown_too_large() -> None:
    sizes = sorted(grid.households or 0 for grid in street() if grid.level == 3)
    assert sizes[-1] > 850
    assert sizes[-2] < 500


@pytest.fixture(scope="module")
def demo(clone_database: Callable[[], str]) -> Iterator[Session]:
    engine = create_engine(clone_database())
    load_demo(engine, today=TODAY, progress=lambda *_: None, keys=KEYS)
    with Session(engine) as session:
        yield session
    engine.dispose()


@pytest.mark.own_database
def test_stored_they_lie_where_they_were_drawn(demo: Session) -> None:
    everywhere = Scope(("",))
    rows = demo.execute(with_grids(select(Building.code), OF_BUILDINGS, everywhere, TODAY)).all()
    placed = {row.code: row.grid_name for row in rows}
    expected = {f"XL-{n:05}": h.grid.name if h.grid else None for n, h in enumerate(houses(), 1)}
    assert placed == expected
    assert demo.scalar(select(func.count()).where(func.ST_IsValid(Building.footprint))) == len(rows)
    assert demo.scalar(select(func.count()).select_from(Address)) == len(rows) - 7
    marks = select(func.count()).where(Building.attributes["synthetic"].as_boolean())
    assert demo.scalar(marks) == len(rows)


@pytest.mark.own_database
def test_checkpoints_are_outdoors_in_staircases_and_in_the_mall(demo: Session) -> None:
    statement = select(Checkpoint.kind, Checkpoint.short_code).outerjoin(
        Home, Home.building_id == Checkpoint.building_id
    )
    rows = demo.execute(with_grids(statement, OF_CHECKPOINTS, Scope(("",)), TODAY)).all()
    assert Counter(row.kind for row in rows) == {"outdoor": 40, "vertical": 15, "indoor": 4}
    assert {row.grid_level for row in rows if row.kind == "indoor"} == {4}
    assert Counter(row.kind for row in rows if row.grid_name == MEMBER_GRID) == {"outdoor": 1, "vertical": 3}
    assert all(row.grid_code and parse_short_code(row.short_code) for row in rows)
