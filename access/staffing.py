"""Whether grids have the people that clauses 10.1 to 10.2.3 of DB32/T 2763-2015 ask for.

A substitute does not change the composition of a team: it is about who belongs to it.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from sqlalchemy import Row, func, or_, select
from sqlalchemy.orm import Session

from access.models import Assignment, Person
from access.positions import POSITIONS, Affiliation, Position
from access.queries import held_on
from access.roles import Action, Label
from access.scope import Actor, require
from core.errors import NotFound
from geo.models import Division, Grid, GridVersion
from geo.queries import standing_on, version_on

REQUIRED_SHARE = 0.85


@dataclass(frozen=True, slots=True)
class Requirement:
    """At least one person in one of these positions; nobody answers two requirements of a grid at a time."""

    key: str
    label: Label
    positions: frozenset[Position]


@dataclass(frozen=True, slots=True)
class LevelRule:
    """What the team of a grid of one level must hold."""

    clause: str
    requirements: tuple[Requirement, ...]


def _one(position: Position, *others: Position) -> Requirement:
    return Requirement(position.value, POSITIONS[position], frozenset({position, *others}))


# Leaders and heads of section are street staff too, and a secretary belongs to the party organisation.
_STREET_STAFF = _one(Position.STREET_STAFF, Position.SECTION_HEAD, Position.STREET_LEADER)
_SPEAKER = Requirement(
    "building_head",
    Label("楼栋长、村民小组长或驻区单位负责人", "head of a building, a villagers' group or a unit"),
    frozenset({Position.BUILDING_HEAD, Position.VILLAGE_GROUP_HEAD, Position.UNIT_HEAD}),
)
RULES: Mapping[int, LevelRule] = MappingProxyType(
    {
        1: LevelRule(
            "10.2.1",
            (
                _one(Position.STREET_LEADER),
                _one(Position.SECTION_HEAD),
                _one(Position.COMMUNITY_SECRETARY),
            ),
        ),
        2: LevelRule(
            "10.2.2",
            (
                _one(Position.COMMUNITY_COMMITTEE, Position.COMMUNITY_SECRETARY),
                _STREET_STAFF,
                _one(Position.COMMUNITY_STAFF, Position.COMMUNITY_COMMITTEE, Position.COMMUNITY_SECRETARY),
            ),
        ),
        3: LevelRule("10.2.3", (_SPEAKER, _STREET_STAFF, _one(Position.PROPERTY_STAFF))),
    }
)


@dataclass(frozen=True, slots=True)
class TeamPosition:
    """A person of a team in one position; somebody may be there in several."""

    person_id: uuid.UUID
    name: str
    position: Position


@dataclass(frozen=True, slots=True)
class Finding:
    """One requirement and who answers it; nobody where it is missing."""

    requirement: Requirement
    answered_by: TeamPosition | None


@dataclass(frozen=True, slots=True)
class GridStaffing:
    """A grid beside its rule."""

    code: str
    name: str
    level: int
    clause: str
    findings: tuple[Finding, ...]

    @property
    def missing(self) -> tuple[Requirement, ...]:
        return tuple(one.requirement for one in self.findings if one.answered_by is None)

    @property
    def passed(self) -> bool:
        return not self.missing

    @property
    def sentence(self) -> Label:
        if self.passed:
            return Label(
                f"人员配备符合 {self.clause} 条要求。",
                f"The team has everybody clause {self.clause} asks for.",
            )
        zh = "、".join(one.label.zh for one in self.missing)
        en = ", ".join(one.label.en for one in self.missing)
        return Label(f"按 {self.clause} 条缺少：{zh}。", f"Missing under clause {self.clause}: {en}.")


@dataclass(frozen=True, slots=True)
class LevelTotals:
    """Grids of one level, and how many have everybody."""

    level: int
    clause: str
    grids: int
    passed: int


@dataclass(frozen=True, slots=True)
class StaffShare:
    """One reading of the 85 % rule: staff with a grid of all staff the system knows; no share of nobody."""

    clause: str
    in_grids: int
    staff: int

    @property
    def share(self) -> float | None:
        return self.in_grids / self.staff if self.staff else None

    @property
    def passed(self) -> bool | None:
        return None if self.share is None else self.share >= REQUIRED_SHARE


@dataclass(frozen=True, slots=True)
class Staffing:
    """A street's teams on one day. `unknown` are people in its grids whose employer nobody has stated."""

    grids: tuple[GridStaffing, ...]
    levels: tuple[LevelTotals, ...]
    shares: tuple[StaffShare, ...]
    unknown: int


def check_team(rule: LevelRule, people: Sequence[TeamPosition]) -> tuple[Finding, ...]:
    """Each requirement with somebody who answers it, so that as many as possible are answered.

    Nobody answers two, whatever positions they hold in the grid.
    """
    answers: dict[int, TeamPosition] = {}
    for number in range(len(rule.requirements)):
        _answer(rule, people, answers, number, set())
    return tuple(
        Finding(requirement, answers.get(number)) for number, requirement in enumerate(rule.requirements)
    )


def _answer(
    rule: LevelRule,
    people: Sequence[TeamPosition],
    answers: dict[int, TeamPosition],
    number: int,
    tried: set[uuid.UUID],
) -> bool:
    """Find somebody for one requirement, moving others where that helps (augmenting paths)."""
    for one in people:
        if one.position not in rule.requirements[number].positions or one.person_id in tried:
            continue
        tried.add(one.person_id)
        other = next((key for key, held in answers.items() if held.person_id == one.person_id), None)
        if other is None or _answer(rule, people, answers, other, tried):
            answers[number] = one
            return True
    return False


def staffing_of(session: Session, actor: Actor, street_code: str, on: date) -> Staffing:
    """Every grid of levels 1 to 3 of the street beside its rule, by code, and the share of staff in grids.

    Raises: NotFound, Forbidden.
    """
    path = f"{street_code}/"
    require(actor, Action.READ_PEOPLE, path)
    if session.scalar(select(Division.code).where(Division.code == street_code)) is None:
        raise NotFound
    people = _positions_by_grid(session, street_code, on)
    grids = tuple(
        GridStaffing(
            row.code,
            row.name,
            row.level,
            RULES[row.level].clause,
            check_team(RULES[row.level], people[row.grid_id]),
        )
        for row in _grids(session, street_code, on)
    )
    return Staffing(grids, _by_level(grids), *_shares(session, street_code, on))


def _grids(session: Session, street_code: str, on: date) -> Iterable[Row[int, str, str, int]]:
    return session.execute(
        select(Grid.grid_id, Grid.code, GridVersion.name, Grid.level)
        .join(GridVersion, GridVersion.grid_id == Grid.grid_id)
        .where(Grid.street_code == street_code, Grid.level.in_(RULES), standing_on(on), version_on(on))
        .order_by(Grid.code)
    )


def _positions_by_grid(
    session: Session, street_code: str, on: date
) -> Mapping[int | None, list[TeamPosition]]:
    found: dict[int | None, list[TeamPosition]] = defaultdict(list)
    rows = session.execute(
        select(Assignment.grid_id, Person.person_id, Person.name, Assignment.position)
        .join(Person, Person.person_id == Assignment.person_id)
        .join(Grid, Grid.grid_id == Assignment.grid_id)
        .where(Grid.street_code == street_code, Assignment.position.is_not(None), held_on(on))
        .order_by(Assignment.grid_id, Person.name, Person.person_id, Assignment.position)
    )
    for grid_id, person_id, name, position in rows:
        assert position is not None
        found[grid_id].append(TeamPosition(person_id, name, Position(position)))
    return found


def _by_level(grids: Collection[GridStaffing]) -> tuple[LevelTotals, ...]:
    totals = []
    for level, rule in RULES.items():
        own = [one for one in grids if one.level == level]
        totals.append(LevelTotals(level, rule.clause, len(own), sum(one.passed for one in own)))
    return tuple(totals)


def _shares(session: Session, street_code: str, on: date) -> tuple[tuple[StaffShare, ...], int]:
    """Both readings: clause 10.1 counts street and community staff, annex A item 3 street staff alone."""
    in_grid = (
        select(Assignment.assignment_id)
        .join(Grid, Grid.grid_id == Assignment.grid_id)
        .where(Assignment.person_id == Person.person_id, Grid.street_code == street_code, held_on(on))
        .exists()
    )
    employed = or_(Person.left_on.is_(None), Person.left_on > on)
    of_street = Person.street_code == street_code
    rows = session.execute(
        select(Person.affiliation, func.count().filter(in_grid), func.count())
        .where(of_street, employed)
        .group_by(Person.affiliation)
    )
    counted = {affiliation: (inside, everybody) for affiliation, inside, everybody in rows}
    unknown = session.scalars(
        select(func.count()).select_from(Person).where(Person.affiliation.is_(None), in_grid)
    ).one()
    street, community = (counted.get(one, (0, 0)) for one in (Affiliation.STREET, Affiliation.COMMUNITY))
    both = StaffShare("10.1", street[0] + community[0], street[1] + community[1])
    return (both, StaffShare("A-3", *street)), unknown
