"""Applications to load: the product's own, with one empty authenticated PUT beside the real routes."""

from fastapi import FastAPI
from starlette.responses import Response

from api.dependencies import Writing
from api.server import build


def with_empty_put() -> FastAPI:
    """The whole application plus the floor of any write: authenticate, open a transaction, commit, answer."""
    app = build()

    @app.put("/v1/empty")
    def empty(_: Writing) -> Response:
        return Response(status_code=204)

    # Before the static files, which would swallow the address.
    app.router.routes.insert(0, app.router.routes.pop())
    return app
