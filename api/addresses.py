"""What may be done at an address of this application."""

from starlette.requests import Request
from starlette.routing import Match

_METHODS = ("GET", "HEAD", "PUT", "POST", "PATCH", "DELETE")


def allowed_methods(request: Request) -> list[str]:
    """The methods that some route of the application takes at the address of the request.

    The framework names those of the first route alone; reading and writing are often two.
    """
    return [
        method
        for method in _METHODS
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in request.app.router.routes
        )
    ]
