"""The rules of duties, as properties and at their edges."""

from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import LOCAL_ZONE
from core.periods import Period, PeriodKind
from patrol.duties.counters import reachable
from patrol.duties.reminding import step_on
from patrol.duties.rules import (
    Crowd,
    DaysLeft,
    DutyRow,
    Options,
    Status,
    SubjectKind,
    days_without,
    due_by,
    duty_for,
    excused,
    forecast_many,
    forecast_one,
    most_until,
    prorated,
    reach_by_days,
    spaced,
)
from patrol.judging.verdicts import Status as VerdictStatus
from patrol.policies import Policy
from patrol.weeks.counting import JudgedPatrol, count_week
from tests import make

# A busy machine is no fault of a rule.
DAYS = st.dates(date(2026, 1, 1), date(2026, 3, 31))
QUARTER = Period.parse("2026-Q1")


def left(days: int, workdays: int, *, passed: int = 0, total: int = 5) -> DaysLeft:
    """So many days from a Monday on, the first of them working days."""
    first = date(2026, 11, 16)
    all_days = tuple(first + timedelta(days=n) for n in range(days))
    return DaysLeft(all_days, all_days[:workdays], passed, total)


# --------------------------------------------------------------------------------------------- gap and days


@given(days=st.lists(DAYS), gap=st.integers(0, 20))
def test_spaced_days_keep_their_gap_and_no_more_would_fit(days: list[date], gap: int) -> None:
    kept = spaced(days, gap)
    assert all((later - day).days >= max(1, gap) for day, later in pairwise(kept))
    assert spaced(kept, gap) == kept
    assert set(kept) <= set(days)
    assert len(kept) == len(spaced(sorted(days), gap))
    # The most that can be chosen, by trying every last day.
    best: dict[date, int] = {}
    for day in sorted(set(days)):
        best[day] = 1 + max((best[d] for d in best if (day - d).days >= max(1, gap)), default=0)
    assert len(kept) == max(best.values(), default=0)


@given(done=st.lists(DAYS, max_size=4), gap=st.integers(0, 30), today=DAYS)
def test_what_can_still_be_reached_is_what_doing_it_every_day_would_bring(
    done: list[date], gap: int, today: date
) -> None:
    so_far = spaced([day for day in done if day <= today], gap)
    ahead = [today + timedelta(days=n) for n in range((QUARTER.last - today).days + 1)]
    more = most_until(so_far[-1] if so_far else None, gap, today, QUARTER.last)
    assert len(so_far) + more == reach_by_days(so_far, gap, ahead)


@given(
    starts=st.lists(st.integers(0, 7 * 24 * 4 - 1), max_size=4),
    now_at=st.integers(0, 7 * 24 - 1),
    gap=st.sampled_from([0, 6, 12, 20, 36]),
    days=st.integers(0, 3),
    required=st.integers(1, 3),
)
def test_reachable_patrols_are_never_fewer_than_what_a_walker_makes(
    starts: list[int], now_at: int, gap: int, days: int, required: int
) -> None:
    monday = datetime(2026, 11, 16, tzinfo=LOCAL_ZONE)
    moment = monday + timedelta(hours=now_at)
    policy = Policy(required_per_week=required, min_gap_hours=gap, distinct_days=min(days, required))
    all_days = [monday.date() + timedelta(days=n) for n in range(7)]
    ahead = [day for day in all_days if day >= moment.date()]
    walked = [
        JudgedPatrol(
            make.fixed_uuid(str(number)), monday + timedelta(minutes=15 * start), VerdictStatus.VALID
        )
        for number, start in enumerate(sorted(starts))
    ]
    past = [one for one in walked if one.started_at < moment]
    most = reachable(past, policy, moment, ahead)
    assert most >= min(required, sum(one.counted for one in count_week(past, policy)))
    # Whole hours, as they are tried: what really was walked later cannot be more.
    later = [
        JudgedPatrol(
            one.patrol_id,
            moment + timedelta(hours=(one.started_at - moment) // timedelta(hours=1)),
            one.status,
        )
        for one in walked
        if one.started_at >= moment
    ]
    assert most >= min(required, sum(one.counted for one in count_week([*past, *later], policy)))


# ------------------------------------------------------------------------------------------------- forecasts


@given(
    required=st.integers(0, 5),
    done=st.integers(0, 6),
    days=st.integers(0, 7),
    workdays=st.integers(0, 7),
    passed=st.integers(0, 5),
)
def test_a_forecast_promises_only_what_can_be_kept(
    required: int, done: int, days: int, workdays: int, passed: int
) -> None:
    ahead = left(days, min(days, workdays), passed=passed)
    words = forecast_one(required, done, lambda some: done + len(some), ahead)
    assert (words.status is Status.MET) == (done >= required)
    assert words.left == max(0, required - done)
    if words.status in (Status.ON_TRACK, Status.AT_RISK):
        assert done + len(ahead.workdays) >= required
    if not words.still_possible:
        assert words.status is Status.WILL_MISS
        assert done + days < required


@given(
    required=st.integers(1, 2000),
    missing=st.integers(0, 2000),
    people=st.integers(0, 3),
    workdays=st.integers(0, 250),
    hopeless=st.integers(0, 1),
)
def test_the_forecast_of_many_gets_no_better_with_less_time(
    required: int, missing: int, people: int, workdays: int, hopeless: int
) -> None:
    order = [Status.MET, Status.ON_TRACK, Status.AT_RISK, Status.WILL_MISS]
    crowd = Crowd(max(required, missing), missing, hopeless, people, per_day=20)
    statuses = [
        forecast_many(crowd, left(days, days, total=250)).status for days in (workdays, max(0, workdays - 1))
    ]
    assert order.index(statuses[0]) <= order.index(statuses[1])
    if hopeless and missing:
        assert statuses[0] is Status.WILL_MISS


@pytest.mark.parametrize(
    ("missing", "workdays", "status"),
    [
        (1800, 250, Status.ON_TRACK),  # an even pace of 7.2 a day
        (1800, 150, Status.AT_RISK),
        (1800, 40, Status.WILL_MISS),  # 45 a day, two people make 40
        (100, 20, Status.ON_TRACK),
        (0, 0, Status.MET),
        (1, 0, Status.WILL_MISS),
    ],
)
def test_a_grid_of_nine_hundred_households(missing: int, workdays: int, status: Status) -> None:
    crowd = Crowd(required=1800, missing=missing, hopeless=0, people=2, per_day=20)
    words = forecast_many(crowd, left(workdays, workdays, total=250))
    assert words.status is status


# ---------------------------------------------------------------------- what would be excused


@given(required=st.integers(1, 5), off=st.sets(DAYS), away=st.sets(DAYS))
def test_excused_days_lower_the_figure_and_count_once(required: int, off: set[date], away: set[date]) -> None:
    less = excused(required, QUARTER, off, away)
    assert 0 <= less.required <= required
    assert less.holidays + less.not_assigned == len(off | away)
    if len(off | away) < 90:
        assert less.required >= 1
    else:
        assert less.required == 0


def test_a_week_is_excused_in_part() -> None:
    week = Period.parse("2026-W40")
    holidays = [date(2026, 10, 1) + timedelta(days=n) for n in range(4)]
    assert excused(2, week, holidays, []).required == 1
    assert excused(2, week, holidays, list(week.days)).required == 0
    assert prorated(2, 7, 7) == 2


def test_days_outside_all_spans() -> None:
    week = Period.parse("2026-W40")
    spans = [(date(2026, 1, 1), date(2026, 9, 29)), (date(2026, 10, 4), None)]
    expected = [date(2026, 9, 29) + timedelta(days=n) for n in range(5)]
    assert days_without(spans, week) == expected
    assert days_without([], week) == list(week.days)


# ----------------------------------------------------------------------------- rows and steps


@pytest.mark.parametrize(
    ("period", "count", "number", "day"),
    [
        ("2026", 2, 1, date(2026, 6, 30)),
        ("2026", 2, 2, date(2026, 12, 31)),
        ("2026-Q1", 1, 1, date(2026, 3, 31)),
        ("2026-Q1", 3, 2, date(2026, 2, 28)),
        ("2026-W47", 2, 1, date(2026, 11, 18)),
        ("2026-W47", 2, 2, date(2026, 11, 22)),
        ("2026-02", 2, 1, date(2026, 2, 14)),
        ("2026-W47", 20, 1, date(2026, 11, 16)),
    ],
)
def test_each_of_several_has_its_day(period: str, count: int, number: int, day: date) -> None:
    assert due_by(Period.parse(period), count, number) == day


def row(**columns: object) -> DutyRow:
    plain: dict[str, object] = {
        "duty_id": 1,
        "code": "x",
        "zh": "",
        "en": "",
        "fact": "visits",
        "subject": SubjectKind.HOUSEHOLD,
        "count": 1,
        "period": PeriodKind.QUARTER,
        "path": "",
        "kind": "",
        "options": Options(),
        "clause": "",
        "is_on": True,
        "valid_from": date(2015, 1, 1),
        "valid_to": None,
    }
    return DutyRow(**{**plain, **columns})  # type: ignore[arg-type]


def test_the_row_of_a_grid_is_the_nearest_the_most_special_and_the_newest() -> None:
    rows = [
        row(),
        row(duty_id=2, path="1/"),
        row(duty_id=3, path="1/", kind="market"),
        row(duty_id=4, path="1/2/", is_on=False),
        row(duty_id=5, valid_from=date(2026, 2, 1)),
    ]

    def found(path: str, kind: str = "", period: str = "2026-Q1") -> int | None:
        chosen = duty_for(rows, path=path, kind=kind, period=Period.parse(period))
        return chosen.duty_id if chosen else None

    assert found("9/") == 1
    assert found("9/", period="2026-Q2") == 5  # a row that begins midway holds from the next period on
    assert found("1/7/") == 2
    assert found("1/7/", "market") == 3
    assert found("1/2/8/") is None  # switched off there
    assert found("9/", period="2014-Q1") is None


def test_options_are_those_that_are_known() -> None:
    options = Options(outcomes=("met", "by_phone"), per_day=5, special_only=True)
    assert Options.of(options.stored()) == options
    for wrong in (
        {"nonsense": 1},
        {"per_day": "many"},
        {"per_day": -1},
        {"special_only": 1},
        {"level": True},
    ):
        with pytest.raises(ValueError, match="option"):
            Options.of(wrong)


@pytest.mark.parametrize(
    ("period", "day", "step"),
    [
        ("2026-W47", date(2026, 11, 17), None),
        ("2026-W47", date(2026, 11, 18), "wednesday"),
        ("2026-W47", date(2026, 11, 19), "wednesday"),
        ("2026-W47", date(2026, 11, 20), "friday"),
        ("2026-W47", date(2026, 11, 21), None),
        ("2026-W47", date(2026, 11, 25), None),
        ("2026-Q4", date(2026, 12, 1), None),
        ("2026-Q4", date(2026, 12, 2), "thirty-days"),
        ("2026-Q4", date(2026, 12, 22), "ten-days"),
        ("2026", date(2026, 6, 1), "quarter-2"),
        ("2026", date(2026, 5, 1), None),
        ("2026", date(2026, 12, 31), "ten-days"),
        ("2026-H1", date(2026, 3, 31), "quarter-1"),
        ("2026-H1", date(2026, 6, 30), "ten-days"),
        ("2026-11", date(2026, 11, 2), None),
        ("2026-11", date(2026, 11, 21), "ten-days"),
    ],
)
def test_steps_of_reminders(period: str, day: date, step: str | None) -> None:
    assert step_on(Period.parse(period), day) == step
