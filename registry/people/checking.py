"""What is said of a resident, checked as a whole: impossible dates, wrong numbers, contradictions."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from core.errors import FieldError, Invalid
from registry.people.drafts import ResidentDraft
from registry.people.models import Resident
from registry.people.numbers import IdNumber, WrongNumber, read_id_number, read_phone

ID_NUMBER, PHONE = "id_number", "phone"  # fields, and purposes of their indexes
_ALWAYS = ("relation", "residence", "joined_on")
_WHEN_GIVEN = ("name", "sex", "born_on")  # replies hide them or follow the ID number: silence keeps them
_CONTRADICTION = "与身份证号不一致 / the ID number says otherwise"


@dataclass(frozen=True, slots=True)
class Said:
    """What a draft says of a resident, checked: plain columns, and the numbers it gives or takes away."""

    columns: dict[str, Any]
    numbers: dict[str, str | None]


def checked(draft: ResidentDraft, day: date) -> Said:
    """What the draft says. Raises: Invalid, with every field that is wrong."""
    errors: list[FieldError] = []
    given = draft.model_fields_set
    numbers: dict[str, str | None] = {}
    identity: IdNumber | None = None
    if ID_NUMBER in given:
        identity = _read(draft.id_number, lambda text: read_id_number(text, day), "/id_number", errors)
        numbers[ID_NUMBER] = identity.number if identity else None
    if PHONE in given:
        numbers[PHONE] = _read(draft.phone, read_phone, "/phone", errors)
    errors += _impossible_dates(draft, day)
    columns = {name: getattr(draft, name) for name in _ALWAYS}
    columns |= {name: getattr(draft, name) for name in _WHEN_GIVEN if name in given}
    if columns.get("name", "") is None:
        del columns["name"]  # a person has one
    if identity is not None:
        said_by_number = {"sex": identity.sex, "born_on": identity.born_on}
        errors += _contradictions(columns, said_by_number)
        columns |= said_by_number
    if errors:
        raise Invalid(errors=errors)
    return Said(columns, numbers)


def beside_stored_number(said: Said, resident: Resident) -> Said:
    """The same, where the ID number that is stored and stays says sex and birth date. Raises: Invalid."""
    if resident.id_number_sealed is None or ID_NUMBER in said.numbers:
        return said
    said_by_number = {"sex": resident.sex, "born_on": resident.born_on}
    errors = list(_contradictions(said.columns, said_by_number))
    if errors:
        raise Invalid(errors=errors)
    return replace(said, columns={**said.columns, **said_by_number})


def _read(text: str | None, read: Callable[[str], Any], pointer: str, errors: list[FieldError]) -> Any:
    if text is None:
        return None
    try:
        return read(text)
    except WrongNumber as wrong:
        errors.append(FieldError(pointer, wrong.reason.code, str(wrong.reason)))
        return None


def _impossible_dates(draft: ResidentDraft, day: date) -> Iterator[FieldError]:
    for name in ("born_on", "joined_on"):
        given = getattr(draft, name)
        if given is not None and given > day:
            yield FieldError(f"/{name}", "day-in-future", "日期不能在今天之后 / the day is in the future")
    if draft.born_on and draft.joined_on and draft.joined_on < draft.born_on:
        yield FieldError("/joined_on", "before-birth", "迁入早于出生 / this is before the birth")


def _contradictions(columns: dict[str, Any], said_by_number: dict[str, Any]) -> Iterator[FieldError]:
    for name, value in said_by_number.items():
        if columns.get(name) not in (None, value):
            yield FieldError(f"/{name}", "contradicts-id-number", _CONTRADICTION)
