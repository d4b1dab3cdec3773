"""A worker's week in any order, batching and repetition, with server and worker killed in between."""

import json
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from access.roles import Role
from benchmarks.serving import free_port
from core.clock import now
from geo.models import Grid
from patrol.fixes import Fixes
from registry.plates import Plate, PlateKeys
from seeds.base import load_base
from tests import make
from tests.make_people import household
from tests.make_visits import visit_body
from tests.patrol.deliveries import Round, body_of, moment, plot
from tests.patrol.presence_proofs import checkpoint, some_building
from tests.patrol.walks import patrol

pytestmark = pytest.mark.own_database

PLATE_KEY = "a key for plates that only this test knows"
PATIENCE_S = 240  # a busy machine needs seconds to start a process
HOUSEHOLDS = 4
# Everything that a week leaves behind, in an order of its own, without what the server's clock or a sequence
# put into it.
LEFT_BEHIND = {
    "patrols": "patrol_id",
    "check_ins": "check_in_id",
    "patrol_gaps": "gap_id",
    "patrol_themes": "patrol_id",
    "findings": "finding_id",
    "visits": "visit_id",
    "needs": "need_id",
    "appeals": "appeal_id",
    "patrol_verdicts": "patrol_id",
    "grid_weeks": "week, grid_id",
    "coverage_sums": "street_code, resolution, days, first_day",
}
OF_THE_SERVER = {"received_at", "start_received_at", "finish_received_at", "judged_at", "rolled_up_at"}

Item = dict[str, Any]


@dataclass
class Site:
    """A database with a server and a worker that can be killed and started again."""

    url: str
    home: Path
    port: int = field(default_factory=free_port)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str) -> None:
        server = ("-m", "uvicorn", "api.server:build", "--factory", "--log-level", "error", "--port")
        program = ("-m", "worker") if name == "worker" else (*server, str(self.port))
        quick = {"STALLED_AFTER_S": "2", "HEARTBEAT_S": "0.4", "SWEEP_S": "0.5", "BACKOFF_S": "0.2"}
        environment = {f"XUNGE_JOBS__{key}": value for key, value in quick.items()}
        environment |= {
            "XUNGE_DATABASE_URL": self.url,
            "XUNGE_HOME": str(self.home),
            "XUNGE_LOG__LEVEL": "ERROR",
        }
        environment |= {"XUNGE_REGISTRY__PLATE_KEYS": PLATE_KEY, "XUNGE_ACCESS__LOGINS_PER_MINUTE": "1000"}
        with (self.home / "log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, *program],
                env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path.cwd()), **environment},
                stderr=log,
            )

    def kill(self, name: str) -> None:
        """As when the power goes: no handler runs."""
        self.running[name].send_signal(signal.SIGKILL)
        self.running.pop(name).wait()

    def close(self) -> None:
        for name in list(self.running):
            self.kill(name)


@dataclass
class Phone:
    """Sends batches until each item is acknowledged, whatever becomes of the server."""

    site: Site
    token: str | None = None

    def send(self, items: list[Item]) -> None:
        until = time.monotonic() + PATIENCE_S
        while items and time.monotonic() < until:
            answers = self._post(items)
            done = {(one["kind"], one["id"]) for one in answers if one["outcome"] != "conflict"}
            refused = [one for one in answers if one["outcome"] == "conflict"]
            assert not refused, refused
            items = [item for item in items if (item["kind"], item["id"]) not in done]
        assert not items, (self.site.home / "log").read_text()[-3000:]

    def _post(self, items: list[Item]) -> list[dict[str, Any]]:
        """No answers where the server was not there, or went while it answered."""
        base = f"http://127.0.0.1:{self.site.port}/v1"
        try:
            if self.token is None:
                form = {"username": "member", "password": make.PASSWORD}
                reply = httpx.post(f"{base}/auth/token", data=form, timeout=30)
                self.token = reply.raise_for_status().json()["access_token"]
            headers = {"Authorization": f"Bearer {self.token}"}
            reply = httpx.post(f"{base}/sync", json={"items": items}, headers=headers, timeout=30)
            answers: list[dict[str, Any]] = reply.raise_for_status().json()["items"]
        except httpx.HTTPError:
            time.sleep(0.2)
            return []
        return answers


def world(session: Session) -> tuple[Grid, list[str], list[uuid.UUID]]:
    """The grid of the walks with a member, two plates in a staircase and some households."""
    load_base(session)
    grid = plot(session)
    make.actor(session, role=Role.MEMBER, grid=grid)
    building = some_building(session)
    stairs = [
        checkpoint(session, f"{floor}楼", 200, 200, kind="vertical", building_id=building, floor=floor)
        for floor in ("1", "6")
    ]
    keys = PlateKeys((PLATE_KEY.encode(),))
    tokens = [keys.token(Plate(one.checkpoint_id, one.short_code, one.generation)) for one in stairs]
    homes = [
        household(session, code=f"H{number}", building_id=building, geom=None, room=str(number))
        for number in range(HOUSEHOLDS)
    ]
    return grid, tokens, [one.household_id for one in homes]


def item(kind: str, name: str, body: Any, parent: object = None) -> Item:
    made = {"kind": kind, "id": str(make.fixed_uuid(name)), "body": body}
    return made if parent is None else {**made, "parent": str(parent)}


def walk_items(walk: Round, tokens: list[str], parts: list[Fixes]) -> Iterator[Item]:
    """One patrol with plates, a gap and its theme."""
    own = str(walk.patrol_id)
    started, finished = walk.start.started_at.isoformat(), walk.finish.finished_at.isoformat()
    yield {"kind": "patrol", "id": own, "body": {"grid_code": walk.grid_code, "started_at": started}}
    yield {"kind": "finish", "id": own, "body": {"finished_at": finished}}
    yield {"kind": "themes", "id": own, "body": {"themes": ["city_management"], "at": started}}
    for number, part in enumerate(parts):
        yield item("segment", f"{own} {number}", json.loads(body_of(part, seq=number)), own)
    for place, token in zip((150, 205), tokens, strict=True):
        at = moment(walk.fixes, place).isoformat()
        yield item("check_in", f"{own} {place}", {"token": token, "at": at}, own)
    silent = {"from_at": moment(walk.fixes, 160).isoformat(), "to_at": moment(walk.fixes, 190).isoformat()}
    yield item("gap", f"{own} gap", {**silent, "reason": "battery"}, own)


def ending(fixes: Fixes, at: datetime) -> Fixes:
    """The same walk, its last fix at that second: the same in every run."""
    return replace(fixes, at_ms=fixes.at_ms + int(at.timestamp()) * 1000 - int(fixes.at_ms.max()))


def week_items(
    grid: Grid, tokens: list[str], homes: list[uuid.UUID], ended_at: datetime, rng: Any
) -> list[Item]:
    """Three patrols, one of them too short, visits, a finding and an appeal; fixes cut at random places."""
    items: list[Item] = []
    # At three speeds: the same walk again would be taken for a copy, and a person would look at it.
    for name, hours, minutes, speed in (
        ("first", 50, 30, 1.2),
        ("second", 26, 30, 0.9),
        ("short", 2, 18, 1.4),
    ):
        walked = ending(patrol(minutes, speed_mps=speed), ended_at - timedelta(hours=hours))
        length = len(walked)
        walk = Round(grid.code, walked, make.fixed_uuid(name))
        cuts = np.sort(rng.choice(np.arange(1, length), size=3, replace=False))
        parts = [walked.take(part) for part in np.split(rng.permutation(length), cuts)]
        items += walk_items(walk, tokens, parts)
    at = walk.finish.finished_at - timedelta(minutes=9)
    found = {"patrol_id": str(make.fixed_uuid("short")), "checklist": "safety", "version": 1}
    seen = {"item": "electric_leak", "result": "report", "at": at.isoformat(), "note": "线路老化"}
    items.append(item("finding", "finding", {**found, **seen}))
    for number, home in enumerate(homes):
        for again in range(2):  # twice on one day: both are kept, one counts
            body = visit_body(home, at - timedelta(hours=number, minutes=5 * again))
            items.append(item("visit", f"visit {number} {again}", body))
    note = {"patrol_id": str(make.fixed_uuid("short")), "note": "手机没电，只录到一半。"}
    return [*items, item("appeal", "appeal", note)]


@contextmanager
def site(url: str, home: Path) -> Iterator[Site]:
    home.mkdir()
    made = Site(url, home)
    try:
        yield made
    finally:
        made.close()


def deliver(made: Site, items: list[Item], rng: Any, *, crashes: int) -> None:
    """Everything reaches the database: in batches of any size, some twice, with so many crashes."""
    order = [items[place] for place in rng.permutation(len(items))] if crashes else items
    order += [order[place] for place in rng.integers(0, len(order), 3 * crashes)]
    cuts = np.sort(rng.choice(np.arange(1, len(order)), size=4 * crashes or 1, replace=False))
    batches = [list(batch) for batch in np.split(np.array(order, dtype=object), cuts)]
    doomed = set(rng.choice(len(batches), size=crashes, replace=False).tolist()) if crashes else set()
    phone = Phone(made)
    made.start("server")
    made.start("worker")
    for number, batch in enumerate(batches):
        if number in doomed:
            _crash(made, Phone(made, phone.token), batch)
        phone.send(batch)


def _crash(made: Site, phone: Phone, batch: list[Item]) -> None:
    """Both are killed while a batch is under way; its reply is lost, and the phone does not know."""
    sending = threading.Thread(target=lambda: phone._post(batch) if phone.token else None)
    sending.start()
    time.sleep(0.05)
    for name in ("server", "worker"):
        made.kill(name)
    sending.join()
    for name in ("server", "worker"):
        made.start(name)


def drained(engine: Engine) -> None:
    """No job waits or runs any more, and none died."""
    until = time.monotonic() + PATIENCE_S
    waiting = text(
        "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
        " AND task_name LIKE 'patrol.%'"
        " AND (scheduled_at IS NULL OR scheduled_at < now() + interval '1 minute')"
    )
    while time.monotonic() < until:
        with engine.connect() as connection:
            if not connection.scalar(waiting):
                assert connection.scalar(text("SELECT count(*) FROM dead_jobs")) == 0
                return
        time.sleep(0.3)
    raise AssertionError("jobs are still waiting")


def left_behind(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    """Every row of the week, as it is equal in every run."""
    with engine.connect() as connection:
        tables = {
            table: [
                dict(row)
                for row in connection.execute(text(f"SELECT * FROM {table} ORDER BY {order}")).mappings()
            ]
            for table, order in LEFT_BEHIND.items()
        }
    # Jobs of the full hour write down weeks in which nobody walked, in whichever run they fall into.
    walked = {row["week"] for row in tables["patrol_verdicts"]}
    tables["grid_weeks"] = [row for row in tables["grid_weeks"] if row["week"] in walked]
    return {
        table: [{name: value for name, value in row.items() if name not in OF_THE_SERVER} for row in rows]
        for table, rows in tables.items()
    }


def fixes_stored(engine: Engine) -> list[tuple[Any, ...]]:
    """How many fixes each patrol has; in which segments they came differs from run to run."""
    counts = text("SELECT patrol_id, sum(fix_count) FROM segments GROUP BY 1 ORDER BY 1")
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(counts)]


def run(url: str, home: Path, ended_at: datetime, seed: int, *, crashes: int) -> dict[str, Any]:
    """A week on a fresh site; what it left behind."""
    engine = create_engine(url)
    try:
        with Session(engine) as session, session.begin():
            grid, tokens, homes = world(session)
            rng = np.random.default_rng(seed)
            items = week_items(grid, tokens, homes, ended_at, rng)
        with site(url, home) as made:
            deliver(made, items, rng, crashes=crashes)
            drained(engine)
        return left_behind(engine) | {"fixes": fixes_stored(engine)}
    finally:
        engine.dispose()


def test_a_week_is_the_same_in_any_order_and_through_any_crash(
    clone_database: Callable[[], str], tmp_path: Path
) -> None:
    ended_at = now() - timedelta(minutes=30)
    expected = run(clone_database(), tmp_path / "calm", ended_at, 0, crashes=0)
    statuses = [row["status"] for row in expected["patrol_verdicts"]]
    assert sorted(statuses) == ["invalid", "valid", "valid"]
    assert len(expected["visits"]) == 2 * HOUSEHOLDS
    assert len(expected["appeals"]) == len(expected["findings"]) == 1
    for seed in (1, 2):
        found = run(clone_database(), tmp_path / f"stormy {seed}", ended_at, seed, crashes=3)
        for table, rows in expected.items():
            assert found[table] == rows, f"{table} differs with seed {seed}"
