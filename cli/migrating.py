"""`xunge migrate`."""

import typer
from alembic.util.exc import CommandError

from cli.console import say
from cli.database import bring_up_to_date, engine_of, running_database
from core import migrations
from core.settings import Settings


def migrate(settings: Settings, revision: str | None) -> str:
    """The database is at the newest schema with its code tables, or at least at `revision`; where it is."""
    with running_database(settings) as running:
        if revision is None:
            bring_up_to_date(running.settings)
        else:
            _step(running.settings.required_database_url, revision)
        with engine_of(running.settings) as engine, engine.connect() as connection:
            found = migrations.current(connection)
    say("The schema is up to date." if found == migrations.newest() else "Newer versions exist.")
    return found or "nothing"


def _step(url: str, revision: str) -> None:
    try:
        migrations.upgrade(url, revision)
    except CommandError as error:
        raise typer.BadParameter(str(error), param_hint="--revision") from None
