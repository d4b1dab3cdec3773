"""The rest of each grid's team: some hold everybody whom clause 10.2 asks for and some do not."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import islice

from access.absences import AbsenceReason
from access.positions import Affiliation, Position
from access.roles import Role
from core.clock import Week
from seeds.demo.places import CAMPUS, COMMERCIAL, RESIDENTIAL, VILLAGE
from seeds.demo.street import DemoGrid
from seeds.demo.workers import Crew, Duty, Leave, Worker

# Who speaks for a level-3 grid, by its kind (10.2.3); members of the demo do it beside their patrols.
SPEAKERS: Mapping[str, Position] = {
    RESIDENTIAL: Position.BUILDING_HEAD,
    VILLAGE: Position.VILLAGE_GROUP_HEAD,
    CAMPUS: Position.UNIT_HEAD,
    COMMERCIAL: Position.UNIT_HEAD,
}
HEADS: Mapping[int, Position] = {1: Position.COMMUNITY_SECRETARY, 2: Position.COMMUNITY_COMMITTEE}
EMPLOYERS = {
    Role.OPERATOR: Affiliation.STREET,
    Role.LEADER: Affiliation.STREET,
    Role.UNIT: Affiliation.DEPARTMENT,
    Role.ADMIN: Affiliation.OTHER,
    Role.AUDITOR: Affiliation.DEPARTMENT,
}
_LEADERS = 3
_CLERKS = 2  # of the street, without a grid: they count in the share of clause 10.1 all the same
_AREAS_PER_STREET_WORKER = 4
_NO_SECTION_HEAD = 9  # the tenth community has none
_NO_COMMUNITY_STAFF = 4  # nor the fifth anybody of the community beside its heads


def complete_teams(crew: Crew, grids: Sequence[DemoGrid], pool: Iterator[Worker], today: date) -> None:
    """Everybody else of the teams has joined on one day; villages have no property company."""
    since = date(today.year - 1, 3, 1)
    communities = [grid for grid in grids if grid.level == 1]
    areas = [grid for grid in grids if grid.level == 2]

    def hire(count: int, affiliation: Affiliation) -> list[Worker]:
        people = list(islice(pool, count))
        crew.affiliations.update(dict.fromkeys(people, affiliation))
        return people

    def join(worker: Worker, grid: DemoGrid, position: Position) -> None:
        crew.duties.append(Duty(worker, Role.TEAM, grid, None, since, position=position))

    leaders = hire(_LEADERS, Affiliation.STREET)
    sections = hire((len(communities) + 1) // 2, Affiliation.STREET)
    street = hire(-(-len(areas) // _AREAS_PER_STREET_WORKER), Affiliation.STREET)
    community = hire(len(communities), Affiliation.COMMUNITY)
    property_staff = hire(len(communities), Affiliation.OTHER)
    crew.clerks += hire(_CLERKS, Affiliation.STREET)
    for number, grid in enumerate(communities):
        join(leaders[number % _LEADERS], grid, Position.STREET_LEADER)
        if number != _NO_SECTION_HEAD:
            join(sections[number // 2], grid, Position.SECTION_HEAD)
    for number, area in enumerate(areas):
        assert area.parent
        worker = street[number // _AREAS_PER_STREET_WORKER]
        home = communities.index(area.parent)
        join(worker, area, Position.STREET_STAFF)
        if home != _NO_COMMUNITY_STAFF:
            join(community[home], area, Position.COMMUNITY_STAFF)
        for block in (grid for grid in grids if grid.parent is area):
            join(worker, block, Position.STREET_STAFF)
            if block.kind != VILLAGE:
                join(property_staff[home], block, Position.PROPERTY_STAFF)


def name_employers(crew: Crew) -> None:
    """Heads are of their community, members live or work in their grid, and staff are as in EMPLOYERS."""
    for duty in crew.duties:
        if duty.role is Role.HEAD:
            crew.affiliations[duty.worker] = Affiliation.COMMUNITY
        elif duty.role is not Role.TEAM:
            crew.affiliations.setdefault(duty.worker, EMPLOYERS.get(duty.role, Affiliation.OTHER))


def plan_leaves(crew: Crew, today: date) -> list[Leave]:
    """One member was away last week and one is away this week; the head of their area stands in for both."""
    head = crew.accounts["head2"]
    areas = {duty.grid for duty in crew.duties if duty.worker is head}
    members = [duty for duty in crew.duties if duty.role is Role.MEMBER]
    alone = [
        duty
        for duty in members
        if duty.grid is not None
        and duty.grid.parent in areas
        and duty.worker not in crew.accounts.values()
        and sum(duty.worker is other.worker for other in members) == 1
        and sum(duty.grid is other.grid for other in members) == 1
    ]
    monday = Week.of_day(today).monday
    before, running = alone[:2]
    return [
        Leave(before, head, monday - timedelta(days=7), monday, AbsenceReason.TRAINING),
        Leave(running, head, monday, monday + timedelta(days=14), AbsenceReason.LEAVE),
    ]
