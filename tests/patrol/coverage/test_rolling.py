"""The roll-up of a street's day: equal to the facts, the same however often, and told to maps."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import numpy as np
import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor, Scope
from core.clock import now
from geo.cells import Cells, parents_of
from patrol.coverage.days import Days
from patrol.coverage.facts import is_evidence, kind_of
from patrol.coverage.ground import grounds_of
from patrol.coverage.models import CoverageSum
from patrol.coverage.queries import heat_on
from patrol.coverage.rolling import ROLL_UP, enqueue_days, roll_up_coverage
from patrol.coverage.sums import CELL, RESOLUTIONS, Heat, Kind
from patrol.models import Patrol, PatrolVerdict
from tests import make
from tests.patrol.coverage.walked import MONDAY, SUNDAY, cells_in, rolled_up, walked
from tests.patrol.deliveries import jobs_of


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return make.street_tree(session)


@pytest.fixture
def wang(session: Session, tree: make.StreetTree) -> Actor:
    return make.actor(session, role=Role.MEMBER, grid=tree.a11, username="wang")


@pytest.fixture
def cells(session: Session, tree: make.StreetTree) -> Cells:
    return cells_in(session, tree.a11)


def heat(
    session: Session, prefix: str, first: date = MONDAY, last: date = MONDAY, resolution: int = 11
) -> Heat:
    days = Days(first, last)
    return heat_on(session, grounds_of(session, Scope((prefix,)), SUNDAY, resolution), days, resolution)


def stored(session: Session, days: int = 1) -> dict[int, np.ndarray]:
    statement = select(CoverageSum.resolution, CoverageSum.cells).where(CoverageSum.days == days)
    return {resolution: np.frombuffer(body, CELL) for resolution, body in session.execute(statement)}


def test_the_sums_are_those_of_the_verdicts(
    session: Session, tree: make.StreetTree, wang: Actor, cells: Cells
) -> None:
    walked(session, wang, tree.a11, cells[:5])
    walked(session, wang, tree.a11, cells[3:8], hour=15)
    walked(session, wang, tree.a11, cells[10:12], hour=17, status="pending_review")
    walked(session, wang, tree.a11, cells[20:22], hour=19, status="invalid")
    walked(session, wang, tree.a11, cells[30:32], hour=20, decision="rejected")
    walked(session, wang, tree.a11, cells[40:42], hour=21, status="invalid", decision="accepted")
    walked(session, wang, tree.a11, cells[50:52], day=MONDAY + timedelta(days=1))
    rolled_up(session)

    found = heat(session, tree.a11.path)

    assert found.cells.tolist() == cells.tolist()
    expected = np.zeros(len(cells), int)
    expected[:8], expected[3:5], expected[40:42] = 1, 2, 1
    assert found.visits.tolist() == expected.tolist()
    assert np.flatnonzero(found.unconfirmed).tolist() == [10, 11, 20, 21]
    assert found.dwell_s.tolist() == (expected * 10.0).tolist()
    assert set(found.last_day.tolist()) == {0, MONDAY.toordinal()}
    assert sorted(stored(session)) == list(RESOLUTIONS)
    assert sorted(stored(session, days=7)) == [7, 8, 9]


def test_running_again_changes_nothing_and_tells_nobody(
    session: Session, tree: make.StreetTree, wang: Actor, cells: Cells, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr("patrol.coverage.rolling.announce", lambda *told_of: told.append(told_of[-1]))
    walked(session, wang, tree.a11, cells[:5])
    rolled_up(session)
    before = session.execute(select(CoverageSum.resolution, CoverageSum.days, CoverageSum.rolled_up_at)).all()
    rolled_up(session)
    after = session.execute(select(CoverageSum.resolution, CoverageSum.days, CoverageSum.rolled_up_at)).all()
    assert told == [make.STREET]
    assert sorted(before) == sorted(after)


def test_a_decision_takes_the_cells_away_again(
    session: Session, tree: make.StreetTree, wang: Actor, cells: Cells
) -> None:
    patrol_id = walked(session, wang, tree.a11, cells[:5])
    rolled_up(session)
    session.get_one(PatrolVerdict, patrol_id).decision = "rejected"
    session.flush()
    rolled_up(session)
    assert stored(session) == {}
    assert stored(session, days=7) == {}


@pytest.mark.parametrize("resolution", [7, 8, 9, 10])
@pytest.mark.parametrize("of", ["a", "a11"])
def test_coarse_cells_count_patrols(
    session: Session, tree: make.StreetTree, wang: Actor, cells: Cells, resolution: int, of: str
) -> None:
    """Whole streets are read from stored rows, parts from facts; a part knows nothing of its neighbours."""
    li = make.actor(session, role=Role.MEMBER, grid=tree.a12, username="li")
    walked(session, wang, tree.a11, cells)
    walked(session, wang, tree.a11, cells[:7], day=SUNDAY)
    beside = cells_in(session, tree.a12)
    walked(session, li, tree.a12, beside, day=SUNDAY)
    rolled_up(session, MONDAY, SUNDAY)
    prefix = f"{make.STREET}/" if of == "a" else tree.a11.path

    found = heat(session, prefix, MONDAY, SUNDAY, resolution)

    visits = dict(zip(found.cells.tolist(), found.visits.tolist(), strict=True))
    patrols = [set(parents_of(part, resolution).tolist()) for part in (cells, cells[:7])]
    if of == "a":
        patrols.append(set(parents_of(beside, resolution).tolist()))
    for cell, count in visits.items():
        assert count == sum(cell in one for one in patrols)
    shown = {day for day in found.last_day.tolist() if day}
    assert shown <= {MONDAY.toordinal(), SUNDAY.toordinal()}


def test_days_in_shanghai(session: Session, tree: make.StreetTree, wang: Actor, cells: Cells) -> None:
    walked(session, wang, tree.a11, cells[:1], hour=0)
    walked(session, wang, tree.a11, cells[1:2], hour=23)
    walked(session, wang, tree.a11, cells[2:3], day=MONDAY + timedelta(days=1), hour=0)
    rolled_up(session)
    assert heat(session, tree.a11.path).visits[:3].tolist() == [1, 1, 0]


def test_a_patrol_without_a_position_leaves_its_grid_unknown(
    session: Session, tree: make.StreetTree, wang: Actor, cells: Cells
) -> None:
    walked(session, wang, tree.a11, cells[:3], observed_s=0.0, status="invalid")
    rolled_up(session)
    found = heat(session, tree.a11.path)
    assert (found.visits == 0).all()
    assert found.unknown.tolist() == [0, 0, 0] + [1] * (len(cells) - 3)
    coarse = heat(session, tree.a11.path, resolution=9)
    assert (coarse.unknown == 1).all()


def test_what_was_unknown_stays_so_when_the_fixes_are_gone(
    session: Session, tree: make.StreetTree, wang: Actor, cells: Cells
) -> None:
    gone = walked(session, wang, tree.a11, cells[:3], observed_s=0.0, status="invalid")
    walked(session, wang, tree.a11, cells[5:6], hour=12)
    rolled_up(session)
    before = heat(session, tree.a11.path)
    session.get_one(Patrol, gone).fixes_deleted_at = now()
    session.flush()
    for _ in range(2):
        rolled_up(session)
    after = heat(session, tree.a11.path)
    assert (after.unknown > 0).tolist() == (before.unknown > 0).tolist()
    assert after.visits.tolist() == before.visits.tolist()


def test_evidence_in_sql_is_evidence_in_python(
    session: Session, tree: make.StreetTree, wang: Actor, cells: Cells
) -> None:
    hour = 0
    for status in ("valid", "invalid", "pending_review"):
        for decision in (None, "accepted", "rejected"):
            walked(session, wang, tree.a11, cells[:1], hour=hour, status=status, decision=decision)
            hour += 1
    rows = session.execute(select(PatrolVerdict.status, PatrolVerdict.decision, is_evidence())).all()
    assert len(rows) == 9
    for status, decision, counts in rows:
        assert bool(counts) is (kind_of(status, decision) is Kind.VISIT), (status, decision)


def test_one_job_stands_for_all_that_is_waiting(session: Session, tree: make.StreetTree) -> None:
    for _ in range(3):
        enqueue_days(session, make.STREET, [SUNDAY, MONDAY, MONDAY])
    assert len(jobs_of(session, ROLL_UP)) == 2


@pytest.mark.own_database
def test_two_jobs_of_one_week_do_not_lose_each_other(
    own_database_url: str, seeded: Callable[[Session], Cells]
) -> None:
    engine = create_engine(own_database_url)
    with Session(engine) as session, session.begin():
        seeded(session)

    def run(day: date) -> None:
        with Session(engine) as session, session.begin():
            roll_up_coverage(session, make.STREET, day.isoformat())

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, [MONDAY, SUNDAY, MONDAY, SUNDAY]))
    with Session(engine) as session:
        week = stored(session, days=7)[9]
        day_visits = session.scalars(
            select(CoverageSum.cells).where(CoverageSum.days == 1, CoverageSum.resolution == 9)
        ).all()
        total = sum(int(np.frombuffer(body, CELL)["visits"].sum()) for body in day_visits)
        assert int(week["visits"].sum()) == total > 0
    engine.dispose()


@pytest.fixture
def seeded() -> Callable[[Session], Cells]:
    def seed(session: Session) -> Cells:
        tree = make.street_tree(session)
        wang = make.actor(session, role=Role.MEMBER, grid=tree.a11, username="wang")
        cells = cells_in(session, tree.a11)
        walked(session, wang, tree.a11, cells[:20])
        walked(session, wang, tree.a11, cells[10:40], day=SUNDAY)
        return cells

    return seed
