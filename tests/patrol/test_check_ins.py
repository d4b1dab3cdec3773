"""Check-ins and gaps on their way: repeats, conflicts, before their patrol, and what is judged of them."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from core.clock import Week, now
from core.errors import DomainError, TooMany
from core.models import QuarantinedItem
from geo.models import Grid
from patrol.closing import closes_at
from patrol.judging.judge import judge_abandoned
from patrol.models import Patrol
from patrol.presence.models import CheckIn, PatrolGap
from patrol.presence.recording import CheckInClaim, GapReason, Position, record_check_in
from patrol.recording.tracks import JUDGE, Filed, file_again
from registry.checkpoints import reissue_plate
from registry.models import Checkpoint
from registry.throttle import MISSES_PER_MINUTE
from tests import make
from tests.patrol.deliveries import LIMITS, Round, jobs_of, moment, plot, recent
from tests.patrol.presence_proofs import check_in, checkpoint, gap, key, plates, some_building, token_of
from tests.patrol.walks import patrol


@pytest.fixture
def grid(session: Session) -> Grid:
    return plot(session)


@pytest.fixture
def member(session: Session, grid: Grid) -> Actor:
    return make.actor(session, role=Role.MEMBER, grid=grid)


@pytest.fixture
def walk(grid: Grid) -> Round:
    return Round.of(grid)


@pytest.fixture
def gate(session: Session) -> Checkpoint:
    return checkpoint(session, "北门", 200, 390)


def code_of(outcome: Any) -> str:
    assert isinstance(outcome, DomainError), outcome
    return outcome.code


def count(session: Session, table: type) -> int:
    return session.scalars(select(func.count()).select_from(table)).one()


def kept(session: Session) -> list[QuarantinedItem]:
    return list(session.scalars(select(QuarantinedItem).where(QuarantinedItem.refiled_at.is_(None))))


def test_a_plate_is_filed_once(session: Session, member: Actor, walk: Round, gate: Checkpoint) -> None:
    walk.begin(session, member)
    at = moment(walk.fixes, 50)
    first = check_in(session, member, walk, "gate", at, token=token_of(gate))
    again = check_in(session, member, walk, "gate", at, token=token_of(gate))
    assert (first.is_repeated, again.is_repeated) == (False, True)
    stored = session.scalars(select(CheckIn)).one()
    assert (stored.checkpoint_id, stored.proof, stored.generation) == (gate.checkpoint_id, "token", 1)


@pytest.mark.parametrize("claim", ["token", "address", "short_code", "checkpoint_id"])
def test_every_way_to_name_a_checkpoint(
    session: Session, member: Actor, walk: Round, gate: Checkpoint, claim: str
) -> None:
    walk.begin(session, member)
    ways: dict[str, dict[str, Any]] = {
        "token": {"token": token_of(gate)},
        "address": {"token": f"https://xunge.example/c/{token_of(gate)}"},
        "short_code": {"short_code": f" {gate.short_code[:4]}-{gate.short_code[4:]} ".lower()},
        "checkpoint_id": {"checkpoint_id": gate.checkpoint_id},
    }
    outcome = check_in(session, member, walk, claim, moment(walk.fixes, 50), **ways[claim])
    proofs = {"address": "token", "checkpoint_id": "position"}
    assert (outcome.checkpoint_id, outcome.proof) == (gate.checkpoint_id, proofs.get(claim, claim))


def test_something_else_under_the_same_id_is_kept_aside(
    session: Session, member: Actor, walk: Round, gate: Checkpoint
) -> None:
    walk.begin(session, member)
    at = moment(walk.fixes, 50)
    check_in(session, member, walk, "gate", at, token=token_of(gate))
    later = check_in(session, member, walk, "gate", at + timedelta(seconds=1), token=token_of(gate))
    assert code_of(later) == "check-in-conflict"
    gap(session, member, walk, "gap", (at, at))
    other = gap(session, member, walk, "gap", (at, at), reason=GapReason.BATTERY)
    assert code_of(other) == "gap-conflict"
    assert {item.kind for item in kept(session)} == {"patrol-check-in", "patrol-gap"}
    assert token_of(gate).encode() not in b"".join(item.body for item in kept(session))


def test_what_comes_before_its_patrol_is_filed_with_it(
    session: Session, member: Actor, walk: Round, gate: Checkpoint
) -> None:
    at = moment(walk.fixes, 50)
    early = check_in(session, member, walk, "gate", at, token=token_of(gate))
    assert code_of(early) == "patrol-unknown"
    assert code_of(gap(session, member, walk, "gap", (at, at + timedelta(minutes=1)))) == "patrol-unknown"
    walk.begin(session, member)
    assert (count(session, CheckIn), count(session, PatrolGap), kept(session)) == (1, 1, [])


def test_somebody_elses_patrol(
    session: Session, grid: Grid, member: Actor, walk: Round, gate: Checkpoint
) -> None:
    walk.begin(session, member)
    other = make.actor(session, role=Role.MEMBER, grid=grid, username="other")
    at = moment(walk.fixes, 50)
    assert code_of(check_in(session, other, walk, "x", at, token=token_of(gate))) == "patrol-of-another"
    assert code_of(gap(session, other, walk, "y", (at, at))) == "patrol-of-another"
    assert len(kept(session)) == 2


@pytest.mark.parametrize(
    "claim",
    [
        {"token": "no token"},
        {"token": "0" * 34},
        {"short_code": "K7QF-2M9X"},
        {"short_code": "not one"},
    ],
)
def test_an_unknown_plate_is_kept(
    session: Session, member: Actor, walk: Round, claim: dict[str, str]
) -> None:
    walk.begin(session, member)
    assert code_of(check_in(session, member, walk, "x", moment(walk.fixes, 5), **claim)) == "plate-unknown"
    (item,) = kept(session)
    again = file_again(session, member, item, LIMITS, received_at=now())
    assert code_of(again) == "plate-unknown"


def test_a_forged_token_opens_nothing(session: Session, member: Actor, walk: Round, gate: Checkpoint) -> None:
    walk.begin(session, member)
    forged = token_of(gate)[:-1] + ("0" if token_of(gate)[-1] != "0" else "1")
    outcome = check_in(session, member, walk, "x", moment(walk.fixes, 5), token=forged)
    assert code_of(outcome) == "plate-unknown"
    assert forged.encode() not in kept(session)[0].body


def test_a_checkpoint_of_another_street_is_unknown(session: Session, member: Actor, walk: Round) -> None:
    make.street(session, code=make.OTHER_STREET)
    far = checkpoint(session, "远", 0, 0, street_code=make.OTHER_STREET)
    walk.begin(session, member)
    at = moment(walk.fixes, 5)
    assert code_of(check_in(session, member, walk, "a", at, token=token_of(far))) == "plate-unknown"
    named = check_in(session, member, walk, "b", at, checkpoint_id=far.checkpoint_id)
    assert code_of(named) == "checkpoint-unknown"
    nobody = check_in(session, member, walk, "c", at, checkpoint_id=make.fixed_uuid("nobody"))
    assert code_of(nobody) == "checkpoint-unknown"


def test_whoever_guesses_codes_has_to_wait(session: Session, member: Actor, walk: Round) -> None:
    walk.begin(session, member)
    at, guarded = moment(walk.fixes, 5), plates()
    claim = CheckInClaim(at=at, short_code="K7QF-2M9X")
    for number in range(MISSES_PER_MINUTE):
        outcome = record_check_in(session, member, key(walk, str(number)), claim, LIMITS, plates=guarded)
        assert code_of(outcome) == "plate-unknown"
    with pytest.raises(TooMany) as caught:
        record_check_in(session, member, key(walk, "more"), claim, LIMITS, plates=guarded)
    assert 0 < caught.value.retry_after_s <= 60


@pytest.mark.parametrize("ago", [timedelta(minutes=-6), timedelta(days=61)])
def test_an_impossible_time_is_kept(
    session: Session, member: Actor, walk: Round, gate: Checkpoint, ago: timedelta
) -> None:
    walk.begin(session, member)
    assert code_of(check_in(session, member, walk, "x", now() - ago, token=token_of(gate))) == "invalid"
    assert code_of(gap(session, member, walk, "y", (now() - ago, now() - ago))) == "invalid"
    assert len(kept(session)) == 2


def test_a_gap_ends_after_it_begins(session: Session, member: Actor, walk: Round) -> None:
    walk.begin(session, member)
    at = moment(walk.fixes, 5)
    assert code_of(gap(session, member, walk, "x", (at, at - timedelta(seconds=1)))) == "invalid"


def test_a_wrong_clock_is_put_right(session: Session, member: Actor, walk: Round, gate: Checkpoint) -> None:
    walk.begin(session, member)
    at, error = moment(walk.fixes, 50), timedelta(hours=8)
    outcome = check_in(session, member, walk, "x", at + error, token=token_of(gate), sent_at=now() + error)
    assert isinstance(outcome, Filed)
    stored = session.scalars(select(CheckIn)).one()
    assert abs(stored.at - at) < timedelta(seconds=2)


def test_a_position_is_stored_in_cgcs2000(
    session: Session, member: Actor, walk: Round, gate: Checkpoint
) -> None:
    walk.begin(session, member)
    where = Position(118.905, 32.102, 12.0, "GCJ02")
    check_in(session, member, walk, "x", moment(walk.fixes, 50), token=token_of(gate), position=where)
    stored = session.scalars(select(CheckIn)).one()
    assert stored.lon is not None
    assert 0.003 < 118.905 - stored.lon < 0.007
    assert (stored.accuracy_m, stored.datum) == (12.0, "GCJ02")


# ---------------------------------------------------------------------------------------------- judging


def verdict_codes(verdict: Any) -> dict[str, str]:
    return {one["check_in_id"]: one["code"] for one in verdict.check_ins}


def test_plates_of_a_staircase_make_a_patrol(session: Session, member: Actor, walk: Round) -> None:
    building = some_building(session)
    stairs = [
        checkpoint(session, f"{floor}楼", 200, 200, kind="vertical", building_id=building, floor=str(floor))
        for floor in (1, 6)
    ]
    around = walk.fixes.take(np.r_[0:60, 250:361])  # nine minutes on the street, the rest in the building
    walk.begin(session, member)
    walk.send(session, member, around)
    walk.end(session, member)
    before = walk.judge(session)
    assert (before.status, before.checkpoints_total, before.checkpoints_visited) == ("invalid", 2, 0)
    for one, index in zip(stairs, (62, 248), strict=True):
        check_in(session, member, walk, one.name, moment(walk.fixes, index), token=token_of(one))
    assert {"patrol_id": str(walk.patrol_id)} in jobs_of(session, JUDGE)
    verdict = walk.judge(session)
    assert (verdict.status, verdict.checkpoints_visited) == ("valid", 2)
    assert verdict.indoor_s == pytest.approx(15 * 60)
    assert [one["proof"] for one in verdict.visits] == ["token", "token"]


def test_a_plate_counts_until_it_is_replaced(session: Session, member: Actor, walk: Round) -> None:
    keeper = make.actor(session, role=Role.OPERATOR)
    stairs = checkpoint(session, "楼道", 200, 200, kind="vertical")
    old = token_of(stairs), stairs.short_code
    walk.begin(session, member)
    reissue_plate(session, keeper, stairs.checkpoint_id)
    session.execute(text("UPDATE retired_plates SET retired_at = :at"), {"at": moment(walk.fixes, 100)})
    good = check_in(session, member, walk, "before", moment(walk.fixes, 100), token=old[0])
    late = check_in(session, member, walk, "after", moment(walk.fixes, 101), short_code=old[1])
    assert (good.checkpoint_id, late.checkpoint_id) == (stairs.checkpoint_id,) * 2
    walk.send(session, member, walk.fixes)
    walk.end(session, member)
    verdict = walk.judge(session)
    assert verdict_codes(verdict) == {str(key(walk, "after").item_id): "plate-replaced"}
    assert verdict.checkpoints_visited == 1


def test_only_what_stood_in_the_grid_when_the_patrol_began_is_asked_for(
    session: Session, member: Actor, walk: Round, gate: Checkpoint
) -> None:
    checkpoint(session, "新", 100, 100, created_at=now())
    checkpoint(session, "撤", 150, 100, retired_on=make.SINCE)
    checkpoint(session, "外", 900, 100)
    inside = checkpoint(session, "幢内", 0, 0, geom=None, building_id=some_building(session), kind="indoor")
    verdict = walk.deliver(session, member)
    assert verdict.checkpoints_total == 2
    elsewhere = session.scalars(select(Checkpoint).where(Checkpoint.name == "外")).one()
    check_in(session, member, walk, "x", moment(walk.fixes, 50), token=token_of(elsewhere))
    check_in(session, member, walk, "y", moment(walk.fixes, 50), token=token_of(inside))
    verdict = walk.judge(session)
    assert verdict_codes(verdict) == {str(key(walk, "x").item_id): "checkpoint-elsewhere"}


def test_a_checkpoint_put_into_the_grid_by_hand_belongs_to_it(
    session: Session, grid: Grid, member: Actor, walk: Round
) -> None:
    checkpoint(session, "外", 900, 100, manual_grid_id=grid.grid_id)
    assert walk.deliver(session, member).checkpoints_total == 1


def test_gaps_are_told(session: Session, member: Actor, walk: Round) -> None:
    walk.begin(session, member)
    walk.send(session, member, walk.fixes.take(np.r_[0:100, 200:361]))
    walk.end(session, member)
    gap(
        session, member, walk, "x", (moment(walk.fixes, 99), moment(walk.fixes, 200)), reason=GapReason.NO_FIX
    )
    verdict = walk.judge(session)
    assert verdict.unknown_s == pytest.approx(505)
    assert [one["reason"] for one in verdict.gaps] == ["no_fix"]
    assert [one["code"] for one in verdict.results if one["kind"] == "note"] == ["gap-no-fix"]


def test_what_comes_after_the_closing_changes_nothing(session: Session, grid: Grid, member: Actor) -> None:
    stairs = checkpoint(session, "楼道", 200, 200, kind="vertical")
    walk = Round.of(grid, recent(patrol(30), ended_ago=timedelta(days=15)))
    walk.deliver(session, member)
    in_time = closes_at(Week.of(walk.start.started_at)) - timedelta(hours=1)
    session.execute(text("UPDATE segments SET received_at = :at"), {"at": in_time})
    session.execute(update(Patrol).values(start_received_at=in_time, finish_received_at=in_time))
    check_in(session, member, walk, "x", moment(walk.fixes, 50), token=token_of(stairs))
    gap(session, member, walk, "y", (moment(walk.fixes, 50), moment(walk.fixes, 60)))
    verdict = walk.judge(session)
    assert (verdict.checkpoints_visited, verdict.gaps) == (0, [])


def test_a_check_in_is_news_of_an_open_patrol(
    session: Session, member: Actor, walk: Round, gate: Checkpoint
) -> None:
    walk.begin(session, member)
    check_in(session, member, walk, "x", moment(walk.fixes, 50), token=token_of(gate))
    long_ago = now() - timedelta(hours=13)
    session.execute(update(Patrol).values(start_received_at=long_ago))
    judge_abandoned(session, LIMITS)
    assert jobs_of(session, JUDGE) == []
    session.execute(update(CheckIn).values(received_at=long_ago))
    judge_abandoned(session, LIMITS)
    assert jobs_of(session, JUDGE) == [{"patrol_id": str(walk.patrol_id)}]


def test_times_in_any_zone_are_the_same_check_in(
    session: Session, member: Actor, walk: Round, gate: Checkpoint
) -> None:
    walk.begin(session, member)
    at = moment(walk.fixes, 50)
    check_in(session, member, walk, "x", at, token=token_of(gate))
    elsewhere = datetime.fromisoformat(at.astimezone().isoformat())
    assert check_in(session, member, walk, "x", elsewhere, token=token_of(gate)).is_repeated


def test_kept_check_ins_are_filed_when_the_reason_is_gone(
    session: Session, member: Actor, walk: Round
) -> None:
    walk.begin(session, member)
    at = moment(walk.fixes, 50)
    unknown = make.fixed_uuid("checkpoint 后来")
    check_in(session, member, walk, "x", at, checkpoint_id=unknown)
    assert checkpoint(session, "后来", 200, 200).checkpoint_id == unknown
    (item,) = kept(session)
    assert isinstance(file_again(session, member, item, LIMITS, received_at=now()), Filed)
    assert count(session, CheckIn) == 1
