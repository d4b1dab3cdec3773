"""How each subject of each duty stands in a period: required, done, forecast, excused. Read-only.

Facts come from the counters (patrol/duties/facts.py); the weekly count of patrols is that of
patrol/weeks/standing.py and is made nowhere else. Whoever held a grid on the day is answered for the day.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial

from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from core.clock import local_date, now
from core.periods import Period
from core.work_calendar import load_calendar
from patrol.closing import GRACE
from patrol.duties.explaining import Sentence, Share, tell_excused, tell_many, tell_one
from patrol.duties.facts import Done, Key, Measure
from patrol.duties.gathering import Facts, Wanted, facts_of, groups_of
from patrol.duties.households import DueHousehold
from patrol.duties.queries import Holder
from patrol.duties.rules import (
    Crowd,
    DutyRow,
    Excused,
    Forecast,
    Status,
    SubjectKind,
    days_without,
    excused,
    forecast_many,
    forecast_one,
    most_until,
    reach_by_days,
)
from patrol.weeks.standing import StandingGrid
from patrol.weeks.substitutes import StandIn

Visited = tuple[DueHousehold, Sequence[Done]]  # a household with what was done for it

_NOBODY_ARRIVED = Share(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Credit:
    """What one person did for a subject: as its holder on the day, as a substitute, or as somebody else."""

    person_id: uuid.UUID
    name: str
    own: int
    as_substitute: int
    otherwise: int


@dataclass(frozen=True, slots=True)
class DutyItem:
    """A subject of a duty in a period. `arrived` came during it and is not part of `standing`."""

    duty: DutyRow
    period: Period
    grid: StandingGrid
    person_id: uuid.UUID | None  # of a pair
    person_name: str | None
    substitutes: tuple[StandIn, ...]
    total: int  # households in the grid; 1 for a single subject
    left_out: int
    standing: Share
    arrived: Share
    done: int  # all that count, more than required too
    forecast: Forecast
    excused: Excused
    excused_status: Status
    credits: tuple[Credit, ...]
    explained: Sentence
    excused_explained: Sentence

    @property
    def place(self) -> tuple[int, str, str]:
        """Where it stands in the list: by duty, grid and person, never by merit."""
        return self.duty.duty_id, self.grid.code, str(self.person_id or "")


def measure(session: Session, actor: Actor, wanted: Wanted) -> list[DutyItem]:
    """Every subject of the duties asked about, in the actor's scope, by duty, grid and person.

    Raises: GridUnknown, Forbidden.
    """
    moment = now()
    calendar = load_calendar(session)
    items: list[DutyItem] = []
    for group in groups_of(session, actor, wanted, local_date(moment)):
        facts = facts_of(session, group, calendar, moment)
        if facts is not None:
            items += items_of(facts, wanted.person_id)
    return sorted(items, key=lambda item: item.place)


def items_of(facts: Facts, person_id: uuid.UUID | None = None) -> Iterator[DutyItem]:
    """The subjects of a group; with a person those for whom the person answers or stands in."""
    subject = facts.asked.duty.subject
    found: Iterator[DutyItem]
    if subject is SubjectKind.PAIR:
        found = _pairs(facts)
    elif subject is SubjectKind.HOUSEHOLD:
        found = _grids_of_households(facts)
    else:
        found = _whole_grids(facts, subject)
    return (item for item in found if person_id is None or _concerns(item, facts, person_id))


def _concerns(item: DutyItem, facts: Facts, person_id: uuid.UUID) -> bool:
    """Whether the person answers for the subject, or stands in for somebody who does."""
    if item.person_id is not None:
        answering = {item.person_id}
    else:
        answering = {holder.person_id for holder in facts.holders.get(item.grid.grid_id, ())}
    return person_id in answering | {one.substitute_id for one in item.substitutes}


def _pairs(facts: Facts) -> Iterator[DutyItem]:
    spans: dict[tuple[uuid.UUID, int], list[Holder]] = defaultdict(list)
    for some in facts.holders.values():
        for holder in some:
            spans[holder.person_id, holder.grid_id].append(holder)
    for (person_id, grid_id), held in spans.items():
        away = days_without([(one.first, one.end) for one in held], facts.asked.period)
        item = _single(facts, (person_id, grid_id), facts.asked.grids[grid_id], away)
        yield replace(item, person_id=person_id, person_name=held[0].name)


def _whole_grids(facts: Facts, subject: SubjectKind) -> Iterator[DutyItem]:
    """Grids of the duty's level; a community is its level-1 grid."""
    level = 1 if subject is SubjectKind.COMMUNITY else facts.asked.duty.options.level
    for grid in facts.asked.grids.values():
        if grid.level == level:
            key: Key = grid.code[6:18] if subject is SubjectKind.COMMUNITY else grid.grid_id
            yield _single(facts, key, grid, [])


def _single(facts: Facts, key: Key, grid: StandingGrid, away: list[date]) -> DutyItem:
    """A subject that is one thing: a pair, a grid, a community."""
    duty, period = facts.asked.duty, facts.asked.period
    done = facts.done.get(key, ())
    days = [one.day for one in done]
    reach = partial(reach_by_days, days, duty.options.min_gap_days)
    measure = facts.counted.measures.get(key) or Measure(duty.count, reach)
    number = len(days)
    words = forecast_one(measure.required, number, measure.reach, facts.left)
    words = _settled(words, period, facts.asked.moment)
    credited = min(number, measure.required)
    less = _excused(facts, measure.required, away)
    return DutyItem(
        duty=duty,
        period=period,
        grid=grid,
        person_id=None,
        person_name=None,
        substitutes=_substitutes(facts, grid, key[0] if isinstance(key, tuple) else None),
        total=1,
        left_out=0,
        standing=Share(1, int(credited >= measure.required), measure.required, credited),
        arrived=_NOBODY_ARRIVED,
        done=number,
        forecast=words,
        excused=less,
        excused_status=_excused_status(less.required, number, words.status),
        credits=_credits(facts, grid, done),
        explained=tell_one(period.kind, (facts.kind.zh, facts.kind.en), (measure.required, number), words),
        excused_explained=tell_excused(less, measure.required),
    )


def _grids_of_households(facts: Facts) -> Iterator[DutyItem]:
    visited: dict[int, list[Visited]] = defaultdict(list)
    for one in facts.households.due:
        visited[one.grid_id].append((one, facts.done.get(one.household_id, ())))
    for grid_id in facts.households.totals:
        yield _grid_of_households(facts, facts.asked.grids[grid_id], visited[grid_id])


def _grid_of_households(facts: Facts, grid: StandingGrid, visited: Sequence[Visited]) -> DutyItem:
    duty, period = facts.asked.duty, facts.asked.period
    standing = _share(each for each in visited if each[0].arrival is None)
    arrived = _share(each for each in visited if each[0].arrival is not None)
    done = [one for _, facts_of_one in visited for one in facts_of_one]
    words = _settled(_forecast(facts, grid, visited), period, facts.asked.moment)
    each = _excused(facts, duty.count, [])
    required = standing.required + arrived.required
    less = replace(each, required=sum(min(one.required, each.required) for one, _ in visited))
    reached = sum(min(len(days), one.required, each.required) for one, days in visited)
    total, left_out = facts.households.totals[grid.grid_id], facts.households.left_out.get(grid.grid_id, 0)
    return DutyItem(
        duty=duty,
        period=period,
        grid=grid,
        person_id=None,
        person_name=None,
        substitutes=_substitutes(facts, grid, None),
        total=total,
        left_out=left_out,
        standing=standing,
        arrived=arrived,
        done=len(done),
        forecast=words,
        excused=less,
        excused_status=_excused_status(less.required, reached, words.status),
        credits=_credits(facts, grid, done),
        explained=tell_many(period.kind, standing, arrived, (total, left_out), words),
        excused_explained=tell_excused(less, required),
    )


def _forecast(facts: Facts, grid: StandingGrid, visited: Sequence[Visited]) -> Forecast:
    missing = hopeless = 0
    for one, done in visited:
        short = max(0, one.required - len(done))
        missing += short
        hopeless += short > 0 and short > can_still(facts, done)
    crowd = Crowd(
        required=sum(one.required for one, _ in visited),
        missing=missing,
        hopeless=hopeless,
        people=_people(facts, grid),
        per_day=facts.asked.duty.options.per_day,
    )
    return forecast_many(crowd, facts.left)


def can_still(facts: Facts, done: Sequence[Done]) -> int:
    """How often a household can still be visited in what remains of the period."""
    if not facts.left.days:
        return 0
    last = done[-1].day if done else None
    gap = facts.asked.duty.options.min_gap_days
    return most_until(last, gap, facts.left.days[0], facts.left.days[-1])


def _people(facts: Facts, grid: StandingGrid) -> int:
    """How many members hold the grid on the day, or heads where there is no member."""
    held = [one for one in facts.holders.get(grid.grid_id, ()) if one.holds_on(facts.asked.day)]
    members = {one.person_id for one in held if one.role is Role.MEMBER}
    return len(members or {one.person_id for one in held})


def _share(visited: Iterable[Visited]) -> Share:
    subjects = met = required = credited = 0
    for one, done in visited:
        number = min(len(done), one.required)
        subjects += 1
        met += number >= one.required
        required += one.required
        credited += number
    return Share(subjects, met, required, credited)


def _settled(words: Forecast, period: Period, moment: datetime) -> Forecast:
    """After the period nothing is on its way any more; late deliveries may still mend it for a while."""
    if words.status is Status.MET or moment < period.ends_at:
        return words
    status = Status.MISSED if moment >= period.ends_at + GRACE else Status.WILL_MISS
    return replace(words, status=status)


def _excused(facts: Facts, required: int, away: list[date]) -> Excused:
    period = facts.asked.period
    return excused(required, period, facts.holidays, away)


def _excused_status(required: int, done: int, raw: Status) -> Status:
    if not required:
        return Status.EXEMPT
    return Status.MET if done >= required else raw


def _substitutes(facts: Facts, grid: StandingGrid, person_id: uuid.UUID | None) -> tuple[StandIn, ...]:
    """Who stands in on the day for the person, or for anybody who holds the grid."""
    day = facts.asked.day
    held = [one.person_id for one in facts.holders.get(grid.grid_id, ()) if one.holds_on(day)]
    absent = dict.fromkeys(held if person_id is None else [person_id])
    return tuple(one for each in absent for one in facts.substitutions.get(each, ()) if one.holds_on(day))


def _credits(facts: Facts, grid: StandingGrid, done: Iterable[Done]) -> tuple[Credit, ...]:
    """Who did it, by what they were to the grid on that day; by name."""
    found: dict[uuid.UUID, list[int]] = defaultdict(lambda: [0, 0, 0])
    holders = facts.holders.get(grid.grid_id, ())
    for one in done:
        held = {holder.person_id for holder in holders if holder.holds_on(one.day)}
        stands_in = any(
            each.substitute_id == one.person_id and each.holds_on(one.day)
            for absent in held
            for each in facts.substitutions.get(absent, ())
        )
        found[one.person_id][0 if one.person_id in held else 1 if stands_in else 2] += 1
    credits_ = [Credit(person_id, facts.names[person_id], *numbers) for person_id, numbers in found.items()]
    return tuple(sorted(credits_, key=lambda one: (one.name, str(one.person_id))))
