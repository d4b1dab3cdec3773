"""The set-up's machinery: parts, stamps, one line of progress per part, one log.

Standard library only: this runs before any package is installed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".setup"
LOG = STATE / "setup.log"
PLAIN_OUTPUT = {"NO_COLOR": "1", "FORCE_COLOR": "0"}
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
LOG_HEAD_LINES, LOG_TAIL_LINES = 12, 28
WIDTH = 58


class SetupFailed(Exception):
    """A part could not be made; the message is for the person at the terminal."""


@dataclass(frozen=True)
class Part:
    """One thing that the machine or the checkout must have."""

    name: str
    title: str
    make: Callable[[], None]
    needs: tuple[str, ...] = ()
    # Either the part can be seen on the machine, or a stamp remembers what it was made from.
    is_present: Callable[[], bool] | None = None
    fingerprint: Callable[[], str] | None = None
    evidence: tuple[Path, ...] = ()

    def is_ready(self) -> bool:
        if self.is_present is not None:
            return self.is_present()
        return all(path.exists() for path in self.evidence) and self._stamp() == self._wanted_stamp()

    def remember(self) -> None:
        """Stamp the part as made from what lies there now."""
        if self.fingerprint is not None:
            fresh = self._stamp_path.with_suffix(".new")
            fresh.write_text(self._wanted_stamp())
            fresh.replace(self._stamp_path)

    def forget(self) -> None:
        """Leave no stamp, so that an interrupted run is seen as one."""
        self._stamp_path.unlink(missing_ok=True)

    @property
    def _stamp_path(self) -> Path:
        return STATE / f"{self.name}.stamp"

    def _stamp(self) -> str:
        return self._stamp_path.read_text() if self._stamp_path.exists() else ""

    def _wanted_stamp(self) -> str:
        return self.fingerprint() if self.fingerprint is not None else ""


def fingerprint_of(paths: Iterable[Path], *facts: str) -> str:
    """Name the content of these files together with these facts; another content is another name."""
    digest = hashlib.sha256("\0".join(facts).encode())
    for path in sorted(paths):
        digest.update(f"\0{path.relative_to(ROOT)}\0".encode())
        digest.update(path.read_bytes() if path.is_file() else b"missing")
    return digest.hexdigest()


def files_below(folder: Path, *, without: frozenset[str]) -> Iterator[Path]:
    """Every file below the folder, leaving out whatever bears one of these names."""
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in without]
        yield from (Path(parent, name) for name in files if name not in without)


# ------------------------------------------------------------------------------------------------ progress


class Progress:
    """One line per part: its title, and how long it took (counting while it runs, on a terminal)."""

    def __init__(self) -> None:
        self._title = ""
        self._since = time.monotonic()
        self._is_terminal = sys.stdout.isatty()

    def start(self, title: str) -> None:
        self._title, self._since = title, time.monotonic()
        print(f"  {title:<{WIDTH}}", end="", flush=True)

    def tick(self) -> None:
        if self._is_terminal:
            print(f"\r  {self._title:<{WIDTH}}{self._elapsed()}", end="", flush=True)

    def end(self, outcome: str = "") -> None:
        lead = f"\r  {self._title:<{WIDTH}}" if self._is_terminal else ""
        print(f"{lead}{self._elapsed()} {outcome}".rstrip(), flush=True)

    def _elapsed(self) -> str:
        return f"{time.monotonic() - self._since:6.1f} s"


progress = Progress()


def start_log() -> None:
    STATE.mkdir(exist_ok=True)
    LOG.write_text("")


def run(*command: str | Path, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> None:
    """Run a command to its good end, its output in the log; any other is a SetupFailed with the output."""
    words = [str(word) for word in command]
    with LOG.open("a") as log:
        print(f"\n$ {' '.join(words)}", file=log, flush=True)
        began_at = log.tell()
        try:
            process = subprocess.Popen(
                words,
                cwd=cwd,
                env={**_machine_trust(), **os.environ, **PLAIN_OUTPUT, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            raise SetupFailed(f"cannot start {words[0]}: {error.strerror}") from error
        code = _wait(process)
    if code != 0:
        raise SetupFailed(f"{' '.join(words)}\nended with code {code}. It said:\n{_log_since(began_at)}")


def _machine_trust() -> dict[str, str]:
    """Tell tools that carry certificates of their own to trust what the machine trusts, its proxy for one."""
    if not CERTIFICATES.exists():
        return {}
    return {"UV_SYSTEM_CERTS": "true", "NODE_EXTRA_CA_CERTS": str(CERTIFICATES)}


def _wait(process: subprocess.Popen[bytes]) -> int:
    try:
        while True:
            try:
                return process.wait(timeout=1)
            except subprocess.TimeoutExpired:
                progress.tick()
    except BaseException:
        # Interrupted: what was started must not go on working behind the next run's back.
        process.terminate()
        process.wait()
        raise


def _log_since(position: int) -> str:
    """Return both ends of what a command said: some tools name the cause first, others last."""
    lines = LOG.read_bytes()[position:].decode(errors="replace").splitlines()
    if len(lines) > LOG_HEAD_LINES + LOG_TAIL_LINES:
        lines = [*lines[:LOG_HEAD_LINES], "…", *lines[-LOG_TAIL_LINES:]]
    return "\n".join(f"  | {line}" for line in lines)


# ------------------------------------------------------------------------------------------------- making


def make_ready(wanted: Iterable[str], parts: Sequence[Part]) -> int:
    """Make the wanted parts and what they need, in the table's order; return how many had to be made."""
    names = _with_needs(wanted, {part.name: part for part in parts})
    STATE.mkdir(exist_ok=True)
    with _only_one_at_a_time():
        start_log()
        return sum(_make_one(part) for part in parts if part.name in names)


def _with_needs(wanted: Iterable[str], by_name: Mapping[str, Part]) -> set[str]:
    names: set[str] = set()
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        if name not in names:
            names.add(name)
            waiting.extend(by_name[name].needs)
    return names


def _make_one(part: Part) -> bool:
    if part.is_ready():
        return False
    progress.start(part.title)
    part.forget()
    try:
        part.make()
    except BaseException:
        progress.end("stopped")
        raise
    part.remember()
    if not part.is_ready():
        progress.end("failed")
        raise SetupFailed(f"{part.title}: every command ended well, and still it is not there.")
    progress.end()
    return True


@contextmanager
def _only_one_at_a_time() -> Iterator[None]:
    with (STATE / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("  Another set-up of this folder is running; waiting for it.", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
