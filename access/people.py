"""Whom a street knows: names and employers of people who stand in teams, with or without an account."""

import uuid
from dataclasses import dataclass
from datetime import date

from sqlalchemy import and_, func, or_, select, tuple_
from sqlalchemy.orm import Session

from access.accounts import lock_people, record_change, require_visible, wrong_field
from access.models import Account, Assignment, Person
from access.positions import Affiliation, Position, employer_of
from access.queries import held_on, people_within
from access.roles import Action
from access.scope import Actor, require, scope_of
from core.clock import today
from core.errors import Conflict, Forbidden
from geo.models import Division, Grid

STREET_DIGITS = 9
_MAX_NAME = 64


class EmployerContradicted(Conflict):
    """This position does not fit who employs the person."""

    code = "employer-contradicted"


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """What is known of somebody in a team beside the assignments."""

    name: str
    affiliation: Affiliation
    street_code: str
    left_on: date | None


@dataclass(frozen=True, slots=True)
class FoundPerson:
    """Somebody to put into a team; the grids of today tell people of one name apart."""

    person_id: uuid.UUID
    name: str
    affiliation: Affiliation | None
    has_account: bool
    grid_codes: tuple[str, ...]


def put_person(session: Session, actor: Actor, person_id: uuid.UUID, facts: PersonFacts) -> bool:
    """The person is known with these facts; True when new. An account is no part of it.

    Raises: NotFound, Forbidden, Invalid, EmployerContradicted.
    """
    _refuse_facts(session, actor, facts)
    if session.scalar(select(Person.person_id).where(Person.person_id == person_id)) is not None:
        _change_person(session, actor, person_id, facts)
        return False
    session.add(_apply(Person(person_id=person_id), facts))
    session.flush()  # assignments and the trail refer to the person
    detail = {"affiliation": facts.affiliation.value, "street": facts.street_code}
    record_change(session, actor, person_id, "person.created", detail, path=f"{facts.street_code}/")
    return True


def find_people(
    session: Session, actor: Actor, text: str, *, after: tuple[str, uuid.UUID] | None, limit: int
) -> list[FoundPerson]:
    """People whose name holds the text, by name, within what the actor staffs; also those new to any grid."""
    scope, day = scope_of(actor, Action.MANAGE_TEAMS), today()
    if scope.is_empty:
        raise Forbidden(action=Action.MANAGE_TEAMS.value)
    holds = select(Assignment.assignment_id).where(Assignment.person_id == Person.person_id)
    at_home = scope.clause(func.concat(Person.street_code, "/"))
    mine = or_(
        Person.person_id.in_(people_within(scope, day)),
        and_(Person.street_code.is_not(None), at_home),
        and_(Person.street_code.is_(None), ~holds.exists()),
    )
    codes = (
        select(func.array_agg(Grid.code.distinct()))
        .join(Assignment, Assignment.grid_id == Grid.grid_id)
        .where(Assignment.person_id == Person.person_id, held_on(day), scope.clause(Grid.path))
        .scalar_subquery()
    )
    statement = (
        select(Person.person_id, Person.name, Person.affiliation, Account.person_id, codes)
        .outerjoin(Account, and_(Account.person_id == Person.person_id, Account.disabled_at.is_(None)))
        .where(mine, or_(Person.left_on.is_(None), Person.left_on > day))
        .order_by(Person.name, Person.person_id)
        .limit(limit)
    )
    if text:
        statement = statement.where(func.strpos(Person.name, text) > 0)
    if after is not None:
        statement = statement.where(tuple_(Person.name, Person.person_id) > after)
    return [
        FoundPerson(
            person_id, name, affiliation and Affiliation(affiliation), account is not None, tuple(grids or ())
        )
        for person_id, name, affiliation, account, grids in session.execute(statement)
    ]


def _refuse_facts(session: Session, actor: Actor, facts: PersonFacts) -> None:
    if not facts.name.strip() or len(facts.name) > _MAX_NAME or "\x00" in facts.name:
        raise wrong_field("/name", "length", "姓名须为 1–64 个字符 / 1 to 64 characters")
    path = f"{facts.street_code}/"
    is_street = (
        len(facts.street_code) == STREET_DIGITS and session.get(Division, facts.street_code) is not None
    )
    if not is_street or not scope_of(actor, Action.READ_GRIDS).covers(path):
        raise wrong_field("/street_code", "no-such-street", "没有这个街道 / there is no such street")
    require(actor, Action.MANAGE_TEAMS, path)


def _change_person(session: Session, actor: Actor, person_id: uuid.UUID, facts: PersonFacts) -> None:
    """Only whoever staffs all that the person holds may change what is known of the person."""
    lock_people(session, person_id)
    paths = require_visible(session, actor, person_id)
    person = session.get_one(Person, person_id, populate_existing=True)
    if person.street_code is not None:
        paths = [*paths, f"{person.street_code}/"]
    if not all(scope_of(actor, Action.MANAGE_TEAMS).covers(path) for path in paths):
        raise Forbidden(action=Action.MANAGE_TEAMS.value)
    _refuse_other_employer(session, person_id, facts.affiliation)
    before = (person.affiliation, person.street_code, person.left_on, person.name)
    _apply(person, facts)
    if before == (person.affiliation, person.street_code, person.left_on, person.name):
        return
    detail = {
        "affiliation": facts.affiliation.value,
        "street": facts.street_code,
        "left_on": facts.left_on and facts.left_on.isoformat(),
    }
    record_change(session, actor, person_id, "person.changed", detail, path=f"{facts.street_code}/")


def _refuse_other_employer(session: Session, person_id: uuid.UUID, employer: Affiliation) -> None:
    running = or_(Assignment.valid_to.is_(None), Assignment.valid_to > today())
    held = select(Assignment.position).where(Assignment.person_id == person_id, running)
    for position in filter(None, session.scalars(held)):
        if employer_of(Position(position)) not in (None, employer):
            raise EmployerContradicted(employer=employer, position=position)


def _apply(person: Person, facts: PersonFacts) -> Person:
    person.name = facts.name.strip()
    person.affiliation = facts.affiliation.value
    person.street_code = facts.street_code
    person.left_on = facts.left_on
    return person
