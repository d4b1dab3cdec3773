"""People, outings and recordings of the demo street, before anything is stored or judged."""

from collections import Counter, defaultdict
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import shapely

from access.roles import PATROL_ROLES, Role
from core.clock import LOCAL_ZONE, Week
from geo.area import segment_lengths_m
from seeds.demo.crew import UNASSIGNED_GRIDS, hire
from seeds.demo.outings import Manner, Outing
from seeds.demo.places import COMMUNITIES
from seeds.demo.recordings import Recorder, Recording
from seeds.demo.schedule import WEEKS, plan_outings
from seeds.demo.street import DemoGrid, build_street
from seeds.demo.workers import Crew

SUNDAY = date(2026, 11, 22)


@cache
def street() -> tuple[DemoGrid, ...]:
    names = {code: f"社区{code[-3:]}社区居委会" for code in COMMUNITIES}
    return tuple(build_street(names, np.random.default_rng([2763, 1])))


@cache
def crew(today: date = SUNDAY) -> Crew:
    return hire(street(), today, np.random.default_rng([2763, 2]))


@cache
def outings(today: date = SUNDAY) -> tuple[Outing, ...]:
    moment = datetime.combine(today, time(17), LOCAL_ZONE)
    return tuple(plan_outings(crew(today), today, moment, np.random.default_rng([2763, 3])))


def recording(manner: Manner) -> Recording:
    outing = next(outing for outing in outings() if outing.manner is manner)
    return Recorder(street(), [2763, 4]).record(outing)


def test_every_level_3_grid_has_a_member_but_the_two_left_open() -> None:
    members = Counter(duty.grid.name for duty in crew().duties if duty.grid and duty.role is Role.MEMBER)
    blocks = {grid.name for grid in street() if grid.level == 3}
    assert blocks - members.keys() == set(UNASSIGNED_GRIDS)
    patrolling = {duty.worker for duty in crew().duties if duty.role in PATROL_ROLES}
    assert 130 <= len(patrolling) <= 150


def test_some_members_have_two_grids_some_grids_two_members_some_changed_hands() -> None:
    members = [duty for duty in crew().duties if duty.role is Role.MEMBER and duty.valid_to is None]
    assert sum(count == 2 for count in Counter(duty.worker for duty in members).values()) >= 10
    assert sum(count == 2 for count in Counter(duty.grid for duty in members).values()) == 5
    assert sum(duty.valid_to is not None for duty in crew().duties) == 3


def test_every_higher_grid_has_a_head_and_every_role_an_account() -> None:
    heads = {duty.grid for duty in crew().duties if duty.role is Role.HEAD}
    assert heads == {grid for grid in street() if grid.level in (1, 2)}
    staff = {"operator", "leader", "unit", "admin", "auditor"}
    assert crew().accounts.keys() == staff | {"member", "head1", "head2"}
    member = next(duty.grid for duty in crew().duties if duty.worker is crew().accounts["member"])
    assert member
    assert member.parent
    held = {(duty.worker, duty.grid) for duty in crew().duties}
    assert (crew().accounts["head2"], member.parent) in held
    assert (crew().accounts["head1"], member.parent.parent) in held


def test_names_are_different() -> None:
    names = [worker.name for worker in crew().workers]
    assert len(set(names)) == len(names)


def test_outings_span_four_weeks() -> None:
    weeks = Counter(Week.of(outing.starts_at) for outing in outings())
    assert len(weeks) == WEEKS
    assert min(weeks.values()) > 250


@pytest.mark.parametrize("days_earlier", range(7))
def test_every_manner_is_there_on_every_day_of_the_week(days_earlier: int) -> None:
    assert {outing.manner for outing in outings(SUNDAY - timedelta(days=days_earlier))} == set(Manner)


def test_nobody_is_in_two_places_at_a_time() -> None:
    rounds = defaultdict(list)
    for outing in outings():
        rounds[outing.duty.worker].append(outing)
    for own in rounds.values():
        assert all(before.ends_at < after.starts_at for before, after in pairwise(own))


@pytest.mark.parametrize("days_earlier", [1, 4, 6])
def test_the_past_is_the_same_on_every_day_of_the_week(days_earlier: int) -> None:
    today = SUNDAY - timedelta(days=days_earlier)
    ended_before = datetime.combine(today, time(0), LOCAL_ZONE) - timedelta(days=2)
    earlier, later = (
        [
            (outing.number, outing.starts_at, outing.manner, outing.duty.worker.person_id)
            for outing in outings(day)
            if outing.received_at < ended_before
        ]
        for day in (today, SUNDAY)
    )
    assert earlier == later


def test_one_round_is_under_way_and_all_others_have_arrived() -> None:
    moment = datetime.combine(SUNDAY, time(17), LOCAL_ZONE)
    (open_one,) = [outing for outing in outings() if outing.manner is Manner.UNDER_WAY]
    assert open_one.ends_at == moment
    assert all(outing.received_at <= moment for outing in outings())
    assert open_one.duty.worker not in crew().accounts.values()


@pytest.mark.parametrize("today", [SUNDAY, SUNDAY - timedelta(days=3), SUNDAY - timedelta(days=6)])
def test_the_account_member_has_been_out_once_this_week(today: date) -> None:
    own = [outing for outing in outings(today) if outing.duty.worker is crew(today).accounts["member"]]
    this_week = [outing for outing in own if Week.of(outing.starts_at) == Week.of_day(today)]
    assert [outing.manner for outing in this_week] == [Manner.SOUND]
    assert {Manner.CORNER, Manner.FROZEN} <= {outing.manner for outing in own}


def test_a_sound_round_looks_like_walking_in_the_own_grid() -> None:
    made = recording(Manner.SOUND)
    grid, fixes = made.outing.grid, made.fixes
    assert grid.shape
    assert shapely.contains_xy(grid.shape.mapped, fixes.lon, fixes.lat).mean() > 0.97
    intervals = np.diff(fixes.at_ms) / 1000
    assert 4 < intervals.min() < intervals.max() < 11
    speed = segment_lengths_m(fixes.lon, fixes.lat) / intervals
    assert 0.7 < speed.mean() < 1.8
    assert np.percentile(speed, 99) < 4
    assert sum(segment.upload.fix_count for segment in made.segments) == len(fixes)
    assert [segment.upload.seq for segment in made.segments] == list(range(len(made.segments)))


def test_what_was_recorded_arrived_in_order_and_after_it_happened() -> None:
    recorder = Recorder(street(), [2763, 4])
    for outing in outings()[::25]:
        made = recorder.record(outing)
        assert made.start_received_at >= outing.starts_at
        for segment in made.segments:
            assert segment.received_at.timestamp() * 1000 >= segment.upload.last_at_ms
        if made.finish_received_at and made.finished_at:
            assert made.finish_received_at >= made.finished_at >= outing.starts_at


def test_an_outing_is_recorded_the_same_whatever_came_before() -> None:
    some = outings()[100:110]
    forward, backward = Recorder(street(), [2763, 4]), Recorder(street(), [2763, 4])
    first = {outing.number: forward.record(outing) for outing in some}
    second = {outing.number: backward.record(outing) for outing in reversed(some)}
    for number, made in first.items():
        other = second[number]
        assert made.patrol_id == other.patrol_id
        assert made.patrol_id.version == 7
        sent = [(part.segment_id, part.upload.body_hash, part.upload.blob) for part in made.segments]
        assert sent == [(part.segment_id, part.upload.body_hash, part.upload.blob) for part in other.segments]


def test_lapses_show_in_the_fixes() -> None:
    assert recording(Manner.MOCKED).fixes.mock.all()
    assert len(np.unique(recording(Manner.FROZEN).fixes.lon)) == 1
    assert np.median(recording(Manner.INACCURATE).fixes.accuracy_m) > 50
    assert (np.diff(recording(Manner.SILENT).fixes.at_ms) > 600_000).any()
    assert len(np.unique(recording(Manner.CONSTANT).fixes.accuracy_m)) == 1
    assert recording(Manner.UNDER_WAY).finished_at is None
