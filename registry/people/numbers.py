"""ID and phone numbers as people write them: checked, and in one form.

An ID number is checked for its form, its check digit and its birth date (GB 11643). The division in its first
six digits is not: codes of counties change, and people keep their number.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

from stdnum.cn import ric
from stdnum.exceptions import InvalidComponent

from geo.codes import Reason

_OLDEST = 130  # years
_LENGTH = 18
_MOBILE = re.compile(r"^1[3-9][0-9]{9}$")
_LANDLINE = re.compile(r"^0(?:10|2[0-9]|[3-9][0-9]{2})[2-8][0-9]{6,7}$")
_COUNTRY = re.compile(r"^(?:\+|00)?86(?=1[3-9][0-9]{9}$|0[1-9])")
_BETWEEN = re.compile(r"[\s\-‐-―()]+")


class WrongNumber(Exception):
    """A number that cannot be right; the reason never repeats it."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(code)
        self.reason = Reason(code, zh, en)


@dataclass(frozen=True, slots=True)
class IdNumber:
    """An ID number and what it says of its holder."""

    number: str
    born_on: date
    sex: str


def read_id_number(text: str, today: date) -> IdNumber:
    """The number in one form. Raises: WrongNumber."""
    number = _plain(text).upper()
    if "*" in number:
        raise WrongNumber(
            "masked-number", "这是隐去的号码；不改就不要填写", "this is masked: leave it out to keep it"
        )
    if len(number) != _LENGTH:
        raise WrongNumber("id-number-length", "身份证号应为 18 位", "an ID number has 18 digits")
    if not (number[:-1].isascii() and number[:-1].isdigit() and number[-1] in "0123456789X"):
        raise WrongNumber(
            "id-number-form", "身份证号应为 17 位数字加一位校验码", "17 digits and a check digit are needed"
        )
    if ric.calc_check_digit(number) != number[-1]:
        raise WrongNumber(
            "id-number-check-digit",
            "身份证号校验码不对，请核对",
            "the check digit is wrong: look at it again",
        )
    try:
        born_on = ric.get_birth_date(number)
    except (InvalidComponent, ValueError):
        born_on = None
    if born_on is None or not today.year - _OLDEST <= born_on.year or born_on > today:
        raise WrongNumber(
            "id-number-birth-date", "身份证号中的出生日期不存在", "the birth date in the ID number cannot be"
        )
    return IdNumber(number, born_on, "male" if int(number[-2]) % 2 else "female")


def read_phone(text: str) -> str:
    """A mainland mobile number, or a landline with its area code, as digits. Raises: WrongNumber."""
    number = _COUNTRY.sub("", _BETWEEN.sub("", _plain(text)))
    if "*" in number:
        raise WrongNumber(
            "masked-number", "这是隐去的号码；不改就不要填写", "this is masked: leave it out to keep it"
        )
    if _MOBILE.match(number) or _LANDLINE.match(number):
        return number
    raise WrongNumber(
        "phone-form",
        "应为 11 位手机号，或带区号的固定电话",
        "an 11-digit mobile number, or a landline with its area code",
    )


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip()
