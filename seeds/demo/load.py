"""Loads the demo street, once: grids, people, accounts, patrols with verdicts, weeks, audit lines."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TypeVar

import numpy as np
from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from access.models import Absence, Account, Assignment, Person
from access.passwords import PasswordHash, hash_password
from core import audit
from core.clock import LOCAL_ZONE, Week, local_date, now
from core.errors import Conflict
from core.models import AuditEntry
from core.secrecy import KeyRing
from core.signals import ACCESS, GRIDS, announce
from geo.models import Division, Grid, GridVersion
from patrol.models import GridWeek, Patrol, PatrolVerdict, Segment
from patrol.visits.models import Visit
from patrol.weeks.roll_up import roll_up
from registry.models import Address, Building, Checkpoint
from registry.people.models import Household, HouseholdTag, Resident
from seeds.base import ACTOR, load_base
from seeds.demo.buildings import House, build_houses, store_places
from seeds.demo.crew import MEMBER_GRID, hire
from seeds.demo.decisions import store_decisions, store_unrecorded
from seeds.demo.devices import store_devices
from seeds.demo.evidence import replace_plate, store_evidence
from seeds.demo.households import store_households
from seeds.demo.judging import Judge
from seeds.demo.places import STREET_CODE
from seeds.demo.recordings import Recorder, Recording
from seeds.demo.rules import store_rules
from seeds.demo.schedule import WEEKS, plan_outings
from seeds.demo.storing import StoredGrid, store_crew, store_grids, store_recordings
from seeds.demo.street import DemoGrid, build_street
from seeds.demo.themes import store_themes
from seeds.demo.visits import store_visits
from seeds.demo.workers import Crew

SEED = 2763
USERNAMES = ("member", "head2", "head1", "operator", "leader", "unit", "admin", "auditor")
# For the demo only, and printed by it: never use it where real people or places are.
PASSWORD = "xunge-demo"

Progress = Callable[[str, int, int], None]
T = TypeVar("T")

_TOLD_EVERY = 50
_FILLED = (
    Building,
    Address,
    Checkpoint,
    Household,
    HouseholdTag,
    Resident,
    Visit,
    Grid,
    GridVersion,
    Person,
    Assignment,
    Absence,
    Patrol,
    Segment,
    PatrolVerdict,
    GridWeek,
)


class DemoRefused(Conflict):
    """The demo street cannot be loaded beside what is already there."""

    code = "demo-refused"


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """A login of the demo."""

    role: str
    username: str
    password: str


ACCOUNTS = [DemoAccount(username, username, PASSWORD) for username in USERNAMES]


def load_demo(engine: Engine, *, today: date, progress: Progress, keys: KeyRing) -> list[DemoAccount]:
    """The demo street is in the database, with a history up to `today`; a second call changes nothing.

    The same `today` gives the same rows. Where it is the current day, the hour matters too: nothing of the
    demo lies in the future.
    Raises: DemoRefused.
    """
    with Session(engine) as session:
        if _is_loaded(session):
            return list(ACCOUNTS)
    # Hashing takes its time on purpose, so it is done before the transaction opens.
    password_hash = hash_password(PASSWORD, username=USERNAMES[0])
    with Session(engine) as session, session.begin():
        session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('demo', 0))"))
        if not _is_loaded(session):
            load_base(session)
            _refuse_neighbours(session)
            _Loader(session, today, progress, keys).load(password_hash)
    return list(ACCOUNTS)


def _is_loaded(session: Session) -> bool:
    """Whether the audit line of the first loading is there."""
    line = select(AuditEntry).where(AuditEntry.chain == STREET_CODE, AuditEntry.action == "demo.loaded")
    return bool(session.scalar(select(line.exists())))


def _refuse_neighbours(session: Session) -> None:
    """The invented street must not mix with a real one, nor take over anybody's login."""
    if session.scalar(select(Grid.grid_id).where(Grid.street_code == STREET_CODE).limit(1)) is not None:
        raise DemoRefused(
            f"街道 {STREET_CODE} 已有网格，演示数据不得混入"
            f" / street {STREET_CODE} has grids already, and invented ones must not mix with them"
        )
    taken = session.scalars(select(Account.username).where(Account.username.in_(USERNAMES))).first()
    if taken is not None:
        raise DemoRefused(f"用户名 {taken} 已被使用 / the user name {taken} is taken already")


def reference_moment(today: date) -> datetime:
    """Up to when the history reaches: the last full hour of the current day, the evening of another."""
    current = now()
    if local_date(current) == today:
        return current.replace(minute=0, second=0, microsecond=0)
    return datetime.combine(today, time(20, 30), LOCAL_ZONE)


class _Loader:
    """One loading; each part of the world has random numbers of its own."""

    def __init__(self, session: Session, today: date, progress: Progress, keys: KeyRing) -> None:
        self._session = session
        self._today = today
        self._progress = progress
        self._keys = keys
        # Older than every assignment, policy question and patrol of the demo.
        self._valid_from = date(today.year - 4, 1, 1)

    def load(self, password_hash: PasswordHash) -> None:
        grids = self._draw()
        crew = hire(grids, self._today, np.random.default_rng([SEED, 2]))
        recordings = self._record(grids, crew)
        stored = store_grids(self._session, grids, self._valid_from)
        store_crew(self._session, crew, stored, password_hash)
        store_devices(self._session, [one.outing for one in recordings])
        store_recordings(self._session, recordings, stored)
        houses = self._build(grids, stored)
        self._settle(houses, crew)
        self._judge(recordings, stored, crew)
        for weeks_ago in self._counted("weeks 周统计", range(WEEKS)):
            roll_up(self._session, STREET_CODE, str(Week.of_day(self._today).shifted(-weeks_ago)))
        self._tell(grids, crew)

    def _draw(self) -> list[DemoGrid]:
        self._progress("grids 网格", 0, 1)
        of_street = select(Division).where(Division.parent_code == STREET_CODE)
        names = {division.code: division.name for division in self._session.scalars(of_street)}
        grids = build_street(names, np.random.default_rng([SEED, 1]))
        self._progress("grids 网格", 1, 1)
        return grids

    def _build(self, grids: Sequence[DemoGrid], stored: Mapping[DemoGrid, StoredGrid]) -> list[House]:
        self._progress("places 楼栋", 0, 1)
        rng = np.random.default_rng([SEED, 5])
        houses = build_houses(grids, rng)
        at = datetime.combine(self._valid_from, time(9), LOCAL_ZONE)
        store_places(self._session, houses, stored, at, rng)
        self._progress("places 楼栋", 1, 1)
        return houses

    def _settle(self, houses: Sequence[House], crew: Crew) -> None:
        self._progress("households 住户", 0, 1)
        at = datetime.combine(self._valid_from, time(9), LOCAL_ZONE)
        homes = store_households(self._session, houses, at, self._today, self._keys)
        store_visits(self._session, homes, crew, self._today, reference_moment(self._today))
        self._progress("households 住户", 1, 1)

    def _record(self, grids: Sequence[DemoGrid], crew: Crew) -> list[Recording]:
        moment = reference_moment(self._today)
        outings = plan_outings(crew, self._today, moment, np.random.default_rng([SEED, 3]))
        recorder = Recorder(grids, [SEED, 4])
        return [recorder.record(outing) for outing in self._counted("patrols 巡查", outings)]

    def _judge(
        self, recordings: Sequence[Recording], stored: Mapping[DemoGrid, StoredGrid], crew: Crew
    ) -> None:
        """Evidence, verdicts and decisions."""
        store_rules(self._session, self._valid_from)
        moment = reference_moment(self._today)
        judge = Judge(self._session, stored, moment)
        own = next(grid for grid in stored if grid.name == MEMBER_GRID)
        first_day = Week.of_day(self._today).shifted(-WEEKS).starts_at
        replaced_id = replace_plate(self._session, judge.plates_of(own), first_day)
        store_evidence(self._session, recordings, judge.plates_of, replaced_id)
        asked = store_unrecorded(self._session, crew, stored, self._today)
        step, total = "verdicts 判定", len(recordings)
        self._progress(step, 0, total)
        for left in judge.judge():
            if left % _TOLD_EVERY == 0:
                self._progress(step, total - left, total)
        self._progress(step, total, total)
        store_decisions(self._session, crew, stored, asked, moment)
        store_themes(self._session, recordings, crew)

    def _counted(self, step: str, things: Sequence[T]) -> Iterator[T]:
        """The things one by one, the progress being told now and then."""
        for done, thing in enumerate(things):
            if done % _TOLD_EVERY == 0:
                self._progress(step, done, len(things))
            yield thing
        self._progress(step, len(things), len(things))

    def _tell(self, grids: Sequence[DemoGrid], crew: Crew) -> None:
        """Planner, running servers and the trail know what was loaded."""
        self._session.execute(text(f"ANALYZE {', '.join(table.__tablename__ for table in _FILLED)}"))
        announce(self._session, ACCESS)
        announce(self._session, GRIDS, STREET_CODE)
        patrols = self._session.scalar(select(func.count()).select_from(Patrol))
        counts = {"grids": len(grids), "people": len(crew.workers), "patrols": patrols}
        audit.record(
            self._session,
            chain=STREET_CODE,
            actor=ACTOR,
            action="demo.loaded",
            subject=f"street:{STREET_CODE}",
            detail={"today": self._today.isoformat(), "seed": SEED, "synthetic": True, **counts},
        )
