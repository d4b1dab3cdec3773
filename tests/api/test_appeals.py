"""Appeals over HTTP: every answer, every problem, and who may."""

import hashlib
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from access.models import Absence
from access.roles import Role
from core import audit
from core.clock import Week, now
from core.models import QuarantinedItem
from patrol.appeals.models import Appeal, PatrolDecision
from patrol.judging.judge import ROLL_UP
from patrol.models import Patrol
from patrol.weeks.standing import counts_of
from tests import make, pictures
from tests.api.appealing import (
    APPEAL_ID,
    DAY,
    PHOTO,
    ClientOf,
    World,
    ask,
    assert_problem,
    decide,
    lines,
    review,
    unrecorded,
    walked,
    world_of,
)
from tests.patrol.deliveries import Round, jobs_of, recent
from tests.patrol.walks import patrol


@pytest.fixture
def world(session: Session) -> World:
    return world_of(session)


@pytest.fixture
def short(session: Session, world: World) -> uuid.UUID:
    """A patrol that was too short."""
    return walked(session, world.member, world.grid, minutes=5)


@pytest.fixture
def doubted(session: Session, world: World) -> uuid.UUID:
    """A patrol with simulated positions."""
    return walked(session, world.member, world.grid, mocked=True)


# ---------------------------------------------------------------------------------------------------- asking


def test_an_appeal_about_a_patrol(session: Session, client: ClientOf, world: World, short: uuid.UUID) -> None:
    phone = client(world.member)
    first = ask(phone, short)
    assert first.status_code == 201, first.text
    appeal = first.json()
    assert (appeal["state"], appeal["kind"], appeal["patrol_id"]) == ("open", "recorded", str(short))
    assert appeal["told"]["zh"] == "补签申请已提交，等待网格长或上级审核。"
    assert (appeal["note"], appeal["photos"], appeal["may_decide"]) == ("手机没电了", [PHOTO], False)
    assert appeal["patrol"]["verdict"]["status"] == "invalid"
    again = ask(phone, short, photos=[PHOTO.upper(), PHOTO])
    assert again.status_code == 200
    assert again.json() == appeal
    (line,) = lines(session, "appeal.filed")
    assert (line.chain, line.subject) == (make.STREET, f"appeal:{APPEAL_ID}")
    assert "手机" not in str(line.detail)


def test_photos_of_an_appeal_are_asked_for_and_shown_to_those_who_decide(
    client: ClientOf, world: World, short: uuid.UUID
) -> None:
    phone, desk = client(world.member), client(world.head)
    photo = pictures.picture(colour="beige")
    name = hashlib.sha256(photo).hexdigest()
    assert ask(phone, short, photos=[name, PHOTO]).status_code == 201
    assert set(phone.get("/v1/photos/missing").json()["items"]) == {name, PHOTO}
    assert desk.get(f"/v1/photos/{name}").status_code == 404
    sent = phone.put(f"/v1/photos/{name}", content=photo, headers={"Content-Type": "image/jpeg"})
    assert sent.status_code == 201
    shown = desk.get(f"/v1/appeals/{APPEAL_ID}").json()
    assert (shown["photos_expected"], shown["photos_arrived"], shown["photos_missing"]) == (2, 1, [PHOTO])
    assert desk.get(f"/v1/photos/{name}").status_code == 200


def test_another_body_under_the_same_id_is_kept(
    session: Session, client: ClientOf, world: World, short: uuid.UUID
) -> None:
    phone = client(world.member)
    ask(phone, short)
    problem = assert_problem(ask(phone, short, note="别的"), 409, "appeal-conflict")
    item = session.get_one(QuarantinedItem, uuid.UUID(problem["kept_aside"]))
    assert (item.kind, item.item_id, item.subject_id) == ("patrol-appeal", APPEAL_ID, short)
    assert session.scalars(select(Appeal.note)).all() == ["手机没电了"]


def test_one_open_appeal_about_a_patrol(client: ClientOf, world: World, short: uuid.UUID) -> None:
    phone = client(world.member)
    ask(phone, short)
    other = make.fixed_uuid("other appeal")
    problem = assert_problem(ask(phone, short, id=str(other)), 409, "appeal-open")
    assert problem["appeal_id"] == str(APPEAL_ID)
    assert phone.post(f"/v1/appeals/{APPEAL_ID}/withdraw").json()["state"] == "withdrawn"
    assert ask(phone, short, id=str(other)).status_code == 201


def test_an_appeal_that_comes_before_its_patrol_waits_for_it(
    session: Session, client: ClientOf, world: World
) -> None:
    phone, walk = client(world.member), Round.of(world.grid)
    assert_problem(ask(phone, walk.patrol_id), 404, "patrol-unknown")
    begun = {"grid_code": walk.grid_code, "started_at": walk.start.started_at.isoformat()}
    assert phone.put(f"/v1/patrols/{walk.patrol_id}", json=begun).status_code == 201
    assert phone.get(f"/v1/appeals/{APPEAL_ID}").json()["state"] == "open"
    assert ask(phone, walk.patrol_id).status_code == 200
    assert session.scalars(select(QuarantinedItem.refiled_at)).one() is not None


def test_nobody_appeals_for_another(
    session: Session, client: ClientOf, world: World, short: uuid.UUID
) -> None:
    assert_problem(ask(client(world.head1), short), 404, "patrol-of-another")


def test_an_appeal_comes_too_late(client: ClientOf, world: World, short: uuid.UUID) -> None:
    phone = client(world.member)
    problem = assert_problem(
        unrecorded(phone, world, started_at=(now() - 61 * DAY).isoformat()), 409, "appeal-too-late"
    )
    assert problem["kept_aside"]


@pytest.mark.parametrize(
    "changes",
    [
        {"note": ""},
        {"note": "   "},
        {"note": "字" * 501},
        {"note": "a\0b"},
        {"photos": ["xyz"]},
        {"photos": [PHOTO] * 10},
        {"photos": PHOTO},
        {"grid_code": None},
        {"started_at": "2026-11-16T08:00:00"},
        {"started_at": "不是时间"},
        {"finished_at": None},
        {"patrol_id": str(APPEAL_ID)},
        {"grid_code": "x" * 41},
        {"more": 1},
    ],
)
def test_what_is_no_appeal_is_refused_by_field(
    client: ClientOf, world: World, changes: dict[str, Any]
) -> None:
    problem = assert_problem(unrecorded(client(world.member), world, **changes), 422, "invalid")
    assert problem["errors"]


@pytest.mark.parametrize(
    ("started", "finished", "code"),
    [(1, 2, "in-the-future"), (-2, -3, "before-start"), (-30, -2, "too-long"), (-2, -2, "before-start")],
)
def test_times_that_cannot_be(client: ClientOf, world: World, started: int, finished: int, code: str) -> None:
    moment = now()
    times: dict[str, Any] = {
        "started_at": (moment + timedelta(hours=started)).isoformat(),
        "finished_at": (moment + timedelta(hours=finished)).isoformat(),
    }
    problem = assert_problem(unrecorded(client(world.member), world, **times), 422, "invalid")
    assert code in {error["code"] for error in problem["errors"]}


def test_an_unrecorded_patrol_is_in_a_grid_one_may_walk(client: ClientOf, world: World) -> None:
    phone = client(world.member)
    assert_problem(unrecorded(phone, world, grid_code="nothing"), 404, "grid-unknown")
    assert_problem(unrecorded(phone, world, grid_code=world.tree.b11.code), 404, "grid-unknown")
    assert_problem(unrecorded(client(world.leader), world), 403, "forbidden")


def test_an_unrecorded_patrol_beside_a_recorded_one(client: ClientOf, world: World, short: uuid.UUID) -> None:
    times: dict[str, Any] = {
        "started_at": (now() - timedelta(hours=1)).isoformat(),
        "finished_at": (now() - timedelta(minutes=1)).isoformat(),
    }
    problem = assert_problem(unrecorded(client(world.member), world, **times), 409, "appeal-overlaps")
    assert problem["patrol_id"] == str(short)


def test_two_unrecorded_patrols_at_one_time(client: ClientOf, world: World) -> None:
    phone = client(world.member)
    assert unrecorded(phone, world).status_code == 201
    other = make.fixed_uuid("other appeal")
    problem = assert_problem(unrecorded(phone, world, appeal_id=other), 409, "appeal-overlaps")
    assert problem["appeal_id"] == str(APPEAL_ID)


# -------------------------------------------------------------------------------------------------- deciding


def test_an_accepted_appeal_counts_and_what_was_computed_stays(
    session: Session, client: ClientOf, world: World, short: uuid.UUID
) -> None:
    ask(client(world.member), short)
    before = len(jobs_of(session, ROLL_UP))

    decided = decide(client(world.head1))

    assert decided.status_code == 200, decided.text
    appeal = decided.json()
    assert (appeal["state"], appeal["told"]["zh"]) == ("accepted", "补签申请已通过。")
    assert appeal["decision"]["by"] == {"id": str(world.head1.person_id), "name": "某head1"}
    verdict = appeal["patrol"]["verdict"]
    assert (verdict["status"], verdict["computed_status"]) == ("accepted_by_supervisor", "invalid")
    assert verdict["counted"] is True
    assert len(jobs_of(session, ROLL_UP)) >= max(before, 1)
    (line,) = lines(session, "appeal.decided")
    assert line.detail == {"patrol_id": str(short), "decision": "accepted", "computed": "invalid"}
    assert audit.verify(session) == []
    decisions = client(world.member).get(f"/v1/patrols/{short}/decisions").json()["items"]
    assert [(one["decision"], one["computed_status"], one["note"]) for one in decisions] == [
        ("accepted", "invalid", "属实")
    ]
    assert "minutes-in-grid-short" in {one["code"] for one in decisions[0]["results"]}


def test_the_decision_survives_another_judging(
    session: Session, client: ClientOf, world: World, short: uuid.UUID
) -> None:
    ask(client(world.member), short)
    decide(client(world.head1))
    verdict = Round.of(world.grid, recent(patrol(5))).judge(session)
    assert (verdict.status, verdict.decision) == ("invalid", "accepted")


def test_a_rejected_appeal(client: ClientOf, world: World, short: uuid.UUID) -> None:
    ask(client(world.member), short)
    assert_problem(decide(client(world.head1), "rejected", note=" "), 422, "invalid")
    decide(client(world.head1), "rejected", note="照片与时间不符")
    appeal = client(world.member).get(f"/v1/appeals/{APPEAL_ID}").json()
    assert (appeal["state"], appeal["decision"]["note"]) == ("rejected", "照片与时间不符")
    assert appeal["patrol"]["verdict"]["counted"] is False


def test_a_rejection_takes_nothing_from_a_valid_patrol(
    session: Session, client: ClientOf, world: World
) -> None:
    valid = walked(session, world.member, world.grid)
    ask(client(world.member), valid)
    appeal = decide(client(world.head), "rejected", note="本来就有效").json()
    assert appeal["patrol"]["verdict"]["status"] == "valid"
    assert session.scalar(select(func.count()).select_from(PatrolDecision)) == 0


def test_an_accepted_unrecorded_patrol_is_one_with_its_source(
    session: Session, client: ClientOf, world: World
) -> None:
    unrecorded(client(world.member), world)
    appeal = decide(client(world.head1)).json()
    patrol_id = uuid.UUID(appeal["patrol_id"])
    made = client(world.member).get(f"/v1/patrols/{patrol_id}").json()
    assert (made["source"], made["fixes"], made["state"]) == ("appeal", 0, "judged")
    assert (made["verdict"]["status"], made["verdict"]["counted"]) == ("accepted_by_supervisor", True)
    week = Week.of(now() - DAY)
    counts = counts_of(session, [(world.member.person_id, world.grid.grid_id, week)])
    assert counts[patrol_id].counted


def test_a_rejected_unrecorded_patrol_is_none(session: Session, client: ClientOf, world: World) -> None:
    unrecorded(client(world.member), world)
    assert decide(client(world.head1), "rejected", note="无此事").json()["patrol_id"] is None
    assert session.scalar(select(func.count()).select_from(Patrol)) == 0


def test_a_recording_that_comes_after_all_takes_the_place_of_the_unrecorded(
    session: Session, client: ClientOf, world: World
) -> None:
    unrecorded(client(world.member), world)
    found = walked(session, world.member, world.grid, ago=DAY - timedelta(minutes=40))
    problem = assert_problem(decide(client(world.head1)), 409, "appeal-overlaps")
    assert problem["patrol_id"] == str(found)
    assert decide(client(world.head1), "rejected", note="已有记录").status_code == 200


def test_an_unfinished_patrol_is_judged_as_it_stands(
    session: Session, client: ClientOf, world: World
) -> None:
    one = Round.of(world.grid)
    one.begin(session, world.member)
    ask(client(world.member), one.patrol_id)
    appeal = decide(client(world.head1)).json()
    assert appeal["patrol"]["verdict"]["status"] == "accepted_by_supervisor"


def test_a_decision_is_made_once(session: Session, client: ClientOf, world: World, short: uuid.UUID) -> None:
    ask(client(world.member), short)
    decide(client(world.head1))
    assert decide(client(world.head1)).status_code == 200  # the reply was lost
    for desk, decision in ((world.head, "rejected"), (world.head, "accepted"), (world.head1, "rejected")):
        problem = assert_problem(decide(client(desk), decision), 409, "already-decided")
        assert problem["decided_by"]["name"] == "某head1"
        assert (problem["decision"], "通过" in problem["detail"]) == ("accepted", True)
        assert datetime.fromisoformat(problem["decided_at"]).tzinfo
    assert session.scalar(select(func.count()).select_from(PatrolDecision)) == 1
    problem = assert_problem(
        client(world.member).post(f"/v1/appeals/{APPEAL_ID}/withdraw"), 409, "already-decided"
    )
    assert problem["decision"] == "accepted"


def test_a_withdrawn_appeal_is_not_decided(client: ClientOf, world: World, short: uuid.UUID) -> None:
    phone = client(world.member)
    ask(phone, short)
    for _ in range(2):
        assert phone.post(f"/v1/appeals/{APPEAL_ID}/withdraw").status_code == 200
    assert_problem(decide(client(world.head1)), 409, "appeal-withdrawn")


@pytest.mark.parametrize(
    ("who", "status", "code"),
    [
        ("member", 403, "own-patrol"),
        ("colleague", 404, "appeal-unknown"),
        ("operator", 404, "appeal-unknown"),
        ("unit", 404, "appeal-unknown"),
        ("head elsewhere", 404, "appeal-unknown"),
        ("auditor", 404, "appeal-unknown"),
    ],
)
def test_who_may_not_decide(
    session: Session, client: ClientOf, world: World, short: uuid.UUID, *, who: str, status: int, code: str
) -> None:
    ask(client(world.member), short)
    actor = {
        "member": lambda: world.member,
        "colleague": lambda: make.actor(session, role=Role.MEMBER, grid=world.grid, username="colleague"),
        "operator": lambda: make.actor(session, role=Role.OPERATOR),
        "unit": lambda: make.actor(session, role=Role.UNIT),
        "head elsewhere": lambda: make.actor(session, role=Role.HEAD, grid=world.tree.b, username="other"),
        "auditor": lambda: make.actor(session, role=Role.AUDITOR, area=""),
    }[who]()
    assert_problem(decide(client(actor)), status, code)
    seen = client(actor).get(f"/v1/appeals/{APPEAL_ID}")
    assert seen.status_code == (200 if who == "member" else 404)
    items = client(actor).get("/v1/appeals").json()["items"]
    assert len(items) == (1 if who == "member" else 0)
    assert session.scalars(select(Appeal.decision)).one() is None


def test_a_head_does_not_decide_on_an_own_patrol_but_the_one_above_does(
    session: Session, client: ClientOf, world: World
) -> None:
    own = walked(session, world.head1, world.tree.a1, minutes=5)
    ask(client(world.head1), own)
    assert_problem(decide(client(world.head1)), 403, "own-patrol")
    assert_problem(review(client(world.head1), own), 403, "own-patrol")
    assert decide(client(world.head)).status_code == 200


def test_nobody_decides_on_what_a_substitute_walked_in_their_place(
    session: Session, client: ClientOf, world: World
) -> None:
    session.add(
        Absence(
            absence_id=make.fixed_uuid("away"),
            person_id=world.head1.person_id,
            substitute_id=world.member.person_id,
            valid_from=(now() - 3 * DAY).date(),
            valid_to=None,
            reason="leave",
            note="",
            created_by="cli:test",
        )
    )
    session.flush()
    mocked = walked(session, world.member, world.tree.a1, mocked=True)
    ask(client(world.member), mocked)
    assert_problem(decide(client(world.head1)), 403, "own-patrol")
    assert_problem(review(client(world.head1), mocked), 403, "own-patrol")
    assert decide(client(world.leader)).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [{"decision": "maybe"}, {"decision": None}, {"note": "x" * 501}, {"by": "me"}],
)
def test_what_is_no_decision_is_refused(
    client: ClientOf, world: World, short: uuid.UUID, changes: dict[str, Any]
) -> None:
    ask(client(world.member), short)
    assert decide(client(world.head1), **changes).status_code == 422
