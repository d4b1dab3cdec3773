"""What a diary tells of visits: which door, whom (masked), what came of it; never what was said."""

import uuid
from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Date, Row, cast, func, select, true
from sqlalchemy.orm import Session

from access.roles import Action
from core.clock import LOCAL_ZONE, local_date
from patrol.diary.entries import PROVIDERS, Entry, Span
from patrol.visits.counting import Outcome
from patrol.visits.doors import DoorPlate, plates_of
from patrol.visits.models import Visit
from registry.people.models import Household
from registry.people.placing import OF_HOUSEHOLDS, at_their_doors
from registry.placing import grid_at

_OUTCOMES: dict[str, tuple[str, str]] = {
    Outcome.MET: ("已见面", "met"),
    Outcome.NOT_HOME: ("无人在家", "nobody at home"),
    Outcome.REFUSED: ("谢绝走访", "declined"),
    Outcome.MOVED_AWAY: ("已搬走", "moved away"),
    Outcome.BY_PHONE: ("电话联系", "by phone"),
}
_THEMES: dict[str, tuple[str, str]] = {
    "employment": ("就业服务", "employment"),
    "hardship": ("困难帮扶", "hardship"),
    "needs": ("需求调查", "needs"),
    "safety": ("安全宣传", "safety"),
    "routine": ("日常走访", "routine"),
}
_DAY: ColumnElement[Any] = cast(func.timezone(LOCAL_ZONE.key, Visit.at), Date)


def tell_visits(session: Session, person_id: uuid.UUID, span: Span) -> Iterator[Entry]:
    """Each visit of these days that was not withdrawn as entered by mistake."""
    placed = grid_at(OF_HOUSEHOLDS, _DAY)
    statement: Any = at_their_doors(
        select(Visit, Household.street_code, placed.c.code, placed.c.name, placed.c.path).join(
            Household, Household.household_id == Visit.household_id
        )
    ).outerjoin(placed, true())
    of_days = (Visit.at >= span.starts_at, Visit.at < span.ends_at)
    rows = session.execute(
        statement.where(Visit.person_id == person_id, *of_days, Visit.outcome.in_(list(_OUTCOMES)))
    ).all()
    plates = plates_of(session, {row.Visit.household_id for row in rows})
    for row in rows:
        yield _entry(row, plates[row.Visit.household_id])


def _entry(row: Row[Any], plate: DoorPlate) -> Entry:
    visit = row.Visit
    names = "、".join(plate.names)
    outcome_zh, outcome_en = _OUTCOMES[visit.outcome]
    theme_zh, theme_en = _THEMES.get(visit.theme, (visit.theme, visit.theme))
    who_zh, who_en = (f"（{names}）", f" ({names})") if names else ("", "")
    door = _door(plate)
    met = {"visits_met": 1} if visit.outcome == Outcome.MET else {}
    return Entry(
        kind="visit",
        day=local_date(visit.at),
        at=visit.at,
        until=None,
        zh=f"走访{door}{who_zh}，{theme_zh}，{outcome_zh}。",
        en=f"Visited {door}{who_en}, {theme_en}: {outcome_en}.",
        path=row.path or f"{row.street_code}/",
        grid_code=row.code,
        grid_name=row.name,
        item_id=visit.visit_id,
        seen_by=Action.READ_VISITS,
        figures={"visits": 1, **met},
    )


def _door(plate: DoorPlate) -> str:
    """Building, entrance and room as they are spoken; the address where there is no building."""
    place = plate.building or plate.address or ""
    entrance = f"{plate.entrance}单元" if plate.entrance else ""
    room = f"{plate.room}室" if plate.room else ""
    return f"{place}{entrance}{room}" or "住户"


PROVIDERS["visit"] = tell_visits
