"""The same at once: one row, one change, and nobody kept twice."""

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import Session, sessionmaker

from access.roles import Role
from access.scope import Actor
from core.database import Sessions
from core.errors import DomainError
from registry.people.drafts import HouseholdDraft, ResidentDraft, TagDraft
from registry.people.keeping import put_household
from registry.people.models import Household, HouseholdTag, RegistryChange, Resident
from registry.people.problems import ResidentKnown
from registry.people.residents import put_resident
from registry.people.tagging import set_tags
from tests import make, make_people

pytestmark = pytest.mark.own_database

HOUSEHOLD = make.fixed_uuid("raced household")
PEOPLE = 6


@pytest.fixture
def own_sessions(own_database_url: str) -> Iterator[Sessions]:
    engine = create_engine(own_database_url, pool_size=PEOPLE)
    yield sessionmaker(engine, expire_on_commit=False)
    engine.dispose()


@pytest.fixture
def actor(own_sessions: Sessions) -> Actor:
    with own_sessions.begin() as session:
        tree = make.street_tree(session)
        return make.actor(session, role=Role.MEMBER, grid=tree.a11)


def all_at_once(own_sessions: Sessions, do: Callable[[Session, int], Any]) -> list[Any]:
    """What each of them got, answer or error."""
    ready = Barrier(PEOPLE)

    def one(number: int) -> Any:
        with own_sessions() as session:
            ready.wait()
            try:
                answer = do(session, number)
                session.commit()
            except DomainError as error:
                return error
            return answer

    with ThreadPoolExecutor(PEOPLE) as pool:
        return list(pool.map(one, range(PEOPLE)))


def count(own_sessions: Sessions, table: type) -> int:
    with own_sessions() as session:
        return session.scalars(select(func.count()).select_from(table)).one()


def household(session: Session, actor: Actor) -> Any:
    draft = HouseholdDraft(position=(118.902, 32.105))
    return put_household(session, actor, HOUSEHOLD, draft, keys=make_people.KEYS, revision=None)


def test_one_household_sent_by_many(own_sessions: Sessions, actor: Actor) -> None:
    kept = all_at_once(own_sessions, lambda session, _: household(session, actor))
    assert sorted(one.is_new for one in kept) == [False] * (PEOPLE - 1) + [True]
    assert (count(own_sessions, Household), count(own_sessions, RegistryChange)) == (1, 1)


def test_one_person_under_many_ids(own_sessions: Sessions, actor: Actor) -> None:
    with own_sessions.begin() as session:
        household(session, actor)
    draft = ResidentDraft(household=HOUSEHOLD, name="某人", id_number=make_people.id_number())

    def put(session: Session, number: int) -> Any:
        key = uuid.UUID(int=number + 1)
        return put_resident(session, actor, key, draft, keys=make_people.KEYS, revision=None)

    kept = all_at_once(own_sessions, put)
    assert sum(isinstance(one, ResidentKnown) for one in kept) == PEOPLE - 1
    assert count(own_sessions, Resident) == 1


def test_of_many_changes_from_one_state_one_counts(own_sessions: Sessions, actor: Actor) -> None:
    with own_sessions.begin() as session:
        household(session, actor)
    tags = ("elder", "veteran", "disabled", "subsistence", "single_parent", "destitute")

    def put(session: Session, number: int) -> Any:
        return set_tags(session, actor, HOUSEHOLD, [TagDraft(tag=tags[number])], revision=1)

    kept = all_at_once(own_sessions, put)
    assert [type(one).__name__ for one in kept].count("Outdated") == PEOPLE - 1
    assert count(own_sessions, HouseholdTag) == 1
