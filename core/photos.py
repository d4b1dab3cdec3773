"""Photos as evidence: sent apart from the records that name them, in any order, kept by their SHA-256.

A record lists the photos that belong to it when it is filed (`expect_photos`); the bytes come when the
network allows ("照片 2/3"). A photo counts as arrived for a record when the person who named it has sent its
bytes: whoever has only learnt a photo's name can neither see it nor pass it off as their own. Who else may
look is decided by access/photos.py. What no record names for a while is removed.
"""

import re
import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import and_, delete, exists, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.apart import Apart, Limits, run_apart
from core.clock import now
from core.errors import FieldError, Invalid, Unavailable
from core.models import Photo, PhotoSender, PhotoUse
from core.photo_files import BUCKETS, PhotoFiles
from core.settings import PhotoSettings

HASH_BYTES = 32
THUMB, FULL = "thumb", "full"
EDGES = {THUMB: 320, FULL: 2048}  # pixels along the longer side of a served copy
_HASH = re.compile(r"[0-9a-f]{64}")
# A picture of 50 million pixels needs 200 MB when it is no JPEG; libraries alone take some hundred.
_LIMITS = Limits(memory_mib=1024, seconds=10, result_mib=16)
_SWEEP_ROWS = 1000
_FAULTS = {
    "not-a-picture": ("不是 JPEG、PNG 或 WebP 图片", "this is no JPEG, PNG or WebP picture"),
    "heic": (
        "不支持 HEIC 照片：请在 iPhone“设置—相机—格式”选“兼容性最佳”，或转成 JPEG 再传",
        "HEIC is not accepted: choose Most Compatible under Settings, Camera, Formats, or send it as JPEG",
    ),
    "too-many-pixels": ("图片像素过多", "the picture has too many pixels"),
    "too-small": ("图片过小", "the picture is too small to show anything"),
    "broken": ("图片已损坏，无法打开", "the picture is damaged and cannot be opened"),
}


class PhotoUnreadable(Invalid):
    """This is no picture that can be shown."""

    code = "photo-unreadable"


class PhotoMismatch(Invalid):
    """The bytes that arrived are not those of the photo named; send it again."""

    code = "photo-mismatch"


class StorageFull(Unavailable):
    """There is no room for photos on the server; keep them and try again later."""

    code = "storage-full"


@dataclass(frozen=True, slots=True)
class Arrived:
    """A photo whose bytes are in a private file, examined and found to be what its name says."""

    path: Path
    photo_hash: bytes
    size_bytes: int
    facts: dict[str, Any]  # core/images.py


@dataclass(frozen=True, slots=True)
class PhotoFiled:
    """The photo is stored; `is_repeated` when this person had sent it already."""

    photo: Photo
    is_repeated: bool


@dataclass(frozen=True, slots=True)
class NamedPhoto:
    """A photo that a record names."""

    photo_hash: bytes
    slot: str = ""


@dataclass(frozen=True, slots=True)
class ExpectedPhoto:
    """A photo that a record names, and whether it is there."""

    photo_hash: bytes
    slot: str
    arrived: bool


def parse_hash(name: str) -> bytes:
    """The SHA-256 of 64 hexadecimal digits in lower case. Raises: Invalid."""
    if _HASH.fullmatch(name) is None:
        told = "照片以其 SHA-256（64 位小写十六进制）命名 / a photo is named by its SHA-256, 64 hex digits"
        raise Invalid(told, errors=[FieldError("/sha256", "not-a-hash", told)])
    return bytes.fromhex(name)


# ------------------------------------------------------------------------------------------------- arriving


def require_room(files: PhotoFiles, limits: PhotoSettings) -> None:
    """Raises: StorageFull, while what is left belongs to the database."""
    if files.free_bytes() < limits.min_free_bytes:
        raise StorageFull


def examine(path: Path, limits: PhotoSettings) -> dict[str, Any]:
    """What the picture is and claims, with a small copy. Raises: PhotoUnreadable."""
    request = [str(path.absolute()), limits.max_pixels, EDGES[THUMB]]
    return _unless_faulty("core.images:examine", request)


def _unless_faulty(task: str, request: list[Any]) -> dict[str, Any]:
    try:
        found: dict[str, Any] = run_apart(task, request, limits=_LIMITS)
    except Apart:
        found = {"fault": "broken"}
    if "fault" in found:
        zh, en = _FAULTS[found["fault"]]
        told = f"{zh} / {en}"
        raise PhotoUnreadable(told, errors=[FieldError("", found["fault"], told)])
    return found


def file_photo(session: Session, files: PhotoFiles, person_id: uuid.UUID, arrived: Arrived) -> PhotoFiled:
    """The photo is stored, and this person has sent it; the file is at its place before the row commits."""
    _lock(session, arrived.photo_hash)
    known = session.get(Photo, arrived.photo_hash)
    if known is None or files.original(arrived.photo_hash) is None:
        files.keep(arrived.path, arrived.photo_hash)
        files.keep_copy(arrived.photo_hash, THUMB, arrived.facts["copy"])
    if known is None:
        known = _row(arrived)
        session.add(known)
        session.flush()  # its senders refer to it
    sent = (
        insert(PhotoSender)
        .values(photo_hash=arrived.photo_hash, person_id=person_id)
        .on_conflict_do_nothing()
        .returning(PhotoSender.person_id)
    )
    return PhotoFiled(known, is_repeated=session.scalar(sent) is None)


def _row(arrived: Arrived) -> Photo:
    facts = arrived.facts
    lon, lat = facts["position"] or (None, None)
    return Photo(
        photo_hash=arrived.photo_hash,
        size_bytes=arrived.size_bytes,
        media_type=facts["media_type"],
        width=facts["width"],
        height=facts["height"],
        taken_at=facts["taken_at"] and datetime.fromisoformat(facts["taken_at"]).astimezone(UTC),
        lon=lon,
        lat=lat,
    )


# ---------------------------------------------------------------------------------------------- being named


def expect_photos(
    session: Session,
    photos: Iterable[NamedPhoto | bytes],
    *,
    kind: str,
    item_id: uuid.UUID,
    person_id: uuid.UUID,
    path: str,
) -> None:
    """The thing names these photos, arrived or not. `path`: its grid's on its day, or `<street>/`.

    Kinds are listed in access/photos.py, with what is needed to see photos of other people's things.
    """
    named = [one if isinstance(one, NamedPhoto) else NamedPhoto(one) for one in photos]
    rows = [
        {
            "photo_hash": one.photo_hash,
            "slot": one.slot,
            "kind": kind,
            "item_id": item_id,
            "person_id": person_id,
            "path": path,
        }
        for one in named
    ]
    if rows:
        session.execute(insert(PhotoUse).values(rows).on_conflict_do_nothing())


def photos_of(
    session: Session, kind: str, item_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, list[ExpectedPhoto]]:
    """The photos that each of these things names, by slot; things without any are left out."""
    rows = session.execute(
        select(PhotoUse.item_id, PhotoUse.photo_hash, PhotoUse.slot, _has_arrived())
        .where(PhotoUse.kind == kind, PhotoUse.item_id.in_(item_ids))
        .order_by(PhotoUse.item_id, PhotoUse.slot, PhotoUse.photo_hash)
    )
    found: dict[uuid.UUID, list[ExpectedPhoto]] = {}
    for item_id, *columns in rows:
        found.setdefault(item_id, []).append(ExpectedPhoto(*columns))
    return found


def missing_photos(session: Session, person_id: uuid.UUID, *, limit: int) -> list[bytes]:
    """Photos that this person's things name and that have not come, those named first in front."""
    statement = (
        select(PhotoUse.photo_hash)
        .where(PhotoUse.person_id == person_id, ~_has_arrived())
        .group_by(PhotoUse.photo_hash)
        .order_by(func.min(PhotoUse.named_at), PhotoUse.photo_hash)
        .limit(limit)
    )
    return list(session.scalars(statement))


def _has_arrived() -> Any:
    return exists().where(
        PhotoSender.photo_hash == PhotoUse.photo_hash, PhotoSender.person_id == PhotoUse.person_id
    )


# -------------------------------------------------------------------------------------------- being served


def served_copy(files: PhotoFiles, photo_hash: bytes, size: str, limits: PhotoSettings) -> Path | None:
    """A JPEG without EXIF, upright; made when it is first asked for. None when the store lacks the photo.

    Raises: PhotoUnreadable.
    """
    made = files.copy(photo_hash, size)
    original = files.original(photo_hash)
    if made is not None or original is None:
        return made
    request = [str(original.absolute()), limits.max_pixels, EDGES[size]]
    return files.keep_copy(photo_hash, size, _unless_faulty("core.images:copy_of", request)["copy"])


# -------------------------------------------------------------------------------------------------- care

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('photo:' || :name, 0))")


def _lock(session: Session, photo_hash: bytes) -> None:
    """One at a time between here and the end of the transaction: arrivals and removals of this photo."""
    session.execute(_LOCK, {"name": photo_hash.hex()})


def prune_photos(session: Session, files: PhotoFiles, limits: PhotoSettings) -> None:
    """What nothing has named for days is forgotten; files that no row knows are gone from one bucket.

    First the row and, in a later run, the file: a run that fails loses nothing that is still known.
    """
    files.sweep_arrivals()
    bucket = int(now().timestamp() // 3600) % BUCKETS
    for photo_hash in _unknown(session, list(files.settled(bucket))):
        _lock(session, photo_hash)
        if _unknown(session, [photo_hash]):  # it may have come again meanwhile
            files.drop(photo_hash)
    named = exists().where(PhotoUse.photo_hash == Photo.photo_hash)
    sent_lately = exists().where(
        and_(
            PhotoSender.photo_hash == Photo.photo_hash,
            PhotoSender.received_at > now() - timedelta(days=limits.orphan_days),
        )
    )
    orphans = (
        select(Photo.photo_hash)
        .where(~named, ~sent_lately)
        .limit(_SWEEP_ROWS)
        .with_for_update(skip_locked=True)
    )
    session.execute(delete(Photo).where(Photo.photo_hash.in_(orphans.scalar_subquery())))


def _unknown(session: Session, hashes: Sequence[bytes]) -> list[bytes]:
    known: set[bytes] = set()
    for first in range(0, len(hashes), _SWEEP_ROWS):
        part = hashes[first : first + _SWEEP_ROWS]
        known.update(session.scalars(select(Photo.photo_hash).where(Photo.photo_hash.in_(part))))
    return [one for one in hashes if one not in known]
