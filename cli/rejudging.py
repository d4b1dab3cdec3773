"""`xunge rejudge`: judge the patrols of a week again, after a policy or a grid was put right."""

import typer
from sqlalchemy import select

from cli.console import say
from cli.database import writing
from core.clock import Week
from core.settings import Settings
from geo.models import Grid
from patrol.judging.batch import enqueue_week


def rejudge(settings: Settings, week_text: str, street_code: str | None) -> None:
    """The jobs wait in the queue; the worker does them, batch by batch, each street for itself."""
    try:
        week = Week.parse(week_text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    with writing(settings) as session:
        streets = session.scalars(select(Grid.street_code).distinct().order_by(Grid.street_code)).all()
        if street_code is not None and street_code not in streets:
            raise typer.BadParameter(f"there is no street {street_code} with grids")
        wanted = [code for code in streets if street_code in (None, code)]
        patrols = sum(enqueue_week(session, code, week) for code in wanted)
    say(f"{patrols} patrols of {week} wait to be judged again.")
