"""The list of tags of households that the standard names; a deployment adds rows and ends others."""

from dataclasses import asdict, dataclass
from datetime import date

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from registry.people.models import TagKind

_VALID_FROM = date(2015, 1, 1)  # DB32/T 2763-2015
_NOTE_A = "annex A 16, note a"


@dataclass(frozen=True, slots=True)
class _Tag:
    code: str
    zh: str
    en: str
    clause: str
    is_special: bool = True
    is_restricted: bool = False


# 7.1.3.1, 9.2.2.3 and note a of annex A each name special families, 7.5.5 key persons: all of them are tags,
# and `is_special` says which make a household one that is visited each quarter.
TAGS = (
    _Tag("disabled", "残疾人", "disabled person", f"7.1.3.1; 9.2.2.3; {_NOTE_A}"),
    _Tag("lone_elder", "孤寡老人", "elder without family", f"9.2.2.3; {_NOTE_A}"),
    _Tag("bereaved_parents", "失独家庭", "parents who lost their only child", _NOTE_A),
    _Tag("single_parent", "单亲家庭", "single parent", f"9.2.2.3; {_NOTE_A}"),
    _Tag("subsistence", "低保户", "subsistence allowance", f"7.1.3.1; {_NOTE_A}"),
    _Tag("destitute", "特困（五保）", "destitute, supported by the state", "7.1.3.1; 7.2.1; 9.2.2.3"),
    _Tag("elder_living_alone", "独居高龄老人", "elder living alone", "7.1.3.1; 9.2.2.3"),
    _Tag("child_in_need", "困境儿童", "child in need", "7.2.1; 9.2.2.3"),
    _Tag("left_behind_child", "留守儿童", "child left behind", "7.2.1", is_special=False),
    _Tag("elder", "老人", "elder", "7.2.1", is_special=False),
    _Tag("veteran", "退役军人", "veteran", "5.2 b", is_special=False),
    _Tag("social_support", "帮教人员", "under social support", f"7.5.5; {_NOTE_A}", is_restricted=True),
    _Tag("mental_illness", "精神疾病患者", "mental illness", "7.5.5", is_restricted=True),
)


def load_tags(session: Session) -> None:
    """Every tag of the list is known; a row that is already there stays as it is."""
    rows = [{**asdict(tag), "valid_from": _VALID_FROM} for tag in TAGS]
    session.execute(
        insert(TagKind).values(rows).on_conflict_do_nothing(constraint="uq_tag_kinds_code_valid_from")
    )
