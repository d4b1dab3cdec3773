"""Nobody's duty ends because a line on the map moved: people follow the grids that succeed theirs.

Called when a division plan is approved, for its day, which may lie ahead. Absences name people and not grids,
so substitutes follow by themselves.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from access.models import Assignment, Person
from access.queries import street_code_of
from access.scope import Actor, person_label
from core import audit
from core.signals import ACCESS, announce
from geo.models import Grid

Days = tuple[date, date | None]  # first day, first day no longer; None for ever
_Held = tuple[uuid.UUID, str, int]  # person, role, grid


@dataclass(frozen=True, slots=True)
class Handover:
    """What a division did to the people: ids of the assignments begun and ended, and whose they are."""

    begun: tuple[uuid.UUID, ...]
    ended: tuple[uuid.UUID, ...]
    people: frozenset[uuid.UUID]


def follow_successions(
    session: Session,
    successions: Sequence[tuple[int, int]],
    retired: Sequence[int],
    on: date,
    actor: Actor,
) -> Handover:
    """From that day the people of a predecessor also stand in its successors, and nobody in a retired grid.

    `successions` are ids (predecessor, successor); both grids must be stored. Role, position and last day are
    those held in the predecessor; what begins later there begins later here. Whoever holds the same role in
    the successor keeps it and gets only the days that are missing, so a repetition changes nothing.
    """
    grids = {grid_id for pair in successions for grid_id in pair} | set(retired)
    held = _assignments_from(session, grids, on)
    begun = list(_begin(session, held, [pair for pair in successions if pair[0] != pair[1]], on))
    ended = [one for one in held if one.grid_id in set(retired)]
    for one in ended:
        if one.valid_from >= on:
            session.delete(one)  # it would never have held
        else:
            one.valid_to = on
    session.flush()  # whoever asks in this transaction sees the handover
    people = frozenset(one.person_id for one in (*begun, *ended))
    for person_id in sorted(people):
        announce(session, ACCESS, str(person_id))
    _record(session, actor, "assignment.followed", begun, on)
    _record(session, actor, "assignment.ended", ended, on)
    return Handover(_ids(begun), _ids(ended), people)


def days_missing(wanted: Days, taken: Iterable[Days]) -> list[Days]:
    """The parts of the wanted days that lie in none of the taken ones, in order."""
    first, end = wanted
    missing: list[Days] = []
    for other_first, other_end in sorted(taken, key=lambda days: days[0]):
        if end is not None and other_first >= end:
            break
        if other_first > first:
            missing.append((first, other_first))
        if other_end is None:
            return missing
        first = max(first, other_end)
    if end is None or first < end:
        missing.append((first, end))
    return missing


def _assignments_from(session: Session, grids: Collection[int], on: date) -> list[Assignment]:
    """What is held in these grids on that day or later; the people are locked against other changes."""
    concerned = Assignment.grid_id.in_(grids), or_(Assignment.valid_to.is_(None), Assignment.valid_to > on)
    people = select(Assignment.person_id).where(*concerned)
    # In a fixed order, so that two handovers cannot wait for each other.
    lock = select(Person.person_id).where(Person.person_id.in_(people)).order_by(Person.person_id)
    session.execute(lock.with_for_update(key_share=True))
    found = select(Assignment).where(*concerned).order_by(Assignment.valid_from, Assignment.assignment_id)
    return list(session.scalars(found.execution_options(populate_existing=True)))


def _begin(
    session: Session, held: Sequence[Assignment], successions: Sequence[tuple[int, int]], on: date
) -> Iterator[Assignment]:
    wanted = select(Grid.grid_id, Grid.path).where(Grid.grid_id.in_({after for _, after in successions}))
    paths = {row.grid_id: row.path for row in session.execute(wanted)}
    taken: dict[_Held, list[Days]] = defaultdict(list)
    of_grid: dict[int, list[Assignment]] = defaultdict(list)
    for one in held:
        assert one.grid_id is not None
        of_grid[one.grid_id].append(one)
        taken[one.person_id, one.role, one.grid_id].append((one.valid_from, one.valid_to))
    for before, after in successions:
        for one in of_grid[before]:
            days = taken[one.person_id, one.role, after]
            for first, end in days_missing((max(one.valid_from, on), one.valid_to), days):
                days.append((first, end))
                yield _follow(session, one, (after, paths[after]), (first, end))


def _follow(session: Session, one: Assignment, grid: tuple[int, str], days: Days) -> Assignment:
    grid_id, path = grid
    made = Assignment(
        assignment_id=uuid.uuid4(),
        person_id=one.person_id,
        role=one.role,
        path=path,
        grid_id=grid_id,
        position=one.position,
        valid_from=days[0],
        valid_to=days[1],
    )
    session.add(made)
    return made


def _ids(assignments: Iterable[Assignment]) -> tuple[uuid.UUID, ...]:
    return tuple(one.assignment_id for one in assignments)


def _record(session: Session, actor: Actor, action: str, changed: Sequence[Assignment], on: date) -> None:
    for one in changed:
        audit.record(
            session,
            chain=street_code_of(one.path) or "",
            actor=actor.label,
            action=action,
            subject=person_label(one.person_id),
            detail={
                "assignment": str(one.assignment_id),
                "role": one.role,
                "path": one.path,
                "on": on.isoformat(),
            },
        )
