import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import logs
from core.errors import Conflict
from core.settings import LogSettings

PHONE, IDENTITY = "13812345678", "320113199001011234"

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    """What a process that logs JSON has said so far."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    quiet = {name: logging.getLogger(name).level for name in logs.QUIET_LIBRARIES}
    stderr = io.StringIO()
    monkeypatch.setattr("sys.stderr", stderr)
    logs.configure(LogSettings(style="json"))
    yield lambda: [json.loads(line) for line in stderr.getvalue().splitlines()]
    structlog.reset_defaults()
    root.handlers = handlers
    root.setLevel(level)
    for name, before in quiet.items():
        logging.getLogger(name).setLevel(before)


def test_a_line_says_when_who_and_for_which_request(lines: Lines) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        structlog.get_logger("patrol.tracks").info("segment.stored", kept=3, code="32011300700100100101")
    (line,) = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "segment.stored",
        "level": "info",
        "logger": "patrol.tracks",
        "request_id": "r1",
        "kept": 3,
        "code": "32011300700100100101",
    }


def test_lines_below_the_level_are_not_written(lines: Lines) -> None:
    structlog.get_logger("x").debug("request")
    logging.getLogger("uvicorn").debug("noise")
    assert lines() == []


def test_libraries_speak_in_the_same_form(lines: Lines) -> None:
    logging.getLogger("uvicorn.error").warning("call %s", PHONE)
    (line,) = lines()
    assert (line["event"], line["logger"], line["level"]) == ("call [hidden]", "uvicorn.error", "warning")


def test_arguments_of_jobs_are_not_logged_by_the_queue(lines: Lines) -> None:
    logging.getLogger("procrastinate.worker").error("Job patrol.judge[1](patrol_id=…) failed")
    assert lines() == []


def test_personal_data_is_hidden_wherever_it_stands(lines: Lines) -> None:
    structlog.get_logger("x").info(
        "sent", phone=PHONE, text=f"{IDENTITY} rang +86 {PHONE}", items=[{"name": "王", "n": 1}], password="p"
    )
    (line,) = lines()
    assert (line["phone"], line["password"]) == ("[hidden]", "[hidden]")
    assert line["text"] == "[hidden] rang [hidden]"
    assert line["items"] == [{"name": "[hidden]", "n": 1}]


@pytest.mark.parametrize(
    "harmless", ["1763776800", "1763776800000", "320113007001", "32011300700100100101", "0192f0c1-1381-7000"]
)
def test_other_numbers_stay(harmless: str) -> None:
    assert logs.mask(harmless) == harmless


def test_an_exception_tells_kind_and_place_but_not_its_text(lines: Lines) -> None:
    try:
        try:
            int(f"x{PHONE}")
        except ValueError as error:
            raise RuntimeError("the program is wrong") from error
    except RuntimeError:
        structlog.get_logger("x").exception("job.failed")
    (line,) = lines()
    assert line["error"] == "RuntimeError the program is wrong"
    trace = line["exception"].splitlines()
    assert trace[1:3] == ["ValueError", "caused"]
    assert trace[0].split()[-1] == "test_an_exception_tells_kind_and_place_but_not_its_text"
    assert PHONE not in json.dumps(line)


def test_a_driver_error_tells_code_and_constraint_but_not_the_row(session: Session) -> None:
    insert = text("INSERT INTO divisions VALUES ('320199', :name, NULL, 'test', '2026-01-01', NULL)")
    session.execute(insert, {"name": PHONE})
    with pytest.raises(IntegrityError) as caught:
        session.execute(insert, {"name": PHONE})
    assert logs.describe_error(caught.value) == "UniqueViolation 23505 pk_divisions"


def test_a_domain_error_tells_its_code_but_not_its_detail() -> None:
    assert logs.describe_error(Conflict(PHONE)) == "Conflict conflict"


def test_an_error_without_a_connection_is_told(lines: Lines) -> None:
    assert logs.describe_error(psycopg.OperationalError("password of 13812345678")) == "OperationalError"
