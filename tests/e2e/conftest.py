"""The whole product as a user starts it: `xunge demo`, real PostGIS, real worker, real browser."""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, expect, sync_playwright

from benchmarks.serving import free_port
from core.clock import Week, today

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# No GL flag is needed for software WebGL; this one also silences the driver's stall warnings.
FLAGS = ("--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking")
MORE_FLAGS = ("--disable-component-update", "--disable-sync", "--use-angle=swiftshader")
DESK, PHONE = (1440, 900), (390, 844)
# What a page shows may take its time on a busy machine; what it must not show is asked for at once.
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)


@dataclass(frozen=True)
class Demo:
    """A running demo: where it is, who may sign in, and its last day, which is yesterday."""

    url: str
    home: Path
    passwords: dict[str, str]
    last_day: date
    process: subprocess.Popen[bytes]

    @property
    def week(self) -> Week:
        """Its last: this week, but for Mondays, when nothing was done yet."""
        return Week.of_day(self.last_day)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Beside a failure stands what the server wrote: a page tells of a 500 no more than that it was one."""
    report = yield
    demo = getattr(item, "funcargs", {}).get("demo")
    if report.failed and demo is not None:
        log = (demo.home / "demo.log").read_text(encoding="utf-8", errors="replace")
        told = [line for line in log.splitlines() if "[info" not in line]
        report.sections.append(("what the demo wrote", "\n".join(told[-50:])))
    return report


@pytest.fixture(scope="session")
def demo() -> Iterator[Demo]:
    home, port = Path(tempfile.mkdtemp(prefix="xunge-e2e-", dir="/tmp")), free_port()
    home.chmod(0o711)
    # The demo's last day is yesterday: what a test uploads today never falls on a day that counts already.
    yesterday = today() - timedelta(days=1)
    command = [str(Path(sys.executable).with_name("xunge")), "demo", "--home", str(home), "--port", str(port)]
    command += ["--reference-date", str(yesterday)]
    process = _started(command, home / "demo.log")
    try:
        written = _wait_for_file(home / "demo.json", process)
        passwords = {account["username"]: account["password"] for account in written["accounts"]}
        yield Demo(written["url"], home, passwords, yesterday, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        shutil.rmtree(home, ignore_errors=True)


def _started(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output, pytest.MonkeyPatch.context() as environment:
        # A statement that a browser slows down does not fail a test of pages.
        environment.setenv("XUNGE_DATABASE__STATEMENT_TIMEOUT_MS", str(PATIENCE_MS // 2))
        return subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)


def _wait_for_file(file: Path, process: subprocess.Popen[bytes]) -> Any:
    until = time.monotonic() + 400
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        if file.exists():
            return json.loads(file.read_text(encoding="utf-8"))
        time.sleep(0.2)
    log = (file.parent / "demo.log").read_text(encoding="utf-8", errors="replace")
    raise AssertionError(f"the demo did not come up:\n{log[-3000:]}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    assert found is not None, "no Chromium: make test installs it"
    with sync_playwright() as playwright:
        yield _launch(playwright, found)


def _launch(playwright: Playwright, executable: str) -> Browser:
    return playwright.chromium.launch(executable_path=executable, args=[*FLAGS, *MORE_FLAGS])


@pytest.fixture
def open_page(browser: Browser, demo: Demo) -> Iterator[Callable[..., Page]]:
    """Make a page of a size; anything the console complains about, but for `expected`, fails the test."""
    complaints: list[str] = []
    contexts = []

    def make(size: tuple[int, int] = DESK, *, expected: str = "\0", language: str = "zh-CN") -> Page:
        width, height = size
        context = browser.new_context(
            viewport={"width": width, "height": height}, locale=language, timezone_id="Asia/Shanghai"
        )
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()

        def on_console(message: ConsoleMessage) -> None:
            if message.type in {"error", "warning"} and expected not in message.text:
                complaints.append(f"{message.type}: {message.text}")

        page.on("console", on_console)
        page.on("pageerror", lambda error: complaints.append(f"uncaught: {error}"))
        page.goto(demo.url)
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def sign_in(demo: Demo) -> Callable[[Page, str], None]:
    def sign_in(page: Page, username: str) -> None:
        page.locator("input[autocomplete=username]").fill(username)
        page.locator("input[autocomplete=current-password]").fill(demo.passwords[username])
        page.keyboard.press("Enter")
        page.locator("input[autocomplete=username]").wait_for(state="detached")

    return sign_in


@pytest.fixture
def api(demo: Demo) -> Callable[[str, str], Any]:
    """Ask the running demo as a role: `api("member", "/v1/me")`."""
    tokens: dict[str, str] = {}

    def ask(username: str, path: str) -> Any:
        if username not in tokens:
            form = f"username={username}&password={demo.passwords[username]}".encode()
            request = urllib.request.Request(demo.url + "/v1/auth/token", form)
            with urllib.request.urlopen(request) as reply:
                tokens[username] = json.load(reply)["access_token"]
        headers = {"Authorization": f"Bearer {tokens[username]}"}
        try:
            with urllib.request.urlopen(urllib.request.Request(demo.url + path, headers=headers)) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from error

    return ask
