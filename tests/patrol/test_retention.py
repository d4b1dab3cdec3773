"""What was kept long enough goes; what was concluded from it stays."""

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from access.models import AccessToken, SignIn
from access.roles import Role
from core import quarantine
from core.clock import now
from core.errors import Invalid
from core.models import AuditEntry, QuarantinedItem
from core.settings import PatrolSettings, PrivacySettings
from patrol.judging.judge import judge_patrol
from patrol.models import Patrol, PatrolVerdict, Segment
from patrol.retention import RETAIN, retain
from registry.people.models import PersonalLook
from tests import make
from tests.patrol.deliveries import Round, jobs_of, plot, recent, row_of
from tests.patrol.walks import patrol as walk

PRIVACY, LIMITS = PrivacySettings(), PatrolSettings()


def run(session: Session, privacy: PrivacySettings = PRIVACY) -> None:
    retain(session, privacy, LIMITS)
    session.flush()
    session.expire_all()


def count(session: Session, table: type) -> int:
    return session.scalars(select(func.count()).select_from(table)).one()


@pytest.fixture
def judged(session: Session) -> uuid.UUID:
    grid = plot(session)
    actor = make.actor(session, role=Role.MEMBER, grid=grid)
    one = Round.of(grid, recent(walk(30)), "old")
    one.deliver(session, actor)
    return one.patrol_id


def grow_old(session: Session, days: int) -> None:
    session.execute(update(Patrol).values(started_at=Patrol.started_at - timedelta(days=days)))
    session.flush()


def test_fixes_and_paths_go_and_the_verdict_stays(session: Session, judged: uuid.UUID) -> None:
    run(session)
    assert count(session, Segment) > 0, "it is young"
    before = row_of(session.get_one(PatrolVerdict, judged))
    grow_old(session, PRIVACY.fixes_days + 1)
    run(session)
    assert count(session, Segment) == 0
    verdict = session.get_one(PatrolVerdict, judged)
    assert (verdict.geom, verdict.trace, verdict.middle) == (None, None, None)
    gone = {"geom", "trace", "middle"}
    after = row_of(verdict)
    assert {name: value for name, value in after.items() if name not in gone} == {
        name: value for name, value in before.items() if name not in gone
    }
    judge_patrol(session, str(judged))
    assert row_of(session.get_one(PatrolVerdict, judged, populate_existing=True)) == after
    (line,) = session.scalars(select(AuditEntry).where(AuditEntry.action == "retention.deleted"))
    assert (line.actor, line.detail) == ("worker", {"patrols": 1})
    run(session)
    assert len(session.scalars(select(AuditEntry).where(AuditEntry.action == "retention.deleted")).all()) == 1


def test_fixes_that_could_still_come_are_waited_for(session: Session, judged: uuid.UUID) -> None:
    grow_old(session, LIMITS.max_fix_age_days - 1)
    run(session, PrivacySettings(fixes_days=30))
    assert count(session, Segment) > 0


def test_a_patrol_that_nobody_judged_keeps_its_fixes(session: Session, judged: uuid.UUID) -> None:
    session.execute(text("DELETE FROM patrol_verdicts"))
    grow_old(session, 400)
    run(session)
    assert count(session, Segment) > 0


def test_kept_items_sign_ins_and_looks_go_in_parts(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patrol.retention.BATCH", 2)
    actor = make.actor(session, role=Role.MEMBER, grid=plot(session))
    for number in range(3):
        item_id = make.fixed_uuid(f"item {number}")
        quarantine.keep(
            session,
            Invalid(),
            kind="x",
            item_id=item_id,
            subject_id=None,
            person_id=actor.person_id,
            body=b"x",
        )
    session.execute(
        update(QuarantinedItem).values(received_at=now() - timedelta(days=PRIVACY.quarantine_days + 1))
    )
    session.add(PersonalLook(person_id=actor.person_id, kind="reveal", at=now() - timedelta(days=2)))
    session.add(PersonalLook(person_id=actor.person_id, kind="reveal"))
    session.execute(update(SignIn).values(revoked_at=now() - timedelta(days=PRIVACY.sign_in_days + 1)))
    session.flush()
    run(session)
    assert (count(session, QuarantinedItem), count(session, PersonalLook)) == (1, 1)
    assert (count(session, SignIn), count(session, AccessToken)) == (0, 0)
    assert len(jobs_of(session, RETAIN)) == 1, "there is more"
    run(session)
    assert count(session, QuarantinedItem) == 0
