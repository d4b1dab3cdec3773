"""The health addresses of a small application: they need no route of the product."""

import time
import uuid
from collections.abc import Callable

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session, sessionmaker

from api import problems
from api.routes import health
from core import jobs, migrations
from core.database import Sessions
from core.settings import Settings
from worker import sweeping

Probe = Callable[[Sessions], TestClient]
SILENCE_S = 4  # of the database below; a probe gives up earlier
NOBODY = "postgresql+psycopg://xunge@/xunge?host=/nowhere"


@pytest.fixture
def probe(settings: Settings) -> Probe:
    def over(sessions: Sessions) -> TestClient:
        app = FastAPI()
        app.state.settings = settings
        app.state.sessions = sessions
        problems.install(app)
        app.include_router(health.router)
        return TestClient(app, raise_server_exceptions=False)

    return over


@pytest.fixture
def database_down() -> Sessions:
    return sessionmaker(create_engine(NOBODY))


@pytest.fixture
def database_silent() -> Sessions:
    """A database that takes the connection and then says nothing."""

    class Silent(Session):
        def execute(self, *_arguments: object, **_options: object) -> object:  # type: ignore[override]
            time.sleep(SILENCE_S)
            raise AssertionError("nobody waits this long")

    return sessionmaker(class_=Silent)


def figures(client: TestClient) -> dict[str, float]:
    reply = client.get("/metrics")
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("text/plain")
    families = text_string_to_metric_families(reply.text)
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in families
        for sample in family.samples
    }


def test_alive_needs_nothing(probe: Probe, database_down: Sessions) -> None:
    reply = probe(database_down).get("/healthz")
    assert (reply.status_code, reply.json()) == (200, {"status": "alive"})


def test_ready_when_schema_and_worker_are_there(probe: Probe, sessions: Sessions, session: Session) -> None:
    sweeping.beat(session, uuid.uuid4())
    session.commit()
    reply = probe(sessions).get("/readyz")
    assert reply.status_code == 200
    assert reply.json() == {
        "status": "ready",
        "checks": [
            {"name": "database", "ok": True, "detail": "answers"},
            {"name": "migrations", "ok": True, "detail": f"at {migrations.newest()}"},
            {"name": "worker", "ok": True, "detail": "last sign of life 0 s ago"},
        ],
    }


def test_not_ready_names_the_missing_worker(probe: Probe, sessions: Sessions) -> None:
    reply = probe(sessions).get("/readyz")
    assert reply.status_code == 503
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["retry-after"] == "2"
    body = reply.json()
    assert (body["code"], body["detail"]) == ("not-ready", "worker: none has started: xunge worker")
    assert [check["ok"] for check in body["checks"]] == [True, True, False]


def test_a_worker_silent_for_long_counts_as_none(probe: Probe, sessions: Sessions, session: Session) -> None:
    sweeping.beat(session, uuid.uuid4())
    session.execute(text("UPDATE worker_heartbeats SET beat_at = clock_timestamp() - interval '31 s'"))
    session.commit()
    assert probe(sessions).get("/readyz").json()["detail"] == "worker: last sign of life 31 s ago"


@pytest.mark.parametrize(("revision", "status"), [("0001", 503), ("9999", 200)])
def test_an_older_schema_is_not_ready_and_a_newer_one_is(
    probe: Probe, sessions: Sessions, session: Session, revision: str, status: int
) -> None:
    sweeping.beat(session, uuid.uuid4())
    session.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
    session.commit()
    reply = probe(sessions).get("/readyz")
    assert reply.status_code == status
    if status == 503:
        assert reply.json()["detail"] == f"migrations: at 0001, needs {migrations.newest()}: xunge migrate"


def test_not_ready_when_the_database_is_down(probe: Probe, database_down: Sessions) -> None:
    reply = probe(database_down).get("/readyz")
    assert (reply.status_code, reply.json()["detail"]) == (503, "database: does not answer")


def test_a_silent_database_is_not_waited_for(probe: Probe, database_silent: Sessions) -> None:
    with probe(database_silent) as client:
        started = time.monotonic()
        reply = client.get("/readyz")
        assert time.monotonic() - started < SILENCE_S
        assert (reply.status_code, reply.json()["detail"]) == (503, "database: no answer within 1.8 s")


def test_metrics_count_what_is_in_the_database(probe: Probe, sessions: Sessions, session: Session) -> None:
    for _ in range(2):
        jobs.enqueue(session, "patrol.judge", patrol_id="1")
    sweeping.bury(
        session, session.scalar(text("SELECT max(id) FROM procrastinate_jobs")) or 0, 5, "ValueError"
    )
    sweeping.beat(session, uuid.uuid4())
    session.commit()
    found = figures(probe(sessions))
    assert found["xunge_database_up"] == 1
    assert (found["xunge_jobs todo"], found["xunge_jobs doing"], found["xunge_jobs failed"]) == (2, 0, 0)
    assert found["xunge_dead_jobs"] == 1
    assert 0 <= found["xunge_job_oldest_due_seconds"] < 60
    assert 0 <= found["xunge_worker_silence_seconds"] < 60
    assert (found["xunge_quarantine_open"], found["xunge_patrols_open"]) == (0, 0)


def test_metrics_of_the_process_do_not_need_the_database(probe: Probe, database_down: Sessions) -> None:
    found = figures(probe(database_down))
    assert found["xunge_database_up"] == 0
    assert "xunge_jobs todo" not in found
    assert "process_cpu_seconds_total" in found
