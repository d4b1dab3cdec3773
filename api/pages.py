"""The built front end, served beside the API."""

import os
import re
from pathlib import Path
from typing import Any

from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
# What the QR code of a checkpoint holds (registry.qr_sheet); plates hang for years.
_PLATE = re.compile(r"c/([0-9A-Za-z]{1,64})/?")


class _Pages(StaticFiles):
    """Files below assets/ have a hash of their content in the name and never change; the rest may."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        plate = _PLATE.fullmatch(scope["path"].lstrip("/"))
        if plate is None:
            return await super().get_response(path, scope)
        # The part behind # is not sent: from here on the token stands in no request line.
        return RedirectResponse(f"/#/c/{plate[1]}", 303, {"Cache-Control": "no-store"})

    def file_response(
        self, full_path: Any, stat_result: os.stat_result, scope: Scope, *rest: Any
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, *rest)
        is_hashed = scope["path"].startswith("/assets/")
        response.headers["Cache-Control"] = FOR_EVER if is_hashed else ASK_AGAIN
        return response


def pages(folder: Path) -> ASGIApp:
    """Everything in the folder, compressed on the way: the map library alone is a megabyte."""
    return GZipMiddleware(_Pages(directory=folder, html=True), minimum_size=1024)
