"""`xunge openapi`."""

import json

from sqlalchemy.orm import Session, sessionmaker

from api.app import create_app
from core.settings import Settings


def document(settings: Settings) -> str:
    """The OpenAPI document of this version, as JSON."""
    nowhere: sessionmaker[Session] = sessionmaker()  # no route is called, so no session is opened
    return json.dumps(create_app(settings, sessions=nowhere).openapi(), ensure_ascii=False, indent=1)
