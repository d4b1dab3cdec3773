"""Household visits of the demo street: the running half-year as diligently as each community walks."""

import uuid
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import accumulate
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from access.roles import Role
from core.clock import LOCAL_ZONE
from core.periods import Period, PeriodKind
from patrol.visits.counting import Outcome
from patrol.visits.models import Need, Visit, VisitForm, VisitVersion
from seeds.demo.copying import copy_rows
from seeds.demo.crew import MEMBER_GRID
from seeds.demo.doors import chosen_doors, versions_of, visit_row, visits_at
from seeds.demo.households import Home
from seeds.demo.street import DemoGrid
from seeds.demo.workers import Crew, Duty

# What comes of knocking at a door, and how often.
_OUTCOMES = (Outcome.MET, Outcome.NOT_HOME, Outcome.BY_PHONE, Outcome.REFUSED, Outcome.MOVED_AWAY)
_ODDS = (0.82, 0.10, 0.05, 0.02, 0.01)
_UP_TO = list(accumulate(_ODDS[:-1]))
_LEAST, _MOST = 0.55, 1.0  # share of its households that a grid has seen in the half-year
_SPECIAL_LEAST = 0.5  # of the special ones in the quarter
_EVENING_SHARE = 0.35  # people are at home after work
_NEEDS = (
    ("repair", "楼道灯不亮，老人晚上下楼看不清。", "soon"),
    ("medical", "行动不便，希望社区医生上门。", "normal"),
    ("safety", "燃气软管老化，需要更换。", "urgent"),
)


def store_visits(session: Session, homes: Sequence[Home], crew: Crew, today: date, moment: datetime) -> int:
    """Visits up to the moment are in the database, with the needs some of them found; answers how many."""
    rng = np.random.default_rng([2763, 7])
    by_grid: dict[DemoGrid, list[Home]] = defaultdict(list)
    for home in homes:
        if not home.is_vacant:
            by_grid[home.grid].append(home)
    duties: dict[DemoGrid, list[Duty]] = defaultdict(list)
    for duty in crew.duties:
        if duty.grid in by_grid and duty.role is Role.MEMBER:
            duties[duty.grid].append(duty)
    form_id = session.scalars(select(VisitForm.form_id).where(VisitForm.code == "needs")).first()
    shown = next(grid for grid in by_grid if grid.name == MEMBER_GRID)
    doors = chosen_doors(by_grid[shown])
    by_grid[shown] = [home for home in by_grid[shown] if all(home is not door for door, _ in doors)]
    told = list(visits_at(doors, duties[shown][0].worker, today))
    rows: list[dict[str, Any]] = []
    for grid, lived_in in by_grid.items():
        if duties[grid]:
            rows += _of_grid(lived_in, duties[grid], today, moment, rng=rng)
    own = {home.household_id for home in homes if home.grid.name == MEMBER_GRID}
    met = [row for row in rows if row["household_id"] in own and row["outcome"] == Outcome.MET.value]
    needs = list(_needs(met[-len(_NEEDS) :], form_id))
    rows += told
    copy_rows(session, Visit, rows)
    copy_rows(session, VisitVersion, list(versions_of(told)))
    if needs:
        copy_rows(session, Need, needs)
    return len(rows)


def _of_grid(
    homes: Sequence[Home], duties: Sequence[Duty], today: date, moment: datetime, *, rng: np.random.Generator
) -> Iterator[dict[str, Any]]:
    """Special households this quarter, others in the half-year; a second try after a closed door."""
    half, quarter = Period.of(PeriodKind.HALF, today).first, Period.of(PeriodKind.QUARTER, today).first
    share = float(rng.uniform(_LEAST, _MOST))
    for home, luck in zip(homes, rng.random((len(homes), 4)).tolist(), strict=True):
        is_special = home.tag is not None
        if luck[0] > (max(share, _SPECIAL_LEAST) if is_special else share):
            continue
        first = quarter if is_special else half
        day = first + timedelta(days=int(luck[1] * ((today - first).days + 1)))
        outcome = _OUTCOMES[bisect_left(_UP_TO, luck[2])]
        yield from _knock(home, duties, day, outcome, moment, luck=luck[3])
        if outcome is Outcome.NOT_HOME and luck[3] < 0.7:
            again = day + timedelta(days=3)
            yield from _knock(home, duties, again, Outcome.MET, moment, luck=luck[3] / 3)


def _knock(
    home: Home, duties: Sequence[Duty], day: date, outcome: Outcome, moment: datetime, *, luck: float
) -> Iterator[dict[str, Any]]:
    worker = next((one.worker for one in duties if _holds(one, day)), None)
    hour, spread = (18, 150) if luck < _EVENING_SHARE else (8, 540)
    at = datetime.combine(day, time(hour, 30), LOCAL_ZONE) + timedelta(minutes=int(luck * 997 % spread))
    if worker is None or at > moment:
        return
    yield visit_row(home, worker, at, outcome)


def _holds(duty: Duty, day: date) -> bool:
    return duty.valid_from <= day and (duty.valid_to is None or day < duty.valid_to)


def _needs(visits: Sequence[dict[str, Any]], form_id: int | None) -> Iterator[dict[str, Any]]:
    """The last visits of the member's grid found something; their rows are told so."""
    for row, (kind, detail, urgency) in zip(visits, _NEEDS, strict=False):
        row["theme"], row["form_id"] = "needs", form_id
        row["answers"] = {
            "for_whom": ["elder"],
            "needs": [{"kind": kind, "detail": detail, "urgency": urgency}],
        }
        yield {
            "need_id": uuid.uuid5(row["visit_id"], f"{kind} {detail}"),
            "visit_id": row["visit_id"],
            "household_id": row["household_id"],
            "found_at": row["at"],
            "kind": kind,
            "detail": detail,
            "urgency": urgency,
            "status": "open",
        }
