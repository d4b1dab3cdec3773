"""Chinese addresses as text: one spelling for comparing, and how far two of them agree. Pure.

People write 文苑路１２号三栋二单元 401, 仙林街道文苑路12号3幢2单元401室 or 文苑路12号3-2-401
and mean one door.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

_DIGITS = {sign: value for value, sign in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_NUMERAL = "零〇一二两三四五六七八九十百"
# Only before a unit: 龙湾一街 and 三牌楼 are names.
_CHINESE_NUMBER = re.compile(rf"[{_NUMERAL}]+(?=号楼|号|栋|幢|座|单元|弄|室|层)")
# The order matters: 3号楼 is a building before 3号 is a house number.
_SPELLINGS = (
    (re.compile(r"(?<=[0-9A-Z])(?:号楼|栋|座|#楼|#)"), "幢"),
    (re.compile(r"(?<=[0-9A-Z])(?:门)(?=[0-9]|$)"), "单元"),
    (re.compile(r"(?<=[0-9A-Z])(?:楼)"), "层"),
    (re.compile(r"(?<=[0-9A-Z])(?:房|户)$"), "室"),
    (re.compile(r"(?<=幢)([0-9]{1,2})-([0-9A-Z]{2,5})室?$"), r"\1单元\2室"),
    (re.compile(r"(?<=[号幢])([0-9A-Z]{1,3})-([0-9]{1,2})-([0-9A-Z]{2,5})室?$"), r"\1幢\2单元\3室"),
    (re.compile(r"(?<=单元)([0-9A-Z]{2,5})$"), r"\1室"),
    (re.compile(r"(?<=幢)([0-9]{3,5})$"), r"\1室"),
)
_NOISE = re.compile(r"[\s,，.。;；:：、·'\"“”()（）\[\]【】]+")
_HYPHENS = re.compile(r"[‐‑‒–—―－﹣~～至]")
_SAME = str.maketrans({"號": "号", "棟": "幢", "單": "单", "層": "层", "樓": "楼", "＃": "#", "&": "#"})
_PARTS = re.compile(
    r"^(?P<number>.*?号)?(?P<building>.*?幢)?(?P<entrance>[0-9A-Z]+单元)?(?P<floor>-?[0-9]+层)?(?P<rest>.*)$"
)


@dataclass(frozen=True, slots=True)
class AddressParts:
    """An address as far as its number, as far as its building, and the road without a number."""

    road: str
    to_number: str | None
    to_building: str | None


def normalised(text: str, division_names: Iterable[str] = ()) -> str:
    """The address in the one spelling that is compared; everything up to a division's name is left out."""
    plain = unicodedata.normalize("NFKC", text).upper().translate(_SAME)
    plain = _HYPHENS.sub("-", _NOISE.sub("", plain))
    plain = _without_divisions(plain, division_names)
    plain = _CHINESE_NUMBER.sub(lambda found: str(_number(found[0])), plain)
    for pattern, spelling in _SPELLINGS:
        plain = pattern.sub(spelling, plain)
    return re.sub(r"(?<![0-9])0+(?=[0-9])", "", plain)


def _without_divisions(text: str, names: Iterable[str]) -> str:
    end = max((text.rfind(name) + len(name) for name in names if name and name in text), default=0)
    return text[end:] or text


def _number(numeral: str) -> int:
    """The value of 十二, 一百零三 or 二〇三."""
    if not set(numeral) & set("十百"):
        return int("".join(str(_DIGITS[sign]) for sign in numeral))
    total, digit = 0, 0
    for sign in numeral:
        if sign in "十百":
            total += (digit or 1) * (10 if sign == "十" else 100)
            digit = 0
        else:
            digit = _DIGITS[sign]
    return total + digit


def parts_of(plain: str) -> AddressParts:
    """The parts of a normalised address that narrow it down."""
    found = _PARTS.match(plain)
    number = (found and found["number"]) or ""
    building = (found and found["building"]) or ""
    head = number or building or plain
    road = re.sub(r"[0-9A-Z]+(?:-[0-9A-Z]+)*(?:号|幢)?$", "", head.removesuffix("幢").removesuffix("号"))
    return AddressParts(road, number or None, number + building if building else None)
