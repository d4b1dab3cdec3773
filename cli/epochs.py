"""`xunge epoch`: which life of the database this is, and a new one after a restore by hand."""

from rich.table import Table
from sqlalchemy import select

from cli.console import out, say
from cli.database import who, writing
from core.settings import Settings
from core.sync import epochs
from core.sync.models import ServerEpoch


def look(settings: Settings) -> None:
    """The epochs are listed, the present one first."""
    with writing(settings) as session:
        rows = session.scalars(select(ServerEpoch).order_by(ServerEpoch.number.desc())).all()
    table = Table("epoch", "began at", "reason", box=None, header_style="bold")
    for row in rows:
        table.add_row(row.token, row.began_at.isoformat(timespec="seconds"), row.reason)
    out.print(table) if rows else say("No phone has synced yet.")


def bump(settings: Settings) -> None:
    """Phones hear of it at their next sync and offer again what they sent."""
    with writing(settings) as session:
        made = epochs.bump(session, settings.home, actor=who())
    say(f"epoch {made.token} begins")
