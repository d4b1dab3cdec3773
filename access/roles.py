"""Who may do what: roles, actions and the one frozen table between them. Where is access/scope.py's part."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from types import MappingProxyType


@unique
class Role(StrEnum):
    """What a person is on a part of the tree; stored by value in `assignments.role`."""

    MEMBER = "member"
    HEAD = "head"
    TEAM = "team"
    OPERATOR = "operator"
    LEADER = "leader"
    UNIT = "unit"
    ADMIN = "admin"
    AUDITOR = "auditor"


@unique
class Action(StrEnum):
    """What can be done; the names go to the front end in /v1/me."""

    READ_GRIDS = "read_grids"  # also decides what is visible at all: 404 without it, 403 with it
    IMPORT_GRIDS = "import_grids"  # at once, without a plan: the first load of a street
    PLAN_DIVISION = "plan_division"
    APPROVE_DIVISION = "approve_division"
    READ_PLACES = "read_places"  # buildings, addresses, checkpoints
    MANAGE_PLACES = "manage_places"
    MANAGE_TEAMS = "manage_teams"  # who is in which grid's team, absences and substitutes
    RECORD_PATROL = "record_patrol"
    READ_PATROLS = "read_patrols"  # tracks of others; one's own need no action
    READ_TRACKS = (
        "read_tracks"  # where others walked, for a verdict and for a limited time; each look is audited
    )
    DECIDE_PATROLS = "decide_patrols"  # doubts and appeals of others, never one's own
    MANAGE_POLICIES = "manage_policies"  # what counts: thresholds, checklists, duties, calendar
    READ_COMPLIANCE = "read_compliance"
    READ_HOUSEHOLDS = "read_households"  # masked
    WRITE_HOUSEHOLDS = "write_households"
    REVEAL_PERSONAL = "reveal_personal"  # ID and phone numbers in full, with a reason, each time audited
    ERASE_PERSONAL = "erase_personal"
    RECORD_VISIT = "record_visit"
    READ_VISITS = "read_visits"
    READ_PEOPLE = "read_people"
    READ_QUARANTINE = "read_quarantine"  # what others sent; one's own items need no action
    READ_AUDIT = "read_audit"
    MANAGE_ACCOUNTS = "manage_accounts"


@dataclass(frozen=True, slots=True)
class Label:
    """A role's name for people."""

    zh: str
    en: str


# These have a weekly number of patrols to make in one named grid (clause 11.2.1).
PATROL_ROLES = frozenset({Role.MEMBER, Role.HEAD})
# These stand in the team of one named grid; the others work for a part of the tree.
GRID_ROLES = PATROL_ROLES | {Role.TEAM}

LABELS: Mapping[Role, Label] = MappingProxyType(
    {
        Role.MEMBER: Label("网格员", "grid member"),
        Role.HEAD: Label("网格长", "grid head"),
        Role.TEAM: Label("网格团队成员", "team member"),
        Role.OPERATOR: Label("指挥中心坐席", "command-centre operator"),
        Role.LEADER: Label("街道领导", "street leader"),
        Role.UNIT: Label("责任单位", "responsible unit"),
        Role.ADMIN: Label("系统管理员", "administrator"),
        Role.AUDITOR: Label("审计员", "auditor"),
    }
)

_READ_WORK = frozenset(
    {
        Action.READ_GRIDS,
        Action.READ_PLACES,
        Action.READ_PATROLS,
        Action.READ_COMPLIANCE,
        Action.READ_PEOPLE,
    }
)
_RUN_STREET = frozenset(
    {Action.PLAN_DIVISION, Action.MANAGE_PLACES, Action.MANAGE_TEAMS, Action.MANAGE_POLICIES}
)
# Whoever visits households reads and writes what is found at the door.
_VISIT = frozenset(
    {
        Action.READ_HOUSEHOLDS,
        Action.WRITE_HOUSEHOLDS,
        Action.REVEAL_PERSONAL,
        Action.RECORD_VISIT,
        Action.READ_VISITS,
    }
)

ACTIONS: Mapping[Role, frozenset[Action]] = MappingProxyType(
    {
        # Whoever walks a grid also sees how it stands.
        Role.MEMBER: _READ_WORK | _VISIT | {Action.RECORD_PATROL},
        # Heads walk their own grid too, and help when a member's upload is stuck.
        Role.HEAD: _READ_WORK
        | _VISIT
        | {Action.RECORD_PATROL, Action.READ_QUARANTINE, Action.READ_TRACKS, Action.DECIDE_PATROLS},
        # Somebody of a property company or a department in the team: the grid and who else is in it.
        Role.TEAM: frozenset({Action.READ_GRIDS, Action.READ_PLACES, Action.READ_PEOPLE}),
        Role.OPERATOR: _READ_WORK
        | _RUN_STREET
        | {
            Action.READ_QUARANTINE,
            Action.READ_HOUSEHOLDS,
            Action.WRITE_HOUSEHOLDS,
            Action.REVEAL_PERSONAL,
            Action.READ_VISITS,
        },
        # Whoever draws a division does not approve it. Leaders decide on what heads walked themselves; they
        # see a track only while it waits for a decision (patrol/sight.py), so they have no READ_TRACKS.
        Role.LEADER: _READ_WORK | {Action.APPROVE_DIVISION, Action.DECIDE_PATROLS, Action.READ_VISITS},
        # A department handles tasks; workers' tracks and scores are none of its business.
        Role.UNIT: frozenset({Action.READ_GRIDS}),
        # Those who run the system do not read its trail: administration and audit are kept apart.
        Role.ADMIN: _READ_WORK
        | _RUN_STREET
        | {
            Action.IMPORT_GRIDS,
            Action.APPROVE_DIVISION,
            Action.READ_QUARANTINE,
            Action.MANAGE_ACCOUNTS,
            Action.ERASE_PERSONAL,
        },
        Role.AUDITOR: _READ_WORK | {Action.READ_AUDIT},
    }
)
