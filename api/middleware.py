"""Bare ASGI middleware: request ids, one log line and one metric per request, security headers, body cap."""

import contextlib
import time
import uuid
from collections.abc import Sequence

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.metrics import REQUEST_SECONDS
from api.problems import problem_response
from core.errors import TooLarge
from core.settings import HttpSettings

# The only other hosts are those of base maps that the settings name.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self' blob:; connect-src 'self'{hosts}; "
    "img-src 'self' data: blob:{hosts}; style-src 'self' 'unsafe-inline'; font-src 'self'; "
    "manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(self), camera=(self)",
}
UPLOADS = "/import"  # what addresses that take files end with
PHOTOS = "/v1/photos/"  # what addresses that take a photo begin with
log = structlog.get_logger("xunge.http")


class RequestContext:
    """Every request carries an id from the first log line to the last byte of the reply."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str] = ()) -> None:
        self.app = app
        named = "".join(f" {host}" for host in hosts)
        policy = CONTENT_SECURITY_POLICY.format(hosts=named)
        self.headers = {"Content-Security-Policy": policy, **SECURITY_HEADERS}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = uuid.uuid4()
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.bind_contextvars(request_id=str(request_id))
        status, started = 500, time.perf_counter()

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = str(request_id)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        finally:
            seconds = time.perf_counter() - started
            route = getattr(scope.get("route"), "path", "unmatched")
            REQUEST_SECONDS.labels(scope["method"], route, str(status)).observe(seconds)
            log.debug(
                "request", method=scope["method"], route=route, status=status, ms=round(seconds * 1000, 1)
            )
            structlog.contextvars.unbind_contextvars("request_id")


class BodyCap:
    """A body above the cap is refused before anything reads or stores it, declared length or not."""

    def __init__(self, app: ASGIApp, http: HttpSettings, *, max_photo_bytes: int) -> None:
        self.app = app
        self.http = http
        self.max_photo_bytes = max_photo_bytes

    def _cap(self, path: str) -> int:
        if path.startswith(PHOTOS):
            return self.max_photo_bytes
        return self.http.max_upload_bytes if path.endswith(UPLOADS) else self.http.max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        cap = self._cap(scope["path"])
        declared = Headers(scope=scope).get("content-length", "0")
        if not declared.isdigit() or int(declared) > cap:
            await problem_response(Request(scope), _too_large(cap))(scope, receive, send)
            return
        read, started = 0, False

        async def capped_receive() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > cap:
                raise _too_large(cap)
            return message

        async def send_unless_over(message: Message) -> None:
            nonlocal started
            if read <= cap:
                started = True
                await send(message)

        # Whoever reads the body may turn the refusal into an error of its own: that reply is not sent.
        with contextlib.suppress(TooLarge):
            await self.app(scope, capped_receive, send_unless_over)
        if read > cap and not started:
            await problem_response(Request(scope), _too_large(cap))(scope, receive, send)


def _too_large(cap: int) -> TooLarge:
    kib = cap // 1024
    return TooLarge(f"此处最多 {kib} KiB / at most {kib} KiB are accepted here", limit_bytes=cap)
