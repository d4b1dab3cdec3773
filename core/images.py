"""Pictures from outside: what they are, what their EXIF claims, and clean copies of them.

Every function here runs in a process of its own (core/apart.py), on a file that anybody may have made: only
three formats are tried, the size is read before a pixel is decoded, and a copy is drawn anew, so that
nothing but pixels of the original can be in it.
"""

import io
import warnings
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from core.clock import LOCAL_ZONE

MEDIA_TYPES = {"JPEG": "image/jpeg", "MPO": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
MIN_EDGE = 16  # a smaller picture shows nothing
MAX_EDGE = 20_000  # a strip that is thin and endless costs as much as a square
COPY_QUALITY = 82
_FIRST_CAMERA = 2000  # an EXIF time before is a camera whose clock was never set
_WHITE = (255, 255, 255)
_HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}  # brands of ISO 23008-12


def examine(request: list[Any]) -> dict[str, Any]:
    """Of the file at a path, with at most so many pixels: what it is and claims, and a small copy.

    `fault` instead, when it is no picture that can be shown: "not-a-picture", "heic", "too-many-pixels",
    "too-small" or "broken".
    """
    path, max_pixels, edge = request
    try:
        with _opened(path) as image:
            fault = _fault(image, max_pixels)
            if fault is not None:
                return {"fault": fault}
            facts = _facts(image)
            return {**facts, "copy": _copy(image, edge)}
    except Image.DecompressionBombError:
        return {"fault": "too-many-pixels"}
    except UnidentifiedImageError:
        return {"fault": "heic" if _is_heic(path) else "not-a-picture"}
    except Exception:  # a library that trips over a made-up file may raise anything
        return {"fault": "broken"}


def copy_of(request: list[Any]) -> dict[str, Any]:
    """A clean JPEG of the file at a path, with at most this many pixels along an edge."""
    path, max_pixels, edge = request
    with _opened(path) as image:
        fault = _fault(image, max_pixels)
        return {"fault": fault} if fault is not None else {"copy": _copy(image, edge)}


def _opened(path: str) -> Image.Image:
    Image.MAX_IMAGE_PIXELS = None  # the size is judged by _fault, before anything is decoded
    warnings.simplefilter("ignore")  # on odd EXIF; the child tells nobody
    return Image.open(path, formats=("JPEG", "PNG", "WEBP"))


def _is_heic(path: str) -> bool:
    """Whether it is what iPhones make by themselves: one who sends it can do something about it."""
    with Path(path).open("rb") as file:
        head = file.read(12)
    return head[4:8] == b"ftyp" and head[8:12] in _HEIC


def _fault(image: Image.Image, max_pixels: int) -> str | None:
    if image.format not in MEDIA_TYPES:
        return "not-a-picture"
    if image.width * image.height > max_pixels or max(image.size) > MAX_EDGE:
        return "too-many-pixels"
    return "too-small" if min(image.size) < MIN_EDGE else None


def _facts(image: Image.Image) -> dict[str, Any]:
    """What it is, upright; what it claims is left out where it cannot be read."""
    assert image.format is not None
    exif = image.getexif()
    width, height = image.size
    if exif.get(ExifTags.Base.Orientation) in (5, 6, 7, 8):  # lies on its side
        width, height = height, width
    taken_at = _taken_at(exif.get_ifd(ExifTags.IFD.Exif))
    position = _position(exif.get_ifd(ExifTags.IFD.GPSInfo))
    return {
        "media_type": MEDIA_TYPES[image.format],
        "width": width,
        "height": height,
        "taken_at": taken_at and taken_at.isoformat(),
        "position": position,
    }


def _copy(image: Image.Image, edge: int) -> bytes:
    """Decoded to its last byte, at a fraction of the size where JPEG can do that, and drawn anew."""
    image.draft("RGB", (edge, edge))
    image.thumbnail((edge, edge), Image.Resampling.LANCZOS)
    upright = ImageOps.exif_transpose(image)
    clean = Image.new("RGB", upright.size, _WHITE)
    if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
        shown = upright.convert("RGBA")
        clean.paste(shown, mask=shown)
    else:
        clean.paste(upright.convert("RGB"))
    body = io.BytesIO()
    clean.save(body, "JPEG", quality=COPY_QUALITY, progressive=True)
    return body.getvalue()


# ------------------------------------------------------------------------------------------- what EXIF claims


def _taken_at(exif: Mapping[int, Any]) -> datetime | None:
    """When the camera says it was; without an offset, in China's time."""
    try:
        said = str(exif.get(ExifTags.Base.DateTimeOriginal, "")).strip("\0 ")
        moment = datetime.strptime(said, "%Y:%m:%d %H:%M:%S").replace(tzinfo=LOCAL_ZONE)
        offset = str(exif.get(ExifTags.Base.OffsetTimeOriginal, "")).strip("\0 ")
        if offset:
            hours, minutes = int(offset[1:3]), int(offset[4:6])
            east = timedelta(hours=hours, minutes=minutes) * (-1 if offset[0] == "-" else 1)
            moment = moment.replace(tzinfo=timezone(east))
        return moment if moment.year >= _FIRST_CAMERA else None
    except (ValueError, IndexError, OverflowError):
        return None


def _position(gps: Mapping[int, Any]) -> list[float] | None:
    """Longitude and latitude as the camera says."""
    try:
        lat = _degrees(gps[ExifTags.GPS.GPSLatitude], gps.get(ExifTags.GPS.GPSLatitudeRef), "S")
        lon = _degrees(gps[ExifTags.GPS.GPSLongitude], gps.get(ExifTags.GPS.GPSLongitudeRef), "W")
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    is_somewhere = -180 <= lon <= 180 and -90 <= lat <= 90 and (lon, lat) != (0.0, 0.0)
    return [lon, lat] if is_somewhere else None


def _degrees(parts: Any, half: Any, negative: str) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    value = degrees + minutes / 60 + seconds / 3600
    return round(-value if half == negative else value, 7)
