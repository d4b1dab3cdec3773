"""Zip files from outside, opened with suspicion: nothing is written under a name that the file chose.

A member is read only up to what the whole archive may hold, whatever its header says.
"""

import io
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from geo.files.faults import unreadable

MIB = 1024 * 1024
MAX_MEMBERS = 1000
MAX_TOTAL_BYTES = 512 * MIB
_MAX_RATIO = 200  # deflate ends at 1032:1; grids seldom reach 20:1
_RATIO_FREE_BYTES = 8 * MIB
_ARCHIVES = (".zip", ".kmz", ".7z", ".rar", ".gz", ".tar", ".tgz", ".bz2", ".xz")
_UTF8_NAMES = 0x800  # flag bit: the name is UTF-8, else cp437 or, from Chinese Windows, GBK


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive under a name that people can read."""

    name: str
    info: zipfile.ZipInfo

    @property
    def stem(self) -> str:
        return PurePosixPath(self.name).stem

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.name).suffix.lower()


class Archive:
    """The sound members of a zip file. Raises: UnreadableFile, also later when a member turns out damaged."""

    def __init__(self, body: bytes) -> None:
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(body))
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
            raise unreadable(
                "archive-damaged", "压缩包已损坏或不完整", "the archive is damaged or truncated"
            ) from None
        self.members = tuple(self._sound_members())
        self._left = MAX_TOTAL_BYTES

    def read(self, member: Member) -> bytes:
        """The bytes of a member."""
        try:
            with self._zip.open(member.info) as file:
                body = file.read(self._left + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError):
            zh, en = f"压缩包中的 {member.name} 已损坏", f"{member.name} in the archive is damaged"
            raise unreadable("archive-damaged", zh, en) from None
        self._left -= len(body)
        if self._left < 0:
            raise _too_large()
        return body

    def _sound_members(self) -> Iterator[Member]:
        infos = self._zip.infolist()
        if len(infos) > MAX_MEMBERS:
            zh, en = f"压缩包内超过 {MAX_MEMBERS} 个文件", f"more than {MAX_MEMBERS} files in the archive"
            raise unreadable("archive-too-large", zh, en)
        total = sum(info.file_size for info in infos)
        packed = sum(info.compress_size for info in infos)
        if total > MAX_TOTAL_BYTES or total > _RATIO_FREE_BYTES + _MAX_RATIO * packed:
            raise _too_large()
        for info in infos:
            name = _name(info)
            _check_name(name, info)
            if not info.is_dir() and not name.startswith("__MACOSX/"):
                yield Member(name, info)


def _name(info: zipfile.ZipInfo) -> str:
    if info.flag_bits & _UTF8_NAMES:
        return info.orig_filename
    try:
        raw = info.orig_filename.encode("cp437")
    except UnicodeEncodeError:
        return info.orig_filename
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return info.orig_filename


def _check_name(name: str, info: zipfile.ZipInfo) -> None:
    """No way out of the archive, no link, no archive inside, nothing locked. Raises: UnreadableFile."""
    parts = name.split("/")
    if name.startswith("/") or "\\" in name or ".." in parts or "\0" in name or re.match(r"[A-Za-z]:", name):
        raise unreadable("archive-unsafe", "压缩包内有不安全的路径", "the archive holds an unsafe path")
    mode = info.external_attr >> 16
    if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise unreadable("archive-unsafe", "压缩包内有链接或特殊文件", "the archive holds a link or device")
    if name.lower().endswith(_ARCHIVES):
        zh, en = (
            "压缩包内还有压缩包，请直接压缩文件",
            "an archive inside the archive: zip the files themselves",
        )
        raise unreadable("archive-nested", zh, en)
    if info.flag_bits & 1:
        raise unreadable("archive-locked", "压缩包有密码", "the archive is protected by a password")


def _too_large() -> Exception:
    zh = f"压缩包解开后超过 {MAX_TOTAL_BYTES // MIB} MiB，或压缩比异常"
    en = f"the archive unpacks to more than {MAX_TOTAL_BYTES // MIB} MiB, or its ratio is out of the ordinary"
    return unreadable("archive-too-large", zh, en)
