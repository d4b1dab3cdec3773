"""The built front end, served beside the API."""

import os
import re
from pathlib import Path
from typing import Any

from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import RedirectResponse, Response
from starlette.routing import Match, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
API = ("/v1/", "/tiles/", "/ogc/")  # what its addresses begin with; health checks stand beside the pages
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


class _BesideTheApi(Mount):
    """Everything but the addresses of the API: there a wrong method is 405 and not a page that is missing."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return (Match.NONE, {}) if scope["path"].startswith(API) else super().matches(scope)


def pages(folder: Path) -> Mount:
    """Everything in the folder, compressed on the way: the map library alone is a megabyte."""
    files = _Pages(directory=folder, html=True)
    return _BesideTheApi("/", GZipMiddleware(files, minimum_size=1024), name="web")
