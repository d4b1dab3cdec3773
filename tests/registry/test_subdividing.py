"""Proposals to subdivide a grid, with buildings of the test's database."""

from datetime import date
from itertools import pairwise

import pytest
import shapely
from sqlalchemy.orm import Session

from geo.dividing.partition import TooFewBuildings
from geo.fitting.topology import check_siblings
from registry import subdividing
from registry.subdividing import Ground, NothingToSubdivide, TooManyBuildings, propose
from tests import make

DAY = date(2026, 6, 1)
SHAPE = shapely.box(118.90, make.SOUTH, 118.905, make.NORTH)  # A11 of the street tree


def rows_of_buildings(session: Session, *, count: int = 30, households: int | None = 30) -> None:
    """Five to a row; every third has shops, all of a row are one compound."""
    for number in range(count):
        row, column = divmod(number, 5)
        make.building(
            session,
            name=f"{number + 1}幢",
            lon=118.9005 + 0.001 * column,
            lat=make.SOUTH + 0.0008 + 0.0016 * row,
            households=households,
            entrances=2,
            shops=1 if number % 3 == 0 else None,
            compound=f"小区{row}",
        )


def test_three_parts_of_900_households(session: Session) -> None:
    make.street(session)
    rows_of_buildings(session)
    found = propose(session, Ground(SHAPE, declared=880), DAY)
    assert found.target == 300
    assert [part.figures.households for part in found.parts] == [300, 300, 300]
    assert [part.figures.buildings for part in found.parts] == [10, 10, 10]
    assert sum(part.figures.entrances for part in found.parts) == 60
    assert sum(part.figures.shops for part in found.parts) == 10
    assert found.balance == 1.0
    assert [part.size for part in found.parts] == [None] * 3
    assert found.before.size is not None
    assert found.before.size.code == "grid-too-large"
    assert found.before.figures.buildings == 30
    assert len(found.before.figures.compounds) == 6
    assert sum(part.area_m2 for part in found.parts) == pytest.approx(found.before.area_m2, rel=1e-9)
    assert check_siblings(SHAPE, [part.shape for part in found.parts]) == []


def test_another_target(session: Session) -> None:
    make.street(session)
    rows_of_buildings(session)
    assert len(propose(session, Ground(SHAPE), DAY, target=450).parts) == 2
    scattered = propose(session, Ground(SHAPE, kind="village", scattered=True), DAY)
    assert (scattered.target, len(scattered.parts)) == (100, 9)


def test_only_buildings_that_stand_on_the_ground(session: Session) -> None:
    make.street(session)
    rows_of_buildings(session)
    make.building(session, name="beyond", lon=118.907, households=999)
    make.building(session, name="gone", lon=118.901, households=999, retired_on=DAY)
    assert propose(session, Ground(SHAPE), DAY).before.figures.households == 900


def test_the_declared_number_counts_where_buildings_do_not_know(session: Session) -> None:
    make.street(session)
    rows_of_buildings(session, households=None)
    found = propose(session, Ground(SHAPE, declared=620), DAY)
    assert [part.figures.buildings for part in found.parts] == [15, 15]
    assert found.before.figures.without_households == 30
    with pytest.raises(NothingToSubdivide):
        propose(session, Ground(SHAPE), DAY)


def test_not_large_enough(session: Session) -> None:
    make.street(session)
    rows_of_buildings(session, count=10)
    with pytest.raises(NothingToSubdivide) as raised:
        propose(session, Ground(SHAPE, declared=440), DAY)
    assert raised.value.extra == {"households": 440, "target": 300}


def test_too_few_buildings(session: Session) -> None:
    make.street(session)
    make.building(session, households=900)
    with pytest.raises(TooFewBuildings):
        propose(session, Ground(SHAPE), DAY)
    with pytest.raises(TooFewBuildings):
        propose(session, Ground(shapely.box(118.91, 32.1, 118.92, 32.11), declared=900), DAY)


def test_footprints_are_not_cut(session: Session) -> None:
    make.street(session)
    blocks = [
        shapely.box(118.9004, lat, 118.9046, lat + 0.0003) for lat in (32.1005, 32.1035, 32.1065, 32.1095)
    ]
    for number, block in enumerate(blocks):
        multi = shapely.MultiPolygon([block])
        make.building(
            session,
            name=f"long {number}",
            lon=118.9005,
            lat=block.centroid.y,
            households=150,
            footprint=f"SRID=4490;{multi.wkt}",
        )
    found = propose(session, Ground(SHAPE), DAY)
    for block in blocks:
        assert sum(part.shape.relate_pattern(block, "T********") for part in found.parts) == 1


def test_an_area_is_divided_into_whole_grids(session: Session) -> None:
    """Ten strips of 90 households each, three buildings to a strip, near its western edge."""
    make.street(session)
    edges = [round(118.9 + 0.002 * number, 3) for number in range(11)]
    strips = [shapely.box(west, make.SOUTH, east, make.NORTH) for west, east in pairwise(edges)]
    for number, strip in enumerate(strips):
        for lat in (32.102, 32.105, 32.108):
            lon = strip.bounds[0] + 0.0002
            make.building(session, name=f"{number} {lat}", lon=lon, lat=lat, households=30)
    area = shapely.box(118.9, make.SOUTH, 118.92, make.NORTH)
    found = propose(session, Ground(area, level=2, kind="area", grids_below=strips), DAY, target=450)
    assert [part.figures.households for part in found.parts] == [450, 450]
    assert found.parts[0].shape.equals(shapely.box(118.9, make.SOUTH, 118.91, make.NORTH))
    for strip in strips:
        assert sum(part.shape.relate_pattern(strip, "T********") for part in found.parts) == 1


def test_the_same_again(session: Session) -> None:
    make.street(session)
    rows_of_buildings(session)
    first, second = (propose(session, Ground(SHAPE), DAY) for _ in range(2))
    assert [part.shape for part in first.parts] == [part.shape for part in second.parts]


def test_nobody_waits_for_a_whole_city(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    make.street(session)
    rows_of_buildings(session)
    monkeypatch.setattr(subdividing, "MOST_BUILDINGS", 29)
    with pytest.raises(TooManyBuildings):
        propose(session, Ground(SHAPE), DAY)
