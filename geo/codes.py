"""Grid codes of CJ/T 349-2010: read, write, explain and give out.

    OOOOOO CCCCCC SSS QQQ NN [-FFF[-CCC]]
    object county street community sequence, then a local suffix for levels 4 and 5

Object codes follow CJ/T 348, counties GB/T 2260, streets GB/T 10114, communities CJ/T 213. The code has no
level digit and no check digit: level and parent are columns of the grid; each group is checked by its range
and, where a table is at hand, by its meaning. The suffix is ours, not the standard's (DB32/T 2763-2015 5.2.5
wants floors, shops and counters as grids). Numbers are given out in geo/numbering.py.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from core.errors import FieldError, Invalid

UNDIVIDED = "00"  # sequence of a community that is not subdivided (5.7)
FIRST_MERGED = 601  # community numbers of grids merged from several communities (5.6)

# Statistical province codes; 71, 81 and 82 are Taiwan, Hong Kong and Macao.
PROVINCES = frozenset(
    str(code)
    for code in (
        *range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66),
        71, 81, 82,
    )
)  # fmt: skip
# Prefecture-level cities without counties: their streets hang on the city's own code.
CITIES_WITHOUT_COUNTIES = frozenset({"441900", "442000", "460400", "620200"})

_GRID = re.compile(r"[0-9]{20}(?:-[^-]*){0,2}")
_UNIT_GRID = re.compile(r"[0-9]{15}")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is wrong: a stable code and a sentence in both languages."""

    code: str
    zh: str
    en: str

    def __str__(self) -> str:
        return f"{self.zh} / {self.en}"


class InvalidGridCode(Invalid):
    """This is not a grid code."""

    code = "invalid-grid-code"


@dataclass(frozen=True, slots=True)
class GridCode:
    """A well-formed grid code, by digit group."""

    object_code: str
    county: str
    street: str
    community: str
    sequence: str
    suffix: tuple[str, ...] = ()

    @property
    def street_code(self) -> str:
        return self.county + self.street

    @property
    def community_code(self) -> str:
        return self.county + self.street + self.community

    @property
    def is_undivided(self) -> bool:
        return self.sequence == UNDIVIDED

    @property
    def plane(self) -> "GridCode":
        """The 20-digit code of the grid that has a polygon of its own."""
        return GridCode(self.object_code, self.county, self.street, self.community, self.sequence)

    def below(self, part: str) -> "GridCode":
        """The code of a floor below a level-3 grid, or of a counter below a floor."""
        return parse(f"{self}-{part}")

    def __str__(self) -> str:
        digits = self.object_code + self.county + self.street + self.community + self.sequence
        return "-".join((digits, *self.suffix))


@dataclass(frozen=True, slots=True)
class UnitGridCode:
    """A 15-digit unit-grid code (单元网格) of GB/T 30428.1."""

    county: str
    street: str
    community: str
    unit: str

    def __str__(self) -> str:
        return self.county + self.street + self.community + self.unit


@dataclass(frozen=True, slots=True)
class DigitGroup:
    """One group of a code as a person should see it."""

    name: str
    digits: str
    meaning: str | None
    valid: bool
    reason: Reason | None


class CodeLookups(Protocol):
    """The tables that give digit groups a name."""

    def object_name(self, code: str) -> str | None: ...

    def division_name(self, code: str) -> str | None: ...


def parse(text: str) -> GridCode:
    """A grid code whose every group lies in the range its standard allows.

    Raises: InvalidGridCode naming each wrong group. Whether county, street, community and object exist is a
    question to the tables: see explain().
    """
    object_code, county, street, community, sequence, *suffix = _sound_groups(text, _GRID)
    return GridCode(object_code, county, street, community, sequence, tuple(suffix))


def parse_unit_grid(text: str) -> UnitGridCode:
    """A unit-grid code (GB/T 30428.1). Raises: InvalidGridCode naming each wrong group."""
    return UnitGridCode(*_sound_groups(text, _UNIT_GRID))


def explain(text: str, lookups: CodeLookups) -> list[DigitGroup]:
    """Every group with its meaning, or the reason why it has none; never raises."""
    groups = _split(text)
    digits_of = dict(groups)
    explained = []
    for name, digits in groups:
        fault = _fault(name, digits)
        meaning = None if fault else _meaning(name, digits_of, lookups)
        if fault is None and meaning is None:
            fault = _UNKNOWN[name]
        explained.append(DigitGroup(name, digits, meaning, fault is None, fault))
    return explained


# ------------------------------------------------------------------------------------- digit groups

_GRID_GROUPS = (("object", 6), ("county", 6), ("street", 3), ("community", 3), ("sequence", 2))
_UNIT_GROUPS = (("county", 6), ("street", 3), ("community", 3), ("unit", 3))
_SUFFIX_NAMES = ("floor", "counter")


def _split(text: str) -> list[tuple[str, str]]:
    """Named digit groups; one group called `code` when the text has not even the length of a code."""
    if _UNIT_GRID.fullmatch(text):
        return _cut(text, _UNIT_GROUPS)
    if not _GRID.fullmatch(text):
        return [("code", text)]
    digits, *suffix = text.split("-")
    return _cut(digits, _GRID_GROUPS) + list(zip(_SUFFIX_NAMES, suffix, strict=False))


def _sound_groups(text: str, shape: re.Pattern[str]) -> list[str]:
    """The digits of each group of a text in this shape. Raises: InvalidGridCode."""
    groups = _split(text) if shape.fullmatch(text) else [("code", text)]
    faults = [(name, fault) for name, digits in groups if (fault := _fault(name, digits))]
    if faults:
        raise InvalidGridCode(
            f"{text[:40]!r}: " + "; ".join(str(fault) for _, fault in faults),
            errors=[FieldError(f"/{name}", fault.code, str(fault)) for name, fault in faults],
        )
    return [digits for _, digits in groups]


def _cut(digits: str, groups: tuple[tuple[str, int], ...]) -> list[tuple[str, str]]:
    cut, start = [], 0
    for name, width in groups:
        cut.append((name, digits[start : start + width]))
        start += width
    return cut


_WRONG_LENGTH = Reason(
    "code-length",
    "网格编码为 20 位数字（CJ/T 349-2010），四、五级加 -三位[-三位]；单元网格编码为 15 位",
    "a grid code has 20 digits (CJ/T 349-2010), levels 4 and 5 add -NNN or -NNN-NNN; a unit grid has 15",
)
_NOT_DIGITS = Reason(
    "code-not-digits",
    "网格编码只含半角数字 0–9（四、五级后缀前用 -）",
    "a grid code holds ASCII digits only, with - before each local suffix",
)


def _code_fault(text: str) -> Reason:
    body = text.replace("-", "")
    return _WRONG_LENGTH if body.isascii() and body.isdigit() else _NOT_DIGITS


def _object_fault(digits: str) -> Reason | None:
    if digits[:4] != "0000":
        return None
    return Reason(
        "object-range",
        f"对象代码 {digits} 的前四位（大类）不能为 0000（CJ/T 348）",
        f"object code {digits}: its first four digits name a class of CJ/T 348 and cannot be 0000",
    )


def _county_fault(digits: str) -> Reason | None:
    """GB/T 2260: province, prefecture, county; 01-20 districts, 21-80 counties, 81-99 county-level cities."""
    if digits[:2] not in PROVINCES:
        zh, en = f"没有代码为 {digits[:2]} 的省级区划", f"there is no province {digits[:2]}"
    elif digits[2:4] == "00":
        zh, en = "地级代码 00 表示全省，不是县级区划", "prefecture 00 means the whole province, not a county"
    elif digits[4:] == "00" and digits not in CITIES_WITHOUT_COUNTIES:
        zh, en = "县级代码 00 表示全市，不是县级区划", "county 00 means the whole prefecture, not a county"
    else:
        return None
    return Reason(
        "county-range", f"县级代码 {digits}：{zh}（GB/T 2260）", f"county {digits}: {en} (GB/T 2260)"
    )


def _street_fault(digits: str) -> Reason | None:
    if 1 <= int(digits) <= 599:
        return None
    return Reason(
        "street-range",
        f"街道代码 {digits} 不在 001–599 之内"
        "（GB/T 10114：街道 001–099，镇 100–199，乡 200–399，类似乡级 400–599）",
        f"street {digits} is outside 001-599 "
        "(GB/T 10114: streets 001-099, towns 100-199, townships 200-399, similar areas 400-599)",
    )


def _community_fault(digits: str) -> Reason | None:
    if 1 <= int(digits) <= 599 or int(digits) >= FIRST_MERGED:
        return None
    return Reason(
        "community-range",
        f"社区代码 {digits} 不在 001–599 之内，也不是合并网格的 601–999（CJ/T 349-2010 5.6）",
        f"community {digits} is neither 001-599 nor 601-999 for merged communities (CJ/T 349-2010 5.6)",
    )


def _unit_fault(digits: str) -> Reason | None:
    if int(digits):
        return None
    return Reason(
        "unit-range",
        "单元网格顺序码从 001 开始（GB/T 30428.1）",
        "unit grids are numbered from 001 (GB/T 30428.1)",
    )


def _suffix_fault(digits: str) -> Reason | None:
    if re.fullmatch(r"[0-9]{3}", digits) and int(digits):
        return None
    return Reason(
        "suffix-range",
        f"本地后缀 {digits!r} 应为 001–999（四级楼层、五级柜台，非 CJ/T 349 内容）",
        f"local suffix {digits!r} must be 001-999 (level 4 floor, level 5 counter; not in CJ/T 349)",
    )


_CHECKS: dict[str, Callable[[str], Reason | None]] = {
    "code": _code_fault,
    "object": _object_fault,
    "county": _county_fault,
    "street": _street_fault,
    "community": _community_fault,
    "sequence": lambda _: None,  # any two digits
    "unit": _unit_fault,
    "floor": _suffix_fault,
    "counter": _suffix_fault,
}


def _fault(name: str, digits: str) -> Reason | None:
    return _CHECKS[name](digits)


# ------------------------------------------------------------------------------------------ meanings

_UNKNOWN = {
    "object": Reason(
        "object-unknown", "对象代码不在本系统的对象代码表中", "the object code is not in this system's table"
    ),
    "county": Reason(
        "county-unknown", "县级代码不在本系统的区划表中", "the county is not in this system's division table"
    ),
    "street": Reason(
        "street-unknown", "该县没有此街道代码", "this county has no such street in the division table"
    ),
    "community": Reason(
        "community-unknown", "该街道没有此社区代码", "this street has no such community in the division table"
    ),
}


def _meaning(name: str, groups: dict[str, str], lookups: CodeLookups) -> str | None:
    """What a well-formed group stands for; None when the tables do not know it."""
    digits = groups[name]
    if name == "object":
        return lookups.object_name(digits) or _class_meaning(digits)
    if name == "county":
        return lookups.division_name(digits)
    if name == "street":
        return lookups.division_name(groups["county"] + digits)
    if name == "community":
        if int(digits) >= FIRST_MERGED:
            return "多个社区合并的网格 / grid merged from several communities"
        return lookups.division_name(groups["county"] + groups["street"] + digits)
    return _numbered(name, digits)


def _class_meaning(digits: str) -> str | None:
    """A code ending in 00 names a whole class (5.3): no mistake where the table lists only subclasses."""
    return f"大类 {digits[:4]} / class {digits[:4]}" if digits.endswith("00") else None


def _numbered(name: str, digits: str) -> str:
    if name == "sequence" and digits == UNDIVIDED:
        return "社区未细分 / community not subdivided"
    zh, en = {
        "sequence": ("社区内第 {} 号网格", "grid {} of the community"),
        "unit": ("第 {} 号单元网格", "unit grid {}"),
        "floor": (
            "四级网格（楼层、独立商铺）第 {} 号，本地编号",
            "level 4 (floor or shop) no. {}, local number",
        ),
        "counter": ("五级网格（柜台）第 {} 号，本地编号", "level 5 (counter) no. {}, local number"),
    }[name]
    return f"{zh.format(int(digits))} / {en.format(int(digits))}"
