"""`xunge demo` in an empty home: seconds until the page is served, and what a server process holds."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.serving import free_port, wait_for
from benchmarks.table import Line

PROMISED_S = 20.0


def run() -> list[Line]:
    with tempfile.TemporaryDirectory(prefix="xunge-bench-", dir="/tmp") as folder:
        home, port = Path(folder) / "home", free_port()
        command = [str(Path(sys.executable).with_name("xunge")), "demo", "--home", str(home)]
        started = time.perf_counter()
        demo = subprocess.Popen(
            [*command, "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            url = f"http://127.0.0.1:{port}/"
            wait_for(url, within_s=120)
            while not (home / "demo.json").exists():
                time.sleep(0.1)
            taken = time.perf_counter() - started
            assert json.loads((home / "demo.json").read_text(encoding="utf-8"))["accounts"]
        finally:
            demo.terminate()
            demo.wait(30)
    return [
        Line(
            "xunge demo, empty home to served page",
            f"{taken:.1f} s",
            "",
            None,
            "≤ 20 s",
            taken <= PROMISED_S,
        )
    ]
