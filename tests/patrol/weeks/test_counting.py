"""The weekly count, by hand: clause 11.2.1 with the local gap and distinct days."""

import uuid
from datetime import UTC, date, datetime, timedelta

import pytest

from core.clock import Week
from patrol.closing import WeekState, closes_at, week_state
from patrol.judging.verdicts import Status
from patrol.policies import Policy
from patrol.weeks.counting import GridStatus, JudgedPatrol, active_in_week, count_week, grid_status, is_met

MONDAY_9 = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)  # 09:00 in Nanjing
WEEK = Week.of(MONDAY_9)
POLICY = Policy()


def patrols(*hours: float, status: Status = Status.VALID) -> list[JudgedPatrol]:
    return [
        JudgedPatrol(uuid.UUID(int=number), MONDAY_9 + timedelta(hours=hour), status)
        for number, hour in enumerate(hours, 1)
    ]


def codes(found: list[JudgedPatrol], policy: Policy = POLICY) -> list[str | None]:
    return [answer.reason.code if answer.reason else None for answer in count_week(found, policy)]


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ([], []),
        ([0], [None]),
        ([0, 24], [None, None]),
        ([0, 11.99], [None, "gap-too-short"]),
        ([0, 12], [None, "same-day"]),  # 09:00 and 21:00 of one day
        ([0, 14.9], [None, "same-day"]),  # 23:54
        ([0, 15.1], [None, None]),  # 00:06 on Tuesday
        ([10, 15.1], [None, "gap-too-short"]),  # another day, but only 5 hours later
        ([0, 5, 13, 24], [None, "gap-too-short", "same-day", None]),
        ([0, 10, 23, 30], [None, "gap-too-short", None, "gap-too-short"]),
        ([0, 24, 48, 72], [None, None, None, None]),  # more than two count too
    ],
)
def test_which_patrols_count(hours: list[float], expected: list[str | None]) -> None:
    assert codes(patrols(*hours)) == expected


def test_the_order_given_does_not_matter() -> None:
    found = patrols(0, 5, 13, 24, 40)
    assert count_week(found[::-1], POLICY) == count_week(found, POLICY)


def test_two_that_began_together_are_ordered_by_id() -> None:
    first, second = count_week(patrols(0, 0)[::-1], POLICY)
    assert (first.patrol_id.int, first.counted) == (1, True)
    assert (second.patrol_id.int, second.counted) == (2, False)


def test_only_valid_and_accepted_patrols_count_and_only_they_block_others() -> None:
    found = [
        *patrols(0, status=Status.INVALID),
        *patrols(1, status=Status.PENDING_REVIEW),
        *patrols(2, status=Status.ACCEPTED),
        *patrols(26),
    ]
    assert codes(found) == ["not-valid", "pending-review", None, None]


def test_the_gap_is_told_in_hours() -> None:
    reason = count_week(patrols(0, 11.99), POLICY)[1].reason
    assert reason is not None
    assert reason.zh == "距上一次计入的巡查开始只有 11.9 小时，要求至少 12 小时。"


def test_without_distinct_days_one_day_is_enough() -> None:
    assert codes(patrols(0, 12), Policy(distinct_days=0)) == [None, None]


def test_three_a_week_on_two_days() -> None:
    policy = Policy(required_per_week=3, min_gap_hours=1, distinct_days=2)
    assert codes(patrols(0, 2, 4, 24), policy) == [None, None, "same-day", None]


def test_two_are_enough() -> None:
    assert not is_met(1, POLICY)
    assert is_met(2, POLICY)


@pytest.mark.parametrize(
    ("moment", "state"),
    [
        (datetime(2026, 11, 15, 16, 0, tzinfo=UTC), WeekState.RUNNING),  # Monday 00:00 in Nanjing
        (datetime(2026, 11, 22, 15, 59, 59, tzinfo=UTC), WeekState.RUNNING),  # Sunday 23:59:59
        (datetime(2026, 11, 22, 16, 0, tzinfo=UTC), WeekState.GRACE),
        (datetime(2026, 11, 25, 15, 59, 59, tzinfo=UTC), WeekState.GRACE),  # Wednesday 23:59:59
        (datetime(2026, 11, 25, 16, 0, tzinfo=UTC), WeekState.CLOSED),
    ],
)
def test_a_week_closes_on_wednesday_night(moment: datetime, state: WeekState) -> None:
    assert week_state(WEEK, moment) is state
    assert closes_at(WEEK) == datetime(2026, 11, 25, 16, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("due", "met", "counted", "status"),
    [
        (0, 0, 0, GridStatus.UNASSIGNED),
        (2, 0, 0, GridStatus.NONE),
        (2, 0, 1, GridStatus.PARTIAL),
        (2, 1, 2, GridStatus.PARTIAL),
        (2, 2, 4, GridStatus.MET),
    ],
)
def test_how_a_grid_stands(due: int, met: int, counted: int, status: GridStatus) -> None:
    assert grid_status(pairs_due=due, pairs_met=met, patrols_counted=counted) is status


@pytest.mark.parametrize(
    ("valid_from", "valid_to", "active"),
    [
        (date(2026, 11, 22), None, True),
        (date(2026, 11, 23), None, False),
        (date(2026, 1, 1), date(2026, 11, 16), False),
        (date(2026, 1, 1), date(2026, 11, 17), True),
    ],
)
def test_an_assignment_counts_if_it_held_on_some_day(
    valid_from: date, valid_to: date | None, active: bool
) -> None:
    assert active_in_week(WEEK, valid_from, valid_to) is active
