"""民情日志 over HTTP: composed from facts, one remark a day, read by those who may, exported."""

import io
import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from python_calamine import CalamineWorkbook
from sqlalchemy import select
from sqlalchemy.orm import Session

from access.models import Absence
from access.roles import Role
from access.scope import Actor
from core.clock import local_date, now, today
from core.models import AuditEntry
from geo.models import Grid
from patrol.diary.composing import read_diary
from patrol.diary.entries import Span
from patrol.diary.exporting import document_data
from tests import make, make_people
from tests.make_visits import visit
from tests.patrol.deliveries import Round, plot

ClientOf = Callable[[Actor], TestClient]


@pytest.fixture
def above(session: Session) -> Grid:
    return make.grid(session, code=make.grid_code(), name="仙林社区")


@pytest.fixture
def grid(session: Session, above: Grid) -> Grid:
    return plot(session, parent=above)


@pytest.fixture
def member(session: Session, grid: Grid) -> Actor:
    return make.actor(session, role=Role.MEMBER, grid=grid)


@pytest.fixture
def phone(client: ClientOf, member: Actor) -> TestClient:
    return client(member)


@pytest.fixture
def walk(grid: Grid) -> Round:
    return Round.of(grid)


def problem(reply: Response, status: int, code: str) -> dict[str, Any]:
    assert (reply.status_code, reply.json().get("code")) == (status, code), reply.text
    return dict(reply.json())


def days_of(reply: Response) -> list[dict[str, Any]]:
    assert reply.status_code == 200, reply.text
    return list(reply.json()["days"])


def told(day: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["kind"], one["zh"]) for one in day["entries"]]


def day_params(walk: Round) -> dict[str, str]:
    """Both days of a walk around midnight."""
    first, last = (local_date(at) for at in (walk.start.started_at, walk.finish.finished_at))
    return {"from": str(first), "to": str(last)}


def check(phone: TestClient, walk: Round, *items: str) -> None:
    at = (walk.start.started_at + timedelta(minutes=2)).isoformat()
    body = {"version": 1, "results": [{"item": item, "at": at} for item in items]}
    address = f"/v1/patrols/{walk.patrol_id}/checklists/city_management"
    assert phone.put(address, json=body).status_code == 201


def find(phone: TestClient, walk: Round, **changes: Any) -> None:
    at = (walk.start.started_at + timedelta(minutes=5)).isoformat()
    plain = {
        "patrol_id": str(walk.patrol_id),
        "checklist": "city_management",
        "version": 1,
        "item": "parking",
    }
    body = {**plain, "result": "report", "aspect": "violation", "note": "占用盲道", "at": at, **changes}
    assert phone.put(f"/v1/findings/{uuid.uuid4()}", json=body).status_code == 201


def test_a_day_with_nothing(phone: TestClient) -> None:
    reply = phone.get("/v1/diary")
    assert reply.json() == {
        "person": {"id": str(make.fixed_uuid("person 某member")), "name": "某member"},
        "street": "仙林街道",
        "grids": ["格10"],
        "first": str(today()),
        "last": str(today()),
        "summary": {"figures": {}, "zh": "", "en": ""},
        "days": [
            {"day": str(today()), "summary": {"figures": {}, "zh": "", "en": ""}, "entries": [], "remark": ""}
        ],
    }
    assert days_of(phone.get("/v1/diary?from=2026-01-01&to=2026-02-01")) == []


def test_a_day_tells_what_was_recorded(
    session: Session, phone: TestClient, member: Actor, walk: Round
) -> None:
    walk.deliver(session, member)
    at = walk.start.started_at.isoformat()
    phone.put(f"/v1/patrols/{walk.patrol_id}/themes", json={"themes": ["safety"], "at": at})
    check(phone, walk, "roads", "greenery")
    find(phone, walk)
    reply = phone.get("/v1/diary", params=day_params(walk))
    entries = [one for day in days_of(reply) for one in told(day)]
    assert entries == [
        ("patrol", "在格10巡查 30 分钟（主题：公共安全），判定有效，计入本周次数。"),
        ("check", "按《城市管理检查单》检查 2 项，未发现问题。"),
        ("finding", "在格10发现车辆停放问题（违法违规），上报：占用盲道。"),
    ]
    assert reply.json()["summary"] == {
        "figures": {
            "patrols": 1,
            "patrol_minutes": 30,
            "patrols_counted": 1,
            "items_checked": 3,
            "reported": 1,
        },
        "zh": "巡查 1 次，共 30 分钟，计入 1 次，检查 3 项，上报 1 项。",
        "en": "1 patrols, 30 minutes, 1 counted, 3 items checked, 1 to be reported.",
    }


def test_it_says_why_a_patrol_does_not_count(
    session: Session, phone: TestClient, member: Actor, grid: Grid, walk: Round
) -> None:
    make.patrol_policy(session, min_minutes_in_grid=60)
    walk.deliver(session, member)
    entries = [one for day in days_of(phone.get("/v1/diary", params=day_params(walk))) for one in told(day)]
    assert "未达到要求，未计入本周次数：在本网格内只有 30 分钟，要求至少 60 分钟。" in entries[0][1]


def test_patrols_that_are_not_judged_yet(
    session: Session, phone: TestClient, member: Actor, walk: Round
) -> None:
    walk.begin(session, member)
    entries = [one for day in days_of(phone.get("/v1/diary", params=day_params(walk))) for one in told(day)]
    assert entries == [("patrol", "开始在格10巡查，尚未结束。")]
    walk.end(session, member)
    entries = [one for day in days_of(phone.get("/v1/diary", params=day_params(walk))) for one in told(day)]
    assert entries[0][1].endswith("等待判定。")


def household_in(session: Session, walk: Round) -> Any:
    lon, lat = float(walk.fixes.lon[0]), float(walk.fixes.lat[0])
    home = make_people.household(session, lon=lon, lat=lat, entrance="2", room="301")
    make_people.resident(session, household=home, name="张小红")
    return home


def test_visits_are_told_with_names_masked(
    session: Session, phone: TestClient, member: Actor, walk: Round
) -> None:
    at = now() - timedelta(minutes=1)
    visit(session, household=household_in(session, walk), person_id=member.person_id, at=at)
    day = days_of(phone.get(f"/v1/diary?day={local_date(at)}"))[0]
    (kind, sentence), *_ = told(day)
    assert (kind, day["summary"]["figures"]) == ("visit", {"visits": 1, "visits_met": 1})
    assert sentence.startswith("走访")
    assert "2单元301室（张**）" in sentence
    assert "小红" not in json.dumps(day, ensure_ascii=False)


def test_visits_need_a_right_of_their_own(
    client: ClientOf, session: Session, member: Actor, walk: Round
) -> None:
    at = now() - timedelta(minutes=1)
    visit(session, household=household_in(session, walk), person_id=member.person_id, at=at)
    asked = {"person": str(member.person_id), "day": str(local_date(at))}
    for role, sees in ((Role.OPERATOR, 1), (Role.AUDITOR, 0)):
        reader = client(make.actor(session, role=role))
        assert len(days_of(reader.get("/v1/diary", params=asked))[0]["entries"]) == sees, role


def test_absences_and_standing_in(
    client: ClientOf, session: Session, member: Actor, phone: TestClient, above: Grid
) -> None:
    other = make.actor(session, role=Role.HEAD, grid=above)
    session.add(
        Absence(
            absence_id=uuid.uuid4(),
            person_id=member.person_id,
            substitute_id=other.person_id,
            valid_from=today() - timedelta(days=1),
            valid_to=today() + timedelta(days=1),
            reason="sick",
            note="流感",
            created_by="test",
        )
    )
    session.flush()
    span = {"from": str(today() - timedelta(days=3)), "to": str(today() + timedelta(days=3))}
    mine = days_of(phone.get("/v1/diary", params=span))
    assert [told(day) for day in mine] == [[("absence", "请假，由某head顶岗。")]] * 2
    theirs = days_of(client(other).get("/v1/diary", params=span))
    assert [told(day) for day in theirs] == [[("substitute", "为某member顶岗。")]] * 2
    assert "流感" not in json.dumps([mine, theirs], ensure_ascii=False)


# --------------------------------------------------------------------------------------------------- remark


def put_remark(phone: TestClient, text: str, *, ago: int = 0, day: str | None = None) -> Response:
    at = (now().replace(microsecond=0) - timedelta(minutes=ago)).isoformat()
    return phone.put(f"/v1/diary/{day or today()}/remark", json={"remark": text, "at": at})


def test_the_latest_remark_holds_in_any_order(phone: TestClient, session: Session) -> None:
    assert days_of(put_remark(phone, "下午到 3 幢看漏水", ago=5))[0]["remark"] == "下午到 3 幢看漏水"
    assert days_of(put_remark(phone, "早先写的", ago=9))[0]["remark"] == "下午到 3 幢看漏水"
    assert days_of(put_remark(phone, "已修好", ago=1))[0]["remark"] == "已修好"
    days = days_of(phone.get(f"/v1/diary?from={today()}&to={today() + timedelta(days=1)}"))
    assert [day["remark"] for day in days] == ["已修好"]
    assert days_of(put_remark(phone, ""))[0]["remark"] == ""


def test_a_remark_again_and_another_at_the_same_moment(phone: TestClient) -> None:
    at = now().isoformat()
    address = f"/v1/diary/{today()}/remark"
    first = phone.put(address, json={"remark": "一", "at": at})
    assert phone.put(address, json={"remark": "一", "at": at}).json() == first.json()
    other = phone.put(address, json={"remark": "二", "at": at})
    assert problem(other, 409, "remark-conflict")["kept_aside"]
    assert days_of(phone.get("/v1/diary"))[0]["remark"] == "一"


def test_remarks_that_cannot_be(phone: TestClient) -> None:
    for day in (today() + timedelta(days=1), today() - timedelta(days=100)):
        errors = problem(put_remark(phone, "x", day=str(day)), 422, "invalid")["errors"]
        assert [one["code"] for one in errors] == ["out-of-range"]
    problem(put_remark(phone, "x", ago=-60), 422, "invalid")
    problem(put_remark(phone, "x", day="yesterday"), 422, "invalid")
    problem(put_remark(phone, "x" * 2001), 422, "invalid")
    problem(put_remark(phone, "\0"), 422, "invalid")


# ---------------------------------------------------------------------------------------------------- scope


@pytest.mark.parametrize(
    ("role", "status"),
    [(Role.HEAD, 200), (Role.OPERATOR, 200), (Role.LEADER, 200), (Role.AUDITOR, 200), (Role.UNIT, 404)],
)
def test_who_reads_whose_diary(
    client: ClientOf, session: Session, member: Actor, above: Grid, *, role: Role, status: int
) -> None:
    grid = above if role is Role.HEAD else None
    reader = client(make.actor(session, role=role, grid=grid))
    asked = {"person": str(member.person_id)}
    assert reader.get("/v1/diary", params=asked).status_code == status
    assert reader.get("/v1/diary/export", params={**asked, "format": "xlsx"}).status_code == status


def test_somebody_elsewhere_is_not_there(client: ClientOf, session: Session, member: Actor) -> None:
    elsewhere = make.grid(session, code=make.grid_code(street_code=make.OTHER_STREET))
    stranger = client(make.actor(session, role=Role.HEAD, grid=elsewhere))
    hidden = problem(stranger.get(f"/v1/diary?person={member.person_id}"), 404, "not-found")
    unknown = problem(stranger.get(f"/v1/diary?person={uuid.uuid4()}"), 404, "not-found")
    assert {**hidden, "instance": ""} == {**unknown, "instance": ""}


def test_of_a_substitute_only_what_was_done_here_is_seen(
    client: ClientOf, session: Session, member: Actor, walk: Round, above: Grid
) -> None:
    walk.deliver(session, member)
    far = make.grid(session, code=make.grid_code(street_code=make.OTHER_STREET))
    # Since yesterday the member works elsewhere; what was walked here stays readable here, nothing else.
    stranger = client(make.actor(session, role=Role.HEAD, grid=far))
    make.assignment(session, person_id=member.person_id, role=Role.MEMBER, grid=far)
    asked = {"person": str(member.person_id), **day_params(walk)}
    assert [one for day in days_of(stranger.get("/v1/diary", params=asked)) for one in told(day)] == []
    head = client(make.actor(session, role=Role.HEAD, grid=above, username="here"))
    assert len(days_of(head.get("/v1/diary", params=asked))) == 1


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("day=x", "/query/day", "bad-day"),
        ("from=2026-01-01&to=2026-12-31", "/query/to", "too-many-days"),
        ("from=2026-02-01&to=2026-01-01", "/query/to", "before-start"),
        ("day=2026-01-01&from=2026-01-01", "/query/day", "one-of-two"),
    ],
)
def test_days_that_cannot_be_asked_for(phone: TestClient, query: str, pointer: str, code: str) -> None:
    errors = problem(phone.get(f"/v1/diary?{query}"), 422, "invalid")["errors"]
    assert [(one["pointer"], one["code"]) for one in errors] == [(pointer, code)]


# --------------------------------------------------------------------------------------------------- export


def test_the_table_has_a_row_for_each_fact(
    session: Session, phone: TestClient, member: Actor, walk: Round
) -> None:
    walk.deliver(session, member)
    put_remark(phone, "=1+1")
    asked = {"format": "xlsx", "from": str(today() - timedelta(days=1)), "to": str(today())}
    reply = phone.get("/v1/diary/export", params=asked)
    assert reply.headers["content-disposition"].startswith("attachment")
    assert reply.headers["cache-control"] == "no-store"
    rows = CalamineWorkbook.from_filelike(io.BytesIO(reply.content)).get_sheet_by_index(0).to_python()
    assert rows[0] == ["日期", "星期", "开始", "结束", "类别", "内容", "网格", "网格编码"]
    assert rows[1][4] == "巡查"
    assert rows[-1][4:6] == ["备注", "=1+1"]


def test_the_document_is_a_pdf_with_its_pages(phone: TestClient) -> None:
    put_remark(phone, "备注")
    reply = phone.get("/v1/diary/export")
    assert reply.headers["content-type"] == "application/pdf"
    assert reply.content.startswith(b"%PDF-")


def test_the_document_says_what_the_page_says(
    session: Session, phone: TestClient, member: Actor, walk: Round
) -> None:
    walk.deliver(session, member)
    find(phone, walk, result="handled")
    first, last = (local_date(at) for at in (walk.start.started_at, walk.finish.finished_at))
    data = document_data(read_diary(session, member, member.person_id, Span(first, last)))
    assert (data["title"], data["name"], data["grids"]) == ("民情日志", "某member", "格10")
    entries = [(one["kind"], one["told"]) for day in data["days"] for one in day["entries"]]
    assert [kind for kind, _ in entries] == ["巡查", "发现"]
    assert entries[1][1].endswith("已现场处理：占用盲道。缺少处理后照片。")


def test_taking_out_somebody_elses_diary_is_on_record(
    client: ClientOf, session: Session, phone: TestClient, member: Actor
) -> None:
    leader = client(make.actor(session, role=Role.LEADER))
    for reader in (phone, leader):
        asked = {"format": "xlsx", "person": str(member.person_id)}
        assert reader.get("/v1/diary/export", params=asked).status_code == 200
    lines = session.scalars(select(AuditEntry).where(AuditEntry.action == "diary.exported")).all()
    assert [line.subject for line in lines] == [f"diary:{member.person_id}"]
