"""The demo street as it stands in the database."""

import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
import shapely
from geoalchemy2.shape import to_shape
from sqlalchemy import Engine, create_engine, func, select, text
from sqlalchemy.orm import Session

from access.models import Absence, Account, Assignment, Person
from access.passwords import PasswordHash, verify
from access.roles import Role
from access.scope import system_actor
from access.staffing import staffing_of
from core import audit, clock
from core.clock import LOCAL_ZONE, Week
from core.models import AuditEntry
from geo.models import Grid, GridVersion
from patrol.appeals.models import Appeal, PatrolDecision
from patrol.checklists.models import Finding
from patrol.judging.judge import judge_patrol
from patrol.judging.reasons import CODES
from patrol.judging.verdicts import Status
from patrol.models import GridWeek, Patrol, PatrolVerdict, Segment
from patrol.visits.advice import State
from patrol.visits.counting import Outcome, VisitFact, VisitRules, count_visits
from patrol.visits.due import due_list
from patrol.visits.models import Visit
from patrol.visits.reasons import CODES as VISIT_CODES
from patrol.weeks.counting import GridStatus, grid_status
from patrol.weeks.roll_up import roll_up
from patrol.weeks.standing import counts_of, standing_of
from seeds.demo import load
from seeds.demo.crew import MEMBER_GRID
from seeds.demo.load import ACCOUNTS, PASSWORD, USERNAMES, DemoRefused, load_demo, reference_moment
from seeds.demo.places import STREET_CODE
from tests.make_people import KEYS

pytestmark = pytest.mark.own_database

TODAY = date(2026, 11, 20)  # a Friday
MOMENT = datetime.combine(TODAY, time(20, 30), LOCAL_ZONE)
THIS_WEEK = Week.of_day(TODAY)

# Everything but salted hashes and the clock of the trail.
TABLES = (
    "grids", "grid_versions", "people", "assignments", "absences", "patrol_policies", "patrols", "segments",
    "patrol_verdicts", "grid_weeks", "divisions", "buildings", "addresses", "checkpoints", "object_codes",
    "check_ins", "patrol_gaps", "retired_plates", "devices", "device_uses", "appeals", "patrol_themes",
    "findings", "visits", "visit_versions",
)  # fmt: skip

# Reasons that the demo cannot show, each with why.
NOT_SHOWN: dict[str, str] = {}
# Of the week and not of a patrol.
WEEKLY = {"not-valid", "pending-review", "too-late", "not-assigned", "gap-too-short", "same-day"}
VISIT_REASONS_NOT_SHOWN = {
    "done": "needs two visits in a year; the demo goes back one half-year",
    "visit-met": "no duty of the standard counts phone calls alone",
}

Told = list[tuple[str, int, int]]


def digest(engine: Engine) -> dict[str, str]:
    with engine.connect() as connection:
        rows = "md5(string_agg(md5(t::text), '' ORDER BY md5(t::text)))"
        found = {table: connection.scalar(text(f"SELECT {rows} FROM {table} t")) for table in TABLES}
        found["accounts"] = connection.scalar(
            text("SELECT string_agg(person_id || username, ',' ORDER BY username) FROM accounts")
        )
    return found


def loaded(url: str, today: date, told: Told) -> Engine:
    engine = create_engine(url)

    def tell(step: str, done: int, total: int) -> None:
        told.append((step, done, total))

    assert load_demo(engine, today=today, progress=tell, keys=KEYS) == ACCOUNTS
    return engine


@pytest.fixture(scope="module")
def told() -> Told:
    return []


@pytest.fixture(scope="module")
def demo(clone_database: Callable[[], str], told: Told) -> Iterator[Engine]:
    engine = loaded(clone_database(), TODAY, told)
    yield engine
    engine.dispose()


@pytest.fixture
def demo_session(demo: Engine) -> Iterator[Session]:
    """A look at the demo; what a test changes is rolled back."""
    with Session(demo) as session:
        yield session


def count(session: Session, table: type) -> int:
    return session.scalars(select(func.count()).select_from(table)).one()


@pytest.mark.slow
def test_the_same_day_gives_the_same_rows(demo: Engine, clone_database: Callable[[], str]) -> None:
    again = loaded(clone_database(), TODAY, [])
    assert digest(again) == digest(demo)
    again.dispose()


def test_loading_again_changes_nothing(demo: Engine) -> None:
    before = digest(demo)
    told: Told = []
    loaded(demo.url.render_as_string(hide_password=False), TODAY + timedelta(days=3), told).dispose()
    assert digest(demo) == before
    assert told == []


def test_progress_is_told_step_by_step_to_the_end(demo: Engine, told: Told) -> None:
    steps = list(dict.fromkeys(step for step, _, _ in told))
    named = ["grids", "patrols", "places", "households", "verdicts", "weeks"]
    assert [step.split()[0] for step in steps] == named
    for step in steps:
        counts = [(done, total) for name, done, total in told if name == step]
        assert counts == sorted(counts)
        assert counts[0][0] == 0
        assert counts[-1][0] == counts[-1][1]


def test_everything_is_there(demo_session: Session) -> None:
    levels = demo_session.execute(select(Grid.level, func.count()).group_by(Grid.level))
    assert {row[0]: row[1] for row in levels} == {1: 10, 2: 40, 3: 120, 4: 4, 5: 22}
    assert 170 <= count(demo_session, Person) <= 190
    assert 1000 < count(demo_session, Patrol) < 1600
    assert count(demo_session, Segment) > count(demo_session, Patrol)
    households = select(func.sum(GridVersion.households)).join(Grid).where(Grid.level == 3)
    assert 34_000 < (demo_session.scalar(households) or 0) < 38_000


def test_stored_shapes_form_coverages_and_paths_lead_to_the_parent(demo_session: Session) -> None:
    rows = demo_session.execute(select(Grid, GridVersion).join(GridVersion)).all()
    for level in (1, 2, 3):
        shapes = [to_shape(v.geom) for g, v in rows if g.level == level and v.geom is not None]
        assert shapely.coverage_is_valid(shapely.get_parts(shapes))
    paths = {grid.grid_id: grid.path for grid, _ in rows}
    for grid, version in rows:
        above = paths[grid.parent_id] if grid.parent_id else f"{STREET_CODE}/"
        assert grid.path == f"{above}{grid.grid_id}/"
        assert (
            (version.geom is None) == (grid.level > 3) == (version.cells is None) == (version.area_m2 is None)
        )
        assert version.attributes["synthetic"] is True


def test_every_account_has_its_role_and_the_demo_password(demo_session: Session) -> None:
    rows = demo_session.execute(
        select(Account, Assignment).join(Assignment, Account.person_id == Assignment.person_id)
    )
    roles: dict[str, set[str]] = {}
    for account, assignment in rows:
        roles.setdefault(account.username, set()).add(assignment.role)
    assert {name: sorted(held) for name, held in roles.items()} == {
        name: [name.rstrip("12")] for name in USERNAMES
    }
    hashes = set(demo_session.scalars(select(Account.password_hash)))
    assert all(verify(PASSWORD, stored)[0] for stored in hashes)


def test_every_status_and_every_reason_is_there(demo_session: Session) -> None:
    verdicts = demo_session.scalars(select(PatrolVerdict)).all()
    assert {verdict.status for verdict in verdicts} == set(Status) - {Status.ACCEPTED}
    codes = _codes_of(verdicts)
    keys = {(verdict.person_id, verdict.grid_id, Week(verdict.week)) for verdict in verdicts}
    counted = counts_of(demo_session, keys)
    codes |= {answer.reason.code for answer in counted.values() if answer.reason}
    assert codes | NOT_SHOWN.keys() == CODES
    assert not codes & NOT_SHOWN.keys()
    assert counted.keys() == {verdict.patrol_id for verdict in verdicts}


def _codes_of(verdicts: Iterable[PatrolVerdict]) -> set[str]:
    return {one["code"] for verdict in verdicts for one in (*verdict.results, *verdict.check_ins)}


def test_most_reasons_are_there_below_the_account_head2(demo_session: Session) -> None:
    head = demo_session.scalars(select(Account.person_id).where(Account.username == "head2")).one()
    areas = select(Assignment.grid_id).where(Assignment.person_id == head)
    blocks = select(Grid.grid_id).where(Grid.parent_id.in_(areas))
    verdicts = demo_session.scalars(select(PatrolVerdict).where(PatrolVerdict.grid_id.in_(blocks)))
    codes = _codes_of(verdicts)
    of_patrols = {code for code in CODES if not code.startswith("metres-")} - WEEKLY
    assert of_patrols - codes <= {"impossible-speed", "two-trails", "constant-accuracy", "replayed-track"}


def test_every_reason_of_visits_is_there_in_the_members_grid(demo_session: Session) -> None:
    code = demo_session.scalars(
        select(Grid.code)
        .join(GridVersion, GridVersion.grid_id == Grid.grid_id)
        .where(GridVersion.name == MEMBER_GRID)
    ).one()
    everything = system_actor("cli:test")
    (held,) = everything.assignments
    actor = replace(everything, assignments=(replace(held, role=Role.OPERATOR),))
    listed = due_list(demo_session, actor, code, TODAY, limit=1000, states=frozenset(State))
    codes = {line.advice.reason.code for line in listed.lines}
    codes |= {line.advice.come.code for line in listed.lines if line.advice.come}
    visits = demo_session.scalars(
        select(Visit).where(Visit.household_id.in_([line.household_id for line in listed.lines]))
    )
    facts = [VisitFact(v.visit_id, v.household_id, v.person_id, v.at, Outcome(v.outcome)) for v in visits]
    codes |= {one.reason.code for one in count_visits(facts, VisitRules()) if one.reason}
    assert codes | VISIT_REASONS_NOT_SHOWN.keys() == VISIT_CODES
    assert not codes & VISIT_REASONS_NOT_SHOWN.keys()


def test_appeals_reviews_and_findings_of_every_kind_are_there(demo_session: Session) -> None:
    appeals = demo_session.scalars(select(Appeal)).all()
    states = {(one.kind, one.decision, one.withdrawn_at is not None) for one in appeals}
    assert states == {
        ("recorded", None, False), ("recorded", "accepted", False), ("recorded", "rejected", False),
        ("recorded", None, True), ("unrecorded", "accepted", False), ("unrecorded", None, False),
    }  # fmt: skip
    reviews = select(PatrolDecision.decision).where(PatrolDecision.appeal_id.is_(None))
    assert sorted(demo_session.scalars(reviews)) == ["accepted", "rejected"]
    assert set(demo_session.scalars(select(Finding.result))) == {"ok", "handled", "report"}
    times = [select(Appeal.received_at), select(PatrolDecision.decided_at), select(Finding.received_at)]
    assert all(at <= MOMENT + timedelta(minutes=5) for one in times for at in demo_session.scalars(one))


def test_the_worker_judges_every_patrol_the_same(demo_session: Session) -> None:
    columns = [column for column in PatrolVerdict.__table__.columns if column.name != "judged_at"]
    statement = select(*columns).order_by(PatrolVerdict.patrol_id)
    before = demo_session.execute(statement).all()
    odd = [row for row in before if row.status != Status.VALID]
    for row in [*odd, *before[::40]]:
        judge_patrol(demo_session, str(row.patrol_id))
    after = demo_session.execute(statement).all()
    assert [tuple(map(str, row)) for row in after] == [tuple(map(str, row)) for row in before]


def test_weekly_results_are_those_of_the_worker_and_show_every_status(demo_session: Session) -> None:
    statement = select(*GridWeek.__table__.columns).order_by(GridWeek.week, GridWeek.grid_id)
    before = demo_session.execute(statement).all()
    for weeks_ago in range(4):
        week = THIS_WEEK.shifted(-weeks_ago)
        roll_up(demo_session, STREET_CODE, str(week))
        rows = demo_session.scalars(
            select(GridWeek).join(Grid).where(Grid.level == 3, GridWeek.week == week.monday)
        )
        statuses = {
            grid_status(pairs_due=r.pairs_due, pairs_met=r.pairs_met, patrols_counted=r.patrols_counted)
            for r in rows
        }
        assert statuses == set(GridStatus)
    assert demo_session.execute(statement).all() == before


def test_one_patrol_is_under_way_and_nothing_lies_in_the_future(demo_session: Session) -> None:
    running = select(Patrol).where(Patrol.finished_at.is_(None))
    patrol = demo_session.scalars(running).one()
    assert MOMENT - patrol.started_at < timedelta(minutes=30)
    assert demo_session.get(PatrolVerdict, patrol.patrol_id) is None
    latest = demo_session.scalars(select(func.max(Segment.received_at))).one()
    assert latest is not None
    assert latest <= MOMENT + timedelta(seconds=10)


def test_the_member_lacks_one_patrol_this_week(demo_session: Session) -> None:
    member = demo_session.scalars(select(Account.person_id).where(Account.username == "member")).one()
    grid_id = demo_session.scalars(select(Assignment.grid_id).where(Assignment.person_id == member)).one()
    assert grid_id
    weeks = [THIS_WEEK.shifted(-weeks_ago) for weeks_ago in (3, 2, 1, 0)]
    counted = {}
    for week in weeks:
        answers = counts_of(demo_session, [(member, grid_id, week)])
        counted[week] = sum(answer.counted for answer in answers.values())
    assert list(counted.values()) == [2, 1, 2, 1]
    last = demo_session.scalars(select(func.max(Patrol.started_at)).where(Patrol.person_id == member)).one()
    assert last is not None
    assert clock.local_date(last) == TODAY - timedelta(
        days=1
    )  # so that a patrol of today falls on another day


def test_some_teams_are_whole_and_one_reading_of_the_share_passes(demo_session: Session) -> None:
    found = staffing_of(demo_session, system_actor("cli:test"), STREET_CODE, TODAY)
    for level in found.levels:
        assert 0 < level.passed < level.grids, level
    assert {one.clause: one.passed for one in found.shares} == {"10.1": True, "A-3": False}
    assert found.unknown == 0


def test_a_substitute_walked_last_week_and_another_member_is_away_now(demo_session: Session) -> None:
    before, running = demo_session.scalars(select(Absence).order_by(Absence.valid_from)).all()
    head = demo_session.scalars(select(Account.person_id).where(Account.username == "head2")).one()
    assert {before.substitute_id, running.substitute_id} == {head}
    assert before.valid_to
    assert running.valid_to
    assert before.valid_from < before.valid_to == running.valid_from <= TODAY < running.valid_to
    week = THIS_WEEK.shifted(-1)
    standing = standing_of(demo_session, system_actor("cli:test"), week, grid_code=None, level=3)
    (pair,) = [pair for pair in standing.pairs if pair.person_id == before.person_id]
    assert {patrol.walker_id for patrol in pair.patrols} == {head}
    assert pair.counted >= 1


def test_the_trail_tells_of_the_loading(demo_session: Session) -> None:
    entry = demo_session.scalars(select(AuditEntry).where(AuditEntry.action == "demo.loaded")).one()
    assert (entry.chain, entry.actor, entry.subject) == (STREET_CODE, "seed", f"street:{STREET_CODE}")
    assert entry.detail["patrols"] == count(demo_session, Patrol)
    assert audit.verify(demo_session) == []


def test_a_street_with_grids_of_its_own_is_left_alone(own_database_url: str) -> None:
    engine = create_engine(own_database_url)
    with Session(engine) as session, session.begin():
        code = f"990000{STREET_CODE}00100"
        path = f"{STREET_CODE}/1/"
        session.add(Grid(code=code, level=1, street_code=STREET_CODE, community_code=code[6:18], path=path))
    with pytest.raises(DemoRefused, match="has grids already"):
        load_demo(engine, today=TODAY, progress=lambda *_: None, keys=KEYS)
    engine.dispose()


def test_nobody_loses_a_login_to_the_demo(own_database_url: str) -> None:
    engine = create_engine(own_database_url)
    with Session(engine) as session, session.begin():
        person = Person(person_id=uuid.UUID(int=1), name="管理员")
        session.add(person)
        session.flush()
        session.add(Account(person_id=person.person_id, username="admin", password_hash=PasswordHash("x")))
    with pytest.raises(DemoRefused, match="admin"):
        load_demo(engine, today=TODAY, progress=lambda *_: None, keys=KEYS)
    engine.dispose()


def test_history_reaches_the_last_full_hour_of_the_current_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "now", lambda: datetime(2026, 11, 20, 3, 47, 12, tzinfo=UTC))
    assert reference_moment(TODAY) == datetime(2026, 11, 20, 3, tzinfo=UTC)
    assert reference_moment(TODAY - timedelta(days=1)) == MOMENT - timedelta(days=1)
