"""Runs the processes of the product in the foreground and keeps them running until it is told to stop."""

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType, TracebackType
from typing import Self

import structlog

from core.child_process import dying_with_parent
from core.errors import DomainError
from core.settings import child_environment

TICK_S = 0.5
FIRST_BACKOFF_S = 0.5
LAST_BACKOFF_S = 5.0
STEADY_S = 30.0  # a child that ran this long starts again with the first backoff
STOP_PATIENCE_S = 10.0
FORCED_EXIT = 130  # what a shell reports after Ctrl-C
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Child:
    """A command to keep running; `env` is added to the environment of this process."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)


class Supervisor:
    """Children start in the given order and stop in reverse.

    `keep_alive` is called about twice a second (the embedded cluster's `ensure_running`). Once `is_ready`
    says so (without it: once all children are started) `on_ready` is called, one time. Do not block in these.
    """

    def __init__(
        self,
        children: Sequence[Child],
        keep_alive: Callable[[], None] | None = None,
        *,
        is_ready: Callable[[], bool] | None = None,
        on_ready: Callable[[], None] | None = None,
    ) -> None:
        self._members = [_Member(child) for child in children]
        self._keep_alive = keep_alive
        self._is_ready = is_ready
        self._on_ready = on_ready
        self._next_keep_alive_at = 0.0

    def run(self) -> int:
        """Everything is stopped; 0 after one stop signal, 130 when a second one cut it short.

        Only in the main thread: signals arrive there, and children die with the thread that forked them.
        """
        with _StopSignals() as signals:
            try:
                while not signals.received:
                    self._tend()
                    signals.wait(TICK_S)
            finally:
                self._stop(signals)
            return FORCED_EXIT if signals.received > 1 else 0

    def _tend(self) -> None:
        self._keep_server_alive()
        for member in self._members:
            member.tend()
        if self._on_ready is not None and (self._is_ready is None or self._is_ready()):
            announce, self._on_ready = self._on_ready, None
            announce()

    def _keep_server_alive(self) -> None:
        if self._keep_alive is None or time.monotonic() < self._next_keep_alive_at:
            return
        try:
            self._keep_alive()
        except DomainError as error:
            self._next_keep_alive_at = time.monotonic() + LAST_BACKOFF_S
            # A known failure with its sentence; the traceback would add nothing.
            log.error("supervisor.database_down", reason=str(error), retry_s=LAST_BACKOFF_S)  # noqa: TRY400

    def _stop(self, signals: "_StopSignals") -> None:
        for member in reversed(self._members):
            member.stop(signals)


class _Member:
    """One child and its restarts."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._start_at = 0.0
        self._backoff_s = FIRST_BACKOFF_S

    def tend(self) -> None:
        """Running, or waiting for its next start."""
        if self._process is not None and self._process.poll() is not None:
            self._note_end(f"exit code {self._process.returncode}")
        if self._process is None and time.monotonic() >= self._start_at:
            self._start()

    def stop(self, signals: "_StopSignals") -> None:
        """Neither the child nor anything it started is left."""
        if self._process is None:
            return
        self._process.terminate()
        give_up_at = time.monotonic() + STOP_PATIENCE_S
        while self._process.poll() is None:
            left_s = give_up_at - time.monotonic()
            if left_s <= 0 or signals.received > 1:
                log.warning("supervisor.killed", child=self._child.name)
                break
            signals.wait(min(left_s, TICK_S))
        self._kill_group()

    def _start(self) -> None:
        self._started_at = time.monotonic()
        try:
            # A session of its own: Ctrl-C reaches the supervisor alone, which then stops things in order.
            self._process = subprocess.Popen(
                dying_with_parent(self._child.argv, "TERM"),
                env=child_environment(self._child.env),
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            self._note_end(str(error))

    def _note_end(self, reason: str) -> None:
        self._kill_group()
        if time.monotonic() - self._started_at >= STEADY_S:
            self._backoff_s = FIRST_BACKOFF_S
        self._start_at = time.monotonic() + self._backoff_s
        log.warning(
            "supervisor.child_ended", child=self._child.name, reason=reason, restart_s=self._backoff_s
        )
        self._backoff_s = min(self._backoff_s * 2, LAST_BACKOFF_S)

    def _kill_group(self) -> None:
        """Processes that the child started go too: they would hold its port against the next start."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None


class _StopSignals:
    """Counts the signals that ask to stop; a wait ends early on any of them and when a child ends."""

    def __init__(self) -> None:
        self.received = 0

    def __enter__(self) -> Self:
        self._read_end, self._write_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._previous_wakeup = signal.set_wakeup_fd(self._write_end, warn_on_full_buffer=False)
        # A signal ignored from the start stays so: that is how nohup works.
        self._previous = {
            number: signal.signal(number, self._note)
            for number in (*STOP_SIGNALS, signal.SIGCHLD)
            if signal.getsignal(number) != signal.SIG_IGN
        }
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._previous_wakeup)
        os.close(self._read_end)
        os.close(self._write_end)

    def wait(self, timeout_s: float) -> None:
        # The pipe, because a plain sleep goes on after a signal and an Event may deadlock with its handler.
        if select.select([self._read_end], [], [], timeout_s)[0]:
            os.read(self._read_end, 4096)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if number in STOP_SIGNALS:
            self.received += 1
