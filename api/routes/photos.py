"""Photos: sent by their SHA-256 apart from the records that name them, seen as copies without EXIF."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query, Response
from fastapi.responses import FileResponse

from access.photos import photo_for
from api.dependencies import AppSettings, Reading, Writing
from api.photo_bodies import Files, PhotoBody
from api.problems import problem_replies
from api.schemas.photos import MissingPhotosOut, PhotoOut
from core.errors import Invalid, NotFound, TooLarge, Unauthenticated, Unavailable
from core.photos import (
    PhotoMismatch,
    PhotoUnreadable,
    StorageFull,
    file_photo,
    missing_photos,
    parse_hash,
    served_copy,
)

router = APIRouter(prefix="/v1", tags=["photos"])

ALWAYS = (Invalid, Unauthenticated, Unavailable)
JPEG = "image/jpeg"
KINDS = (JPEG, "image/png", "image/webp")
COPY: dict[int | str, dict[str, Any]] = {
    200: {"content": {JPEG: {}}, "description": "The copy."},
    304: {"description": "The copy you have is still right."},
}
REPEATED: dict[int | str, dict[str, Any]] = {200: {"description": "You had sent it already."}}
BODY = {
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in KINDS},
    }
}
MAX_MISSING = 500


# Before {sha256}: no photo has this name.
@router.get("/photos/missing", response_model=MissingPhotosOut, responses=problem_replies(*ALWAYS))
def list_missing(call: Reading) -> MissingPhotosOut:
    """Photos that your records name and that have not come: what a phone still has to send."""
    names = missing_photos(call.session, call.actor.person_id, limit=MAX_MISSING)
    return MissingPhotosOut(items=[name.hex() for name in names])


@router.put(
    "/photos/{sha256}",
    status_code=201,
    response_model=PhotoOut,
    openapi_extra=BODY,
    responses=REPEATED | problem_replies(*ALWAYS, TooLarge, PhotoMismatch, PhotoUnreadable, StorageFull),
)
def put_photo(arrived: PhotoBody, call: Writing, files: Files, response: Response) -> PhotoOut:
    """Send a photo as the raw body, before or after the record that names it, as often as needed.

    It is kept as it was sent; what others see are copies. An upload that broke off is sent again from its
    beginning: photos of phones are small enough, and resuming is not offered.
    """
    filed = file_photo(call.session, files, call.actor.person_id, arrived)
    response.status_code = 200 if filed.is_repeated else 201
    return PhotoOut.of(filed.photo, repeated=filed.is_repeated)


@router.get(
    "/photos/{sha256}",
    response_class=Response,
    responses=COPY | problem_replies(*ALWAYS, NotFound, PhotoUnreadable),
)
def read_photo(
    call: Reading,
    settings: AppSettings,
    files: Files,
    sha256: Annotated[str, Path(max_length=64)],
    *,
    size: Annotated[Literal["thumb", "full"], Query(description="at most 320 or 2048 pixels long")] = "full",
    if_none_match: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """A copy as JPEG, upright, without anything that the camera wrote about time, place or itself."""
    photo = photo_for(call.session, call.actor, parse_hash(sha256))
    # Asked again each time: whoever may no longer see it is refused, even with a copy in the browser.
    headers = {"ETag": f'"{sha256[:32]}-{size}"', "Cache-Control": "private, no-cache"}
    if if_none_match is not None and headers["ETag"] in if_none_match:
        return Response(status_code=304, headers=headers)
    path = served_copy(files, photo.photo_hash, size, settings.photos)
    if path is None:
        raise NotFound
    return FileResponse(path, media_type=JPEG, headers=headers)
