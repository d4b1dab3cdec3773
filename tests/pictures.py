"""Pictures for tests: as phones take them, and made to do harm."""

import hashlib
import io
import struct
import zlib
from typing import Any

from PIL import ExifTags, Image

AT = "2026:11:16 09:30:00"
# 118.9 E, 32.1 N
EAST = (118.0, 54.0, 0.0)
NORTH = (32.0, 6.0, 0.0)


def name_of(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def picture(
    *, size: tuple[int, int] = (640, 480), form: str = "JPEG", colour: str = "green", **options: Any
) -> bytes:
    body = io.BytesIO()
    Image.new("RGB", size, colour).save(body, form, **options)
    return body.getvalue()


def from_phone(*, orientation: int = 1, offset: str | None = None, comment: bytes = b"made by me") -> bytes:
    """A JPEG with everything a camera writes: time, place, maker, a comment."""
    image = Image.new("RGB", (640, 480), "green")
    image.paste("red", (0, 0, 320, 480))  # the left half, so that a turn shows
    exif = image.getexif()
    exif[ExifTags.Base.Make] = "SecretPhoneMaker"
    exif[ExifTags.Base.Orientation] = orientation
    inner = exif.get_ifd(ExifTags.IFD.Exif)
    inner[ExifTags.Base.DateTimeOriginal] = AT
    if offset:
        inner[ExifTags.Base.OffsetTimeOriginal] = offset
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    gps[ExifTags.GPS.GPSLatitudeRef], gps[ExifTags.GPS.GPSLatitude] = "N", NORTH
    gps[ExifTags.GPS.GPSLongitudeRef], gps[ExifTags.GPS.GPSLongitude] = "E", EAST
    body = io.BytesIO()
    image.save(body, "JPEG", exif=exif, comment=comment)
    return body.getvalue()


def huge_png(width: int = 50_000, height: int = 50_000) -> bytes:
    """A few kilobytes that would be 2.5 gigabytes of pixels."""
    row = b"\0" + bytes(width // 8)
    packed = zlib.compressobj(9)
    pixels = b"".join(packed.compress(row) for _ in range(height)) + packed.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
