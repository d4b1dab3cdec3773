"""The body of a photo: received into a file piece by piece, checked against its name, and never in memory.

Who sends is asked before the first byte is taken, and no database connection waits while a slow network
delivers the rest. The reading has its own end: nothing is left behind of what breaks off.
"""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool

from api.dependencies import AppSettings, BearerToken
from core.errors import Unauthenticated
from core.photo_files import PhotoFiles, photo_folder
from core.photos import Arrived, PhotoMismatch, examine, parse_hash, require_room
from core.settings import MIB

_PIECE = MIB  # written at once: each write is a visit to another thread


def photo_files(settings: AppSettings) -> PhotoFiles:
    return photo_folder(settings)


Files = Annotated[PhotoFiles, Depends(photo_files)]


async def received_photo(
    request: Request, sha256: str, *, settings: AppSettings, files: Files, token: BearerToken
) -> AsyncIterator[Arrived]:
    """Raises: Unauthenticated, Invalid, TooLarge, PhotoMismatch, PhotoUnreadable, StorageFull."""
    if token is None:
        raise Unauthenticated
    await run_in_threadpool(request.app.state.actors.actor_of, token)
    photo_hash = parse_hash(sha256)
    await run_in_threadpool(require_room, files, settings.photos)
    path = await run_in_threadpool(files.arriving)
    try:
        size = await _receive(request, path, photo_hash)
        facts = await run_in_threadpool(examine, path, settings.photos)
        yield Arrived(path, photo_hash, size, facts)
    finally:
        path.unlink(missing_ok=True)


async def _receive(request: Request, path: Path, photo_hash: bytes) -> int:
    """The body is in the file; its length."""
    digest, size, waiting = hashlib.sha256(), 0, bytearray()
    with path.open("wb") as file:
        async for piece in request.stream():
            waiting += piece
            size += len(piece)
            if len(waiting) >= _PIECE:
                digest.update(waiting)
                await run_in_threadpool(file.write, bytes(waiting))
                waiting.clear()
        digest.update(waiting)
        await run_in_threadpool(file.write, bytes(waiting))
    if digest.digest() != photo_hash:
        raise PhotoMismatch(received_bytes=size, received_sha256=digest.hexdigest())
    return size


# Named before the call in a handler: no connection waits for a slow network.
PhotoBody = Annotated[Arrived, Depends(received_photo)]
