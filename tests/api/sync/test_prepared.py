"""A statement that was built once says the same as one built for the occasion."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from access.scope import Scope
from api.sync.doors import _HASHES, _hashes
from api.sync.ground import _CHECKPOINTS, _standing_checkpoints
from api.sync.prepared import Prepared
from core.clock import today
from tests import make, make_people


@pytest.mark.parametrize("days", [-1, 0, 1])
def test_the_same_for_every_grid_and_day(session: Session, days: int) -> None:
    tree, day = make.street_tree(session), today() + timedelta(days=days)
    for number, lon in enumerate((118.902, 118.907, 118.915, 118.93)):
        home = make_people.household(session, code=f"H{number}", lon=lon)
        make_people.resident(session, household=home)
        make_people.tag(session, household=home, valid_from=today(), valid_to=today() + timedelta(days=1))
        make.checkpoint(session, name=f"C{number}", lon=lon)
    make_people.household(session, code="by hand", lon=118.93, manual_grid_id=tree.a11.grid_id)
    make_people.household(session, code="gone", retired_on=today())

    for grid in (tree.a, tree.a1, tree.a11, tree.b11, tree.c):
        scope = Scope((grid.path,))
        assert _HASHES.rows(session, grid.path, day) == session.execute(_hashes(scope, day)).all()
        direct = session.execute(_standing_checkpoints(scope, day)).all()
        assert _CHECKPOINTS.rows(session, grid.path, day) == direct


@pytest.mark.parametrize("prepared", [_HASHES, _CHECKPOINTS])
def test_nothing_of_the_grid_that_does_not_exist_is_left(session: Session, prepared: Prepared) -> None:
    compiled = prepared._statement.compile(session.get_bind())
    assert "99999999" not in f"{compiled} {compiled.params}"
    assert "2147483646" not in f"{compiled} {compiled.params}"
    assert "1999" not in f"{compiled} {compiled.params}"
