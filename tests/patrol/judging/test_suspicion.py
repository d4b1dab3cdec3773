"""Doubts that follow from other patrols: the same in whichever order they come, with what there is to see."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from core.clock import Week
from geo.models import Grid
from patrol.closing import closes_at
from patrol.fixes import Fixes
from patrol.judging.judge import judge_patrol
from patrol.models import Patrol, PatrolVerdict
from patrol.recording.tracks import JUDGE, start_patrol
from tests import make
from tests.patrol.deliveries import LIMITS, Round, filed, jobs_of, plot, recent, row_of
from tests.patrol.judging.test_likeness import noisy
from tests.patrol.walks import patrol, shifted

NOON = timedelta(hours=30)


@pytest.fixture
def grid(session: Session) -> Grid:
    return plot(session)


@pytest.fixture
def member(session: Session, grid: Grid) -> Actor:
    return make.actor(session, role=Role.MEMBER, grid=grid)


@pytest.fixture
def colleague(session: Session, grid: Grid) -> Actor:
    return make.actor(session, role=Role.MEMBER, grid=grid, username="colleague")


def settled(session: Session, *first: Round) -> dict[Any, PatrolVerdict]:
    """Every verdict once the worker has nothing left to do; it must come to an end."""
    for one in first:
        one.judge(session)
    for _ in range(20):
        waiting = [args["patrol_id"] for args in jobs_of(session, JUDGE)]
        session.execute(text("DELETE FROM procrastinate_jobs"))
        if not waiting:
            break
        for patrol_id in waiting:
            judge_patrol(session, patrol_id)
    else:
        raise AssertionError("the judge goes on for ever")
    session.expire_all()
    return {one.patrol_id: one for one in session.scalars(select(PatrolVerdict))}


def doubt_of(verdict: PatrolVerdict) -> dict[str, Any] | None:
    return next((one for one in verdict.results if one["kind"] == "doubt"), None)


def pair(grid: Grid, first: Fixes, second: Fixes) -> tuple[Round, Round]:
    return Round.of(grid, first, "first"), Round.of(grid, second, "second")


@pytest.mark.parametrize("order", [0, 1])
def test_two_phones_on_one_walk_send_both_to_a_person(
    session: Session, grid: Grid, member: Actor, colleague: Actor, order: int
) -> None:
    whole = recent(patrol(30), ended_ago=NOON)
    own, other = pair(grid, whole, noisy(shifted(whole, 7), 3))
    deliveries = [(own, member), (other, colleague)]
    for walk, actor in deliveries[::-1] if order else deliveries:
        walk.deliver(session, actor)

    verdicts = settled(session)

    for this, that in ((own, other), (other, own)):
        verdict = verdicts[this.patrol_id]
        doubt = doubt_of(verdict)
        assert verdict.status == "pending_review"
        assert doubt is not None
        assert doubt["code"] == "shared-track"
        assert [one["id"] for one in doubt["evidence"]["patrols"]] == [str(that.patrol_id)]
        assert doubt["evidence"]["patrols"][0]["distance_m"] < 20
        assert verdict.related == [that.patrol_id]


@pytest.mark.parametrize("order", [0, 1])
def test_of_a_track_and_its_later_copy_the_copy_is_looked_at(
    session: Session, grid: Grid, member: Actor, colleague: Actor, order: int
) -> None:
    whole = recent(patrol(30), ended_ago=NOON)
    own, copy = pair(grid, whole, noisy(shifted(whole, 5 * 3600 + 13), 3))
    deliveries = [(own, member), (copy, colleague)]
    for walk, actor in deliveries[::-1] if order else deliveries:
        walk.deliver(session, actor)

    verdicts = settled(session)

    assert verdicts[own.patrol_id].status == "valid"
    doubt = doubt_of(verdicts[copy.patrol_id])
    assert doubt is not None
    assert doubt["code"] == "copied-track"
    shown = doubt["evidence"]["patrols"][0]
    assert shown["id"] == str(own.patrol_id)
    assert abs(shown["shift_s"] - 5 * 3600) < 60


def test_a_copy_is_found_in_another_grid(session: Session, member: Actor, grid: Grid) -> None:
    over = plot(session, sequence="11")  # lies over the first, as a floor lies over its building
    other = make.actor(session, role=Role.MEMBER, grid=over, username="other")
    whole = recent(patrol(30), ended_ago=NOON)
    Round.of(grid, whole, "first").deliver(session, member)
    verdict = Round.of(over, noisy(shifted(whole, 7200), 3), "second").deliver(session, other)
    doubt = doubt_of(verdict)
    assert doubt is not None
    assert doubt["code"] == "copied-track"


def test_colleagues_on_one_route_are_not_doubted(
    session: Session, grid: Grid, member: Actor, colleague: Actor
) -> None:
    own, other = pair(
        grid,
        noisy(recent(patrol(30), ended_ago=NOON), 3),
        noisy(recent(patrol(30, speed_mps=1.12), ended_ago=timedelta(hours=20)), 3, seed=9),
    )
    assert own.deliver(session, member).status == "valid"
    assert other.deliver(session, colleague).status == "valid"


def test_a_doubt_goes_when_the_other_track_turns_out_otherwise(
    session: Session, grid: Grid, member: Actor, colleague: Actor
) -> None:
    whole = recent(patrol(40), ended_ago=NOON)
    half = whole.take(np.arange(len(whole) // 2))
    own, other = pair(grid, whole, noisy(whole, 3))
    own.deliver(session, member)
    other.begin(session, colleague)
    other.send(session, colleague, noisy(half, 3))
    other.end(session, colleague)
    assert settled(session, other)[own.patrol_id].status == "pending_review"

    rest = recent(patrol(40, speed_mps=0.4), ended_ago=NOON).take(np.arange(len(whole) // 2, len(whole)))
    session.execute(text("DELETE FROM segments WHERE patrol_id = :id"), {"id": other.patrol_id})
    other.send(session, colleague, rest, "rest")
    verdicts = settled(session)
    assert verdicts[own.patrol_id].status == "valid"
    assert verdicts[own.patrol_id].related == []


def test_what_was_delivered_after_the_closing_changes_no_closed_week(
    session: Session, grid: Grid, member: Actor, colleague: Actor
) -> None:
    whole = recent(patrol(30), ended_ago=timedelta(days=15))
    own, other = pair(grid, whole, noisy(whole, 3))
    own.deliver(session, member)
    in_time = closes_at(Week.of(own.start.started_at)) - timedelta(hours=1)
    session.execute(text("UPDATE segments SET received_at = :at"), {"at": in_time})
    session.execute(update(Patrol).values(start_received_at=in_time, finish_received_at=in_time))
    other.deliver(session, colleague)

    verdicts = settled(session, own)

    assert verdicts[own.patrol_id].status == "valid"
    assert verdicts[other.patrol_id].status == "pending_review"  # it came late itself: all is compared


# ---------------------------------------------------------------------------------------- shared phones


def deliver_from(session: Session, actor: Actor, walk: Round, device: str) -> None:
    start = replace(walk.start, device_id=make.fixed_uuid(device))
    filed(start_patrol(session, actor, walk.patrol_id, start, LIMITS))
    walk.send(session, actor, walk.fixes)
    walk.end(session, actor)


def test_one_phone_for_two_people_on_a_day_sends_both_to_a_person(
    session: Session, grid: Grid, member: Actor, colleague: Actor
) -> None:
    morning = recent(patrol(30, speed_mps=1.0), ended_ago=NOON)
    own, other = pair(grid, morning, shifted(recent(patrol(30, speed_mps=1.3), ended_ago=NOON), 2400))
    deliver_from(session, member, own, "phone")
    deliver_from(session, colleague, other, "phone")

    verdicts = settled(session)

    for this, that in ((own, other), (other, own)):
        doubt = doubt_of(verdicts[this.patrol_id])
        assert doubt is not None
        assert (doubt["code"], doubt["measured"], doubt["unit"]) == ("shared-device", 2, "people")
        assert doubt["evidence"] == {"patrols": [{"id": str(that.patrol_id)}]}


def test_a_street_may_share_its_phones(session: Session, grid: Grid, member: Actor, colleague: Actor) -> None:
    make.patrol_policy(session, path=grid.path, max_people_per_device=2)
    morning = recent(patrol(30, speed_mps=1.0), ended_ago=NOON)
    own, other = pair(grid, morning, shifted(recent(patrol(30, speed_mps=1.3), ended_ago=NOON), 2400))
    deliver_from(session, member, own, "phone")
    deliver_from(session, colleague, other, "phone")
    assert {one.status for one in settled(session).values()} == {"valid"}


def test_one_person_with_one_phone_is_not_doubted(session: Session, grid: Grid, member: Actor) -> None:
    own, other = pair(
        grid,
        recent(patrol(30, speed_mps=1.0), ended_ago=NOON),
        recent(patrol(30, speed_mps=1.3), ended_ago=timedelta(hours=27)),
    )
    deliver_from(session, member, own, "phone")
    deliver_from(session, member, other, "phone")
    assert {one.status for one in settled(session).values()} == {"valid"}


# -------------------------------------------------------------------------------------------- searching


def test_the_search_for_alike_tracks_uses_the_index(
    session: Session, grid: Grid, member: Actor, colleague: Actor
) -> None:
    walk = Round.of(grid)
    walk.deliver(session, member)
    session.execute(text("SET LOCAL enable_seqscan = off"))
    plan = "\n".join(
        session.scalars(
            text(
                "EXPLAIN SELECT patrol_id FROM patrol_verdicts WHERE middle &&&"
                " ST_SetSRID(ST_MakeLine(ST_MakePoint(118, 32, 1), ST_MakePoint(119, 33, 2)), 4490)"
            )
        )
    )
    assert "ix_patrol_verdicts_middle" in plan


def test_judging_again_changes_nothing(session: Session, grid: Grid, member: Actor, colleague: Actor) -> None:
    whole = recent(patrol(30), ended_ago=NOON)
    own, other = pair(grid, whole, noisy(whole, 3))
    own.deliver(session, member)
    other.deliver(session, colleague)
    before = {key: row_of(one) for key, one in settled(session).items()}
    assert {key: row_of(one) for key, one in settled(session, own, other).items()} == before
