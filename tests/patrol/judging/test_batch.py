"""Judging many at once leaves the rows, the trail and the jobs that judging one by one leaves."""

import uuid
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from core import audit
from core.clock import Week, local_date, now
from core.models import AuditEntry
from geo.models import Grid
from patrol.coverage.rolling import ROLL_UP as COVERAGE
from patrol.judging import batch
from patrol.judging.batch import JUDGE_MANY, batches, enqueue_week, judge_many, judge_waiting
from patrol.judging.judge import ROLL_UP, judge_patrol
from patrol.models import Patrol, PatrolVerdict
from patrol.recording.filing import enqueue_judging
from tests import make
from tests.patrol.deliveries import Round, jobs_of, moment, plot, recent, row_of
from tests.patrol.walks import patrol, shifted, track

Jobs = dict[str, list[dict[str, Any]]]


@pytest.fixture
def grid(session: Session) -> Grid:
    return plot(session)


@pytest.fixture
def delivered(session: Session, grid: Grid) -> list[uuid.UUID]:
    """Patrols of many kinds: honest, short, mocked, silent, played again, with checkpoints, unfinished."""
    wang = make.actor(session, role=Role.MEMBER, grid=grid, username="wang")
    li = make.actor(session, role=Role.MEMBER, grid=grid, username="li")
    for name, days in (("门", 30.0), ("新门", 0.4), ("旧门", 60.0)):  # one is put up between the patrols
        made = make.checkpoint(
            session, name=name, lon=118.9005, lat=32.1005, created_at=now() - timedelta(days=days)
        )
    made.retired_on = local_date(now()) - timedelta(days=1)
    honest = recent(patrol(30))
    early, late = shifted(honest, -90_000), shifted(honest, -9_000)
    silent = recent(track(np.zeros(2), step_s=1200))
    mocked = type(honest)(
        *(
            np.ones(len(honest), bool) if name == "mock" else getattr(honest, name)
            for name in honest.__slots__
        )
    )
    walks: list[tuple[str, Actor, Any]] = [
        ("honest", wang, honest),
        ("played again", wang, early),
        ("copied", li, late),
        ("short", li, recent(patrol(6))),
        ("silent", wang, shifted(silent, -40_000)),
        ("mocked", li, shifted(mocked, -60_000)),
    ]
    rounds = []
    for name, actor, walk in walks:
        one = Round.of(grid, walk, name)
        one.begin(session, actor)
        half = len(walk) // 2
        one.send(session, actor, walk.take(np.arange(half)), "0") if half else None
        one.send(session, actor, walk.take(np.arange(half, len(walk))), "1", 1)
        if name != "silent":
            one.end(session, actor)
        rounds.append(one.patrol_id)
    return rounds


def state(session: Session) -> tuple[list[dict[str, Any]], list[tuple[str, Any]]]:
    """The verdicts, and the last word of the trail on each."""
    session.expire_all()
    verdicts = session.scalars(select(PatrolVerdict).order_by(PatrolVerdict.patrol_id)).all()
    lines = session.execute(
        select(AuditEntry.subject, AuditEntry.detail)
        .where(AuditEntry.action == "patrol.judged")
        .order_by(AuditEntry.entry_id)
    )
    last = {subject: detail["status"] for subject, detail in lines}
    return [row_of(verdict) for verdict in verdicts], sorted(last.items())


def one_by_one(session: Session, patrol_ids: list[uuid.UUID]) -> None:
    """Until nothing asks for another run."""
    waiting = [str(one) for one in patrol_ids]
    while waiting:
        session.execute(text("DELETE FROM procrastinate_jobs WHERE task_name = 'patrol.judge'"))
        for one in waiting:
            judge_patrol(session, one)
        waiting = sorted({job["patrol_id"] for job in jobs_of(session, "patrol.judge")})


def jobs_left(session: Session) -> Jobs:
    return {name: sorted(jobs_of(session, name), key=str) for name in (ROLL_UP, COVERAGE)}


@pytest.fixture
def judged_alone(session: Session, delivered: list[uuid.UUID]) -> tuple[Any, Jobs]:
    session.execute(text("DELETE FROM procrastinate_jobs"))
    nested = session.begin_nested()
    one_by_one(session, delivered)
    found = state(session), jobs_left(session)
    nested.rollback()
    return found


@pytest.fixture(
    params=[False, True], ids=["as delivered, checkpoints by grid", "backwards, checkpoints by street"]
)
def backwards(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """The order in which patrols are judged, each with one of the two ways to ask for checkpoints."""
    turned = bool(request.param)
    monkeypatch.setattr(batch, "_FEW", 0 if turned else 9)
    return turned


@pytest.mark.parametrize("size", [1, 3, 6])
def test_the_same_rows(
    session: Session,
    delivered: list[uuid.UUID],
    judged_alone: tuple[Any, Jobs],
    backwards: bool,
    size: int,
) -> None:
    session.execute(text("DELETE FROM procrastinate_jobs"))
    ids = [str(one) for one in (delivered[::-1] if backwards else delivered)]
    for first in range(0, len(ids), size):
        judge_many(session, ids[first : first + size])
    one_by_one(session, [uuid.UUID(job["patrol_id"]) for job in jobs_of(session, "patrol.judge")])

    expected, jobs = judged_alone

    assert len(expected[0]) == len(delivered)
    assert len({row["status"] for row in expected[0]}) == 3, "every fate is there"
    assert any(row["related"] for row in expected[0])
    assert len({row["checkpoints_total"] for row in expected[0]}) > 1
    assert state(session) == expected
    assert jobs_left(session) == jobs
    assert audit.verify(session) == []


def test_again_changes_nothing(session: Session, delivered: list[uuid.UUID]) -> None:
    ids = [str(one) for one in delivered]
    judge_many(session, ids)
    before = state(session)
    lines = len(session.scalars(select(AuditEntry.entry_id)).all())
    judge_many(session, ids)
    assert state(session) == before
    assert len(session.scalars(select(AuditEntry.entry_id)).all()) == lines


def test_decisions_stay(session: Session, delivered: list[uuid.UUID]) -> None:
    judge_many(session, [str(one) for one in delivered])
    session.get_one(PatrolVerdict, delivered[0]).decision = "rejected"
    session.flush()
    judge_many(session, [str(one) for one in delivered])
    session.expire_all()
    assert session.get_one(PatrolVerdict, delivered[0]).decision == "rejected"


def test_a_verdict_outlives_its_fixes(session: Session, delivered: list[uuid.UUID]) -> None:
    judge_many(session, [str(one) for one in delivered])
    before = state(session)
    session.get_one(Patrol, delivered[0]).fixes_deleted_at = now()
    session.execute(
        delete(Patrol.metadata.tables["segments"]).where(text("patrol_id = :id")), {"id": delivered[0]}
    )
    judge_many(session, [str(one) for one in delivered])
    assert state(session) == before


def test_nobody_to_judge(session: Session) -> None:
    judge_many(session, [])
    judge_many(session, [str(uuid.UUID(int=7))])
    assert session.scalars(select(PatrolVerdict)).all() == []


def test_a_week_of_a_street(session: Session, grid: Grid, delivered: list[uuid.UUID]) -> None:
    weeks = {Week.of(one.started_at) for one in session.scalars(select(Patrol))}
    assert sum(enqueue_week(session, make.STREET, week) for week in weeks) == len(delivered)
    asked = [one for job in jobs_of(session, JUDGE_MANY) for one in job["patrol_ids"]]
    assert sorted(asked) == sorted(str(one) for one in delivered)
    assert enqueue_week(session, make.OTHER_STREET, min(weeks)) == 0
    assert [len(batch) for batch in batches([uuid.UUID(int=n) for n in range(450)])] == [200, 200, 50]
    assert moment(recent(patrol(1)), 0) < now()


def test_what_waits_is_judged_together(
    session: Session, delivered: list[uuid.UUID], judged_alone: tuple[Any, Jobs]
) -> None:
    failed, alone = str(delivered[0]), str(delivered[1])
    again = text("UPDATE procrastinate_jobs SET attempts = 1 WHERE args ->> 'patrol_id' = :id")
    for one in delivered:
        enqueue_judging(session, one)
    session.execute(again, {"id": failed})
    session.execute(text("DELETE FROM procrastinate_jobs WHERE args ->> 'patrol_id' = :id"), {"id": alone})

    judge_waiting(session, alone)

    judged = {row["patrol_id"] for row in state(session)[0]}
    assert judged == set(delivered) - {delivered[0]}, "what failed before is judged by itself"
    assert failed in [job["patrol_id"] for job in jobs_of(session, "patrol.judge")]
    one_by_one(session, [delivered[0]])
    assert state(session) == judged_alone[0]


def test_one_that_cannot_be_judged_stops_no_other(
    session: Session, delivered: list[uuid.UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    session.execute(text("DELETE FROM procrastinate_jobs"))
    for one in delivered[1:]:
        enqueue_judging(session, one)

    def broken(*_: object) -> None:
        raise ValueError("a track that nobody can read")

    monkeypatch.setattr(batch, "judge_many", broken)
    judge_waiting(session, str(delivered[0]))

    assert [row["patrol_id"] for row in state(session)[0]] == [delivered[0]]
    waiting = {job["patrol_id"] for job in jobs_of(session, "patrol.judge")}
    assert waiting == {str(one) for one in delivered[1:]}
