"""Appeals and reviews below the account `head2`: open, accepted, rejected, withdrawn, and a patrol without a
track (补签). What is decided after its week was closed corrects the frozen result.
"""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, select, text, update
from sqlalchemy.orm import Session

from core.clock import LOCAL_ZONE, Week
from patrol.appeals.asking import RECORDED, UNRECORDED
from patrol.appeals.deciding import SOURCE
from patrol.appeals.models import Appeal, FrozenWeek, PatrolDecision, WeekResult
from patrol.closing import closes_at
from patrol.judging.verdicts import Decision, Status
from patrol.models import Patrol, PatrolVerdict
from patrol.weeks.freezing import freeze_week
from seeds.demo.copying import copy_rows
from seeds.demo.places import STREET_CODE
from seeds.demo.schedule import WEEKS
from seeds.demo.stories import members_below_head
from seeds.demo.storing import StoredGrid
from seeds.demo.street import DemoGrid
from seeds.demo.workers import Crew, Duty

_WALKED_AT = time(20, 45)  # after every recorded round of a day
_LASTED = timedelta(minutes=35)
_FROZEN_AFTER = timedelta(minutes=20)  # of the closing: the worker's usual delay
_A_DAY = timedelta(days=1)

Values = dict[str, Any]


def store_unrecorded(
    session: Session, crew: Crew, stored: Mapping[DemoGrid, StoredGrid], today: date
) -> list[Values]:
    """The patrol that an accepted appeal made is in the database; gives the appeals about unrecorded ones."""
    monday = Week.of_day(today).monday
    first, *_, last = members_below_head(crew)
    accepted = _unrecorded(first, stored, monday - timedelta(days=15), "手机没电关机，当晚巡查未能记录。")
    decided_at = accepted["received_at"] + _A_DAY
    _decide(accepted, Decision.ACCEPTED, decided_at, crew, "已向楼长核实，当晚确在巡查。")
    accepted["patrol_id"] = uuid.uuid5(accepted["appeal_id"], "patrol")
    made = {
        name: accepted[name] for name in ("patrol_id", "person_id", "grid_id", "started_at", "finished_at")
    }
    copy_rows(
        session,
        Patrol,
        [{**made, "source": SOURCE, "start_received_at": decided_at, "finish_received_at": decided_at}],
    )
    note = "手机送修，当晚用纸质本记录。"
    return [accepted, _unrecorded(last, stored, monday - timedelta(days=8), note)]


def store_decisions(
    session: Session,
    crew: Crew,
    stored: Mapping[DemoGrid, StoredGrid],
    unrecorded: Sequence[Values],
    moment: datetime,
) -> None:
    """Appeals and decisions are in the database, closed weeks frozen, and what came after corrects them."""
    appeals = [*unrecorded, *_of_member(session, crew, moment)]
    verdicts = _below_head(session, crew, stored, moment)
    invalid = [one for one in verdicts if one.status == Status.INVALID and one.source != SOURCE]
    doubtful = [one for one in verdicts if one.status == Status.PENDING_REVIEW]
    # Accepted after its week was closed, so that a corrected week is to be seen; and one withdrawn.
    accepted, withdrawn = (
        _about(one, one.judged_at + 6 * _A_DAY, note)
        for one, note in zip(invalid, ("楼内信号差，实际已走完全程。", "点错了，请忽略。"), strict=False)
    )
    closed = closes_at(Week(accepted["week"]))
    _decide(accepted, Decision.ACCEPTED, closed + _A_DAY, crew, "情况属实。")
    withdrawn["withdrawn_at"] = withdrawn["received_at"] + timedelta(hours=1)
    appeals += [accepted, withdrawn]
    decisions = [_ruling(one, one["decided_at"], one["decision"], crew, appeal=one) for one in appeals
                 if one["decision"]]  # fmt: skip
    for one, decision in zip(doubtful, Decision, strict=False):
        decisions.append(_ruling(one._asdict(), one.judged_at + _A_DAY, decision, crew))
    copy_rows(session, Appeal, appeals)
    decisions.sort(key=lambda one: one["decided_at"])
    in_time = [one for one in decisions if one["decided_at"] < closes_at(Week(one["week"]))]
    _settle(session, in_time)
    _freeze(session, moment)
    _settle(session, [one for one in decisions if one not in in_time])


def _unrecorded(duty: Duty, stored: Mapping[DemoGrid, StoredGrid], day: date, note: str) -> Values:
    assert duty.grid
    started_at = datetime.combine(day, _WALKED_AT, LOCAL_ZONE)
    person_id = duty.worker.person_id
    return {
        "appeal_id": uuid.uuid5(person_id, f"appeal {day}"),
        "kind": UNRECORDED,
        "patrol_id": None,
        "person_id": person_id,
        "grid_id": stored[duty.grid].grid_id,
        "started_at": started_at,
        "finished_at": started_at + _LASTED,
        **_asked(started_at, started_at + timedelta(hours=13), note),
    }


def _about(patrol: Row[Any], received_at: datetime, note: str) -> Values:
    return {
        "appeal_id": uuid.uuid5(patrol.patrol_id, "appeal"),
        "kind": RECORDED,
        "patrol_id": patrol.patrol_id,
        "person_id": patrol.person_id,
        "grid_id": patrol.grid_id,
        "started_at": patrol.started_at,
        "finished_at": patrol.finished_at,
        **_asked(patrol.started_at, received_at, note),
    }


def _asked(started_at: datetime, received_at: datetime, note: str) -> Values:
    undecided = dict.fromkeys(("withdrawn_at", "decision", "decided_at", "decided_by", "decision_note"))
    return {
        "week": Week.of(started_at).monday,
        "note": note,
        "photos": [],
        "body_hash": hashlib.sha256(f"{started_at.isoformat()} {note}".encode()).digest(),
        "received_at": received_at,
        **undecided,
    }


def _decide(appeal: Values, decision: Decision, at: datetime, crew: Crew, note: str) -> None:
    by = crew.accounts["head2"].person_id
    appeal |= {"decision": decision.value, "decided_at": at, "decided_by": by, "decision_note": note}


def _of_member(session: Session, crew: Crew, moment: datetime) -> list[Values]:
    """The account `member` asks twice: once in vain, once nobody has answered yet."""
    rows = _judged(session, PatrolVerdict.person_id == crew.accounts["member"].person_id)
    invalid = next(one for one in rows if one.status == Status.INVALID)
    doubtful = next(one for one in rows if one.status == Status.PENDING_REVIEW)
    refused = _about(invalid, invalid.judged_at + timedelta(hours=2), "网格里施工，只能走一部分。")
    note = "其余楼栋可以通行，请补走。"
    _decide(refused, Decision.REJECTED, invalid.judged_at + _A_DAY, crew, note)
    asked_at = min(doubtful.judged_at + timedelta(hours=3), moment)
    return [refused, _about(doubtful, asked_at, "手机定位一直不动，本人确在巡查。")]


def _below_head(
    session: Session, crew: Crew, stored: Mapping[DemoGrid, StoredGrid], moment: datetime
) -> list[Row[Any]]:
    """Verdicts of the members below the head, old enough to have been decided on."""
    duties = members_below_head(crew)
    grid_ids = {stored[duty.grid].grid_id for duty in duties if duty.grid}
    people = {duty.worker.person_id for duty in duties}
    rows = _judged(session, PatrolVerdict.grid_id.in_(grid_ids))
    old = Week.of(moment).shifted(-1).starts_at
    return [one for one in rows if one.person_id in people and one.started_at < old]


def _judged(session: Session, condition: ColumnElement[bool]) -> Sequence[Row[Any]]:
    columns: Any = (
        PatrolVerdict.patrol_id,
        PatrolVerdict.person_id,
        PatrolVerdict.grid_id,
        PatrolVerdict.week,
        PatrolVerdict.started_at,
        PatrolVerdict.status,
        PatrolVerdict.judged_at,
        Patrol.finished_at,
        Patrol.source,
    )
    statement = (
        select(*columns)
        .join(Patrol, Patrol.patrol_id == PatrolVerdict.patrol_id)
        .where(condition)
        .order_by(PatrolVerdict.started_at, PatrolVerdict.patrol_id)
    )
    return session.execute(statement).all()


def _ruling(
    patrol: Mapping[str, Any],
    decided_at: datetime,
    decision: str,
    crew: Crew,
    *,
    appeal: Values | None = None,
) -> Values:
    told = {Decision.ACCEPTED: "已当面核实，确为本人巡查。", Decision.REJECTED: "未能说明原因，不予通过。"}
    return {
        "patrol_id": patrol["patrol_id"],
        "week": patrol["week"],
        "appeal_id": appeal and appeal["appeal_id"],
        "decision": Decision(decision).value,
        "note": appeal["decision_note"] if appeal else told[Decision(decision)],
        "decided_by": crew.accounts["head2"].person_id,
        "decided_at": decided_at,
    }


def _settle(session: Session, decisions: Sequence[Values]) -> None:
    """The decisions stand, with what they rest on, and their patrols have them."""
    for decision in decisions:
        of_patrol = PatrolVerdict.patrol_id == decision["patrol_id"]
        basis = select(PatrolVerdict.status, PatrolVerdict.results).where(of_patrol)
        status, results = session.execute(basis).one()
        values = {name: value for name, value in decision.items() if name != "week"}
        session.add(PatrolDecision(**values, computed_status=status, results=results))
        session.execute(update(PatrolVerdict).where(of_patrol).values(decision=decision["decision"]))
        session.flush()


def _freeze(session: Session, moment: datetime) -> None:
    """Closed weeks are frozen as the worker would have done soon after they were closed."""
    for back in range(WEEKS - 1, 0, -1):
        week = Week.of(moment).shifted(-back)
        at = closes_at(week) + _FROZEN_AFTER
        if at <= moment:
            freeze_week(session, STREET_CODE, str(week))
            for table in (FrozenWeek, WeekResult):
                session.execute(update(table).where(table.week == week.monday).values(frozen_at=at))
    session.execute(text("ANALYZE week_results"))
