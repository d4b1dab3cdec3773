"""What households need, taken from the answers of a visit; open until a case takes it over.

A form asks for needs in a field `needs`, a list of {kind, detail, urgency}; any form may have one.
"""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from patrol.visits.models import Need, Visit

# Kinds of need, as residents speak of them; cases choose by kind who takes them over.
KINDS: Mapping[str, tuple[str, str]] = {
    "work": ("就业", "work"),
    "money": ("经济救助", "money"),
    "medical": ("医疗", "medical care"),
    "care": ("照料", "care"),
    "schooling": ("就学", "schooling"),
    "housing": ("住房", "housing"),
    "repair": ("维修", "repairs"),
    "legal": ("法律", "legal help"),
    "safety": ("安全隐患", "safety"),
    "dispute": ("矛盾调解", "a dispute"),
    "company": ("陪伴", "company"),
    "other": ("其他", "something else"),
}
URGENCIES: Mapping[str, tuple[str, str]] = {
    "normal": ("一般", "normal"),
    "soon": ("尽快", "soon"),
    "urgent": ("紧急", "urgent"),
}
OPEN, HANDED, WITHDRAWN = "open", "handed", "withdrawn"
_MAX_NEEDS = 20


@dataclass(frozen=True, slots=True)
class Stated:
    """One need as the answers state it."""

    kind: str
    detail: str
    urgency: str


def stated_in(answers: Mapping[str, Any]) -> list[Stated]:
    """The needs of checked answers, each once; what is none is passed over: any form may name a field so."""
    listed = answers.get("needs")
    found = (_stated(item) for item in listed[:_MAX_NEEDS]) if isinstance(listed, list) else ()
    by_key = {(one.kind, one.detail): one for one in found if one is not None}
    return list(by_key.values())


def follow_up_in(answers: Mapping[str, Any]) -> date | None:
    """The day on which the answers promise to come back (7.1.2.1: plan with a follow-up date)."""
    plan = answers.get("plan")
    promised = plan.get("follow_up_on") if isinstance(plan, dict) else answers.get("follow_up_on")
    try:
        return date.fromisoformat(promised) if isinstance(promised, str) else None
    except ValueError:
        return None


def keep_needs(session: Session, visit: Visit) -> None:
    """The open needs of the visit are those that its answers state; what a case took over stays with it."""
    stated = {_need_id(visit, one): one for one in stated_in(visit.answers)}
    known = {
        need.need_id: need for need in session.scalars(select(Need).where(Need.visit_id == visit.visit_id))
    }
    for need_id, need in known.items():
        if need.status != HANDED:
            need.status = OPEN if need_id in stated else WITHDRAWN
            need.urgency = stated[need_id].urgency if need_id in stated else need.urgency
    session.add_all(_new_need(visit, need_id, one) for need_id, one in stated.items() if need_id not in known)


def _stated(item: object) -> Stated | None:
    if not isinstance(item, dict):
        return None
    kind, detail, urgency = item.get("kind"), item.get("detail", ""), item.get("urgency", "normal")
    if not isinstance(kind, str) or not isinstance(detail, str) or not isinstance(urgency, str):
        return None
    return Stated(kind, detail, urgency) if kind in KINDS and urgency in URGENCIES else None


def _need_id(visit: Visit, one: Stated) -> uuid.UUID:
    return uuid.uuid5(visit.visit_id, f"{one.kind} {one.detail}")


def _new_need(visit: Visit, need_id: uuid.UUID, one: Stated) -> Need:
    return Need(
        need_id=need_id,
        visit_id=visit.visit_id,
        household_id=visit.household_id,
        found_at=visit.at,
        kind=one.kind,
        detail=one.detail,
        urgency=one.urgency,
        status=OPEN,
        handed_to=None,
    )


def labels(table: Mapping[str, tuple[str, str]]) -> Iterator[dict[str, str]]:
    """The choices of a form: `{const, zh, en}` each."""
    return ({"const": code, "zh": zh, "en": en} for code, (zh, en) in table.items())
