"""The team of a grid: who stands in it, as what, and since when (clauses 9.1.1.1 and 10.2).

One assignment gives rights and a place in the team. Whoever manages teams does it within the own part of the
tree, and only with roles that are bound to one grid.
"""

import uuid
from dataclasses import dataclass
from datetime import date

from sqlalchemy import and_, select
from sqlalchemy.orm import Session, aliased

from access import accounts
from access.accounts import lock_people, record_change, refuse_overlap, require_visible, wrong_field
from access.models import Absence, Assignment, Person
from access.people import EmployerContradicted
from access.positions import Affiliation, Position, employer_of
from access.queries import away_on, held_on
from access.roles import GRID_ROLES, Action, Role
from access.scope import Actor, require, scope_of
from core.errors import Conflict, NotFound
from geo.models import Grid, GridVersion
from geo.queries import standing_on, version_on


class AssignmentConflict(Conflict):
    """An assignment with this id says something else."""

    code = "assignment-conflict"


@dataclass(frozen=True, slots=True)
class Membership:
    """A place in a grid's team, as it is asked for."""

    person_id: uuid.UUID
    grid_code: str
    role: Role
    position: Position | None
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class Cover:
    """Who stands in for somebody who is away, and until before which day."""

    substitute_id: uuid.UUID
    substitute_name: str
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class TeamMember:
    """One place in a team on one day."""

    assignment_id: uuid.UUID
    person_id: uuid.UUID
    name: str
    affiliation: Affiliation | None
    role: Role
    position: Position | None
    valid_from: date
    valid_to: date | None
    cover: Cover | None


@dataclass(frozen=True, slots=True)
class Team:
    """Everybody in a grid's team on one day; `lead` is the one who answers for the grid (clause 3.2)."""

    grid_code: str
    grid_name: str
    level: int
    members: tuple[TeamMember, ...]
    lead: TeamMember | None


def team_of(session: Session, actor: Actor, grid_code: str, on: date) -> Team:
    """The team of a grid that stands on that day. Raises: NotFound, Forbidden."""
    named = select(Grid.grid_id, Grid.path, Grid.level, GridVersion.name).join(
        GridVersion, GridVersion.grid_id == Grid.grid_id
    )
    grid = session.execute(named.where(Grid.code == grid_code, standing_on(on), version_on(on))).one_or_none()
    if grid is None:
        raise NotFound
    require(actor, Action.READ_PEOPLE, grid.path)
    members = _members(session, grid.grid_id, on)
    return Team(grid_code, grid.name, grid.level, members, lead_of(members))


def lead_of(members: tuple[TeamMember, ...]) -> TeamMember | None:
    """The head who has been so for longest, else the member: one person per grid, the others help."""
    for role in (Role.HEAD, Role.MEMBER):
        found = [one for one in members if one.role is role]
        if found:
            return min(found, key=lambda one: (one.valid_from, one.name, one.person_id))
    return None


def put_membership(session: Session, actor: Actor, assignment_id: uuid.UUID, wanted: Membership) -> bool:
    """The person stands in the grid's team for these days; False when that was known under this id before.

    A position that only staff of a street or a community can have says who employs the person, where that was
    not known.
    Raises: NotFound, Forbidden, Invalid, AssignmentConflict, AssignmentOverlaps, EmployerContradicted.
    """
    grid = _grid_to_staff(session, actor, wanted)
    lock_people(session, wanted.person_id)
    require_visible(session, actor, wanted.person_id)
    stored = session.get(Assignment, assignment_id)
    if stored is not None:
        if not _says_the_same(stored, wanted, grid.grid_id):
            raise AssignmentConflict
        return False
    first, end = wanted.valid_from, wanted.valid_to
    refuse_overlap(session, wanted.person_id, wanted.role, grid.path, first=first, end=end)
    _note_employer(session, wanted, grid.street_code)
    session.add(
        Assignment(
            assignment_id=assignment_id,
            person_id=wanted.person_id,
            role=wanted.role.value,
            path=grid.path,
            grid_id=grid.grid_id,
            position=wanted.position and wanted.position.value,
            valid_from=wanted.valid_from,
            valid_to=wanted.valid_to,
        )
    )
    detail = {
        "assignment": str(assignment_id),
        "role": wanted.role.value,
        "position": wanted.position and wanted.position.value,
        "path": grid.path,
        "from": wanted.valid_from.isoformat(),
        "to": wanted.valid_to and wanted.valid_to.isoformat(),
    }
    record_change(session, actor, wanted.person_id, "assignment.created", detail, path=grid.path)
    return True


def end_membership(session: Session, actor: Actor, assignment_id: uuid.UUID, on: date) -> None:
    """The place in the team ends before that day; said again, it stays so.

    Raises: NotFound, Forbidden, Invalid, AssignmentEnded.
    """
    stored = session.get(Assignment, assignment_id)
    if stored is None or stored.grid_id is None:
        raise NotFound  # what is held on a part of the tree is an administrator's to end
    require(actor, Action.MANAGE_TEAMS, stored.path)
    if stored.valid_to != on:
        accounts.end_assignment(session, actor, assignment_id, on=on, action=Action.MANAGE_TEAMS)


def _members(session: Session, grid_id: int, on: date) -> tuple[TeamMember, ...]:
    substitute = aliased(Person)
    rows = session.execute(
        select(Assignment, Person, Absence, substitute.name)
        .join(Person, Person.person_id == Assignment.person_id)
        .outerjoin(Absence, and_(Absence.person_id == Person.person_id, away_on(on)))
        .outerjoin(substitute, substitute.person_id == Absence.substitute_id)
        .where(Assignment.grid_id == grid_id, held_on(on))
        .order_by(Assignment.role, Person.name, Person.person_id)
    )
    return tuple(_member(held, person, absence, name) for held, person, absence, name in rows)


def _member(held: Assignment, person: Person, absence: Absence | None, substitute: str) -> TeamMember:
    ends = [] if absence is None else [day for day in (absence.valid_to, absence.cancelled_on) if day]
    return TeamMember(
        assignment_id=held.assignment_id,
        person_id=person.person_id,
        name=person.name,
        affiliation=Affiliation(person.affiliation) if person.affiliation else None,
        role=Role(held.role),
        position=Position(held.position) if held.position else None,
        valid_from=held.valid_from,
        valid_to=held.valid_to,
        cover=Cover(absence.substitute_id, substitute, min(ends, default=None)) if absence else None,
    )


def _grid_to_staff(session: Session, actor: Actor, wanted: Membership) -> Grid:
    """The grid, standing on every day asked for. One that the actor does not see does not exist."""
    if wanted.role not in GRID_ROLES:
        raise wrong_field("/role", "not-a-team-role", "须为网格内的角色 / must be a role in a grid")
    if wanted.valid_to is not None and wanted.valid_to <= wanted.valid_from:
        raise wrong_field("/valid_to", "not-after-start", "结束日期须晚于开始日期 / must be after valid_from")
    visible = scope_of(actor, Action.READ_GRIDS).clause(Grid.path)
    # Shared, so that nobody retires the grid meanwhile: its people are told to leave only once.
    one = select(Grid).where(Grid.code == wanted.grid_code, visible).with_for_update(read=True)
    grid = session.scalar(one.execution_options(populate_existing=True))
    if grid is None:
        raise wrong_field("/grid_code", "no-such-grid", "没有这个网格 / there is no such grid")
    require(actor, Action.MANAGE_TEAMS, grid.path)
    if grid.retired_on is not None and (wanted.valid_to is None or wanted.valid_to > grid.retired_on):
        detail = f"网格自 {grid.retired_on} 起撤销 / the grid is retired from {grid.retired_on}"
        raise wrong_field("/valid_to", "after-retirement", detail)
    return grid


def _says_the_same(stored: Assignment, wanted: Membership, grid_id: int) -> bool:
    """Whether the stored assignment is what was asked for; it may have been ended earlier since."""
    said = (stored.person_id, stored.grid_id, stored.role, stored.position, stored.valid_from)
    asked = (wanted.person_id, grid_id, wanted.role, wanted.position, wanted.valid_from)
    ended = stored.valid_to is not None and (wanted.valid_to is None or stored.valid_to < wanted.valid_to)
    return said == asked and (ended or stored.valid_to == wanted.valid_to)


def _note_employer(session: Session, wanted: Membership, street_code: str) -> None:
    employer = employer_of(wanted.position)
    if employer is None:
        return
    person = session.get_one(Person, wanted.person_id)
    if person.affiliation is None:
        person.affiliation = employer.value
        person.street_code = person.street_code or street_code
    elif person.affiliation != employer.value:
        raise EmployerContradicted(employer=person.affiliation, position=wanted.position)
