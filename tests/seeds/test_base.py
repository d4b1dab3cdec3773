"""The code tables that every deployment starts with."""

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from core.models import AuditEntry
from geo.models import Division, ObjectCode
from patrol.models import PatrolPolicy
from patrol.policies import Policy
from seeds.base import load_base


def test_the_template_holds_divisions_object_codes_and_the_default_policy(session: Session) -> None:
    names = {row.code: row.name for row in session.scalars(select(Division))}
    assert names["320113"] == "栖霞区"
    assert names["320113007"] == "仙林街道"
    assert sum(code.startswith("320113007") and len(code) == 12 for code in names) == 10
    assert all(session.scalars(select(ObjectCode.is_local)))
    policy = session.scalars(select(PatrolPolicy)).one()
    assert (policy.path, policy.kind) == ("", "")
    assert Policy.of(policy.thresholds) == Policy()


def test_loading_again_changes_nothing(session: Session) -> None:
    tables = (Division, ObjectCode, PatrolPolicy, AuditEntry)
    before = [session.scalar(select(func.count()).select_from(table)) for table in tables]
    load_base(session)
    assert [session.scalar(select(func.count()).select_from(table)) for table in tables] == before


def test_what_was_changed_since_stays(session: Session) -> None:
    session.execute(update(Division).where(Division.code == "320113007009").values(name="文澜路社区"))
    session.execute(update(ObjectCode).where(ObjectCode.code == "990000").values(name="网格"))
    session.execute(update(PatrolPolicy).values(thresholds={"min_minutes_in_grid": 30}))
    load_base(session)
    assert session.scalar(select(Division.name).where(Division.code == "320113007009")) == "文澜路社区"
    assert session.scalar(select(ObjectCode.name).where(ObjectCode.code == "990000")) == "网格"
    assert session.scalars(select(PatrolPolicy)).one().thresholds == {"min_minutes_in_grid": 30}
