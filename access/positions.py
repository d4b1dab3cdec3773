"""What people are in a grid's team and who employs them: the words of clauses 10.1 to 10.2.4."""

from collections.abc import Mapping
from enum import StrEnum, unique
from types import MappingProxyType

from access.roles import Label


@unique
class Affiliation(StrEnum):
    """Who employs a person; stored by value in `people.affiliation`."""

    STREET = "street"
    COMMUNITY = "community"
    DEPARTMENT = "department"  # staff of vertical departments may join a team (10.2.4)
    OTHER = "other"  # property companies, residents, units


@unique
class Position(StrEnum):
    """What a person is in a grid's team; stored by value in `assignments.position`."""

    STREET_LEADER = "street_leader"
    SECTION_HEAD = "section_head"
    STREET_STAFF = "street_staff"
    COMMUNITY_SECRETARY = "community_secretary"
    COMMUNITY_COMMITTEE = "community_committee"
    COMMUNITY_STAFF = "community_staff"
    BUILDING_HEAD = "building_head"
    VILLAGE_GROUP_HEAD = "village_group_head"
    UNIT_HEAD = "unit_head"
    PROPERTY_STAFF = "property_staff"
    OTHER = "other"


AFFILIATIONS: Mapping[Affiliation, Label] = MappingProxyType(
    {
        Affiliation.STREET: Label("街道", "street"),
        Affiliation.COMMUNITY: Label("社区", "community"),
        Affiliation.DEPARTMENT: Label("条线部门", "vertical department"),
        Affiliation.OTHER: Label("其他", "other"),
    }
)

POSITIONS: Mapping[Position, Label] = MappingProxyType(
    {
        Position.STREET_LEADER: Label("街道领导", "street leader"),
        Position.SECTION_HEAD: Label("科室负责人", "section head"),
        Position.STREET_STAFF: Label("街道人员", "street staff"),
        Position.COMMUNITY_SECRETARY: Label("社区书记", "community secretary"),
        Position.COMMUNITY_COMMITTEE: Label("社区党组织或居委会成员", "community committee member"),
        Position.COMMUNITY_STAFF: Label("社区人员", "community staff"),
        Position.BUILDING_HEAD: Label("楼栋长", "building head"),
        Position.VILLAGE_GROUP_HEAD: Label("村民小组长", "head of a villagers' group"),
        Position.UNIT_HEAD: Label("驻区单位负责人", "head of a unit in the area"),
        Position.PROPERTY_STAFF: Label("物业或后勤人员", "property or logistics staff"),
        Position.OTHER: Label("其他人员", "other"),
    }
)

STREET_POSITIONS = frozenset({Position.STREET_LEADER, Position.SECTION_HEAD, Position.STREET_STAFF})
COMMUNITY_POSITIONS = frozenset(
    {Position.COMMUNITY_SECRETARY, Position.COMMUNITY_COMMITTEE, Position.COMMUNITY_STAFF}
)


def employer_of(position: Position | None) -> Affiliation | None:
    """Who must employ somebody in this position; None where it leaves that open."""
    if position in STREET_POSITIONS:
        return Affiliation.STREET
    return Affiliation.COMMUNITY if position in COMMUNITY_POSITIONS else None
