"""Who works in the demo street, on which grid and since when. All names are made up."""

import uuid
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import numpy as np

from access.roles import Role
from core.clock import Week
from seeds.demo.names import draw_names
from seeds.demo.places import STREET_CODE
from seeds.demo.street import DemoGrid
from seeds.demo.teams import HEADS, SPEAKERS, complete_teams, name_employers, plan_leaves
from seeds.demo.walks import Phone
from seeds.demo.workers import Crew, Duty, Worker

MEMBER_GRID = "文苑路二网格"  # of the account `member`; the accounts head2 and head1 stand above it
UNASSIGNED_GRIDS = ("九乡河西二网格", "龙湾山庄三网格")
_SHARED_AREAS = 20  # areas whose first two grids have one member together
_SECOND_MEMBERS = 5  # grids with a second member
_HANDOVERS = 3  # grids that changed hands two weeks ago
_AREAS_PER_HEAD = 2
_POOL = 200  # more names and people than are needed

# Staff with no grid of their own, and the part of the tree they work for.
STAFF = {
    Role.OPERATOR: f"{STREET_CODE}/",
    Role.LEADER: f"{STREET_CODE}/",
    Role.UNIT: f"{STREET_CODE}/",
    Role.ADMIN: "",
    Role.AUDITOR: "",
}


def hire(grids: Sequence[DemoGrid], today: date, rng: np.random.Generator) -> Crew:
    """The crew of the street as it stands on `today`, with three handovers in the weeks before."""
    pool = _people(rng)
    crew = Crew()
    by_level = {level: [grid for grid in grids if grid.level == level] for level in (1, 2, 3)}
    crew.duties += _heads(by_level[1], 1, pool, today, rng)
    crew.duties += _heads(by_level[2], _AREAS_PER_HEAD, pool, today, rng)
    crew.duties += _members(by_level[3], pool, today, rng)
    for role, path in STAFF.items():
        crew.duties.append(Duty(next(pool), role, None, path, _some_day_before(today, rng)))
        crew.accounts[role.value] = crew.duties[-1].worker
    own = next(grid for grid in by_level[3] if grid.name == MEMBER_GRID)
    assert own.parent
    for username, grid in (("member", own), ("head2", own.parent), ("head1", own.parent.parent)):
        crew.accounts[username] = next(duty.worker for duty in crew.duties if duty.grid is grid)
    # Last of all: whoever joins here changes nothing for those drawn before.
    complete_teams(crew, grids, pool, today)
    name_employers(crew)
    crew.leaves = plan_leaves(crew, today)
    return crew


def _people(rng: np.random.Generator) -> Iterator[Worker]:
    for name in draw_names(_POOL, rng):
        phone = Phone(
            interval_s=float(rng.choice([5.0, 8.0, 8.0, 10.0])),
            noise_m=float(rng.uniform(2.5, 4.5)),
            accuracy_m=float(rng.uniform(4, 11)),
            tells_motion=bool(rng.random() < 0.8),
            tells_altitude=bool(rng.random() < 0.6),
        )
        person_id = uuid.UUID(bytes=rng.bytes(16), version=4)
        yield Worker(person_id, name, phone, float(rng.normal(0, 0.07)))


def _heads(
    grids: Sequence[DemoGrid], each: int, pool: Iterator[Worker], today: date, rng: np.random.Generator
) -> Iterator[Duty]:
    """One head for every `each` grids of one community."""
    for community in dict.fromkeys(grid.code.community for grid in grids):
        own = [grid for grid in grids if grid.code.community == community]
        for start in range(0, len(own), each):
            head, since = next(pool), _some_day_before(today, rng)
            for grid in own[start : start + each]:
                yield Duty(head, Role.HEAD, grid, None, since, position=HEADS[grid.level])


def _members(
    grids: Sequence[DemoGrid], pool: Iterator[Worker], today: date, rng: np.random.Generator
) -> Iterator[Duty]:
    """At least one member per grid but the unassigned ones; some share, some grids have two, some changed."""
    ordinary = [grid for grid in grids if grid.name not in (*UNASSIGNED_GRIDS, MEMBER_GRID)]
    partner = _shared(ordinary)
    alone = [grid for grid in ordinary if grid not in partner and grid not in partner.values()]
    chosen = [alone[index] for index in rng.permutation(len(alone))[: _SECOND_MEMBERS + _HANDOVERS]]
    changed = Week.of_day(today).shifted(-2).monday + timedelta(days=2)
    serving: dict[DemoGrid, Worker] = {}
    for grid in grids:
        if grid.name in UNASSIGNED_GRIDS:
            continue
        since, speaker = _some_day_before(today, rng), SPEAKERS[grid.kind]
        serving[grid] = serving[partner[grid]] if grid in partner else next(pool)
        if grid in chosen[_SECOND_MEMBERS:]:
            yield Duty(next(pool), Role.MEMBER, grid, None, since, changed, speaker)
            since = changed
        yield Duty(serving[grid], Role.MEMBER, grid, None, since, position=speaker)
        if grid in chosen[:_SECOND_MEMBERS]:
            yield Duty(next(pool), Role.MEMBER, grid, None, _some_day_before(today, rng))


def _shared(grids: Sequence[DemoGrid]) -> dict[DemoGrid, DemoGrid]:
    """Second grid → first grid of areas where one member has both, every other area."""
    pairs: dict[DemoGrid, DemoGrid] = {}
    for area in list(dict.fromkeys(grid.parent for grid in grids))[::2]:
        own = [grid for grid in grids if grid.parent is area]
        if len(own) > 1 and len(pairs) < _SHARED_AREAS:
            pairs[own[1]] = own[0]
    return pairs


def _some_day_before(today: date, rng: np.random.Generator) -> date:
    return today - timedelta(days=int(rng.integers(120, 1100)))
