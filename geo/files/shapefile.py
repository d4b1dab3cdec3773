"""The parts of a Shapefile in an archive, and the encoding of its text.

A .dbf says little about its encoding: a .cpg beside it, one byte in its header, or nothing. What is declared
is checked against every text in the file.
"""

from collections.abc import Iterator
from typing import Any

from core.texts import WrongEncoding, encoding_of, known_encoding, wrong_encoding
from geo.codes import Reason
from geo.files.archive import Archive, Member
from geo.files.faults import unreadable

_NEEDED = (".shp", ".shx", ".dbf")
_PARTS = (*_NEEDED, ".prj")
# Language driver ids of dBASE that name one encoding for certain; 0x57 and 0x03 are put there by default.
_DRIVER_IDS = {0x4D: "gbk", 0x4F: "big5", 0x7A: "gbk", 0x78: "big5"}
_DRIVER_ID_AT = 29


class Shapefile:
    """One Shapefile of an archive. Raises: UnreadableFile when a part is missing."""

    def __init__(self, archive: Archive, main: Member) -> None:
        folder = main.name[: -len(main.suffix)].casefold()
        beside = {
            member.suffix: member
            for member in archive.members
            if member.name[: -len(member.suffix) or None].casefold() == folder
        }
        missing = [suffix for suffix in _NEEDED if suffix not in beside]
        if missing:
            told = " ".join(missing)
            zh, en = f"Shapefile {main.stem} 缺少 {told}", f"the Shapefile {main.stem} lacks its {told}"
            raise unreadable("shapefile-incomplete", zh, en, missing=missing)
        self.parts = {f"grids{suffix}": archive.read(beside[suffix]) for suffix in _PARTS if suffix in beside}
        self._cpg = archive.read(beside[".cpg"])[:40] if ".cpg" in beside else b""

    def encoding(self, declared: str | None) -> str | None:
        """What the request, the .cpg or the header says, in this order; None when nobody does."""
        if declared is not None:
            return declared
        named = self._cpg.decode("ascii", "ignore").strip("\x00\r\n\t \ufeff")
        if known_encoding(named):
            return named
        header = self.parts["grids.dbf"][: _DRIVER_ID_AT + 1]
        return _DRIVER_IDS.get(header[_DRIVER_ID_AT]) if len(header) > _DRIVER_ID_AT else None


def decode_texts(found: dict[str, Any], declared: str | None) -> list[Reason]:
    """Names and values in `found`, which hold a byte per character, become text; hints about how.

    Raises: WrongEncoding naming the first field that is in no sound encoding.
    """
    whole = b"\n".join(dict.fromkeys(_samples(found)))
    encoding = _encoding(whole, declared)
    found["fields"] = [_name(raw.encode("latin-1"), encoding) for raw in found["fields"]]
    cut: set[str] = set()
    for name, column in zip(found["fields"], found["columns"], strict=True):
        for index, value in enumerate(column):
            if isinstance(value, str) and not value.isascii():
                column[index] = _value(value.encode("latin-1"), encoding, name, index, cut)
    notes = []
    if declared is None and encoding == "gb18030":
        notes.append(Reason("encoding-found", "未声明编码，按 GBK 读取", "no encoding declared: read as GBK"))
    if cut:
        told = "、".join(sorted(cut))
        zh, en = f"字段 {told} 的文本在文件中已被截断", f"texts of {told} were cut short in the file"
        notes.append(Reason("text-cut", zh, en))
    return notes


def _samples(found: dict[str, Any]) -> Iterator[bytes]:
    for column in found["columns"]:
        for value in column:
            if isinstance(value, str) and not value.isascii() and len(value) < _LONGEST:
                yield value.encode("latin-1")


_LONGEST = 253  # of a dBASE text: a longer one may end in the middle of a character


def _encoding(whole: bytes, declared: str | None) -> str:
    try:
        return encoding_of(whole, declared)
    except WrongEncoding as error:
        tip = "请用 encoding 声明，如 GBK / declare it with encoding, e.g. GBK"
        raise wrong_encoding(f"{error.detail}；{tip}") from None


def _name(raw: bytes, encoding: str) -> str:
    """A field name; ten bytes may end in the middle of a character, which is left out."""
    for end in range(len(raw), max(len(raw) - 4, 0), -1):
        try:
            return raw[:end].decode(encoding)
        except UnicodeDecodeError:
            continue
    raise wrong_encoding("字段名不是有效文字 / a field name is no text")


def _value(raw: bytes, encoding: str, field: str, index: int, cut: set[str]) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        if len(raw) >= _LONGEST and error.start >= len(raw) - 3:
            cut.add(field)
            return raw[: error.start].decode(encoding)
        zh, en = f"第 {index} 个要素的字段 {field} 编码有误", f"feature {index}: {field} is garbled"
        raise wrong_encoding(f"{zh} / {en}", "/encoding") from None
