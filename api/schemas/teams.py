"""Teams, people and staffing on the wire."""

import uuid
from datetime import date
from typing import Literal

from pydantic import BaseModel, Field

from access.people import FoundPerson
from access.positions import AFFILIATIONS, POSITIONS, Affiliation, Position
from access.roles import Label, Role
from access.staffing import REQUIRED_SHARE, Finding, GridStaffing, LevelTotals, Staffing, StaffShare
from access.teams import Cover, Team, TeamMember
from api.schemas.patrols import PersonOut
from core.storable import Body


class LabelOut(BaseModel):
    """A word with its names for people."""

    code: str
    zh: str
    en: str

    @classmethod
    def of(cls, code: str, label: Label) -> "LabelOut":
        return cls(code=code, zh=label.zh, en=label.en)


def _position(position: Position | None) -> LabelOut | None:
    return LabelOut.of(position.value, POSITIONS[position]) if position else None


def _affiliation(affiliation: Affiliation | None) -> LabelOut | None:
    return LabelOut.of(affiliation.value, AFFILIATIONS[affiliation]) if affiliation else None


# ------------------------------------------------------------------------------------------------------ teams


class MembershipIn(Body):
    """A place in a grid's team; `valid_to` is the first day on which it no longer holds."""

    person_id: uuid.UUID
    grid_code: str = Field(min_length=1, max_length=40)
    role: Literal["member", "head", "team"]
    position: Position | None = None
    valid_from: date
    valid_to: date | None = None


class EndIn(Body):
    """The first day on which the place in the team no longer holds."""

    on: date


class MembershipOut(BaseModel):
    """It is stored; `repeated` when it was before this request."""

    assignment_id: uuid.UUID
    repeated: bool


class CoverOut(BaseModel):
    """Who stands in while the person is away, and until before which day; null is open."""

    substitute: PersonOut
    valid_to: date | None

    @classmethod
    def of(cls, cover: Cover | None) -> "CoverOut | None":
        if cover is None:
            return None
        person = PersonOut(id=cover.substitute_id, name=cover.substitute_name)
        return cls(substitute=person, valid_to=cover.valid_to)


class TeamMemberOut(BaseModel):
    """One place in a team; `away` tells of a substitute."""

    assignment_id: uuid.UUID
    person: PersonOut
    affiliation: LabelOut | None
    role: Role
    position: LabelOut | None
    valid_from: date
    valid_to: date | None
    away: CoverOut | None

    @classmethod
    def of(cls, member: TeamMember) -> "TeamMemberOut":
        return cls(
            assignment_id=member.assignment_id,
            person=PersonOut(id=member.person_id, name=member.name),
            affiliation=_affiliation(member.affiliation),
            role=member.role,
            position=_position(member.position),
            valid_from=member.valid_from,
            valid_to=member.valid_to,
            away=CoverOut.of(member.cover),
        )


class TeamOut(BaseModel):
    """A grid's team on one day; `lead` is the one assignment that answers for the grid."""

    grid_code: str
    grid_name: str
    level: int
    on: date
    lead: uuid.UUID | None
    members: list[TeamMemberOut]

    @classmethod
    def of(cls, team: Team, on: date) -> "TeamOut":
        return cls(
            grid_code=team.grid_code,
            grid_name=team.grid_name,
            level=team.level,
            on=on,
            lead=team.lead.assignment_id if team.lead else None,
            members=[TeamMemberOut.of(member) for member in team.members],
        )


# ----------------------------------------------------------------------------------------------------- people


class PersonIn(Body):
    """Somebody of a street; `left_on` is the first day on which the person no longer works there."""

    name: str = Field(min_length=1, max_length=64)
    affiliation: Affiliation
    street_code: str = Field(pattern=r"^\d{9}$")
    left_on: date | None = None


class StoredPersonOut(BaseModel):
    """It is stored; `created` when this request made the person known."""

    person_id: uuid.UUID
    created: bool


class FoundPersonOut(BaseModel):
    """Somebody to put into a team; the grids of today tell people of one name apart."""

    id: uuid.UUID
    name: str
    affiliation: LabelOut | None
    has_account: bool
    grid_codes: list[str]

    @classmethod
    def of(cls, person: FoundPerson) -> "FoundPersonOut":
        return cls(
            id=person.person_id,
            name=person.name,
            affiliation=_affiliation(person.affiliation),
            has_account=person.has_account,
            grid_codes=list(person.grid_codes),
        )


class PeoplePage(BaseModel):
    """By name."""

    items: list[FoundPersonOut]
    next: str | None


# --------------------------------------------------------------------------------------------------- staffing


class RequirementOut(BaseModel):
    """One person whom the clause asks for, and who answers it; null where nobody does."""

    requirement: LabelOut
    person: PersonOut | None
    position: LabelOut | None

    @classmethod
    def of(cls, finding: Finding) -> "RequirementOut":
        required, found = finding.requirement, finding.answered_by
        return cls(
            requirement=LabelOut.of(required.key, required.label),
            person=PersonOut(id=found.person_id, name=found.name) if found else None,
            position=_position(found.position) if found else None,
        )


class GridStaffingOut(BaseModel):
    """A grid beside clause 10.2.1, 10.2.2 or 10.2.3."""

    grid_code: str
    grid_name: str
    level: int
    clause: str
    passed: bool
    required: list[RequirementOut]
    missing: list[LabelOut]
    zh: str
    en: str

    @classmethod
    def of(cls, grid: GridStaffing) -> "GridStaffingOut":
        return cls(
            grid_code=grid.code,
            grid_name=grid.name,
            level=grid.level,
            clause=grid.clause,
            passed=grid.passed,
            required=[RequirementOut.of(finding) for finding in grid.findings],
            missing=[LabelOut.of(one.key, one.label) for one in grid.missing],
            zh=grid.sentence.zh,
            en=grid.sentence.en,
        )


class LevelTotalsOut(BaseModel):
    """Grids of a level, and how many have everybody."""

    level: int
    clause: str
    grids: int
    passed: int

    @classmethod
    def of(cls, totals: LevelTotals) -> "LevelTotalsOut":
        return cls(level=totals.level, clause=totals.clause, grids=totals.grids, passed=totals.passed)


class StaffShareOut(BaseModel):
    """One reading of the 85 % rule: 10.1 counts street and community staff, A-3 street staff alone.

    `staff` are all people known with that employer, with a grid or without; share and passed are null when
    there are none.
    """

    clause: str
    in_grids: int
    staff: int
    share: float | None
    required: float
    passed: bool | None

    @classmethod
    def of(cls, share: StaffShare) -> "StaffShareOut":
        return cls(
            clause=share.clause,
            in_grids=share.in_grids,
            staff=share.staff,
            share=share.share,
            required=REQUIRED_SHARE,
            passed=share.passed,
        )


class StaffingOut(BaseModel):
    """Totals over the whole street, and a page of its grids.

    `unknown` are people in its grids whose employer nobody has stated.
    """

    street_code: str
    on: date
    totals: list[LevelTotalsOut]
    shares: list[StaffShareOut]
    unknown: int
    items: list[GridStaffingOut]
    next: str | None

    @classmethod
    def of(
        cls, staffing: Staffing, grids: list[GridStaffing], *, street_code: str, on: date, limit: int
    ) -> "StaffingOut":
        """`grids` are those of the page and, where there is a next one, more."""
        return cls(
            street_code=street_code,
            on=on,
            totals=[LevelTotalsOut.of(one) for one in staffing.levels],
            shares=[StaffShareOut.of(one) for one in staffing.shares],
            unknown=staffing.unknown,
            items=[GridStaffingOut.of(one) for one in grids[:limit]],
            next=grids[limit - 1].code if len(grids) > limit else None,
        )
