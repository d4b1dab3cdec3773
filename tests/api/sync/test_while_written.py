"""Phones that sync while others write: whatever the schedule, in the end the phone has what it should."""

import random
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from access.models import Assignment
from access.roles import Role
from access.scope import Actor
from core.clock import today
from core.database import Sessions
from registry.models import Checkpoint
from registry.people.models import Household
from tests import make, make_people
from tests.api.sync.conftest import Server
from tests.api.sync.phone import Phone

pytestmark = pytest.mark.own_database
WRITERS, STEPS, SYNCS = 4, 14, 8


class Writer:
    """One of several hands in the register: makes, changes, retires, moves the member about."""

    def __init__(self, sessions: Sessions, tree: make.StreetTree, member: Actor, seed: int) -> None:
        self._sessions, self._tree, self._member = sessions, tree, member
        self._chance, self._seed, self._made = random.Random(seed), seed, 0

    def run(self) -> None:
        steps: list[Callable[[Session], None]] = [
            self._new_household,
            self._new_checkpoint,
            self._change,
            self._retire,
            self._assign,
            self._end,
        ]
        for _ in range(STEPS):
            # Of two hands that wait for each other one has to give up; so it is with requests.
            with self._sessions() as session, suppress(OperationalError):
                for step in self._chance.choices(steps, k=self._chance.randint(1, 3)):
                    step(session)
                if self._chance.random() < 0.2:
                    session.rollback()
                session.commit()

    def _new_household(self, session: Session) -> None:
        self._made += 1
        lon = self._chance.choice((118.902, 118.907, 118.915))
        make_people.household(session, code=f"H{self._seed}-{self._made}-{self._chance.random()}", lon=lon)

    def _new_checkpoint(self, session: Session) -> None:
        self._made += 1
        make.checkpoint(session, name=f"C{self._seed}-{self._made}-{self._chance.random()}")

    def _change(self, session: Session) -> None:
        """As the product does it: whoever comes second sees what the first one wrote."""
        latest = select(Household).order_by(Household.changed_at.desc()).limit(1).with_for_update()
        household = session.scalars(latest.execution_options(populate_existing=True)).first()
        if household is not None:
            household.room, household.revision = str(self._chance.randint(1, 999)), household.revision + 1

    def _retire(self, session: Session) -> None:
        checkpoint = session.scalars(
            select(Checkpoint)
            .where(Checkpoint.retired_on.is_(None))
            .with_for_update(skip_locked=True)
            .limit(1)
        ).first()
        if checkpoint is not None:
            checkpoint.retired_on = today()

    def _assign(self, session: Session) -> None:
        """Through days that nobody else uses, so that no two hands make the same row."""
        since = today() - timedelta(days=100 * (self._seed % 7) + self._chance.randint(1, 99))
        grid = self._chance.choice((self._tree.a11, self._tree.a12, self._tree.a21))
        made = select(Assignment.assignment_id).where(
            Assignment.person_id == self._member.person_id, Assignment.path == grid.path
        )
        if session.scalars(made.limit(1)).first() is None:
            make.assignment(
                session, person_id=self._member.person_id, role=Role.MEMBER, grid=grid, valid_from=since
            )

    def _end(self, session: Session) -> None:
        ended = update(Assignment).where(
            Assignment.person_id == self._member.person_id, Assignment.grid_id == self._tree.a12.grid_id
        )
        session.execute(ended.values(valid_to=self._chance.choice((today(), None))))


@pytest.mark.parametrize("seed", range(3))
def test_after_all_writes_the_phone_has_what_a_new_one_gets(
    start: Callable[[str], Server], own_database_url: str, seed: int
) -> None:
    server = start(own_database_url)
    with server.sessions.begin() as session:
        tree = make.street_tree(session)
        member = make.actor(session, role=Role.MEMBER, grid=tree.a11)
        make_people.household(session)
    phone = Phone(server.client(member))
    writers = [Writer(server.sessions, tree, member, seed * 10 + number) for number in range(WRITERS)]
    threads = [threading.Thread(target=writer.run) for writer in writers]
    chance = random.Random(seed)
    for thread in threads:
        thread.start()
    for _ in range(SYNCS):
        phone.pull(is_kept=chance.random() > 0.25)  # some replies get lost
    for thread in threads:
        thread.join()

    phone.pull_all()
    fresh = Phone(phone.http, device_id=make.fixed_uuid("fresh"))
    fresh.pull_all()

    mine = {feed: items for feed, items in phone.store.items() if items}
    assert mine == fresh.store
    assert phone.pull()["changed"] == {}
    assert len(fresh.store["households"]) > 1


def test_one_phone_asks_many_times_at_once(start: Callable[[str], Server], own_database_url: str) -> None:
    server = start(own_database_url)
    with server.sessions.begin() as session:
        tree = make.street_tree(session)
        member = make.actor(session, role=Role.MEMBER, grid=tree.a11)
        make_people.household(session)
    client = server.client(member)
    phones = [Phone(client) for _ in range(6)]
    threads = [threading.Thread(target=phone.pull) for phone in phones]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({phone.cursor for phone in phones}) == 1, "the same state is one row"
