"""Unified social credit codes 统一社会信用代码 (GB 32100), checked and in one form."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError
from stdnum.cn import uscc


def read_credit_code(text: str) -> str:
    """The code in one form. Raises: PydanticCustomError, which says what is wrong with it."""
    plain = unicodedata.normalize("NFKC", text).replace(" ", "").replace("-", "").upper()
    if not uscc.is_valid(plain):
        told = "统一社会信用代码不对，请核对 / the credit code is wrong: look at it again"
        raise PydanticCustomError("credit-code-wrong", told)
    return plain


CreditCode = Annotated[
    str,
    StringConstraints(max_length=40, strip_whitespace=True, min_length=1),
    AfterValidator(read_credit_code),
]
