"""The HTTP server process: `python -m api.server`. `xunge serve` keeps it alive."""

import uvicorn
from fastapi import FastAPI

from api.app import create_app
from core import logs
from core.settings import load_settings

STOP_PATIENCE_S = 5  # open streams are cut after this; less than core.supervisor gives


def build() -> FastAPI:
    """The application of one server process."""
    settings = load_settings()
    logs.configure(settings.log)
    return create_app(settings)


def main() -> None:
    settings = load_settings()
    logs.configure(settings.log)
    uvicorn.run(
        "api.server:build",
        factory=True,
        host=settings.http.host,
        port=settings.http.port,
        workers=settings.http.processes,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_PATIENCE_S,
    )


if __name__ == "__main__":
    main()
