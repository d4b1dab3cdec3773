"""Two at once: heads who decide, a head and the judge, a decision and a withdrawal, two freezes."""

import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import Session, sessionmaker

from access.roles import Role
from access.scope import Actor
from core import audit
from core.clock import Week, now
from core.database import Sessions
from core.errors import DomainError
from patrol.appeals.asking import Claim, put_appeal, withdraw_appeal
from patrol.appeals.deciding import Ruling, decide_appeal
from patrol.appeals.models import Appeal, FrozenWeek, PatrolDecision
from patrol.judging.judge import judge_patrol
from patrol.judging.verdicts import Decision
from patrol.models import PatrolVerdict
from patrol.weeks.freezing import freeze_week
from tests import make
from tests.patrol.deliveries import LIMITS, Round, plot, recent
from tests.patrol.walks import patrol

pytestmark = pytest.mark.own_database
APPEAL_ID = make.fixed_uuid("appeal")
ACCEPTED, REJECTED = Ruling(Decision.ACCEPTED, "属实"), Ruling(Decision.REJECTED, "不属实")


@pytest.fixture
def own(own_database_url: str) -> Iterator[Sessions]:
    engine = create_engine(own_database_url, pool_size=12)
    yield sessionmaker(engine, expire_on_commit=False)
    engine.dispose()


def at_once(calls: list[Callable[[], object]]) -> list[object]:
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], object]) -> object:
        barrier.wait()
        try:
            return call()
        except DomainError as error:
            return error.code

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


class Case:
    """A short patrol with an open appeal, a member, two heads."""

    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions
        with sessions.begin() as session:
            tree = make.street_tree(session)
            grid = plot(session, parent=tree.a1)
            self.member = make.actor(session, role=Role.MEMBER, grid=grid)
            self.heads = [
                make.actor(session, role=Role.HEAD, grid=tree.a, username=f"head{number}")
                for number in (1, 2)
            ]
            one = Round.of(grid, recent(patrol(5)))
            one.deliver(session, self.member)
            self.patrol_id, self.grid_code = one.patrol_id, grid.code

    def appeal(self) -> None:
        self.asking(APPEAL_ID)()

    def asking(self, appeal_id: uuid.UUID) -> Callable[[], object]:
        claim = Claim("没电了", patrol_id=self.patrol_id)
        return self.do(lambda session: put_appeal(session, self.member, appeal_id, claim, LIMITS))

    def do(self, work: Callable[[Session], object]) -> Callable[[], object]:
        def call() -> object:
            with self.sessions.begin() as session:
                return work(session)

        return call

    def deciding(self, actor: Actor, ruling: Ruling) -> Callable[[], object]:
        return self.do(lambda session: decide_appeal(session, actor, APPEAL_ID, ruling))


def test_of_two_heads_who_decide_at_once_one_is_told_who_was_faster(own: Sessions) -> None:
    case = Case(own)
    case.appeal()
    outcomes = at_once([case.deciding(case.heads[0], ACCEPTED), case.deciding(case.heads[1], REJECTED)])
    assert sorted(map(str, outcomes)) == ["None", "already-decided"]
    with own() as session:
        appeal = session.get_one(Appeal, APPEAL_ID)
        verdict = session.get_one(PatrolVerdict, case.patrol_id)
        (kept,) = session.scalars(select(PatrolDecision)).all()
        assert appeal.decision == verdict.decision == kept.decision
        assert appeal.decided_by == kept.decided_by == case.heads[outcomes.index(None)].person_id
        assert audit.verify(session) == []


def test_a_decision_while_the_patrol_is_judged_again_survives(own: Sessions) -> None:
    case = Case(own)
    case.appeal()
    judging = case.do(lambda session: judge_patrol(session, str(case.patrol_id)))
    at_once([judging, case.deciding(case.heads[0], ACCEPTED), judging, judging])
    with own() as session:
        verdict = session.get_one(PatrolVerdict, case.patrol_id)
        assert (verdict.status, verdict.decision) == ("invalid", "accepted")
        assert session.scalar(select(func.count()).select_from(PatrolDecision)) == 1


def test_an_appeal_sent_by_many_at_once_is_one(own: Sessions) -> None:
    case = Case(own)
    ids = [APPEAL_ID, APPEAL_ID, APPEAL_ID, make.fixed_uuid("b"), make.fixed_uuid("c")]
    at_once([case.asking(appeal_id) for appeal_id in ids])
    with own() as session:
        assert session.scalar(select(func.count()).select_from(Appeal)) == 1


def test_a_decision_and_a_withdrawal_exclude_each_other(own: Sessions) -> None:
    case = Case(own)
    case.appeal()
    withdrawing = case.do(lambda session: withdraw_appeal(session, case.member, APPEAL_ID))
    outcomes = at_once([withdrawing, case.deciding(case.heads[0], ACCEPTED)])
    assert len([one for one in outcomes if one is not None]) == 1
    with own() as session:
        appeal = session.get_one(Appeal, APPEAL_ID)
        assert (appeal.withdrawn_at is None) != (appeal.decision is None)


def test_an_unrecorded_patrol_is_made_once(own: Sessions) -> None:
    case = Case(own)
    started_at = now() - timedelta(days=7)
    finished_at = started_at + timedelta(hours=1)
    claim = Claim("手机坏了", grid_code=case.grid_code, started_at=started_at, finished_at=finished_at)
    case.do(lambda session: put_appeal(session, case.member, APPEAL_ID, claim, LIMITS))()
    at_once([case.deciding(head, ACCEPTED) for head in case.heads])
    with own() as session:
        assert session.scalar(select(func.count()).select_from(PatrolVerdict)) == 2


def test_two_workers_freeze_a_week_once(own: Sessions) -> None:
    case = Case(own)
    week = str(Week.of(now()).shifted(-3))
    at_once([case.do(lambda session: freeze_week(session, make.STREET, week))] * 3)
    with own() as session:
        assert session.scalar(select(func.count()).select_from(FrozenWeek)) == 1
        assert audit.verify(session) == []
