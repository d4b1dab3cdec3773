"""Photos on the wire."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from core.models import Photo
from core.photos import ExpectedPhoto

Sha256 = Annotated[
    str, Field(pattern="^[0-9a-f]{64}$", description="SHA-256 of the photo's bytes, which is its name")
]


class CameraOut(BaseModel):
    """What the camera claims in EXIF: evidence, not truth."""

    taken_at: datetime | None
    lon: float | None
    lat: float | None


class PhotoOut(BaseModel):
    """A photo that is stored; `repeated` when you had sent it before."""

    sha256: str
    bytes: int
    media_type: str
    width: int
    height: int
    camera: CameraOut
    received_at: datetime
    repeated: bool

    @classmethod
    def of(cls, photo: Photo, *, repeated: bool) -> "PhotoOut":
        return cls(
            sha256=photo.photo_hash.hex(),
            bytes=photo.size_bytes,
            media_type=photo.media_type,
            width=photo.width,
            height=photo.height,
            camera=CameraOut(taken_at=photo.taken_at, lon=photo.lon, lat=photo.lat),
            received_at=photo.received_at,
            repeated=repeated,
        )


class NamedPhotoOut(BaseModel):
    """A photo that a record names; `thumb` and `full` lead to copies once it has arrived."""

    sha256: str
    slot: str
    arrived: bool
    thumb: str | None
    full: str | None

    @classmethod
    def of(cls, photo: ExpectedPhoto) -> "NamedPhotoOut":
        name = photo.photo_hash.hex()
        address = f"/v1/photos/{name}?size=" if photo.arrived else None
        return cls(
            sha256=name,
            slot=photo.slot,
            arrived=photo.arrived,
            thumb=address and f"{address}thumb",
            full=address and f"{address}full",
        )


class MissingPhotosOut(BaseModel):
    """Photos that your records name and that have not come; send them."""

    items: list[str]
