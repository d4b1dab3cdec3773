"""The commands, run as a person types them; `xunge demo` as a whole has its own test in tests/e2e."""

import io
import json
import re
import socket
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, select, text
from sqlalchemy.orm import Session, sessionmaker

from access.models import Assignment
from access.roles import Role
from cli.app import run
from cli.console import one_line
from core import audit
from core.clock import now
from core.database import Sessions
from core.errors import FieldError, Invalid
from core.models import AuditEntry, DeadJob
from geo.models import Division, Grid
from patrol.models import Patrol
from seeds.base import load_base
from tests import make
from worker import sweeping

COMMANDS = (
    *("demo", "serve", "worker", "migrate", "doctor", "dead-jobs", "create-account"),
    *("import-grids", "export-grids", "import-track", "import-divisions", "openapi"),
)
DIVISIONS = Path(__file__).parent.parent / "seeds" / "divisions" / "320113.csv"

Answer = tuple[int, str, str]  # exit code, stdout, stderr
Typed = Callable[..., Answer]


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Typed:
    """Run a command without any database."""
    monkeypatch.setenv("XUNGE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")

    def type_in(*words: str | Path) -> Answer:
        code = run([str(word) for word in words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return type_in


@pytest.fixture
def on_database(typed: Typed, own_database_url: str, monkeypatch: pytest.MonkeyPatch) -> Typed:
    """Run a command on a migrated database of the test's own."""
    monkeypatch.setenv("XUNGE_DATABASE_URL", own_database_url)
    return typed


@pytest.fixture
def stored(own_database_url: str) -> Iterator[Sessions]:
    """What the commands see and leave behind."""
    engine = create_engine(own_database_url)
    yield sessionmaker(engine)
    engine.dispose()


def refused(answer: Answer) -> str:
    """The one line that a wrong input is answered with."""
    code, printed, complaint = answer
    assert (code, printed) == (2, "")
    (line,) = complaint.splitlines()
    assert "Traceback" not in line
    return line


# ------------------------------------------------------------------------------------------ help and input


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_how_a_command_is_used(typed: Typed, command: str) -> None:
    code, printed, _ = typed(command, "--help")
    assert code == 0
    assert "Examples" in printed
    assert re.search(rf"^\s+(XUNGE_\w+=\w+ )?xunge {command}\b", printed, re.MULTILINE)


def test_version(typed: Typed) -> None:
    assert re.fullmatch(r"xunge \d+\.\d+\.\d+\n", typed("--version")[1])


def test_the_openapi_document_needs_no_database(typed: Typed, tmp_path: Path) -> None:
    code, printed, _ = typed("openapi")
    assert code == 0
    assert {"/healthz", "/readyz", "/metrics"} <= json.loads(printed)["paths"].keys()
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["fly"], "No such command 'fly'."),
        (["serve", "--port", "http"], "Invalid value for '--port'"),
        (["serve", "--port", "70000"], "Invalid value for '--port'"),
        (["demo", "--reference-date", "yesterday"], "Invalid value for '--reference-date'"),
        (
            ["import-grids", "nowhere.geojson", "--datum", "EPSG:4490"],
            "file 'nowhere.geojson' does not exist",
        ),
        (["import-grids", str(DIVISIONS)], "Missing option '--datum'"),
        (["import-divisions", "nowhere", "--county", "320113"], "'nowhere' does not exist"),
        (
            ["import-divisions", str(DIVISIONS), "--county", "99"],
            "320113.csv lists nothing below 99",
        ),
        (["doctor", "--anchor", str(DIVISIONS)], "is not an anchor file"),
        (["dead-jobs", "--retry", "--discard"], "choose one of --retry and --discard"),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(typed: Typed, words: list[str], complaint: str) -> None:
    assert complaint in refused(typed(*words))


def test_a_wrong_setting_is_named(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XUNGE_HTTP__PORT", "http")
    assert refused(typed("doctor")).startswith("XUNGE_HTTP__PORT: ")


def test_a_database_that_is_down_is_one_line(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XUNGE_DATABASE_URL", "postgresql+psycopg://xunge@/xunge?host=/nowhere")
    code, printed, complaint = typed("migrate")
    assert (code, printed, complaint.count("\n")) == (1, "", 1)
    assert complaint.startswith("database-down: ")


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_busy_port_is_refused_before_anything_starts(typed: Typed, tmp_path: Path, command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refused(typed(command, "--port", str(port)))
    assert f"127.0.0.1:{port} cannot be used (Address already in use): choose another --port" in line
    assert not (tmp_path / "home").exists()


def test_fields_follow_the_reason_on_the_same_line() -> None:
    fields = [FieldError(f"/{n}", "bad", f"is wrong {n}") for n in range(7)]
    assert one_line(Invalid("not\ngood", errors=fields)) == (
        "invalid: not good; /0 is wrong 0; /1 is wrong 1; /2 is wrong 2; /3 is wrong 3; /4 is wrong 4; "
        "and 2 more"
    )


# -------------------------------------------------------------------------------------------------- database


def test_migrate_says_where_the_database_is(on_database: Typed) -> None:
    code, printed, said = on_database("migrate")
    assert (code, said) == (0, "The schema is up to date.\n")
    assert printed.startswith("at 0")


def test_migrate_to_a_version_that_does_not_exist(on_database: Typed) -> None:
    line = refused(on_database("migrate", "--revision", "9999"))
    assert "Can't locate revision identified by '9999'" in line


def test_doctor_is_content_when_all_is_well(on_database: Typed, stored: Sessions) -> None:
    with stored() as session:
        sweeping.beat(session, uuid.uuid4())
        session.commit()
    code, printed, _ = on_database("doctor")
    assert code == 0, printed
    for check in (
        "settings",
        "disk",
        "database",
        "PostGIS",
        "migrations",
        "audit chain",
        "dead jobs",
        "worker",
    ):
        assert re.search(rf"✓\s+{check}\s", printed), printed


def test_doctor_finds_every_trouble_at_once(on_database: Typed, stored: Sessions) -> None:
    with stored() as session:
        record_two_lines(session)
        session.execute(text("ALTER TABLE audit_entries DISABLE TRIGGER USER"))
        session.execute(text("UPDATE audit_entries SET actor = 'nobody' WHERE chain = '320113007'"))
        session.commit()
        bury(session)
    code, printed, _ = on_database("doctor")
    assert code == 1
    assert re.search(r"✗\s+audit chain\s+320113007 line 1 altered", printed)
    assert re.search(r"✗\s+dead jobs\s+1 patrol.judge: xunge dead-jobs", printed)
    assert re.search(r"✗\s+worker\s+none has started", printed)


def test_doctor_finds_a_cut_tail_by_an_anchor(on_database: Typed, stored: Sessions, tmp_path: Path) -> None:
    anchor = tmp_path / "anchor.json"
    with stored() as session:
        record_two_lines(session)
        on_database("doctor", "--write-anchor", anchor)
        assert "anchors hold" in on_database("doctor", "--anchor", anchor)[1]
        session.execute(text("ALTER TABLE audit_entries DISABLE TRIGGER USER"))
        session.execute(text("DELETE FROM audit_entries WHERE chain = '320113007' AND seq = 2"))
        session.commit()
    assert "320113007 line 2 cut: the anchored line is gone" in on_database("doctor", "--anchor", anchor)[1]


def test_doctor_on_an_empty_database_names_the_next_step(
    typed: Typed, own_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = f"e_{uuid.uuid4().hex[:12]}"
    engine = create_engine(own_database_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {empty}"))
    engine.dispose()
    monkeypatch.setenv("XUNGE_DATABASE_URL", re.sub(r"@/[^?]+", f"@/{empty}", own_database_url))
    code, printed, _ = typed("doctor")
    assert code == 1
    assert re.search(r"✗\s+migrations\s+at nothing, needs \d+: xunge migrate", printed)


def test_dead_jobs_are_listed_put_back_and_forgotten(on_database: Typed, stored: Sessions) -> None:
    assert "No dead jobs." in on_database("dead-jobs")[2]
    with stored() as session:
        bury(session)
        listed = on_database("dead-jobs")[1]
        assert "patrol.judge" in listed
        assert "ValueError" in listed
        assert "1 jobs wait in the queue again." in on_database("dead-jobs", "--retry")[2]
        (args,) = session.execute(text("SELECT args FROM procrastinate_jobs WHERE status = 'todo'")).one()
        assert args == {"patrol_id": "1"}
        session.rollback()
        bury(session)
        assert "1 jobs are gone for good." in on_database("dead-jobs", "--discard")[2]
        assert session.scalars(text("SELECT job_id FROM dead_jobs")).all() == []


def record_two_lines(session: Session) -> None:
    for number in range(2):
        audit.record(
            session, chain=make.STREET, actor="worker", action="a.b", subject="c", detail={"n": number}
        )
    session.commit()


def bury(session: Session) -> None:
    job = DeadJob(
        job_id=1,
        task_name="patrol.judge",
        args={"patrol_id": "1"},
        attempts=5,
        reason="ValueError",
        died_at=session.execute(text("SELECT now()")).scalar_one(),
    )
    session.add(job)
    session.commit()
    session.expunge_all()


# -------------------------------------------------------------------------------------------- files read in


def test_import_divisions_twice_changes_nothing_the_second_time(
    on_database: Typed, stored: Sessions, tmp_path: Path
) -> None:
    other = tmp_path / "320199.csv"
    other.write_text("code,name,parent_code\n320199,新区,\n320199001,东街道,320199\n", encoding="utf-8")
    said = [on_database("import-divisions", other, "--county", "320199")[2] for _ in range(2)]
    assert said == ["2 divisions read: 2 added\n", "2 divisions read: nothing new\n"]
    with stored() as session:
        assert session.get_one(Division, "320199001").name == "东街道"
        (actor,) = session.scalars(select(AuditEntry.actor).where(AuditEntry.subject == "divisions:320199"))
        assert actor.startswith("cli:")


def grid_file(path: Path, **properties: object) -> Path:
    square = [[118.90, 32.10], [118.91, 32.10], [118.91, 32.11], [118.90, 32.11], [118.90, 32.10]]
    feature = {
        "type": "Feature",
        "properties": {"name": "一", "level": 1, "parent": "320113007001", **properties},
        "geometry": {"type": "Polygon", "coordinates": [square]},
    }
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8")
    return path


def test_import_grids_rehearses_and_then_imports(
    on_database: Typed, stored: Sessions, tmp_path: Path
) -> None:
    with stored() as session, session.begin():
        load_base(session)
    file = grid_file(tmp_path / "grids.geojson")
    code, _, said = on_database("import-grids", file, "--datum", "EPSG:4490", "--dry-run")
    assert code == 0, said
    assert "Would import: 1 new" in said
    with stored() as session:
        assert session.query(Grid).count() == 0
        assert "Imported: 1 new" in on_database("import-grids", file, "--datum", "EPSG:4490")[2]
        assert session.query(Grid).count() == 1


def test_import_grids_tells_each_reason_and_imports_nothing(on_database: Typed, tmp_path: Path) -> None:
    file = grid_file(tmp_path / "grids.geojson", level=9)
    code, printed, said = on_database("import-grids", file, "--datum", "EPSG:4490")
    assert code == 2
    assert "/properties/level" in printed
    assert said.splitlines()[-1] == "Nothing imported: 1 of 1 features refused."


@pytest.mark.parametrize("datum", ["WGS-48", "EPSG:1"])
def test_import_grids_with_an_unknown_datum(on_database: Typed, tmp_path: Path, datum: str) -> None:
    line = refused(on_database("import-grids", grid_file(tmp_path / "grids.geojson"), "--datum", datum))
    assert line.startswith("unknown-datum: ")


# ----------------------------------------------------------------------------------------- people and tracks


def create(on_database: Typed, monkeypatch: pytest.MonkeyPatch, *options: str) -> Answer:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{make.PASSWORD}\n"))
    return on_database("create-account", "li.wei", "--name", "李伟", *options)


def test_the_first_administrator_comes_from_the_command_line(
    on_database: Typed, stored: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, said = create(on_database, monkeypatch, "--role", "admin")
    assert code == 0
    assert said.startswith("li.wei can sign in as admin")
    with stored() as session:
        (assignment,) = session.scalars(select(Assignment))
        assert (assignment.role, assignment.path) == ("admin", "")
        actors = session.scalars(select(AuditEntry.actor).where(AuditEntry.action == "account.created"))
        assert [actor.partition(":")[0] for actor in actors] == ["cli"]
    assert refused(create(on_database, monkeypatch, "--role", "admin")).startswith("username-taken: ")


def test_a_street_leader_and_a_grid_member(
    on_database: Typed, stored: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert create(on_database, monkeypatch, "--role", "leader", "--at", make.STREET)[0] == 0
    with stored() as session:
        assert session.scalars(select(Assignment.path)).all() == [f"{make.STREET}/"]
    assert refused(create(on_database, monkeypatch, "--role", "member", "--at", "1" * 20))


@pytest.fixture
def walked(stored: Sessions, tmp_path: Path) -> tuple[Path, str]:
    """A GPX file of half an hour this morning, and the code of the grid that its member walked."""
    with stored() as session, session.begin():
        tree = make.street_tree(session)
        make.actor(session, role=Role.MEMBER, grid=tree.a11, username="li.wei")
        code = tree.a11.code
    start = now() - timedelta(hours=2)
    fixes = [(32.101 + n * 1e-5, start + timedelta(seconds=10 * n)) for n in range(180)]
    points = "".join(
        f'<trkpt lat="{lat:.5f}" lon="118.901"><time>{at:%FT%TZ}</time></trkpt>' for lat, at in fixes
    )
    file = tmp_path / "walk.gpx"
    head = '<gpx version="1.1" creator="test" xmlns="http://www.topografix.com/GPX/1/1">'
    file.write_text(f"{head}<trk><trkseg>{points}</trkseg></trk></gpx>")
    return file, code


def test_import_track_is_a_finished_patrol_and_the_same_one_again(
    on_database: Typed, stored: Sessions, walked: tuple[Path, str]
) -> None:
    file, code = walked
    words = ("import-track", file, "--grid", code, "--person", "li.wei")
    answers = [on_database(*words) for _ in range(2)]
    assert [answer[0] for answer in answers] == [0, 0], answers
    assert answers[0][1] == answers[1][1]
    with stored() as session:
        (patrol,) = session.scalars(select(Patrol))
        assert f"{patrol.patrol_id}\n" == answers[0][1]
        assert patrol.finished_at is not None
        tasks = session.scalars(text("SELECT task_name FROM procrastinate_jobs WHERE status = 'todo'"))
        assert set(tasks) == {"patrol.judge"}


def test_import_track_refuses_what_it_cannot_place(on_database: Typed, walked: tuple[Path, str]) -> None:
    file, code = walked
    at = ("--grid", code, "--person", "li.wei")
    nowhere = on_database("import-track", file, "--grid", "9" * 20, *at[2:])
    assert "walk.gpx: grid-unknown: " in refused(nowhere)
    assert "there is no account nobody" in refused(on_database("import-track", file, *at[:3], "nobody"))
    assert "gpx-invalid: " in refused(on_database("import-track", DIVISIONS, *at))
    assert "datum" in refused(on_database("import-track", file, *at, "--datum", "WGS-48"))
