"""`xunge demo`: a seeded street, a server and workers, all in the foreground."""

import json
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path

from rich.table import Table

from cli import serving
from cli.console import out, progress, say
from cli.database import bring_up_to_date, engine_of, running_database
from core.secrecy import key_ring
from core.settings import Settings
from core.supervisor import Supervisor
from seeds.demo.load import DemoAccount, load_demo

PROBE_S = 0.4  # the supervisor waits while we ask
NOTICE = "demo.json"


def run(settings: Settings, today: date) -> int:
    """The demo street is served until a signal stops it; then nothing of it runs any more."""
    serving.refuse_busy_port(settings.http)
    serving.tell_missing_front_end(settings.http)
    notice = settings.home / NOTICE
    notice.unlink(missing_ok=True)  # its presence says that the server answers
    with running_database(settings) as running, serving.server(running.settings) as server:
        bring_up_to_date(running.settings)
        accounts = _seed(running.settings, today)
        supervisor = Supervisor(
            [server, *serving.workers(running.settings)],
            running.keep_alive,
            is_ready=lambda: _answers(running.settings),
            on_ready=lambda: _announce(running.settings, notice, accounts),
        )
        try:
            return supervisor.run()
        finally:
            notice.unlink(missing_ok=True)


def _seed(settings: Settings, today: date) -> list[DemoAccount]:
    """The demo street is in the database, as it was made the first time."""
    with engine_of(settings) as engine, progress() as tell:
        return load_demo(engine, today=today, progress=tell, keys=key_ring(settings))


def _answers(settings: Settings) -> bool:
    address = f"{serving.url_of(settings.http)}/readyz"
    with suppress(OSError), urllib.request.urlopen(address, timeout=PROBE_S) as reply:
        return bool(reply.status == 200)
    return False


def _announce(settings: Settings, notice: Path, accounts: Sequence[DemoAccount]) -> None:
    """The notice is complete or absent, for a script that waits for it."""
    url = serving.url_of(settings.http)
    content = {
        "url": url,
        "database_url": settings.required_database_url,
        "accounts": [
            {"role": account.role, "username": account.username, "password": account.password}
            for account in accounts
        ],
    }
    partial = notice.with_suffix(".partial")
    partial.touch(mode=0o600)  # it holds passwords
    partial.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n")
    partial.replace(notice)
    table = Table("role", "username", "password", box=None, header_style="bold", title_justify="left")
    for account in accounts:
        table.add_row(account.role, account.username, account.password)
    out.print(f"\n[bold]{url}[/]  (Ctrl-C stops everything)\n")
    out.print(table)
    say(f"\nAlso in {notice}")
