"""The index kept in the process is always what is stored."""

from datetime import date

import numpy as np
import pytest
from sqlalchemy.orm import Session

from core.signals import ACCESS, GRIDS
from geo.locating.located_index import GridIndexes, unchanged_around
from tests import make
from tests.listeners import FakeListener

DAY = date(2026, 11, 20)


@pytest.fixture
def listener() -> FakeListener:
    return FakeListener()


@pytest.fixture
def indexes(listener: FakeListener) -> GridIndexes:
    return GridIndexes(listener)


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return make.street_tree(session)


def test_all_levels_that_have_polygons(session: Session, indexes: GridIndexes, tree: make.StreetTree) -> None:
    dated = indexes.on(session, DAY)
    found = dated.index.locate([118.902], [32.105])
    assert found.tolist() == [[tree.a.grid_id, tree.a1.grid_id, tree.a11.grid_id, 0, 0]]
    assert dated.names[tree.a11.grid_id].code == tree.a11.code


def test_it_is_built_once_and_serves_every_day_without_a_change(
    session: Session, indexes: GridIndexes, tree: make.StreetTree
) -> None:
    first = indexes.on(session, DAY)
    assert indexes.on(session, DAY) is first
    assert indexes.on(session, make.SINCE) is first
    assert indexes.on(session, date(2030, 1, 1)) is first
    assert len(indexes.on(session, date(2025, 12, 31)).index) == 0
    assert indexes.on(session, DAY) is first, "two are kept"


def test_a_notice_that_changed_no_grid_costs_no_new_index(
    session: Session, indexes: GridIndexes, listener: FakeListener, tree: make.StreetTree
) -> None:
    first = indexes.on(session, DAY)
    listener.deliver(GRIDS, make.STREET)
    listener.deliver(ACCESS)
    assert indexes.on(session, DAY) is first


@pytest.mark.parametrize("connected", [True, False])
def test_a_changed_grid_is_seen(
    session: Session, indexes: GridIndexes, listener: FakeListener, tree: make.StreetTree, connected: bool
) -> None:
    """After the notice; without a connected listener at once."""
    listener.is_connected = connected
    first = indexes.on(session, DAY)
    tree.a11.retired_on = DAY
    session.flush()
    if connected:
        assert indexes.on(session, DAY) is first, "the notice comes after the commit"
        listener.deliver(GRIDS, make.STREET)
    assert indexes.on(session, DAY).index.locate([118.902], [32.105])[0, 2] == 0
    before = indexes.on(session, date(2026, 11, 19))
    assert before.index.locate([118.902], [32.105])[0, 2] == tree.a11.grid_id


def test_days_around_which_nothing_changes(session: Session, tree: make.StreetTree) -> None:
    assert unchanged_around(session, DAY) == (make.SINCE, None)
    make.grid(session, code=make.grid_code(community="007"), valid_from=date(2026, 12, 1))
    assert unchanged_around(session, DAY) == (make.SINCE, date(2026, 12, 1))
    assert unchanged_around(session, date(2026, 12, 1)) == (date(2026, 12, 1), None)
    assert unchanged_around(session, date(2020, 1, 1)) == (date.min, make.SINCE)


def test_an_empty_database(session: Session, indexes: GridIndexes) -> None:
    assert not np.any(indexes.on(session, DAY).index.locate([118.902], [32.105]))
