"""Reminders: whoever is about to miss a duty hears of it in time; heads hear of their grids in one message.

Steps, by local days (a local setting, the standard names none): Wednesday and Friday for weeks; for longer
periods the last thirty and ten days, and within years and half-years the last thirty days of each quarter. A
job runs every morning in each street; what was made already is not made again.
Texts name figures and grids, never a rank. They are stored; channels that carry them read this table.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from access.queries import street_code_of
from access.scope import Actor, system_actor
from core.clock import local_date, now
from core.errors import NotFound
from core.jobs import enqueue
from core.periods import Period, PeriodKind
from core.work_calendar import load_calendar
from geo.models import Grid
from patrol.duties.explaining import PERIOD_WORDS, Sentence
from patrol.duties.gathering import Facts, Wanted, facts_of, groups_of
from patrol.duties.measuring import DutyItem, items_of
from patrol.duties.models import Reminder
from patrol.duties.queries import heads_above
from patrol.duties.rules import Status
from patrol.weeks.roll_up import ids_in

REMIND_STREET = "patrol.remind_street"
# On Thursday whoever was not reached on Wednesday, because nothing ran, is reached after all.
STEPS: Mapping[int, str] = {2: "wednesday", 3: "wednesday", 4: "friday"}
WARNINGS: Mapping[str, timedelta] = {"ten-days": timedelta(days=10), "thirty-days": timedelta(days=30)}
_NEEDS_A_WORD = (Status.AT_RISK, Status.WILL_MISS)
_NAMED = 5  # grids in a sentence; the message holds all of them as data
_SPACE = uuid.UUID("6f0f0f3e-2f5e-5d0c-8a55-6a1d4f0d3b11")


def step_on(period: Period, day: date) -> str | None:
    """The reminder that is due on this day in a period, if any."""
    if not period.holds(day):
        return None
    if period.kind is PeriodKind.WEEK:
        return STEPS.get(day.weekday())
    half = (period.last - period.first) / 2  # a month is not warned of on its first day
    found = next((name for name, left in WARNINGS.items() if period.last - day < left <= half), None)
    quarter = Period.of(PeriodKind.QUARTER, day)
    if found is None and quarter.last < period.last and quarter.last - day < WARNINGS["thirty-days"]:
        return f"quarter-{(quarter.last.month - 1) // 3 + 1}"
    return found


def remind(session: Session) -> None:
    """Every street will be looked through for those who are about to miss something."""
    for street_code in session.scalars(select(Grid.street_code).distinct().order_by(Grid.street_code)).all():
        enqueue(session, REMIND_STREET, queueing_lock=f"remind {street_code}", street_code=street_code)


def remind_street(session: Session, street_code: str) -> None:
    """Everybody about to miss a duty of a running period has a message; heads have one summary each."""
    moment = now()
    today = local_date(moment)
    calendar = load_calendar(session)
    for group in groups_of(session, _worker_in(street_code), Wanted(), today):
        step = step_on(group.period, today)
        facts = None if step is None else facts_of(session, group, calendar, moment)
        if step is not None and facts is not None:
            behind = [item for item in items_of(facts) if item.forecast.status in _NEEDS_A_WORD]
            _store(session, [*_to_workers(facts, behind, step), *_to_heads(session, facts, behind, step)])


def _worker_in(street_code: str) -> Actor:
    worker = system_actor("worker")
    return replace(
        worker, assignments=tuple(replace(held, path=f"{street_code}/") for held in worker.assignments)
    )


def reminders_of(
    session: Session, actor: Actor, *, after: tuple[datetime, uuid.UUID] | None, unseen: bool, limit: int
) -> Sequence[Reminder]:
    """The actor's own reminders, the latest first."""
    statement = select(Reminder).where(Reminder.person_id == actor.person_id)
    if after is not None:
        statement = statement.where(tuple_(Reminder.made_at, Reminder.reminder_id) < after)
    if unseen:
        statement = statement.where(Reminder.seen_at.is_(None))
    order = (Reminder.made_at.desc(), Reminder.reminder_id.desc())
    return session.scalars(statement.order_by(*order).limit(limit)).all()


def mark_seen(session: Session, actor: Actor, reminder_id: uuid.UUID) -> Reminder:
    """The reminder was seen by the one it was meant for; the first time stays. Raises: NotFound."""
    found = session.scalar(
        select(Reminder)
        .where(Reminder.reminder_id == reminder_id, Reminder.person_id == actor.person_id)
        .with_for_update()
    )
    if found is None:
        raise NotFound
    found.seen_at = found.seen_at or now()
    return found


def _to_workers(facts: Facts, behind: Iterable[DutyItem], step: str) -> list[dict[str, Any]]:
    """One message a person, about all grids that are behind: the own ones and those of whom is away."""
    concerned: dict[uuid.UUID, list[DutyItem]] = defaultdict(list)
    for item in behind:
        for person_id in _answering(facts, item):
            concerned[person_id].append(item)
    return [_row(facts, person_id, step, items, _own_words(items)) for person_id, items in concerned.items()]


def _answering(facts: Facts, item: DutyItem) -> set[uuid.UUID]:
    """Who is to do it today: the person of a pair or the grid's people, and whoever stands in for them."""
    day = facts.asked.day
    held = {holder.person_id for holder in facts.holders.get(item.grid.grid_id, ()) if holder.holds_on(day)}
    if item.person_id is not None:
        held &= {item.person_id}
    away = {one.absent_id for one in item.substitutes}
    return (held - away) | {one.substitute_id for one in item.substitutes}


def _to_heads(session: Session, facts: Facts, behind: Iterable[DutyItem], step: str) -> list[dict[str, Any]]:
    """One summary a head, about the grids below the own one."""
    items = list(behind)
    paths = session.scalars(select(Grid.path).where(Grid.grid_id.in_(_above(items)))).all()
    concerned: dict[uuid.UUID, dict[tuple[int, str, str], DutyItem]] = defaultdict(dict)
    for person_id, path in heads_above(session, paths, facts.asked.day):
        for item in items:
            if item.grid.path.startswith(path) and item.grid.path != path:
                concerned[person_id][item.place] = item
    return [
        _row(facts, person_id, f"summary-{step}", list(found.values()), _head_words(list(found.values())))
        for person_id, found in concerned.items()
        if found
    ]


def _above(items: Iterable[DutyItem]) -> set[int]:
    return {grid_id for item in items for grid_id in ids_in(item.grid.path)}


def _row(
    facts: Facts, person_id: uuid.UUID, step: str, items: Sequence[DutyItem], words: Sentence
) -> dict[str, Any]:
    """The same message has the same id, whoever makes it and when; there is one for each street."""
    duty, period = facts.asked.duty.code, str(facts.asked.period)
    street = street_code_of(items[0].grid.path)
    return {
        "reminder_id": uuid.uuid5(_SPACE, f"{person_id} {duty} {period} {step} {street}"),
        "person_id": person_id,
        "duty": duty,
        "period": period,
        "step": step,
        "subject": "summary" if step.startswith("summary-") else "own",
        "grids": [_figures(item) for item in sorted(items, key=lambda item: item.place)],
        "zh": words.zh,
        "en": words.en,
        "made_at": facts.asked.moment,
    }


def _figures(item: DutyItem) -> dict[str, Any]:
    return {
        "code": item.grid.code,
        "name": item.grid.name,
        "person": item.person_name,
        "required": item.standing.required + item.arrived.required,
        "credited": item.standing.credited + item.arrived.credited,
        "status": item.forecast.status.value,
    }


def _own_words(items: Sequence[DutyItem]) -> Sentence:
    shown = items[:_NAMED]
    more = len(items) - len(shown)
    zh = "".join(f"{item.grid.name}：{item.explained.zh}" for item in shown)
    en = " ".join(f"{item.grid.name}: {item.explained.en}" for item in shown)
    first = items[0].duty
    return Sentence(
        f"【{first.zh}】{zh}" + (f"另有 {more} 个网格。" if more else ""),
        f"[{first.en}] {en}" + (f" And {more} more grids." if more else ""),
    )


def _head_words(items: Sequence[DutyItem]) -> Sentence:
    """How many, and which grids by code: who does worst is not said."""
    grids = {item.grid.code: item.grid.name for item in sorted(items, key=lambda item: item.grid.code)}
    named = list(grids.values())[:_NAMED]
    lost = sum(item.forecast.status is Status.WILL_MISS for item in items)
    period_zh, period_en = PERIOD_WORDS[items[0].period.kind]
    more_zh, more_en = ("等", " and others") if len(grids) > len(named) else ("", "")
    return Sentence(
        f"【{items[0].duty.zh}】{period_zh}所辖 {len(grids)} 个网格进度落后，"
        f"其中 {lost} 项按剩余工作日将完不成：{'、'.join(named)}{more_zh}。",
        f"[{items[0].duty.en}] {len(grids)} of your grids are behind {period_en}; {lost} will be missed on"
        f" the working days that are left: {', '.join(named)}{more_en}.",
    )


def _store(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        session.execute(insert(Reminder).on_conflict_do_nothing(), list(rows))
