"""Photos over HTTP: arriving, being seen, and everything that is refused."""

import hashlib
import io
import resource
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from PIL import Image
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from access.roles import Role
from access.scope import Actor
from core.models import Photo, PhotoSender
from core.photos import expect_photos
from core.settings import Settings
from geo.models import Grid
from tests import make, pictures
from tests.pictures import name_of

ClientOf = Callable[[Actor], TestClient]


@pytest.fixture
def tree(session: Session) -> make.StreetTree:
    return make.street_tree(session)


@pytest.fixture
def member(session: Session, tree: make.StreetTree) -> Actor:
    return make.actor(session, role=Role.MEMBER, grid=tree.a11)


@pytest.fixture
def phone(client: ClientOf, member: Actor) -> TestClient:
    return client(member)


def send(phone: TestClient, body: bytes, name: str | None = None, **headers: str) -> Response:
    return phone.put(f"/v1/photos/{name or name_of(body)}", content=body, headers=headers)


def named(session: Session, photo: bytes, person: Actor, grid: Grid, kind: str = "finding") -> None:
    digest = hashlib.sha256(photo).digest()
    item_id = uuid.uuid4()
    expect_photos(session, [digest], kind=kind, item_id=item_id, person_id=person.person_id, path=grid.path)


def problem(reply: Response, status: int, code: str) -> dict[str, Any]:
    assert (reply.status_code, reply.json().get("code")) == (status, code), reply.text
    return dict(reply.json())


def stored_files(settings: Settings) -> set[Path]:
    return {path for path in (settings.home / "photos").rglob("*") if path.is_file()}


@pytest.fixture
def no_new_files(settings: Settings) -> Iterator[None]:
    """Whatever is refused leaves nothing behind."""
    before = stored_files(settings)
    yield
    assert stored_files(settings) == before


# ------------------------------------------------------------------------------------------------ arriving


def test_a_photo_arrives_with_what_the_camera_claims(phone: TestClient) -> None:
    body = pictures.from_phone()
    reply = send(phone, body)
    assert reply.status_code == 201, reply.text
    told = reply.json()
    assert (told["sha256"], told["bytes"], told["repeated"]) == (name_of(body), len(body), False)
    assert (told["media_type"], told["width"], told["height"]) == ("image/jpeg", 640, 480)
    assert told["camera"] == {"taken_at": "2026-11-16T01:30:00Z", "lon": 118.9, "lat": 32.1}


def test_the_same_photo_again_is_answered_as_the_first_time(phone: TestClient, settings: Settings) -> None:
    body = pictures.picture(colour="navy")
    first, files = send(phone, body), stored_files(settings)
    again = send(phone, body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert {**again.json(), "repeated": False} == first.json()
    assert stored_files(settings) == files


@pytest.mark.parametrize(
    ("form", "media_type"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")]
)
def test_three_formats_are_taken_and_jpeg_is_served(phone: TestClient, form: str, media_type: str) -> None:
    body = pictures.picture(form=form, colour="teal")
    assert send(phone, body).json()["media_type"] == media_type
    served = phone.get(f"/v1/photos/{name_of(body)}")
    assert served.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(served.content)).format == "JPEG"


def test_an_offset_in_exif_is_used(phone: TestClient) -> None:
    told = send(phone, pictures.from_phone(offset="+00:00")).json()
    assert told["camera"]["taken_at"] == "2026-11-16T09:30:00Z"


# ------------------------------------------------------------------------------------------- served copies


@pytest.mark.parametrize("size", ["thumb", "full"])
def test_served_copies_carry_nothing_of_the_camera(phone: TestClient, size: str) -> None:
    body = pictures.from_phone()
    send(phone, body)
    served = phone.get(f"/v1/photos/{name_of(body)}", params={"size": size}).content
    image = Image.open(io.BytesIO(served))
    assert dict(image.getexif()) == {}
    assert set(image.info) <= {
        "jfif",
        "jfif_version",
        "jfif_unit",
        "jfif_density",
        "progressive",
        "progression",
    }
    for secret in (b"SecretPhoneMaker", b"2026:11:16", b"made by me", b"Exif"):
        assert secret not in served


def test_copies_are_upright_and_small(phone: TestClient) -> None:
    body = pictures.from_phone(orientation=6)  # lies on its left side
    told = send(phone, body).json()
    assert (told["width"], told["height"]) == (480, 640)
    thumb = Image.open(io.BytesIO(phone.get(f"/v1/photos/{name_of(body)}?size=thumb").content))
    assert thumb.size == (240, 320)
    top, bottom = thumb.getpixel((120, 20)), thumb.getpixel((120, 300))
    assert isinstance(top, tuple)
    assert isinstance(bottom, tuple)
    assert top[0] > 200 > bottom[0], "what was left is on top"
    large = pictures.picture(size=(4000, 3000))
    send(phone, large)
    full = Image.open(io.BytesIO(phone.get(f"/v1/photos/{name_of(large)}").content))
    assert full.size == (2048, 1536)


def test_a_copy_is_not_sent_twice_but_asked_for_each_time(phone: TestClient) -> None:
    body = pictures.picture(colour="olive")
    send(phone, body)
    address = f"/v1/photos/{name_of(body)}"
    first = phone.get(address)
    assert first.headers["cache-control"] == "private, no-cache"
    again = phone.get(address, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other_size = phone.get(f"{address}?size=thumb", headers={"If-None-Match": first.headers["etag"]})
    assert other_size.status_code == 200


# --------------------------------------------------------------------------------------------------- scope


def test_before_a_photo_hangs_on_anything_only_its_sender_sees_it(
    client: ClientOf, session: Session, phone: TestClient, tree: make.StreetTree
) -> None:
    body = pictures.picture(colour="gold")
    send(phone, body)
    head = client(make.actor(session, role=Role.HEAD, grid=tree.a1))
    assert phone.get(f"/v1/photos/{name_of(body)}").status_code == 200
    unknown = problem(head.get(f"/v1/photos/{name_of(b'')}"), 404, "not-found")
    hidden = problem(head.get(f"/v1/photos/{name_of(body)}"), 404, "not-found")
    assert {**hidden, "instance": ""} == {**unknown, "instance": ""}, "as if it did not exist"


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("head of A1", 200),
        ("member beside", 404),
        ("head of B1", 404),
        ("operator", 200),
        ("unit", 404),
        ("operator elsewhere", 404),
    ],
)
def test_who_sees_the_thing_sees_its_photo(
    client: ClientOf,
    session: Session,
    phone: TestClient,
    member: Actor,
    tree: make.StreetTree,
    *,
    who: str,
    status: int,
) -> None:
    reader = {
        "head of A1": lambda: make.actor(session, role=Role.HEAD, grid=tree.a1),
        "member beside": lambda: make.actor(session, role=Role.MEMBER, grid=tree.a12, username="beside"),
        "head of B1": lambda: make.actor(session, role=Role.HEAD, grid=tree.b1),
        "operator": lambda: make.actor(session, role=Role.OPERATOR),
        "unit": lambda: make.actor(session, role=Role.UNIT),
        "operator elsewhere": lambda: make.actor(session, role=Role.OPERATOR, area=f"{make.OTHER_STREET}/"),
    }[who]()
    body = pictures.picture(colour="pink")
    named(session, body, member, tree.a11)  # the record comes first, as it may
    send(phone, body)
    assert client(reader).get(f"/v1/photos/{name_of(body)}").status_code == status


def test_naming_a_photo_of_somebody_else_opens_nothing(
    client: ClientOf, session: Session, phone: TestClient, member: Actor, tree: make.StreetTree
) -> None:
    body = pictures.picture(colour="cyan")
    send(phone, body)
    thief = make.actor(session, role=Role.MEMBER, grid=tree.c11, username="thief")
    named(session, body, thief, tree.c11)
    accomplice = make.actor(session, role=Role.OPERATOR, area=f"{make.OTHER_STREET}/")
    for reader in (thief, accomplice):
        assert client(reader).get(f"/v1/photos/{name_of(body)}").status_code == 404
    assert client(thief).get("/v1/photos/missing").json() == {"items": [name_of(body)]}
    assert send(client(thief), body).status_code == 201, "with the bytes it is theirs too"
    for reader in (thief, accomplice):
        assert client(reader).get(f"/v1/photos/{name_of(body)}").status_code == 200
    assert client(thief).get("/v1/photos/missing").json() == {"items": []}
    assert session.scalar(select(func.count()).select_from(Photo)) == 1
    assert session.scalar(select(func.count()).select_from(PhotoSender)) == 2


def test_an_appeals_photo_is_for_those_who_decide(
    client: ClientOf, session: Session, phone: TestClient, member: Actor, tree: make.StreetTree
) -> None:
    body = pictures.picture(colour="beige")
    send(phone, body)
    named(session, body, member, tree.a11, kind="appeal")
    colleague = make.actor(session, role=Role.MEMBER, grid=tree.a11, username="colleague")
    head = make.actor(session, role=Role.HEAD, grid=tree.a1)
    address = f"/v1/photos/{name_of(body)}"
    assert [client(one).get(address).status_code for one in (colleague, head)] == [404, 200]


# ------------------------------------------------------------------------------------------------- refused


@pytest.mark.usefixtures("no_new_files")
def test_bytes_that_are_not_the_named_photo(phone: TestClient, session: Session) -> None:
    body = pictures.picture()
    for damaged in (body[:-1], body + b"\0", b""):
        told = problem(send(phone, damaged, name_of(body)), 422, "photo-mismatch")
        assert told["received_bytes"] == len(damaged)
    assert session.scalar(select(func.count()).select_from(Photo)) == 0


@pytest.mark.parametrize("name", ["x" * 64, "ab" * 31, "AB" * 32, "..%2F..%2Fetc%2Fpasswd"])
@pytest.mark.usefixtures("no_new_files")
def test_a_name_that_is_no_hash(phone: TestClient, name: str) -> None:
    reply = send(phone, b"x", name)
    assert reply.status_code in (404, 405, 422)
    assert phone.get(f"/v1/photos/{name}").status_code in (404, 422)


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
GIF = pictures.picture(form="GIF")
BAD = {
    "svg": (SVG, "not-a-picture"),
    "gif": (GIF, "not-a-picture"),
    "heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "heic"),
    "tiff": (pictures.picture(form="TIFF"), "not-a-picture"),
    "pdf": (b"%PDF-1.7\n", "not-a-picture"),
    "html": (b"<html><script>alert(1)</script></html>", "not-a-picture"),
    "cut jpeg": (pictures.picture(size=(800, 600))[:-400], "broken"),
    "cut png": (pictures.picture(form="PNG", size=(800, 600))[:-30], "broken"),
    "head of a jpeg": (b"\xff\xd8\xff\xe0" + b"\0" * 200, "not-a-picture"),
    "tracking pixel": (pictures.picture(size=(1, 1)), "too-small"),
    "long strip": (pictures.picture(size=(40_000, 16), form="PNG"), "too-many-pixels"),
    "nothing": (b"\0" * 10, "not-a-picture"),
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.usefixtures("no_new_files")
def test_what_is_no_photo_is_refused(phone: TestClient, kind: str) -> None:
    body, reason = BAD[kind]
    told = problem(send(phone, body, **{"Content-Type": "image/jpeg"}), 422, "photo-unreadable")
    assert [error["code"] for error in told["errors"]] == [reason]


@pytest.mark.usefixtures("no_new_files")
def test_a_decompression_bomb_is_refused_unopened(phone: TestClient) -> None:
    body = pictures.huge_png()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = problem(send(phone, body), 422, "photo-unreadable")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert told["errors"][0]["code"] == "too-many-pixels"
    # 2.5 thousand million pixels would take minutes; the child starts, reads 30 bytes and ends.
    assert after.ru_utime - before.ru_utime < 10


def test_a_picture_that_is_also_something_else_is_served_as_a_picture_only(phone: TestClient) -> None:
    body = pictures.picture() + b"PK\x03\x04<script>alert(1)</script>"
    assert send(phone, body).status_code == 201
    served = phone.get(f"/v1/photos/{name_of(body)}")
    assert b"script" not in served.content
    assert served.headers["x-content-type-options"] == "nosniff"


@pytest.mark.usefixtures("no_new_files")
def test_more_than_the_cap_is_refused_unread(phone: TestClient, settings: Settings) -> None:
    body = b"\0" * (settings.photos.max_bytes + 1)
    problem(send(phone, body), 413, "too-large")
    pieces = (body[:1_000_000] for _ in range(18))  # without a declared length
    reply = phone.put(f"/v1/photos/{name_of(body)}", content=pieces)
    problem(reply, 413, "too-large")


def test_a_photo_may_be_larger_than_a_record(phone: TestClient, settings: Settings) -> None:
    body = pictures.picture() + b"\0" * (settings.http.max_body_bytes + 1)
    assert send(phone, body).status_code == 201


@pytest.mark.usefixtures("no_new_files")
def test_without_room_photos_wait_on_the_phone(
    session: Session, member: Actor, settings: Settings, sessions: Any
) -> None:
    from api.app import create_app

    photos = settings.photos.model_copy(update={"min_free_bytes": 2**62})
    app = create_app(settings.model_copy(update={"photos": photos}), sessions=sessions)
    token = make.access_token(session, sign_in_id=member.sign_in_id)
    full = TestClient(app, headers={"Authorization": f"Bearer {token}"})
    reply = send(full, pictures.picture(colour="brown"))
    problem(reply, 503, "storage-full")
    assert "retry-after" in reply.headers


@pytest.mark.usefixtures("no_new_files")
def test_nobody_sends_without_signing_in(anonymous: TestClient) -> None:
    problem(send(anonymous, pictures.picture()), 401, "unauthenticated")
    assert anonymous.get(f"/v1/photos/{name_of(b'')}").status_code == 401
    assert anonymous.get("/v1/photos/missing").status_code == 401
