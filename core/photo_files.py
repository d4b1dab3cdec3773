"""Where the bytes of photos are kept, by their SHA-256: nothing is ever overwritten by something else.

`PhotoFiles` is all that the product asks of a store, so that an object store (S3) can take the place of the
folder. A photo is at its place whole or not at all: it is written and flushed elsewhere, then moved there.
"""

import contextlib
import hashlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from core.clock import now
from core.settings import Settings

_DAY_S = 86_400.0
FOLDER = "photos"  # below home
BUCKETS = 256  # folders of the first level


class PhotoFiles(Protocol):
    """Originals, copies made of them, and files on their way in."""

    def arriving(self) -> Path:
        """A new private file for a body that comes in."""

    def keep(self, arrived: Path, photo_hash: bytes) -> None:
        """The arrived file is the original of this name, durably; its own path may be gone."""

    def original(self, photo_hash: bytes) -> Path | None:
        """The original as a file on this machine, for the time of a request."""

    def keep_copy(self, photo_hash: bytes, size: str, body: bytes) -> Path:
        """The copy of this size is there; made anew whenever it is not."""

    def copy(self, photo_hash: bytes, size: str) -> Path | None:
        """The copy of this size as a file on this machine."""

    def drop(self, photo_hash: bytes) -> None:
        """Original and copies are gone."""

    def free_bytes(self) -> int:
        """How much more can be kept."""

    def sweep_arrivals(self) -> None:
        """What began to arrive a day ago and never ended is gone."""

    def settled(self, bucket: int) -> Iterator[bytes]:
        """Originals in one of the BUCKETS that have lain there for a day, whatever the database knows."""


class PhotoFolder:
    """Photos below a folder of this machine: `ab/cd/<hash>`, copies beside them, arrivals in `arriving/`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def arriving(self) -> Path:
        folder = self.root / "arriving"
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.mkdir(exist_ok=True, mode=0o700)
        path = folder / uuid.uuid4().hex
        path.touch(mode=0o600)
        return path

    def keep(self, arrived: Path, photo_hash: bytes) -> None:
        place = self._place(photo_hash)
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _flush(arrived)
        arrived.replace(place)
        for folder in (place.parent, place.parent.parent, self.root):
            _flush(folder)

    def original(self, photo_hash: bytes) -> Path | None:
        place = self._place(photo_hash)
        return place if place.is_file() else None

    def keep_copy(self, photo_hash: bytes, size: str, body: bytes) -> Path:
        made = self.arriving()
        made.write_bytes(body)
        return made.replace(self._place(photo_hash, size))

    def copy(self, photo_hash: bytes, size: str) -> Path | None:
        place = self._place(photo_hash, size)
        return place if place.is_file() else None

    def drop(self, photo_hash: bytes) -> None:
        original = self._place(photo_hash)
        for path in original.parent.glob(f"{original.name}.*"):
            path.unlink(missing_ok=True)
        original.unlink(missing_ok=True)

    def free_bytes(self) -> int:
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        room = os.statvfs(self.root)
        return room.f_bavail * room.f_frsize

    def sweep_arrivals(self) -> None:
        for path in (self.root / "arriving").glob("*"):
            if _is_settled(path):
                path.unlink(missing_ok=True)

    def settled(self, bucket: int) -> Iterator[bytes]:
        for path in (self.root / f"{bucket:02x}").glob("*/*"):
            if len(path.name) == hashlib.sha256().digest_size * 2 and _is_settled(path):
                with contextlib.suppress(ValueError):
                    yield bytes.fromhex(path.name)

    def _place(self, photo_hash: bytes, size: str | None = None) -> Path:
        name = photo_hash.hex()
        return self.root / name[:2] / name[2:4] / (name if size is None else f"{name}.{size}.jpg")


def photo_folder(settings: Settings) -> PhotoFiles:
    """The store of these settings."""
    return PhotoFolder(settings.home / FOLDER)


def _is_settled(path: Path) -> bool:
    """Whether it was written over a day ago, by the clock of the file system's owner."""
    try:
        return now().timestamp() - path.stat().st_mtime > _DAY_S
    except FileNotFoundError:
        return False


def _flush(path: Path) -> None:
    """What was written to a file or a folder survives a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
