"""Read-only SQL for visits and needs as the API shows them; a household is shown by its door, names masked.

Whoever may see visits where the household lies today sees all of them, also those of colleagues who have
left; own visits stay visible to whoever made them.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Date, Row, Select, cast, func, or_, select, true, tuple_
from sqlalchemy.orm import Session

from access.models import Person
from access.roles import Action
from access.scope import Actor, scope_of
from core.clock import LOCAL_ZONE, day_begins, today
from core.errors import NotFound
from core.photos import ExpectedPhoto, photos_of
from patrol.visits.asked import asked_of_households
from patrol.visits.counting import CountedVisit, Outcome, VisitFact, VisitRules, count_visits
from patrol.visits.doors import DoorPlate, Part, doors_of, part_of_tree, plates_of
from patrol.visits.evidence import Evidence, evidence_of
from patrol.visits.models import Need, Visit, VisitForm, VisitVersion
from patrol.visits.recording import VISIT
from registry.people.models import Household
from registry.people.placing import OF_HOUSEHOLDS, at_their_doors
from registry.placing import PlacedIn, grid_at


@dataclass(frozen=True, slots=True)
class VisitFilter:
    """What a list of visits is narrowed to; the grid includes all below it, both days are included."""

    grid_code: str | None = None
    household_id: uuid.UUID | None = None
    person_id: uuid.UUID | None = None
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last item of a page; the next page begins behind it."""

    at: datetime
    item_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class VisitView:
    """A visit with the door it was at, its grid on that day, and whether it counts."""

    visit: Visit
    person_name: str
    form: VisitForm | None
    grid: PlacedIn | None
    plate: DoorPlate
    counted: CountedVisit
    photos: Sequence[ExpectedPhoto]


@dataclass(frozen=True, slots=True)
class VisitDetail:
    """One visit with its needs, what shows that somebody was there, and what it said before corrections."""

    view: VisitView
    needs: Sequence[Need]
    evidence: Evidence
    versions: Sequence[VisitVersion]


@dataclass(frozen=True, slots=True)
class NeedView:
    """A need with the door it was found at."""

    need: Need
    person_name: str
    grid: PlacedIn | None
    plate: DoorPlate


def list_visits(
    session: Session, actor: Actor, wanted: VisitFilter, *, after: Cursor | None, limit: int
) -> list[VisitView]:
    """Visits the actor may read, newest first, starting behind `after`. Raises: GridUnknown, Forbidden."""
    statement = _visits().where(_visible(session, actor, wanted.grid_code, wanted.household_id))
    if after is not None:
        statement = statement.where(tuple_(Visit.at, Visit.visit_id) < (after.at, after.item_id))
    if wanted.person_id is not None:
        statement = statement.where(Visit.person_id == wanted.person_id)
    if wanted.household_id is not None:
        statement = statement.where(Visit.household_id == wanted.household_id)
    if wanted.first is not None:
        statement = statement.where(Visit.at >= day_begins(wanted.first))
    if wanted.last is not None:
        statement = statement.where(Visit.at < day_begins(wanted.last + timedelta(days=1)))
    newest_first = (Visit.at.desc(), Visit.visit_id.desc())
    return _views(session, session.execute(statement.order_by(*newest_first).limit(limit)))


def read_visit(session: Session, actor: Actor, visit_id: uuid.UUID) -> VisitDetail:
    """One visit, the actor's own or inside what the actor may read. Raises: NotFound."""
    household_id = session.scalar(select(Visit.household_id).where(Visit.visit_id == visit_id))
    if household_id is None:
        raise NotFound
    visible = _visible(session, actor, None, household_id)
    views = _views(session, session.execute(_visits().where(Visit.visit_id == visit_id, visible)))
    if not views:
        raise NotFound
    of_visit = Need.visit_id == visit_id
    versions = select(VisitVersion).where(VisitVersion.visit_id == visit_id)
    return VisitDetail(
        view=views[0],
        needs=session.scalars(select(Need).where(of_visit).order_by(Need.kind, Need.need_id)).all(),
        evidence=evidence_of(session, views[0].visit, views[0].plate),
        versions=session.scalars(versions.order_by(VisitVersion.made_at, VisitVersion.version_id)).all(),
    )


def list_needs(
    session: Session,
    actor: Actor,
    grid_code: str | None,
    status: str | None,
    *,
    after: Cursor | None,
    limit: int,
) -> list[NeedView]:
    """Needs found where the actor may read visits, newest first. Raises: GridUnknown, Forbidden."""
    part = part_of_tree(session, actor, grid_code, today(), action=Action.READ_VISITS)
    inside = doors_of(part, today())
    placed = grid_at(OF_HOUSEHOLDS, today())
    columns: list[Any] = [Need, Person.name.label("person_name"), *_placed_columns(placed)]
    statement: Select[Any] = at_their_doors(
        select(*columns)
        .join(Visit, Visit.visit_id == Need.visit_id)
        .join(Person, Person.person_id == Visit.person_id)
        .join(Household, Household.household_id == Need.household_id)
    ).outerjoin(placed, true())
    statement = statement.where(Need.household_id.in_(select(inside.c.household_id)))
    if status is not None:
        statement = statement.where(Need.status == status)
    if after is not None:
        statement = statement.where(tuple_(Need.found_at, Need.need_id) < (after.at, after.item_id))
    newest_first = (Need.found_at.desc(), Need.need_id.desc())
    rows = session.execute(statement.order_by(*newest_first).limit(limit)).all()
    plates = plates_of(session, {row.Need.household_id for row in rows})
    return [NeedView(row.Need, row.person_name, _placed(row), plates[row.Need.household_id]) for row in rows]


# --------------------------------------------------------------------------------------------------- parts


def _visible(
    session: Session, actor: Actor, grid_code: str | None, household_id: uuid.UUID | None
) -> ColumnElement[bool]:
    only = () if household_id is None else (Household.household_id == household_id,)
    own = Visit.person_id == actor.person_id
    if grid_code is not None:
        part = part_of_tree(session, actor, grid_code, today(), action=Action.READ_VISITS)
        return Visit.household_id.in_(select(doors_of(part, today(), *only).c.household_id))
    scope = scope_of(actor, Action.READ_VISITS)
    if scope.is_empty:
        return own
    inside = doors_of(Part(scope, scope, "", ""), today(), *only)
    return or_(own, Visit.household_id.in_(select(inside.c.household_id)))


def _visits() -> Select[Any]:
    """Every visit with the grid its household lay in on that day."""
    placed = grid_at(OF_HOUSEHOLDS, _local_day())
    columns: list[Any] = [
        Visit,
        VisitForm,
        Person.name.label("person_name"),
        Household.street_code,
        *_placed_columns(placed),
    ]
    statement = (
        select(*columns)
        .join(Person, Person.person_id == Visit.person_id)
        .join(Household, Household.household_id == Visit.household_id)
        .outerjoin(VisitForm, VisitForm.form_id == Visit.form_id)
    )
    return at_their_doors(statement).outerjoin(placed, true())


def _local_day() -> ColumnElement[date]:
    return cast(func.timezone(LOCAL_ZONE.key, Visit.at), Date)


def _placed_columns(placed: Any) -> Iterable[ColumnElement[Any]]:
    names = ("code", "name", "level", "path", "is_manual")
    return (placed.c[name].label(f"grid_{name}") for name in names)


def _placed(row: Row[Any]) -> PlacedIn | None:
    if row.grid_code is None:
        return None
    return PlacedIn(row.grid_code, row.grid_name, row.grid_level, row.grid_path, row.grid_is_manual)


def _views(session: Session, rows: Iterable[Row[Any]]) -> list[VisitView]:
    found = list(rows)
    visits = [row.Visit for row in found]
    plates = plates_of(session, {visit.household_id for visit in visits})
    counted = _counted(session, visits, {row.street_code for row in found})
    photos = photos_of(session, VISIT, [visit.visit_id for visit in visits])
    return [
        VisitView(
            visit=row.Visit,
            person_name=row.person_name,
            form=row.VisitForm,
            grid=_placed(row),
            plate=plates[row.Visit.household_id],
            counted=counted[row.Visit.visit_id],
            photos=photos.get(row.Visit.visit_id, ()),
        )
        for row in found
    ]


def _counted(
    session: Session, visits: Sequence[Visit], street_codes: Iterable[str]
) -> Mapping[uuid.UUID, CountedVisit]:
    """How each visit stands beside all others of its household and day, by what any duty accepts."""
    if not visits:
        return {}
    path = f"{min(street_codes)}/"
    outcomes = asked_of_households(session, path, "", today()).outcomes or {Outcome.MET}
    rules = VisitRules(frozenset(Outcome(one) for one in outcomes))
    moments = [visit.at for visit in visits]
    rows = session.execute(
        select(Visit.visit_id, Visit.household_id, Visit.person_id, Visit.at, Visit.outcome).where(
            Visit.household_id.in_({visit.household_id for visit in visits}),
            Visit.at > min(moments) - timedelta(days=1),
            Visit.at < max(moments) + timedelta(days=1),
        )
    )
    facts = (VisitFact(key, home, who, at, Outcome(outcome)) for key, home, who, at, outcome in rows)
    return {one.fact.visit_id: one for one in count_visits(facts, rules)}
