"""When who goes out in the four weeks, and how well: usual rounds, lapses of every kind, one under way."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import count, cycle

import numpy as np

from access.roles import Role
from core.clock import LOCAL_ZONE, Week, local_date
from seeds.demo.outings import Manner, Outing
from seeds.demo.places import AREA, CAMPUS, COMMUNITIES, RESIDENTIAL, VILLAGE
from seeds.demo.stories import tell_stories
from seeds.demo.street import DemoGrid
from seeds.demo.workers import Crew, Duty, Worker

WEEKS = 4
_FIRST_STORY_NUMBER, _UNDER_WAY_NUMBER = 1_000_000, 2_000_000  # beyond those of the planner


_LAPSES = (
    Manner.SHORT, Manner.ELSEWHERE, Manner.CORNER, Manner.RIDDEN, Manner.SILENT, Manner.INACCURATE,
    Manner.MOCKED, Manner.FROZEN, Manner.JUMPY, Manner.TWO_TRAILS, Manner.LATE,
)  # fmt: skip
# Grids of these kinds have rules of their own in the demo (seeds/demo/rules.py); their lapses show them.
_LAPSES_BY_KIND = {
    AREA: (Manner.HELPING, *_LAPSES),
    CAMPUS: (Manner.CONSTANT, *_LAPSES),
    VILLAGE: (Manner.SHORT, Manner.CORNER),
}
_LAPSE_SHARE = 0.13
_HASTE_SHARE = 0.04
_OFFLINE_SHARE = 0.08
_LATE_HOURS = 252.0  # from any day of a week until after the Wednesday on which it is closed

# Communities differ, so that the map shows where help is needed.
_BEST, _WORST = 1.06, 0.55

_DAY_WEIGHTS = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 0.45, 0.3])
# Beginnings of rounds: from when, and for how many minutes.
_Part = tuple[time, int]
_EARLY, _MORNING, _AFTERNOON, _EVENING = (
    (time(6, 40), 20), (time(7, 40), 170), (time(14, 0), 170), (time(18, 55), 40)
)  # fmt: skip
_PARTS: tuple[_Part, ...] = (_MORNING, _MORNING, _MORNING, _AFTERNOON, _AFTERNOON, _EVENING)
_BREAK = timedelta(minutes=17)  # between two grids of one worker
# Two valid rounds of which only one counts: (days later, part) of each.
_HASTE = (
    ((0, _EARLY), (0, _EVENING)),  # the same day, twelve hours apart
    ((0, _EVENING), (1, _EARLY)),  # from one evening to the next morning
    ((0, _MORNING), (0, _AFTERNOON)),
)


def plan_outings(crew: Crew, today: date, moment: datetime, rng: np.random.Generator) -> list[Outing]:
    """Every outing that reached the server before `moment`, by time, and one that is under way at it.

    All four weeks are always drawn and then cut off at `moment`: the past looks the same on every weekday.
    """
    planner = _Planner(crew, rng)
    member = crew.accounts["member"]
    outings: list[Outing] = []
    for weeks_ago in reversed(range(WEEKS)):
        week = Week.of_day(today).shifted(-weeks_ago)
        for duty in crew.duties:
            if duty.grid is not None and duty.role is not Role.TEAM:  # a team does not patrol
                outings += planner.week(duty, duty.grid, week)
    outings = [o for o in outings if o.duty.worker is not member and _holds(o.duty, o.starts_at)]
    outings += _member_story(next(duty for duty in crew.duties if duty.worker is member), today)
    outings = tell_stories(outings, crew, today)
    past = [outing for outing in outings if outing.received_at <= moment]
    past += [_replay(past), _under_way(crew, past, moment)]
    return sorted(past, key=lambda outing: (outing.starts_at, str(outing.duty.worker.person_id)))


def _holds(duty: Duty, moment: datetime) -> bool:
    day = local_date(moment)
    return duty.valid_from <= day and (duty.valid_to is None or day < duty.valid_to)


def _member_story(duty: Duty, today: date) -> Iterator[Outing]:
    """The weeks of the account `member`: met; one lapse too many; met after a doubt; now one short of met."""
    monday = Week.of_day(today).monday
    yesterday = max(monday, today - timedelta(days=1))
    story = (
        (monday - timedelta(days=20), 8, Manner.STAIRS),
        (monday - timedelta(days=18), 15, Manner.SOUND),
        (monday - timedelta(days=14), 9, Manner.PLATES),
        (monday - timedelta(days=11), 16, Manner.CORNER),
        (monday - timedelta(days=7), 8, Manner.SOUND),
        (monday - timedelta(days=5), 9, Manner.FROZEN),
        (monday - timedelta(days=3), 15, Manner.JUMPY),
        (yesterday, 7, Manner.SOUND),
    )
    assert duty.grid
    for number, (day, hour, manner) in enumerate(story, _FIRST_STORY_NUMBER):
        starts_at = datetime.combine(day, time(hour, 12), LOCAL_ZONE)
        yield Outing(number, duty, duty.grid, starts_at, 36.0, manner)


def _replay(past: list[Outing]) -> Outing:
    """Somebody sends an earlier recording again, two days later: the same number is the same walk."""
    starts: defaultdict[Worker, list[datetime]] = defaultdict(list)
    for outing in past:
        starts[outing.duty.worker].append(outing.starts_at)
    for outing in past:
        again = replace(outing, starts_at=outing.starts_at + timedelta(days=2), manner=Manner.REPLAYED)
        is_free = all(
            abs(other - again.starts_at) > timedelta(hours=12) for other in starts[outing.duty.worker]
        )
        if outing.manner is Manner.SOUND and outing.grid.kind == RESIDENTIAL and is_free:
            return again
    raise LookupError("nobody has a free day")


def _under_way(crew: Crew, past: list[Outing], moment: datetime) -> Outing:
    """A round of somebody who has not been out today."""
    starts_at = moment - timedelta(minutes=18)
    busy = {outing.duty.worker for outing in past if moment - outing.starts_at < timedelta(hours=24)}
    busy.update(crew.accounts.values(), (leave.duty.worker for leave in crew.leaves))
    for duty in crew.duties:
        is_free = duty.role is Role.MEMBER and duty.worker not in busy and _holds(duty, starts_at)
        if is_free and duty.grid and duty.grid.kind == RESIDENTIAL:
            return Outing(_UNDER_WAY_NUMBER, duty, duty.grid, starts_at, 18.0, Manner.UNDER_WAY)
    raise LookupError("everybody has been out today")


class _Planner:
    """Draws the weeks of all duties; nobody is in two places at a time."""

    def __init__(self, crew: Crew, rng: np.random.Generator) -> None:
        self._crew = crew
        self._rng = rng
        self._numbers = count()
        self._taken: defaultdict[Worker, list[Outing]] = defaultdict(list)
        self._lapses = defaultdict(
            lambda: cycle(_LAPSES), {kind: cycle(lapses) for kind, lapses in _LAPSES_BY_KIND.items()}
        )
        order = rng.permutation(np.linspace(_WORST, _BEST, len(COMMUNITIES)))
        self._reliability = dict(zip(COMMUNITIES, order.tolist(), strict=True))
        members = [duty for duty in crew.duties if duty.role is Role.MEMBER]
        self._below = {duty.grid.parent: duty.grid for duty in members if duty.grid}

    def week(self, duty: Duty, grid: DemoGrid, week: Week) -> Iterator[Outing]:
        """The outings of one duty in one week, lapses among them."""
        rounds = self._rounds(grid, duty.worker)
        days = self._rng.choice(7, size=4, replace=False, p=_DAY_WEIGHTS / _DAY_WEIGHTS.sum()).tolist()
        starts = [self._start(week, day, _PARTS[self._rng.integers(len(_PARTS))]) for day in days]
        if rounds == 2 and self._rng.random() < _HASTE_SHARE:
            haste = _HASTE[self._rng.integers(len(_HASTE))]
            starts[:2] = [self._start(week, min(days[0], 5) + later, part) for later, part in haste]
        if self._crew.leave_on(duty, week.monday):
            rounds = max(rounds, 2)  # substitutes of the demo do what they promised
        for starts_at in starts[:rounds]:
            yield self._after_others(self._outing(duty, grid, starts_at, Manner.SOUND))
        if self._rng.random() < _LAPSE_SHARE:
            lapse = next(self._lapses[grid.kind])
            place = self._below[grid] if lapse is Manner.HELPING else grid
            yield self._after_others(self._outing(duty, place, starts[3], lapse))

    def _rounds(self, grid: DemoGrid, worker: Worker) -> int:
        """How many sound rounds the worker makes this week."""
        reliability = self._reliability[grid.code.community_code] + worker.diligence
        luck = float(self._rng.random())
        if luck < min(reliability, 0.995):
            return 3 if luck < 0.12 else 2
        return 1 if self._rng.random() < 0.6 else 0

    def _start(self, week: Week, day: int, part: _Part) -> datetime:
        earliest, spread = part
        begin = datetime.combine(week.monday + timedelta(days=day), earliest, LOCAL_ZONE)
        return begin + timedelta(seconds=int(self._rng.integers(spread * 60)))

    def _outing(self, duty: Duty, grid: DemoGrid, starts_at: datetime, manner: Manner) -> Outing:
        minutes = float(self._rng.uniform(9, 15) if manner is Manner.SHORT else self._rng.uniform(25, 41))
        offline = float(self._rng.uniform(1, 9)) if self._rng.random() < _OFFLINE_SHARE else 0.0
        if manner is Manner.LATE:
            offline = _LATE_HOURS
        leave = self._crew.leave_on(duty, local_date(starts_at))
        walked_as = leave.stand_in if leave else duty
        return Outing(next(self._numbers), walked_as, grid, starts_at, round(minutes, 2), manner, offline)

    def _after_others(self, outing: Outing) -> Outing:
        """The outing, begun later if its worker is out elsewhere at that time."""
        taken = self._taken[outing.duty.worker]
        for other in sorted(taken, key=lambda other: other.starts_at):
            if outing.starts_at <= other.ends_at and other.starts_at <= outing.ends_at:
                outing = replace(outing, starts_at=other.ends_at + _BREAK)
        taken.append(outing)
        return outing
