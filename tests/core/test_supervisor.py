"""The supervisor with real processes: order, restarts, signals, and nothing left behind."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.child_process import wait_until
from core.errors import Unavailable
from core.supervisor import FORCED_EXIT, Child, Supervisor

# Writes a line to a file at its start and, asked to stop, at its end.
OBEDIENT = """
import os, signal, sys, time
def note(word):
    with open(sys.argv[1], "a") as file:
        file.write(f"{word} {sys.argv[2]} {os.getpid()}\\n")
def end(number, frame):
    note("stopped")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
note("started")
time.sleep(60)
"""
STUBBORN = OBEDIENT.replace("    sys.exit(0)\n", "")
# Starts a process of its own that ignores SIGTERM.
WITH_HELPER = OBEDIENT.replace(
    'note("started")',
    'import subprocess; helper = subprocess.Popen(["sh", "-c", "trap : TERM; while :; do sleep 1; done"])\n'
    'note("started"); note(f"helper-{helper.pid}")',
)


class Diary:
    """What the children wrote."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def child(self, name: str, source: str = OBEDIENT) -> Child:
        return Child(name, [sys.executable, "-S", "-c", source, str(self.path), name])

    def lines(self) -> list[list[str]]:
        return [line.split() for line in self.path.read_text().splitlines()] if self.path.exists() else []

    def events(self) -> list[str]:
        return [" ".join(line[:2]) for line in self.lines()]

    def pids(self, event: str) -> list[int]:
        return [int(line[2]) for line in self.lines() if " ".join(line[:2]) == event]

    def wait_for(self, event: str, times: int = 1) -> None:
        assert wait_until(lambda: self.events().count(event) >= times, 10), self.events()


@pytest.fixture
def diary(tmp_path: Path) -> Diary:
    return Diary(tmp_path / "diary")


@pytest.fixture(autouse=True)
def ctrl_c_works() -> Iterator[None]:
    """Also where the tests run in the background of a shell, which hands on SIGINT as ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def is_running(pid: int) -> bool:
    """A zombie has no command line."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except FileNotFoundError:
        return False


class Raiser:
    """Sends this process signals once the children are ready; the supervisor runs in the test itself."""

    def __init__(self, diary: Diary, *steps: tuple[str, int]) -> None:
        self._diary = diary
        self._steps = list(steps)

    def __call__(self) -> None:
        if self._steps and self._steps[0][0] in self._diary.events():
            os.kill(os.getpid(), self._steps.pop(0)[1])


def test_starts_in_order_and_stops_in_reverse(diary: Diary) -> None:
    ready: list[str] = []
    supervisor = Supervisor(
        [diary.child("api"), diary.child("worker")],
        Raiser(diary, ("started worker", signal.SIGTERM)),
        is_ready=lambda: "started api" in diary.events(),
        on_ready=lambda: ready.append("ready"),
    )
    assert supervisor.run() == 0
    assert sorted(diary.events()[:2]) == ["started api", "started worker"]
    assert diary.events()[2:] == ["stopped worker", "stopped api"]
    assert ready == ["ready"]
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_adds_to_the_environment(diary: Diary, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XUNGE_INHERITED", "yes")
    script = 'echo "saw $XUNGE_INHERITED-$XUNGE_ADDED 0" >> "$0"; sleep 60'
    child = Child("shell", ["sh", "-c", script, str(diary.path)], {"XUNGE_ADDED": "too"})
    assert Supervisor([child], Raiser(diary, ("saw yes-too", signal.SIGINT))).run() == 0
    assert diary.events() == ["saw yes-too"]


def test_restarts_a_child_that_ends_with_growing_pauses(diary: Diary) -> None:
    starts: list[float] = []

    def keep_alive() -> None:
        while len(starts) < diary.events().count("started worker"):
            starts.append(time.monotonic())
        if len(starts) == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    quitter = OBEDIENT.replace("time.sleep(60)", "sys.exit(0)")
    assert Supervisor([diary.child("worker", quitter)], keep_alive).run() == 0
    first, second, third = starts
    assert 0.4 < second - first < third - second + 0.3


def test_a_killed_child_takes_its_own_children_along_and_comes_back(diary: Diary) -> None:
    killed: list[int] = []

    def keep_alive() -> None:
        started = diary.pids("started api")
        if not killed and diary.events() and diary.events()[-1].startswith("helper"):
            killed.append(started[0])
            os.kill(started[0], signal.SIGKILL)
        if len(started) == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    assert Supervisor([diary.child("api", WITH_HELPER)], keep_alive).run() == 0
    helpers = [int(line[0].removeprefix("helper-")) for line in diary.lines() if line[0].startswith("helper")]
    assert len(helpers) >= 1
    assert wait_until(lambda: not any(is_running(pid) for pid in helpers), 5)


def test_a_command_that_does_not_exist_does_not_stop_the_others(diary: Diary) -> None:
    missing = Child("missing", ["/nowhere/xunge"])
    supervisor = Supervisor([missing, diary.child("api")], Raiser(diary, ("started api", signal.SIGTERM)))
    assert supervisor.run() == 0
    assert diary.events() == ["started api", "stopped api"]


def test_a_database_that_stays_down_is_asked_again_and_ends_nothing(diary: Diary) -> None:
    calls: list[float] = []

    def keep_alive() -> None:
        calls.append(time.monotonic())
        raise Unavailable("disk full")

    supervisor = Supervisor(
        [diary.child("api")],
        keep_alive,
        is_ready=lambda: "started api" in diary.events(),
        on_ready=lambda: os.kill(os.getpid(), signal.SIGTERM),
    )
    assert supervisor.run() == 0
    assert len(calls) == 1


def test_a_second_signal_kills_what_does_not_stop(diary: Diary) -> None:
    """The stubborn child reports the first signal, and only then the second is sent."""
    script = textwrap.dedent("""
        import sys
        from core.supervisor import Child, Supervisor
        child = Child("api", [sys.executable, "-S", "-c", sys.argv[1], sys.argv[2], "api"])
        sys.exit(Supervisor([child]).run())
    """)
    with subprocess.Popen([sys.executable, "-c", script, STUBBORN, str(diary.path)]) as process:
        diary.wait_for("started api")
        process.send_signal(signal.SIGINT)
        diary.wait_for("stopped api")
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(5) == FORCED_EXIT
    assert wait_until(lambda: not is_running(diary.pids("started api")[0]), 5)


@pytest.fixture
def lone_supervisor(diary: Diary) -> Iterator[subprocess.Popen[bytes]]:
    script = textwrap.dedent("""
        import sys
        from core.supervisor import Child, Supervisor
        names = ["api", "worker"]
        argv = [sys.executable, "-S", "-c", sys.argv[1], sys.argv[2]]
        sys.exit(Supervisor([Child(name, [*argv, name]) for name in names]).run())
    """)
    with subprocess.Popen([sys.executable, "-c", script, OBEDIENT, str(diary.path)]) as process:
        diary.wait_for("started worker")
        diary.wait_for("started api")
        yield process
        process.kill()


def test_children_stop_when_the_supervisor_is_killed(
    diary: Diary, lone_supervisor: subprocess.Popen[bytes]
) -> None:
    lone_supervisor.kill()
    diary.wait_for("stopped api")
    diary.wait_for("stopped worker")
    pids = diary.pids("started api") + diary.pids("started worker")
    assert wait_until(lambda: not any(is_running(pid) for pid in pids), 5)
