"""A real server process and a load from wrk, for the HTTP benchmarks."""

import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.settings import child_environment

SECONDS = 6
CONNECTIONS = 8


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk saw: requests a second, worst one in a hundred in ms, replies that were not 2xx or 3xx."""

    per_second: float
    p99_ms: float
    failed: int


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def uvicorn(
    target: str, env: dict[str, str], *, python: Path | None = None, ready: str = "/healthz"
) -> Iterator[tuple[str, int]]:
    """One server process of an application factory; gives its address and process id."""
    port = free_port()
    command = [
        str(python or sys.executable),
        "-m",
        "uvicorn",
        target,
        "--port",
        str(port),
        "--log-level",
        "error",
    ]
    command += ["--factory", "--no-access-log"] if python is None else ["--no-access-log"]
    server = subprocess.Popen(command, env=child_environment(env))
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(url + ready)
        yield url, server.pid
    finally:
        server.terminate()
        server.wait(10)


def wait_for(url: str, *, within_s: float = 30) -> None:
    until = time.monotonic() + within_s
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2) as reply:
                reply.read()
                return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def wrk(
    url: str, script: Path, *arguments: str, seconds: int = SECONDS, connections: int = CONNECTIONS
) -> Load:
    """Load from one wrk thread, so that the server keeps a core."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(script), url, "--"]
    said = subprocess.run([*command, *arguments], check=True, capture_output=True, text=True).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", said)
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    assert rate is not None, said
    assert p99 is not None, said
    unit = {"us": 0.001, "ms": 1.0, "s": 1000.0}[p99[2]]
    return Load(float(rate[1]), float(p99[1]) * unit, int(failed[1]) if failed else 0)


def resident_mib(pid: int) -> float:
    """Memory a process holds now."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    match = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert match is not None
    return int(match[1]) / 1024
