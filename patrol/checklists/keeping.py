"""New versions of checklists. A version that exists is never changed: findings and phones name it."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import date
from typing import Annotated, Any

from pydantic import ConfigDict, Field, StringConstraints
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from access.queries import street_code_of
from access.roles import Action
from access.scope import EVERYWHERE, Actor, require, scope_of
from core import audit
from core.clock import today
from core.errors import FieldError, Forbidden, Invalid, Outdated, Unguarded
from core.storable import Body
from geo.models import Division, Grid
from patrol.checklists.fields import ServiceField
from patrol.checklists.lists import ChecklistRow, Entry
from patrol.checklists.models import Checklist
from patrol.checklists.queries import row_of
from patrol.checklists.wire import Code
from patrol.rights import GridUnknown

MAX_ENTRIES = 60
Label = Annotated[str, StringConstraints(min_length=1, max_length=60, strip_whitespace=True)]
Hint = Annotated[str, StringConstraints(max_length=300, strip_whitespace=True)]
Clause = Annotated[str, StringConstraints(max_length=60, strip_whitespace=True)]

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('checklist:' || :code, 0))")


class EntryDraft(Body):
    """An item or an aspect; `clause` only where a standard names it."""

    model_config = ConfigDict(frozen=True)

    code: Code
    zh: Label
    en: Label
    clause: Clause = ""
    hint_zh: Hint = ""
    hint_en: Hint = ""


class ChecklistDraft(Body):
    """A version as it is to be; no items end the checklist there."""

    model_config = ConfigDict(frozen=True)

    area: Annotated[str, StringConstraints(max_length=40)] = Field(
        "", description="code of a street or a grid; empty for the whole deployment"
    )
    kind: Annotated[str, StringConstraints(max_length=40)] = Field(
        "", description="kind of grid; empty for any"
    )
    valid_from: date
    field: ServiceField
    zh: Label
    en: Label
    clause: Clause = ""
    aspects: list[EntryDraft] = Field(default_factory=list, max_length=MAX_ENTRIES)
    items: list[EntryDraft] = Field(default_factory=list, max_length=MAX_ENTRIES)


@dataclass(frozen=True, slots=True)
class Kept:
    """The version that now says what was asked for."""

    row: ChecklistRow
    is_new: bool


def put_checklist(
    session: Session, actor: Actor, code: str, draft: ChecklistDraft, *, revision: int | None
) -> Kept:
    """There is a version that says this, from that day on. `revision` is the newest that the editor knew.

    Raises: Invalid, GridUnknown, Forbidden, Unguarded, Outdated.
    """
    path = _managed_path(session, actor, draft.area)
    session.execute(_LOCK, {"code": code})
    newest = session.scalar(
        select(Checklist).where(Checklist.code == code).order_by(Checklist.version.desc()).limit(1)
    )
    columns = _columns(draft, path)
    if newest is not None and _says(newest, columns):
        return Kept(row_of(newest), is_new=False)
    _require_sound(draft, newest)
    if newest is not None:
        _require_revision(newest, revision)
    version = 1 if newest is None else newest.version + 1
    made = Checklist(code=code, version=version, created_by=actor.label, **columns)
    session.add(made)
    session.flush()  # a constraint must speak before the trail does
    audit.record(
        session,
        chain=street_code_of(path) or "",
        actor=actor.label,
        action="checklist.created",
        subject=f"checklist:{code}/{version}",
        detail={"path": path, "kind": draft.kind, "valid_from": str(draft.valid_from)},
    )
    return Kept(row_of(made), is_new=True)


def first_version(code: str, draft: ChecklistDraft, *, created_by: str) -> Checklist:
    """Version 1 for the whole deployment, not stored yet."""
    return Checklist(code=code, version=1, created_by=created_by, **_columns(draft, EVERYWHERE))


def _columns(draft: ChecklistDraft, path: str) -> dict[str, Any]:
    said = {
        "field": draft.field.value,
        "zh": draft.zh,
        "en": draft.en,
        "clause": draft.clause,
        "aspects": [asdict(Entry(**one.model_dump())) for one in draft.aspects],
        "items": [asdict(Entry(**one.model_dump())) for one in draft.items],
    }
    canonical = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return {
        **said,
        "path": path,
        "kind": draft.kind,
        "valid_from": draft.valid_from,
        "content_hash": hashlib.sha256(canonical.encode()).digest(),
    }


def _says(stored: Checklist, columns: dict[str, Any]) -> bool:
    names = ("path", "kind", "valid_from", "content_hash")
    return all(getattr(stored, name) == columns[name] for name in names)


def _managed_path(session: Session, actor: Actor, area: str) -> str:
    """The path of an area whose checklists the actor keeps. Raises: GridUnknown, Forbidden."""
    if area == EVERYWHERE:
        if not scope_of(actor, Action.MANAGE_POLICIES).covers(EVERYWHERE):
            told = "适用于全部区域的检查单由系统管理员维护，请填写街道或网格 / name a street or a grid"
            raise Forbidden(told, action=Action.MANAGE_POLICIES.value)
        return EVERYWHERE
    street = session.scalar(select(Division.code).where(Division.code == area))
    path = f"{street}/" if street else session.scalar(select(Grid.path).where(Grid.code == area))
    if path is None:
        raise GridUnknown
    require(actor, Action.MANAGE_POLICIES, path, missing=GridUnknown)
    return path


def _require_sound(draft: ChecklistDraft, newest: Checklist | None) -> None:
    """Raises: Invalid."""
    errors = []
    if draft.valid_from < today():
        told = "新版本不能从过去的日期开始 / a version does not begin in the past"
        errors.append(FieldError("/valid_from", "in-the-past", told))
    for name, entries in (("aspects", draft.aspects), ("items", draft.items)):
        codes = [entry.code for entry in entries]
        for index, one in enumerate(codes):
            if one in codes[:index]:
                errors.append(FieldError(f"/{name}/{index}/code", "repeated", f"代码重复 {one} / used twice"))
    if newest is not None and newest.field != draft.field:
        told = "同一检查单不能更换服务领域 / a checklist stays in its service field"
        errors.append(FieldError("/field", "field-changed", told))
    if errors:
        raise Invalid(errors=errors)


def _require_revision(newest: Checklist, revision: int | None) -> None:
    if revision is None:
        raise Unguarded
    if revision != newest.version:
        raise Outdated(version=newest.version, changed_by=newest.created_by)
