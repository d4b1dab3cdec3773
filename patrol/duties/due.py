"""The due list: which subjects still want something in the running period, and by when. Read-only."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from access.roles import Action
from access.scope import Actor, scope_of
from core.clock import local_date, now
from core.periods import Period
from core.work_calendar import load_calendar
from patrol.duties.facts import Done
from patrol.duties.gathering import Facts, Group, Wanted, facts_of, groups_of
from patrol.duties.households import Arrival, DueHousehold
from patrol.duties.measuring import DutyItem, can_still, items_of
from patrol.duties.rules import DutyRow, Status, SubjectKind, due_by
from patrol.weeks.standing import StandingGrid
from registry.models import Address
from registry.people.models import Household
from registry.people.placing import House, at_their_doors


@dataclass(frozen=True, slots=True)
class Door:
    """Where a household is found; no name stands here."""

    household_id: uuid.UUID
    compound: str | None
    building: str | None
    address: str | None
    entrance: str | None
    floor: str | None
    room: str | None


@dataclass(frozen=True, slots=True)
class DueItem:
    """Something that is still to be done; `next_by` is the last day for the next fact of it."""

    duty: DutyRow
    period: Period
    grid: StandingGrid
    person_id: uuid.UUID | None
    person_name: str | None
    household_id: uuid.UUID | None
    arrival: Arrival | None
    door: Door | None
    required: int
    done: int
    last_on: date | None
    next_by: date
    status: Status

    @property
    def place(self) -> tuple[str, int, str, str]:
        subject = self.household_id or self.person_id or ""
        return self.next_by.isoformat(), self.duty.duty_id, self.grid.code, str(subject)


def due_list(
    session: Session, actor: Actor, wanted: Wanted, *, after: tuple[str, int, str, str] | None, limit: int
) -> list[DueItem]:
    """What is due next, the earliest first; households only where the actor may read them.

    Raises: GridUnknown, Forbidden.
    """
    moment = now()
    calendar = load_calendar(session)
    found: list[DueItem] = []
    for group in groups_of(session, actor, wanted, local_date(moment)):
        facts = facts_of(session, _readable(actor, group), calendar, moment)
        if facts is not None:
            found += _due(facts, wanted.person_id)
    behind = sorted(
        (item for item in found if after is None or item.place > after), key=lambda one: one.place
    )
    page = behind[:limit]
    doors = _doors(session, [item.household_id for item in page if item.household_id])
    return [replace(item, door=doors.get(item.household_id)) if item.household_id else item for item in page]


def _readable(actor: Actor, group: Group) -> Group:
    """Households are named one by one: only to those who may read them."""
    if group.duty.subject is not SubjectKind.HOUSEHOLD:
        return group
    scope = scope_of(actor, Action.READ_HOUSEHOLDS)
    grids = {grid_id: grid for grid_id, grid in group.grids.items() if scope.covers(grid.path)}
    return replace(group, grids=grids)


def _due(facts: Facts, person_id: uuid.UUID | None) -> Iterator[DueItem]:
    if facts.asked.duty.subject is not SubjectKind.HOUSEHOLD:
        return (_of_item(item) for item in items_of(facts, person_id) if item.forecast.left)
    mine = {item.grid.grid_id for item in items_of(facts, person_id)}
    return _households(facts, mine)


def _of_item(item: DutyItem) -> DueItem:
    required, done = item.standing.required, item.standing.credited
    return DueItem(
        duty=item.duty,
        period=item.period,
        grid=item.grid,
        person_id=item.person_id,
        person_name=item.person_name,
        household_id=None,
        arrival=None,
        door=None,
        required=required,
        done=done,
        last_on=None,
        next_by=due_by(item.period, required, done + 1),
        status=item.forecast.status,
    )


def _households(facts: Facts, grid_ids: Iterable[int]) -> Iterator[DueItem]:
    asked, mine = facts.asked, set(grid_ids)
    for one in facts.households.due:
        done = facts.done.get(one.household_id, ())
        if one.grid_id in mine and len(done) < one.required:
            yield DueItem(
                duty=asked.duty,
                period=asked.period,
                grid=asked.grids[one.grid_id],
                person_id=None,
                person_name=None,
                household_id=one.household_id,
                arrival=one.arrival,
                door=None,
                required=one.required,
                done=len(done),
                last_on=done[-1].day if done else None,
                next_by=_next_by(facts, one, len(done)),
                status=_status(facts, one, done),
            )


def _next_by(facts: Facts, one: DueHousehold, done: int) -> date:
    """Whoever came during the period has until its end."""
    period = facts.asked.period
    return period.last if one.arrival is not None else due_by(period, one.required, done + 1)


def _status(facts: Facts, one: DueHousehold, done: Sequence[Done]) -> Status:
    """Of a single household: whether it can still be visited often enough, and whether its day has passed."""
    if not facts.left.days:
        return Status.MISSED
    if can_still(facts, done) < one.required - len(done):
        return Status.WILL_MISS
    late = _next_by(facts, one, len(done)) < facts.asked.day
    return Status.AT_RISK if late else Status.ON_TRACK


def _doors(session: Session, household_ids: list[uuid.UUID]) -> dict[uuid.UUID, Door]:
    if not household_ids:
        return {}
    statement = at_their_doors(
        select(
            Household.household_id,
            House.compound,
            House.name,
            Address.text,
            Household.entrance,
            Household.floor,
            Household.room,
        ).select_from(Household)
    ).outerjoin(Address, Address.address_id == Household.address_id)
    rows = session.execute(statement.where(Household.household_id.in_(household_ids)))
    return {row[0]: Door(*row) for row in rows}
