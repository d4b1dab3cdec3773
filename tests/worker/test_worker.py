"""Worker processes under fire: killed, starved of their database, fed with poison."""

import os
import signal
import time

import pytest
from sqlalchemy import create_engine

from core.child_process import wait_until
from core.cluster import temporary_cluster
from core.cluster.server import running_processes
from core.migrations import upgrade
from tests.worker.bench import QUICK, Bench

pytestmark = pytest.mark.own_database

LOST = "its worker process died, or it ran past the time limit"
POISON = {
    "trial.leave": "SystemExit",
    "trial.gorge": "MemoryError",
    "trial.hang_in_database": "QueryCanceled 57014",
    "trial.unheard_of": "it failed before it ran: most likely this version knows no task of its name",
    "trial.crash": LOST,
    "trial.hang": LOST,
}


def test_jobs_run_in_order_and_each_once(bench: Bench) -> None:
    for number in range(20):
        bench.enqueue("trial.note", name=str(number))
    bench.start()
    bench.wait(lambda: bench.statuses() == {"succeeded": 20})
    assert bench.notes() == [str(number) for number in range(20)]


def test_a_new_job_starts_at_once(bench: Bench) -> None:
    bench.start(poll_s=600)
    bench.wait(lambda: bench.rows("SELECT FROM worker_heartbeats WHERE beat_at > started_at") != [])
    bench.enqueue("trial.note", name="now")
    bench.wait(lambda: bench.notes() == ["now"])


def test_heartbeat_while_it_lives_and_none_after_a_stop(bench: Bench) -> None:
    worker = bench.start()
    beat = "SELECT FROM worker_heartbeats WHERE beat_at > started_at"
    bench.wait(lambda: len(bench.rows(beat)) == 1)
    worker.terminate()
    assert worker.wait(10) == 0
    assert bench.rows("SELECT FROM worker_heartbeats") == []


def test_a_stop_lets_the_job_under_way_finish(bench: Bench) -> None:
    worker = bench.start()
    bench.enqueue("trial.slow", name="slow", seconds=1)
    bench.enqueue("trial.note", name="next")
    bench.wait(lambda: bench.notes() == ["slow started"])
    worker.terminate()
    assert worker.wait(10) == 0
    assert bench.notes() == ["slow started", "slow"]
    assert bench.statuses() == {"succeeded": 1, "todo": 1}


def test_a_killed_worker_leaves_its_job_to_another(bench: Bench) -> None:
    worker = bench.start()
    bench.enqueue("trial.slow", name="slow", seconds=1)
    bench.wait(lambda: bench.notes() == ["slow started"])
    other = bench.start()
    worker.kill()
    bench.wait(lambda: bench.statuses() == {"succeeded": 1})
    assert bench.notes() == ["slow started", "slow started", "slow"]
    assert bench.rows(f"SELECT FROM notes WHERE name = 'slow' AND pid = {other.pid}") != []


def test_a_failing_job_is_tried_again_and_then_set_aside_with_its_reason(bench: Bench) -> None:
    bench.start()
    bench.enqueue("trial.fail", name="poison")
    bench.enqueue("trial.note", name="other")
    bench.wait(lambda: bench.dead() != [] and bench.statuses() == {"succeeded": 1})
    assert bench.dead() == [("trial.fail", QUICK.max_attempts, "ValueError")]
    assert bench.notes() == ["other"]  # what a failed attempt wrote is rolled back
    log = bench.log.read_text()
    assert log.count("job.failed") == QUICK.max_attempts
    assert "138" not in log


def test_no_poison_loops_for_ever_or_holds_up_the_others(bench: Bench) -> None:
    for task in POISON:
        bench.enqueue(task)
    for number in range(10):
        bench.enqueue("trial.slow", name=str(number), seconds=0.05)
    bench.start("2")
    bench.wait(lambda: len(bench.dead()) == len(POISON) and bench.statuses() == {"succeeded": 10})
    assert bench.dead() == [(task, QUICK.max_attempts, reason) for task, reason in POISON.items()]
    # Each in one attempt: a crash takes no job down but its own.
    assert len(bench.notes()) == 20
    assert bench.rows("SELECT FROM dead_jobs WHERE died_at > (SELECT max(at) FROM notes)") != []


def test_the_worker_outlives_a_crash_of_the_database(tmp_path_factory: pytest.TempPathFactory) -> None:
    with temporary_cluster() as cluster:
        upgrade(cluster.url)
        bench = Bench(cluster.url, tmp_path_factory.mktemp("log") / "log")
        worker = bench.start()
        for number in range(100):
            bench.enqueue("trial.slow", name=str(number), seconds=0.02)
        bench.wait(lambda: len(bench.notes()) > 20)
        assert cluster._places is not None
        for pid in running_processes(cluster._places).servers:
            os.kill(pid, signal.SIGQUIT)  # pg_ctl stop -m immediate
        assert wait_until(lambda: not cluster.is_alive(), 10)
        bench.engine.dispose()
        time.sleep(6)
        assert worker.poll() is None
        cluster.ensure_running()
        bench.engine = create_engine(cluster.url)
        bench.wait(lambda: bench.statuses() == {"succeeded": 100})
        assert worker.poll() is None
        finished = {name for name in bench.notes() if "started" not in name}
        assert finished == {str(number) for number in range(100)}
        bench.close()


def test_a_stop_does_not_wait_for_ever_and_gives_the_job_back(bench: Bench) -> None:
    worker = bench.start(time_limit_s=60)
    bench.enqueue("trial.slow", name="endless", seconds=50)
    bench.wait(lambda: bench.notes() == ["endless started"])
    worker.terminate()
    assert worker.wait(15) == 0
    assert bench.rows("SELECT status::text, attempts FROM procrastinate_jobs") == [("todo", 0)]
    assert bench.rows("SELECT FROM worker_heartbeats") == []


def test_the_command_keeps_its_processes_until_it_is_stopped(bench: Bench) -> None:
    command = bench.start(program=["-c", "from cli import main; main()", "worker"])
    bench.wait(lambda: len(bench.rows("SELECT FROM worker_heartbeats")) == 2)
    bench.enqueue("core.prune")
    bench.wait(lambda: bench.rows("SELECT FROM procrastinate_jobs WHERE status <> 'succeeded'") == [])
    os.kill(command.pid, signal.SIGTERM)
    assert command.wait(15) == 0
    assert bench.rows("SELECT FROM worker_heartbeats") == []
