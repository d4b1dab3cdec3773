"""Tables of households and residents out: masked, or in full on purpose, with a reason and in the trail."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from access.roles import Action
from access.scope import Actor, scope_of
from core import audit
from core.clock import local_date, today
from core.errors import TooLarge
from core.secrecy import KeyRing
from core.settings import PrivacySettings
from core.spreadsheets import Cell, Table, write_csv, write_workbook
from registry.models import Building
from registry.people.checking import ID_NUMBER, PHONE
from registry.people.columns import HEADERS, SHEET, WRITTEN
from registry.people.import_reading import chunks
from registry.people.masking import mask_id_number, mask_name, mask_phone
from registry.people.models import Household, Resident
from registry.people.queries import HouseholdFilter, list_households
from registry.people.residents import aad_of
from registry.people.revealing import Why, count_look, require_words, words_of
from registry.people.rights import Sight, require_somewhere
from registry.people.views import HouseholdView, ShownTag

MAX_EXPORTED = 50_000  # households
_PAGE = 5000
Form = Literal["xlsx", "csv"]
Line = Sequence[Cell | date]


@dataclass(frozen=True, slots=True)
class _Shown:
    """How names and numbers are written."""

    keys: KeyRing
    in_full: bool

    def name(self, resident: Resident) -> str:
        return resident.name if self.in_full else mask_name(resident.name)

    def number(self, resident: Resident, name: str) -> str | None:
        sealed = resident.id_number_sealed if name == ID_NUMBER else resident.phone_sealed
        if sealed is None:
            return None
        value = self.keys.open(sealed, aad_of(resident.resident_id, name))
        return value if self.in_full else _MASKS[name](value)

    def born_on(self, resident: Resident) -> Cell | date:
        """The day would give the masked digits away."""
        if resident.born_on is None or self.in_full:
            return resident.born_on
        return str(resident.born_on.year)


_MASKS = {ID_NUMBER: mask_id_number, PHONE: mask_phone}


def export_masked(session: Session, actor: Actor, grid: str | None, form: Form, *, keys: KeyRing) -> bytes:
    """Households of the actor's scope with those who live there, masked as everywhere.

    Raises: Forbidden, NotFound for an unseen grid, TooLarge, KeyMissing.
    """
    require_somewhere(actor, Action.READ_HOUSEHOLDS)
    views = _views(session, Sight.of(actor), grid)
    return _file(_lines(session, views, _Shown(keys, in_full=False)), form)


def export_in_full(
    session: Session,
    actor: Actor,
    grid: str | None,
    form: Form,
    why: Why,
    *,
    keys: KeyRing,
    limits: PrivacySettings,
) -> bytes:
    """The same with full names and numbers, of grids where the actor may see them. It counts as a look, few
    are allowed in an hour, and the trail says for which households of each street, why, and how many people.

    Raises: Invalid, Forbidden, NotFound, TooManyLooks, TooLarge, KeyMissing.
    """
    require_somewhere(actor, Action.REVEAL_PERSONAL)
    require_words(why)
    count_look(session, actor, "export", limits.full_exports_per_hour)
    count_look(session, actor, "reveal", limits.reveals_per_hour)
    scope = scope_of(actor, Action.REVEAL_PERSONAL)
    views = _views(session, Sight(scope, scope), grid)
    lines = list(_lines(session, views, _Shown(keys, in_full=True)))
    _record(session, actor, views, grid, why)
    return _file(lines, form)


def _record(
    session: Session, actor: Actor, views: Sequence[HouseholdView], grid: str | None, why: Why
) -> None:
    """A line for each street, also when nothing was found."""
    for street in sorted({view.household.street_code for view in views}) or [""]:
        those = [view for view in views if view.household.street_code == street]
        audit.record(
            session,
            chain=street,
            actor=actor.label,
            action="personal.exported",
            subject=f"grid:{grid}" if grid else f"street:{street}",
            detail={
                **words_of(why),
                "households": len(those),
                "residents": sum(view.residents for view in those),
            },
        )


# ----------------------------------------------------------------------------------------------- lines


def _views(session: Session, sight: Sight, grid: str | None) -> list[HouseholdView]:
    wanted, views, after = HouseholdFilter(grid=grid), list[HouseholdView](), None
    while True:
        page = list_households(session, sight, today(), wanted=wanted, after=after, limit=_PAGE)
        views += page
        if len(page) < _PAGE:
            return views
        if len(views) > MAX_EXPORTED:
            told = f"一次最多导出 {MAX_EXPORTED} 户，请选择网格"
            raise TooLarge(f"{told} / at most {MAX_EXPORTED} households: choose a grid")
        after = page[-1].household.household_id


def _lines(session: Session, views: Sequence[HouseholdView], shown: _Shown) -> Iterator[Line]:
    """A line for each resident, and one for a household without any."""
    for some in chunks(views, 1000):
        ids = [view.household.household_id for view in some]
        lives: dict[uuid.UUID, list[Resident]] = {}
        statement = select(Resident).where(Resident.household_id.in_(ids), Resident.left_on.is_(None))
        for resident in session.scalars(statement.order_by(Resident.created_at, Resident.resident_id)):
            lives.setdefault(resident.household_id, []).append(resident)
        codes = _codes(session, some)
        for view in some:
            home = _of_household(view, codes)
            shared = _words(tag for tag in view.tags if tag.resident_id is None)
            people = lives.get(view.household.household_id, [])
            if shared or not people:
                yield (*home, *[None] * 7, shared, None)
            for resident in people:
                own = _words(tag for tag in view.tags if tag.resident_id == resident.resident_id)
                yield (*home, *_of_resident(resident, shown), own, resident.joined_on)


def _codes(session: Session, views: Sequence[HouseholdView]) -> dict[uuid.UUID | None, str | None]:
    ids = {view.household.building_id for view in views}
    rows = session.execute(select(Building.building_id, Building.code).where(Building.building_id.in_(ids)))
    return {row.building_id: row.code for row in rows}


def _of_household(view: HouseholdView, codes: dict[uuid.UUID | None, str | None]) -> Line:
    one: Household = view.household
    collected = None if one.collected_at is None else local_date(one.collected_at)
    kind = WRITTEN["kind"].get(one.kind, one.kind)
    at = (codes.get(one.building_id), view.address, one.entrance, one.floor, one.room)
    return (one.code, *at, kind, collected)


def _of_resident(resident: Resident, shown: _Shown) -> Line:
    def written(name: str) -> str | None:
        value = getattr(resident, name)
        return None if value is None else WRITTEN[name].get(value, value)

    return (
        shown.name(resident),
        written("relation"),
        shown.number(resident, ID_NUMBER),
        shown.number(resident, PHONE),
        written("sex"),
        shown.born_on(resident),
        written("residence"),
    )


def _words(tags: Iterator[ShownTag]) -> str | None:
    return "，".join(dict.fromkeys(tag.zh for tag in tags)) or None


def _file(lines: Iterator[Line] | Sequence[Line], form: Form) -> bytes:
    rows: Any = lines
    if form == "csv":
        return write_csv(HEADERS, rows)
    return write_workbook([Table(SHEET, HEADERS, rows, widths=[14] * len(HEADERS))])
