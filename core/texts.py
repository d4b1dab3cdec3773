"""Text from outside: found to be in one encoding, or refused. Nothing garbled is ever passed on."""

import codecs

from core.errors import FieldError, Invalid

# What Chinese files come in. GB 18030 holds all of GB 2312 and GBK.
_ENCODINGS = {
    "utf-8": "utf-8",
    "gb18030": "gb18030",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "big5": "big5",
    "utf-16": "utf-16",
    "iso8859-1": "latin-1",
    "cp1252": "cp1252",
}
_ALIASES = {"936": "gbk", "65001": "utf-8", "ansi936": "gbk", "utf8mb4": "utf-8"}
_FIRST_OF_CHINESE = "\u2e80"
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


class WrongEncoding(Invalid):
    """The text of this file is not in the encoding it should be in."""

    code = "wrong-encoding"


def known_encoding(name: str) -> str | None:
    """Python's name for an encoding as people and files write it; None for one that is not accepted."""
    plain = name.strip().lower()
    try:
        found = codecs.lookup(_ALIASES.get(plain, plain)).name
    except (LookupError, ValueError):  # ValueError: a NUL in the name
        return None
    return _ENCODINGS.get(found)


def accepted_encoding(name: str) -> str:
    """The same for a name that somebody declared. Raises: WrongEncoding."""
    found = known_encoding(name)
    if found is None:
        raise wrong_encoding(f"不支持编码 {name[:20]!r}，请用 UTF-8 或 GBK / {name[:20]!r}: use UTF-8 or GBK")
    return found


def encoding_to_write(name: str) -> str:
    """The encoding that whoever reads the name will use: GBK has fewer characters than GB 18030.

    Raises: WrongEncoding.
    """
    found = accepted_encoding(name)
    return "gbk" if found == "gb18030" and "18030" not in name else found


def encoding_of(sample: bytes, declared: str | None = None) -> str:
    """The encoding that all of these bytes are in.

    A declaration that the bytes contradict is refused: GBK would read nearly any UTF-8 text, as nonsense.
    Raises: WrongEncoding.
    """
    if declared is not None:
        encoding = accepted_encoding(declared)
        if encoding not in {"utf-8", "utf-16"} and _is_chinese_utf8(sample):
            raise wrong_encoding(f"文字实为 UTF-8，而声明为 {declared} / the text is UTF-8, not {declared}")
        if not _decodes(sample, encoding):
            raise wrong_encoding(f"文字不是有效的 {declared} / the text is no valid {declared}")
        return encoding
    for mark, encoding in _MARKS:
        if sample.startswith(mark) and _decodes(sample, encoding):
            return encoding
    if sample.isascii() or _is_chinese_utf8(sample):
        return "utf-8"
    # A few GBK texts are also valid UTF-8, of letters nobody here writes: in doubt it is Chinese.
    for encoding in ("gb18030", "utf-8"):
        if _decodes(sample, encoding):
            return encoding
    raise wrong_encoding("文字既非 UTF-8 也非 GBK / the text is neither UTF-8 nor GBK")


def decoded(body: bytes, declared: str | None = None) -> tuple[str, str]:
    """The text, without a byte order mark, and its encoding. Raises: WrongEncoding."""
    encoding = encoding_of(body, declared)
    return body.decode(encoding).removeprefix("\ufeff"), encoding


def wrong_encoding(detail: str, pointer: str = "/encoding") -> WrongEncoding:
    """The error, pointing at what was declared or at the field with the text."""
    return WrongEncoding(detail, errors=[FieldError(pointer, "wrong-encoding", detail)])


def _is_chinese_utf8(sample: bytes) -> bool:
    try:
        return any(letter >= _FIRST_OF_CHINESE for letter in sample.decode("utf-8"))
    except UnicodeDecodeError:
        return False


def _decodes(sample: bytes, encoding: str) -> bool:
    try:
        sample.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
