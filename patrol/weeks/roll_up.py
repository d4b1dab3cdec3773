"""The weekly roll-up that colours the map: the job `patrol.roll_up`."""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import and_, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from access.models import Absence, Assignment
from core.clock import Week, now, today
from core.signals import RESULTS, announce
from geo.models import Grid
from patrol.closing import WeekState, week_state
from patrol.judging.judge import enqueue_roll_up
from patrol.models import GridWeek
from patrol.weeks.standing import Pair, StandingGrid, Totals, grids_in_week, pairs_in_week

_EVERY = timedelta(hours=1)  # worker/tasks.py


def roll_up(session: Session, street_code: str, week: str) -> None:
    """Each grid of the street has the sums of its subtree for this week; maps hear of it if they changed."""
    of_week = Week.parse(week)
    grids = grids_in_week(session, Grid.street_code == street_code, of_week)
    totals = totals_by_grid(grids, pairs_in_week(session, grids, of_week))
    rows = [
        {
            "week": of_week.monday,
            "grid_id": grid_id,
            "pairs_due": total.pairs_due,
            "pairs_met": total.pairs_met,
            "patrols_needed": total.patrols_needed,
            "patrols_counted": total.patrols_counted,
        }
        # In a fixed order: two roll-ups must not lock the same rows in opposite orders.
        for grid_id, total in sorted(totals.items())
    ]
    if rows and _rewrite(session, rows):
        announce(session, RESULTS, street_code)


def roll_up_recent(session: Session) -> None:
    """The running week and the one that is not closed yet will be counted again in every street.

    Assignments begin and end without any upload, and a new week begins without any verdict: it is counted
    within the hour before, or everybody would look unassigned on Monday until the first job.
    """
    moment = now()
    running = Week.of(moment)
    near = dict.fromkeys((running.shifted(-1), running, Week.of(moment + _EVERY)))
    weeks = [week for week in near if week_state(week, moment) != WeekState.CLOSED]
    for street_code in session.scalars(select(Grid.street_code).distinct().order_by(Grid.street_code)).all():
        for week in weeks:
            enqueue_roll_up(session, street_code, week)


def recount_absence(session: Session, absence_id: uuid.UUID) -> None:
    """The weeks of the absence up to the running one will be counted again where the person has grids.

    Absences are entered some weeks back too; those weeks are not counted by the hour any more.
    """
    absence = session.get_one(Absence, absence_id)
    concerned = and_(
        Assignment.person_id == absence.person_id,
        or_(Assignment.valid_to.is_(None), Assignment.valid_to > absence.valid_from),
    )
    of_person = select(Grid.street_code).join(Assignment, Assignment.grid_id == Grid.grid_id)
    streets = session.scalars(of_person.where(concerned).distinct().order_by(Grid.street_code)).all()
    last = today() if absence.valid_to is None else min(today(), absence.valid_to - timedelta(days=1))
    week = Week.of_day(absence.valid_from)
    while week.monday <= last:
        for street_code in streets:
            enqueue_roll_up(session, street_code, week)
        week = week.shifted(1)


def totals_by_grid(grids: Iterable[StandingGrid], pairs: Iterable[Pair]) -> dict[int, Totals]:
    """The sums of every grid, each over itself and all grids below."""
    below: dict[int, list[Pair]] = defaultdict(list)
    for pair in pairs:
        for grid_id in ids_in(pair.grid.path):
            below[grid_id].append(pair)
    return {grid.grid_id: Totals.of(below[grid.grid_id]) for grid in grids}


def ids_in(path: str) -> list[int]:
    """The grids of a path, from level 1 down."""
    return [int(part) for part in path.rstrip("/").split("/")[1:]]


def _rewrite(session: Session, rows: list[dict[str, object]]) -> bool:
    statement = insert(GridWeek).values(rows)
    figures = ("pairs_due", "pairs_met", "patrols_needed", "patrols_counted")
    new = {name: statement.excluded[name] for name in figures}
    differs = or_(*(getattr(GridWeek, name) != value for name, value in new.items()))
    changed = statement.on_conflict_do_update(index_elements=["week", "grid_id"], set_=new, where=differs)
    return bool(session.scalars(changed.returning(GridWeek.grid_id)).all())
