"""Read-only SQL: checklists of a grid, findings, and how far a patrol is with its checklists."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, or_, select, true, tuple_
from sqlalchemy.orm import Session

from access.models import Person
from access.roles import Action
from access.scope import EVERYWHERE, Actor, Scope, require, scope_of
from core.clock import local_date
from core.errors import NotFound
from core.photos import ExpectedPhoto, photos_of
from geo.models import Grid, GridVersion
from geo.queries import read_grid, version_on
from patrol.checklists.lists import HANDLED, REPORT, ChecklistRow, Entry, holding
from patrol.checklists.models import Checklist, Finding, PatrolThemes
from patrol.checklists.placing import DAY, OF_FINDINGS, WalkedGrid
from patrol.checklists.problems import ChecklistUnknown
from patrol.models import Patrol
from patrol.queries import Cursor
from patrol.rights import GridUnknown
from registry.placing import grid_at


@dataclass(frozen=True, slots=True)
class FindingFilter:
    """What a list of findings is narrowed to; the grid includes all below it, `last` is the last day."""

    grid_code: str | None = None
    patrol_id: uuid.UUID | None = None
    results: tuple[str, ...] = ()
    first_at: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class FindingView:
    """A finding with names, the grid it lies in, and its photos."""

    finding_id: uuid.UUID
    patrol_id: uuid.UUID
    person_id: uuid.UUID
    person_name: str
    checklist: ChecklistRow
    item: Entry
    aspect: Entry | None
    result: str
    note: str
    at: datetime
    position: tuple[float, float] | None
    grid_code: str
    grid_name: str
    grid_path: str
    handed_to: uuid.UUID | None
    received_at: datetime
    photos: tuple[ExpectedPhoto, ...]

    @property
    def is_open(self) -> bool:
        """Whether it waits to become a hazard."""
        return self.result == REPORT and self.handed_to is None

    @property
    def lacks_after_photo(self) -> bool:
        """What was put right on the spot is shown by a photo; until one has come, that is incomplete."""
        shown = any(photo.slot == "after" and photo.arrived for photo in self.photos)
        return self.result == HANDLED and not shown


@dataclass(frozen=True, slots=True)
class ItemProgress:
    """An item with what was last found of it on the patrol."""

    item: Entry
    finding: FindingView | None


@dataclass(frozen=True, slots=True)
class ListProgress:
    """A checklist of a patrol; `is_theme` when its field is one that the patrol is made for."""

    checklist: ChecklistRow
    is_theme: bool
    items: tuple[ItemProgress, ...]

    @property
    def done(self) -> int:
        return sum(one.finding is not None for one in self.items)


@dataclass(frozen=True, slots=True)
class PatrolProgress:
    """The themes and checklists of a patrol."""

    themes: tuple[str, ...]
    lists: tuple[ListProgress, ...]


def row_of(stored: Checklist) -> ChecklistRow:
    """The stored version for the rules."""
    return ChecklistRow(
        checklist_id=stored.checklist_id,
        code=stored.code,
        version=stored.version,
        path=stored.path,
        kind=stored.kind,
        valid_from=stored.valid_from,
        field=stored.field,
        zh=stored.zh,
        en=stored.en,
        clause=stored.clause,
        aspects=tuple(map(Entry.of, stored.aspects)),
        items=tuple(map(Entry.of, stored.items)),
    )


# ----------------------------------------------------------------------------------------------- checklists


def checklists_of_grid(session: Session, actor: Actor, grid_code: str, day: date) -> list[ChecklistRow]:
    """Those that hold for the grid on the day. Raises: NotFound."""
    grid = read_grid(session, scope_of(actor, Action.READ_GRIDS), grid_code, day)
    return _holding(session, grid.path, grid.summary.kind, day)


def _holding(session: Session, path: str, kind: str, day: date) -> list[ChecklistRow]:
    statement = select(Checklist).where(func.starts_with(path, Checklist.path))
    return holding(map(row_of, session.scalars(statement)), path=path, kind=kind, day=day)


def checklist_versions(session: Session, actor: Actor, code: str) -> list[ChecklistRow]:
    """Every version of the checklist that concerns the actor, newest first. Raises: ChecklistUnknown."""
    scope = scope_of(actor, Action.READ_GRIDS)
    stored = session.scalars(
        select(Checklist).where(Checklist.code == code).order_by(Checklist.version.desc())
    )
    rows = [row for row in map(row_of, stored) if _concerns(scope, row.path)]
    if not rows:
        raise ChecklistUnknown
    return rows


def _concerns(scope: Scope, path: str) -> bool:
    """Whether the path meets the scope, from above or from below."""
    return path == EVERYWHERE or any(
        path.startswith(prefix) or prefix.startswith(path) for prefix in scope.prefixes
    )


# ------------------------------------------------------------------------------------------------- findings


def list_findings(
    session: Session, actor: Actor, wanted: FindingFilter, *, after: Cursor | None, limit: int
) -> list[FindingView]:
    """Findings the actor may read, newest first, starting behind `after`. Raises: GridUnknown, Forbidden."""
    statement = _findings(actor).order_by(Finding.at.desc(), Finding.finding_id.desc()).limit(limit)
    if after is not None:
        statement = statement.where(tuple_(Finding.at, Finding.finding_id) < (after.at, after.item_id))
    if wanted.grid_code is not None:
        top = session.scalar(select(Grid.path).where(Grid.code == wanted.grid_code))
        if top is None:
            raise GridUnknown
        require(actor, Action.READ_PATROLS, top, missing=GridUnknown)
        statement = statement.where(func.starts_with(_placed_path(statement), top))
    if wanted.patrol_id is not None:
        statement = statement.where(Finding.patrol_id == wanted.patrol_id)
    if wanted.results:
        statement = statement.where(Finding.result.in_(wanted.results))
    if wanted.first_at is not None:
        statement = statement.where(Finding.at >= wanted.first_at)
    if wanted.before is not None:
        statement = statement.where(Finding.at < wanted.before)
    return _views(session, session.execute(statement))


def read_finding(session: Session, actor: Actor, finding_id: uuid.UUID) -> FindingView:
    """One finding, the actor's own or inside what the actor may read. Raises: NotFound."""
    found = _views(session, session.execute(_findings(actor).where(Finding.finding_id == finding_id)))
    if not found:
        raise NotFound
    return found[0]


def findings_of_person(
    session: Session, person_id: uuid.UUID, starts_at: datetime, ends_at: datetime
) -> list[FindingView]:
    """What the person found in that time, in order; whose eyes it is for is the caller's part."""
    of_time = (Finding.person_id == person_id, Finding.at >= starts_at, Finding.at < ends_at)
    return _views(session, session.execute(_all_findings().where(*of_time).order_by(Finding.at)))


def _placed_path(statement: Select[Any]) -> ColumnElement[Any]:
    return statement.selected_columns["placed_path"]


def _findings(actor: Actor) -> Select[Any]:
    """Every finding the actor may read: the own ones, and those that lie, or were walked, in the scope."""
    statement = _all_findings()
    scope = scope_of(actor, Action.READ_PATROLS)
    visible = or_(
        Finding.person_id == actor.person_id,
        scope.clause(_placed_path(statement)),
        scope.clause(WalkedGrid.path),
    )
    return statement.where(visible)


def _all_findings() -> Select[Any]:
    placed = grid_at(OF_FINDINGS, DAY)
    path = func.coalesce(placed.c.path, WalkedGrid.path)
    walked_name = (
        select(GridVersion.name)
        .where(GridVersion.grid_id == WalkedGrid.grid_id, version_on(DAY))
        .scalar_subquery()
    )
    return (
        select(
            Finding,
            Checklist,
            Person.name.label("person_name"),
            func.coalesce(placed.c.code, WalkedGrid.code).label("grid_code"),
            func.coalesce(placed.c.name, walked_name, WalkedGrid.code).label("grid_name"),
            path.label("placed_path"),
            func.ST_X(Finding.geom).label("lon"),
            func.ST_Y(Finding.geom).label("lat"),
        )
        .join(Checklist, Checklist.checklist_id == Finding.checklist_id)
        .join(Person, Person.person_id == Finding.person_id)
        .join(Patrol, Patrol.patrol_id == Finding.patrol_id)
        .join(WalkedGrid, WalkedGrid.grid_id == Patrol.grid_id)
        .outerjoin(placed, true())
    )


def _views(session: Session, rows: Iterable[Row[Any]]) -> list[FindingView]:
    found = list(rows)
    photos = photos_of(session, "finding", [row.Finding.finding_id for row in found])
    lists = {row.Checklist.checklist_id: row_of(row.Checklist) for row in found}
    return [
        _view(row, lists[row.Checklist.checklist_id], photos.get(row.Finding.finding_id, ())) for row in found
    ]


def _view(row: Row[Any], checklist: ChecklistRow, photos: Sequence[ExpectedPhoto]) -> FindingView:
    finding = row.Finding
    item = checklist.entry(finding.item)
    assert item is not None  # checked when it was filed, and versions do not change
    return FindingView(
        finding_id=finding.finding_id,
        patrol_id=finding.patrol_id,
        person_id=finding.person_id,
        person_name=row.person_name,
        checklist=checklist,
        item=item,
        aspect=checklist.aspect(finding.aspect) if finding.aspect else None,
        result=finding.result,
        note=finding.note,
        at=finding.at,
        position=None if row.lon is None else (row.lon, row.lat),
        grid_code=row.grid_code,
        grid_name=row.grid_name,
        grid_path=row.placed_path,
        handed_to=finding.handed_to,
        received_at=finding.received_at,
        photos=tuple(photos),
    )


# ----------------------------------------------------------------------------------------------- of a patrol


def progress_of(session: Session, actor: Actor, patrol_id: uuid.UUID) -> PatrolProgress:
    """The checklists that held for the patrol's grid on its day, with what was found. Raises: NotFound."""
    patrol = _readable_patrol(session, actor, patrol_id)
    day = local_date(patrol.started_at)
    kind = session.scalar(
        select(GridVersion.kind).where(GridVersion.grid_id == patrol.grid_id, version_on(day))
    )
    lists = {row.code: row for row in _holding(session, patrol.path, kind or "", day)}
    # Whoever may see a patrol may see all of it, also what was found beyond the own grids.
    found = _views(
        session,
        session.execute(
            _all_findings().where(Finding.patrol_id == patrol_id).order_by(Finding.at, Finding.finding_id)
        ),
    )
    for view in found:  # a phone that left with an older version is measured by that
        known = lists.get(view.checklist.code)
        if known is None or known.version != view.checklist.version:
            lists[view.checklist.code] = view.checklist
    themes = session.scalar(select(PatrolThemes.themes).where(PatrolThemes.patrol_id == patrol_id)) or []
    latest = {(view.checklist.code, view.item.code): view for view in found}
    shown = sorted(lists.values(), key=lambda row: (not row.clause, row.clause, row.code))
    return PatrolProgress(tuple(themes), tuple(_list_progress(row, themes, latest) for row in shown))


def _list_progress(
    row: ChecklistRow, themes: Sequence[str], latest: dict[tuple[str, str], FindingView]
) -> ListProgress:
    items = tuple(ItemProgress(item, latest.get((row.code, item.code))) for item in row.items)
    return ListProgress(row, row.field in themes, items)


def _readable_patrol(session: Session, actor: Actor, patrol_id: uuid.UUID) -> Row[int, datetime, str]:
    scope = scope_of(actor, Action.READ_PATROLS)
    statement = (
        select(Patrol.grid_id, Patrol.started_at, Grid.path)
        .join(Grid, Grid.grid_id == Patrol.grid_id)
        .where(
            Patrol.patrol_id == patrol_id,
            or_(Patrol.person_id == actor.person_id, scope.clause(Grid.path)),
        )
    )
    found = session.execute(statement).one_or_none()
    if found is None:
        raise NotFound
    return found
