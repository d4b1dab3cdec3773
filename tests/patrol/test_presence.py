"""What check-ins, track and gaps prove, by pure rules: every kind of proof, and every reason why not."""

import uuid
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from patrol.fixes import Fixes, join
from patrol.judging.verdicts import Kind, Status, Verdict, judge
from patrol.policies import Policy
from patrol.presence.rules import (
    CheckInFact,
    Evidence,
    GapFact,
    Presence,
    StandingCheckpoint,
    presence_of,
)
from tests import make
from tests.patrol.walks import START_MS, cleaned, lon_lat, patrol, square, track

POLICY = Policy()
BUILDING = make.fixed_uuid("building")
GATE, STAIRS, ROOF, FAR = (make.fixed_uuid(name) for name in ("gate", "stairs", "roof", "far"))


def point(place: uuid.UUID, east_m: float, north_m: float, **changes: Any) -> StandingCheckpoint:
    lon, lat = lon_lat(east_m, north_m)
    plain: dict[str, Any] = {"name": "点", "kind": "outdoor", "radius_m": 30.0}
    return StandingCheckpoint(place, lon=float(lon), lat=float(lat), **{**plain, **changes})


STANDING = (
    point(GATE, 200, 10),
    point(STAIRS, 200, 50, kind="vertical", building_id=BUILDING),
    point(ROOF, 200, 50, kind="vertical", building_id=BUILDING, floor="6"),
)


def shown(place: uuid.UUID, at_s: float, proof: str = "token", **changes: Any) -> CheckInFact:
    name = f"{place} {at_s} {proof}"
    return CheckInFact(make.fixed_uuid(name), place, proof, START_MS + round(at_s * 1000), **changes)


def gap(from_s: float, to_s: float, reason: str = "killed") -> GapFact:
    from_ms, to_ms = (START_MS + round(at * 1000) for at in (from_s, to_s))
    return GapFact(make.fixed_uuid(f"{from_s} {to_s} {reason}"), from_ms, to_ms, reason)


def proved(
    *check_ins: CheckInFact,
    gaps: tuple[GapFact, ...] = (),
    fixes: Fixes | None = None,
    policy: Policy = POLICY,
    standing: tuple[StandingCheckpoint, ...] = STANDING,
    minutes: float = 30,
) -> Presence:
    walked = cleaned(patrol(minutes) if fixes is None else fixes, policy, from_s=0, to_s=minutes * 60)
    evidence = Evidence(standing, check_ins, gaps)
    end_ms = START_MS + round(minutes * 60_000)
    return presence_of(walked, evidence, policy, started_ms=START_MS, finished_ms=end_ms)


def verdict_of(presence: Presence, fixes: Fixes, policy: Policy = POLICY) -> Verdict:
    return judge(cleaned(fixes, policy, from_s=0), square(), policy, presence)


def test_walking_past_an_outdoor_checkpoint_is_a_visit() -> None:
    presence = proved()
    assert [(visit.checkpoint_id, visit.proof) for visit in presence.visits] == [(GATE, "track")]
    assert presence.total == 3


def test_a_plate_outweighs_the_track() -> None:
    presence = proved(shown(GATE, 400, "short_code"), shown(GATE, 300))
    assert [(visit.proof, visit.at_ms) for visit in presence.visits] == [("token", START_MS + 300_000)]


def test_too_short_a_stay_is_no_visit() -> None:
    assert not proved(policy=replace(POLICY, min_dwell_s=120.0)).visits


def test_dwelling_is_not_counted_across_a_gap() -> None:
    apart = join([track([200.0], 10.0), track([200.0], 10.0, start_s=900.0)])
    assert not proved(fixes=apart).visits


@pytest.mark.parametrize(
    ("fact", "code"),
    [
        (shown(GATE, -121), "check-in-outside-patrol"),
        (shown(GATE, 1800 + 121), "check-in-outside-patrol"),
        (shown(FAR, 300), "checkpoint-elsewhere"),
        (shown(STAIRS, 300, replaced_ms=START_MS + 299_999), "plate-replaced"),
        (shown(STAIRS, 300, "position"), "plate-needed"),
        (shown(make.fixed_uuid("never passed"), 300, "position"), "dwell-too-short"),
    ],
)
def test_what_proves_nothing_is_kept_with_its_reason(fact: CheckInFact, code: str) -> None:
    standing = (*STANDING, point(make.fixed_uuid("never passed"), 900, 900))
    presence = proved(fact, standing=standing)
    assert [(one.check_in_id, one.code) for one in presence.useless] == [(fact.check_in_id, code)]
    assert {visit.checkpoint_id for visit in presence.visits} == {GATE}


def test_a_plate_scanned_before_it_was_replaced_counts() -> None:
    presence = proved(shown(STAIRS, 300, replaced_ms=START_MS + 300_000))
    assert {visit.checkpoint_id for visit in presence.visits} == {GATE, STAIRS}


def test_a_position_says_nothing_new_where_the_track_passed() -> None:
    presence = proved(shown(GATE, 300, "position"))
    assert not presence.useless
    assert [visit.proof for visit in presence.visits] == ["track"]


# --------------------------------------------------------------------------------------------- indoors


def outside_then_inside() -> Fixes:
    """Ten minutes on the street, then nothing for twelve minutes, then eight more."""
    whole = patrol(30)
    return whole.take((whole.at_ms <= START_MS + 600_000) | (whole.at_ms >= START_MS + 1_320_000))


def test_stairs_between_two_plates_count_as_time_in_the_grid() -> None:
    climbed = (shown(STAIRS, 610), shown(ROOF, 1310))
    presence = proved(*climbed, fixes=outside_then_inside())
    assert presence.indoor_s == pytest.approx(700)
    verdict = verdict_of(presence, outside_then_inside())
    assert verdict.in_grid_s == pytest.approx(18 * 60 + 700, abs=1)
    assert verdict.observed_s == pytest.approx(18 * 60 + 700, abs=1)
    assert verdict.status is Status.VALID
    without = verdict_of(proved(fixes=outside_then_inside()), outside_then_inside())
    assert without.status is Status.INVALID


def test_indoor_time_is_capped_and_never_counted_twice() -> None:
    long = proved(shown(STAIRS, 5), shown(ROOF, 5 + 3600), fixes=track([0.0], 0.0), minutes=90)
    assert long.indoor_s == 15 * 60
    assert proved(shown(STAIRS, 100), shown(ROOF, 500)).indoor_s == 0  # the track knows that time


@pytest.mark.parametrize("between", [shown(GATE, 900), shown(FAR, 900)])
def test_only_neighbouring_plates_of_one_building_span_time(between: CheckInFact) -> None:
    presence = proved(shown(STAIRS, 610), between, shown(ROOF, 1310), fixes=outside_then_inside())
    assert presence.indoor_s == (0 if between.checkpoint_id == GATE else 700)


# ---------------------------------------------------------------------------------- coverage or checkpoints


def checks(verdict: Verdict) -> dict[str, tuple[bool, str]]:
    return {one.check: (one.passed, one.code) for one in verdict.results if one.kind == Kind.CHECK}


def test_checkpoints_stand_in_for_coverage() -> None:
    pacing = track(np.tile(np.linspace(180, 220, 9), 41)[:361], 10.0)
    presence = proved(shown(STAIRS, 300), fixes=pacing)
    verdict = verdict_of(presence, pacing)
    assert checks(verdict)["coverage_ratio"] == (True, "coverage-ratio-waived")
    assert checks(verdict)["checkpoints"] == (True, "checkpoints-met")
    assert verdict.status is Status.VALID


def test_coverage_stands_in_for_checkpoints() -> None:
    verdict = verdict_of(proved(), patrol(30))
    assert checks(verdict)["coverage_ratio"] == (True, "coverage-ratio-met")
    assert checks(verdict)["checkpoints"] == (True, "checkpoints-waived")


def test_without_either_both_are_missing() -> None:
    pacing = track(np.tile(np.linspace(180, 220, 9), 41)[:361], 300.0)
    verdict = verdict_of(proved(fixes=pacing), pacing)
    assert checks(verdict)["coverage_ratio"] == (False, "coverage-ratio-short")
    assert checks(verdict)["checkpoints"] == (False, "checkpoints-short")
    assert verdict.status is Status.INVALID


def test_a_grid_without_checkpoints_is_judged_by_coverage_alone() -> None:
    assert "checkpoints" not in checks(verdict_of(proved(standing=()), patrol(30)))


# ------------------------------------------------------------------------------------------------ gaps


def test_a_reported_gap_is_unknown_and_adds_no_time() -> None:
    presence = proved(gaps=(gap(600, 1320), gap(900, 1400, "battery")), fixes=outside_then_inside())
    assert presence.unknown_s == pytest.approx(720, abs=10)  # what both say is unknown once
    assert [one["reason"] for one in presence.gaps] == ["killed", "battery"]
    verdict = verdict_of(presence, outside_then_inside())
    notes = {one.check: one.code for one in verdict.results if one.kind == Kind.NOTE}
    assert notes == {"unknown_killed": "gap-killed", "unknown_battery": "gap-battery"}
    assert (
        verdict.observed_s
        == verdict_of(proved(fixes=outside_then_inside()), outside_then_inside()).observed_s
    )


def test_what_the_track_knows_is_not_unknown() -> None:
    assert proved(gaps=(gap(300, 400),)).unknown_s == 0
    assert proved(gaps=(gap(-900, -100), gap(5000, 6000))).gaps == ()  # not within the patrol


# ----------------------------------------------------------------------------------------------- doubts


def test_a_plate_shown_far_from_the_phone_goes_to_a_person() -> None:
    far = point(STAIRS, 2000, 50, kind="vertical")
    presence = proved(shown(STAIRS, 300), standing=(far,))
    verdict = verdict_of(presence, patrol(30))
    doubt = next(one for one in verdict.results if one.kind == Kind.DOUBT)
    assert (doubt.code, doubt.unit) == ("check-in-far", "m")
    assert doubt.measured > 1500
    assert doubt.evidence["checkpoints"][0]["id"] == str(STAIRS)
    assert verdict.status is Status.PENDING_REVIEW


def test_where_nobody_knows_the_phone_no_plate_is_far() -> None:
    far = point(STAIRS, 2000, 50, kind="vertical")
    assert not proved(shown(STAIRS, 900), standing=(far,), fixes=outside_then_inside()).far


def test_the_position_sent_along_serves_where_there_is_no_fix() -> None:
    lon, lat = (float(axis) for axis in lon_lat(2000, 50))
    fact = shown(STAIRS, 900, lon=lon, lat=lat, accuracy_m=20.0)
    assert proved(fact, fixes=outside_then_inside()).far


def test_the_order_of_facts_does_not_matter() -> None:
    facts = [
        shown(GATE, 300),
        shown(STAIRS, 610),
        shown(ROOF, 1310),
        shown(FAR, 20),
        shown(GATE, 300, "position"),
    ]
    gaps = (gap(700, 900), gap(600, 800, "battery"))
    one = proved(*facts, gaps=gaps, fixes=outside_then_inside())
    assert proved(*facts[::-1], gaps=gaps[::-1], fixes=outside_then_inside()) == one
