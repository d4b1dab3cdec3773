"""The store of photos: whole or not at all, twice at once, and what is cleared away."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, delete, func, select, update
from sqlalchemy.orm import Session

from core.clock import now
from core.models import Photo, PhotoSender, PhotoUse
from core.photo_files import BUCKETS, PhotoFolder
from core.photos import Arrived, examine, expect_photos, file_photo, photos_of, prune_photos, served_copy
from core.settings import PhotoSettings
from tests import make, pictures

LIMITS = PhotoSettings()
SOMEBODY, SOMEBODY_ELSE = make.fixed_uuid("somebody"), make.fixed_uuid("somebody else")


@pytest.fixture
def files(tmp_path: Path) -> PhotoFolder:
    return PhotoFolder(tmp_path / "photos")


def arrived(files: PhotoFolder, body: bytes) -> Arrived:
    path = files.arriving()
    path.write_bytes(body)
    return Arrived(path, hashlib.sha256(body).digest(), len(body), examine(path, LIMITS))


def age(path: Path, days: float) -> None:
    then = (now() - timedelta(days=days)).timestamp()
    os.utime(path, (then, then))


def everything(files: PhotoFolder) -> list[str]:
    return sorted(path.name for path in files.root.rglob("*") if path.is_file())


def run_all_buckets(session: Session, files: PhotoFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    start = now().replace(minute=0, second=0, microsecond=0)
    for hour in range(BUCKETS):
        monkeypatch.setattr("core.photos.now", lambda hour=hour: start + timedelta(hours=hour))
        prune_photos(session, files, LIMITS)
    monkeypatch.undo()


def test_the_same_photo_from_two_people_at_once(own_database_url: str, files: PhotoFolder) -> None:
    engine = create_engine(own_database_url)
    body = pictures.picture()
    deliveries = [arrived(files, body) for _ in range(4)]
    begin, repeated = threading.Barrier(4), []

    def deliver(number: int) -> None:
        with Session(engine) as session, session.begin():
            begin.wait()
            person = (SOMEBODY, SOMEBODY_ELSE)[number % 2]
            repeated.append(file_photo(session, files, person, deliveries[number]).is_repeated)

    threads = [threading.Thread(target=deliver, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Session(engine) as session:
        assert session.scalar(select(func.count()).select_from(Photo)) == 1
        assert session.scalar(select(func.count()).select_from(PhotoSender)) == 2
    engine.dispose()
    assert sorted(repeated) == [False, False, True, True]
    original = files.original(hashlib.sha256(body).digest())
    assert original is not None
    assert original.read_bytes() == body


_KILLED = """
import sys
from pathlib import Path
from typing import Any
from core.photo_files import PhotoFolder
files = PhotoFolder(Path(sys.argv[1]))
path = files.arriving()
with path.open("wb") as file:
    file.write(b"half a photo")
    file.flush()
    print("written", flush=True)
    sys.stdin.read()
"""


def test_a_process_killed_while_it_writes_leaves_nothing_that_is_served(files: PhotoFolder) -> None:
    files.arriving().unlink()
    child = subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(files.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"written\n"
    child.send_signal(signal.SIGKILL)
    child.communicate()
    (left,) = (files.root / "arriving").iterdir()
    assert left.read_bytes() == b"half a photo"
    assert files.original(hashlib.sha256(b"half a photo").digest()) is None
    files.sweep_arrivals()
    assert left.exists(), "it may still be arriving"
    age(left, 1.1)
    files.sweep_arrivals()
    assert everything(files) == []


def test_a_file_without_its_row_is_filed_by_the_next_try(session: Session, files: PhotoFolder) -> None:
    body = pictures.picture()
    first = arrived(files, body)
    files.keep(first.path, first.photo_hash)  # and the server dies before its commit
    filed = file_photo(session, files, SOMEBODY, arrived(files, body))
    assert not filed.is_repeated
    assert session.get(Photo, first.photo_hash) is not None


def test_a_row_without_its_file_is_healed_by_the_next_try(session: Session, files: PhotoFolder) -> None:
    one = arrived(files, pictures.picture())
    file_photo(session, files, SOMEBODY, one)
    files.drop(one.photo_hash)  # a restore from a backup that was taken in the wrong order
    assert served_copy(files, one.photo_hash, "full", LIMITS) is None
    again = file_photo(session, files, SOMEBODY, arrived(files, pictures.picture()))
    assert again.is_repeated
    assert served_copy(files, one.photo_hash, "full", LIMITS) is not None


def test_a_copy_that_is_gone_is_made_again(session: Session, files: PhotoFolder) -> None:
    one = arrived(files, pictures.picture())
    file_photo(session, files, SOMEBODY, one)
    thumb = files.copy(one.photo_hash, "thumb")
    assert thumb is not None
    thumb.unlink()
    assert served_copy(files, one.photo_hash, "thumb", LIMITS) == thumb
    assert thumb.exists()


def test_a_photo_counts_as_arrived_when_its_namer_has_sent_it(session: Session, files: PhotoFolder) -> None:
    one, item_id = arrived(files, pictures.picture()), uuid.uuid4()
    named: dict[str, Any] = {"kind": "finding", "item_id": item_id, "person_id": SOMEBODY, "path": "x/"}
    for _ in range(2):
        expect_photos(session, [one.photo_hash], **named)
    file_photo(session, files, SOMEBODY_ELSE, one)
    assert [photo.arrived for photo in photos_of(session, "finding", [item_id])[item_id]] == [False]
    file_photo(session, files, SOMEBODY, one)
    assert [photo.arrived for photo in photos_of(session, "finding", [item_id])[item_id]] == [True]
    assert photos_of(session, "visit", [item_id]) == {}


def test_what_nothing_names_for_days_is_cleared_away(
    session: Session, files: PhotoFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, fresh, used = (arrived(files, pictures.picture(colour=colour)) for colour in ("red", "blue", "tan"))
    for one in (old, fresh, used):
        file_photo(session, files, SOMEBODY, one)
    long_ago = now() - timedelta(days=8)
    aged = PhotoSender.photo_hash.in_([old.photo_hash, used.photo_hash])
    session.execute(update(PhotoSender).where(aged).values(received_at=long_ago))
    expect_photos(session, [used.photo_hash], kind="visit", item_id=uuid.uuid4(), person_id=SOMEBODY, path="")
    prune_photos(session, files, LIMITS)
    left = set(session.scalars(select(Photo.photo_hash)))
    assert left == {fresh.photo_hash, used.photo_hash}
    assert files.original(old.photo_hash) is not None, "the file goes only when its row is gone for good"
    for one in (old, fresh, used):
        place = files.original(one.photo_hash)
        assert place is not None
        age(place, 2)
    run_all_buckets(session, files, monkeypatch)
    assert files.original(old.photo_hash) is None
    assert files.copy(old.photo_hash, "thumb") is None
    assert files.original(fresh.photo_hash) is not None
    assert files.original(used.photo_hash) is not None


def test_a_use_that_comes_late_asks_for_the_photo_again(session: Session, files: PhotoFolder) -> None:
    one, item_id = arrived(files, pictures.picture()), uuid.uuid4()
    file_photo(session, files, SOMEBODY, one)
    session.execute(delete(Photo))  # pruned
    expect_photos(
        session, [one.photo_hash], kind="finding", item_id=item_id, person_id=SOMEBODY, path="320113007/"
    )
    assert [photo.arrived for photo in photos_of(session, "finding", [item_id])[item_id]] == [False]
    file_photo(session, files, SOMEBODY, arrived(files, pictures.picture()))
    assert [photo.arrived for photo in photos_of(session, "finding", [item_id])[item_id]] == [True]
    assert session.scalar(select(func.count()).select_from(PhotoUse)) == 1


def test_arrivals_and_removals_of_one_photo_take_turns(own_database_url: str, files: PhotoFolder) -> None:
    engine: Engine = create_engine(own_database_url)
    body = pictures.picture()
    one = arrived(files, body)
    bucket = one.photo_hash[0]
    files.keep(one.path, one.photo_hash)  # a file that no row knows, ready to be swept
    place = files.original(one.photo_hash)
    assert place is not None
    age(place, 2)
    again = arrived(files, body)
    with Session(engine) as session:
        file_photo(session, files, SOMEBODY, again)  # arrives while the sweep is at it, not committed yet
        sweeping = threading.Thread(target=_sweep, args=(engine, files, bucket))
        sweeping.start()
        sweeping.join(timeout=0.5)
        session.commit()
        sweeping.join()
    assert files.original(one.photo_hash) is not None, "what has arrived is never swept"
    engine.dispose()


def _sweep(engine: Engine, files: PhotoFolder, bucket: int) -> None:
    from core import photos

    with Session(engine) as session, session.begin(), pytest.MonkeyPatch.context() as patch:
        at = now().replace(minute=0, second=0, microsecond=0)
        hours = (bucket - int(at.timestamp() // 3600)) % BUCKETS
        patch.setattr(photos, "now", lambda: at + timedelta(hours=hours))
        prune_photos(session, files, PhotoSettings(orphan_days=365))
