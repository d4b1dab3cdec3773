"""`xunge migrate`."""

import typer
from alembic.util.exc import CommandError

from cli.console import say
from cli.database import engine_of, running_database
from core import migrations
from core.settings import Settings


def migrate(settings: Settings, revision: str) -> str:
    """The database is at this schema version or was already beyond it; which one it has now."""
    with running_database(settings) as running:
        url = running.settings.required_database_url
        try:
            migrations.upgrade(url, revision)
        except CommandError as error:
            raise typer.BadParameter(str(error), param_hint="--revision") from None
        with engine_of(running.settings) as engine, engine.connect() as connection:
            found = migrations.current(connection)
    say("The schema is up to date." if found == migrations.newest() else "Newer versions exist.")
    return found or "nothing"
