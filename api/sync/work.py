"""The week in a pocket: what to look at on a patrol, and what the worker was reminded of."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, timedelta

from sqlalchemy.orm import Session

from access.roles import Action
from access.scope import Actor
from api.sync.ground import grid_codes, own_grids
from core.clock import local_date
from core.sync.feeds import AnyFeed, Feed, Item
from patrol.checklists.lists import ChecklistRow
from patrol.checklists.queries import checklists_of_grid
from patrol.duties.reminding import reminders_of

_REMINDERS = 50
_REMEMBERED = timedelta(days=30)


def _checklists(session: Session, actor: Actor, day: date) -> Iterator[Item]:
    """Each version once, with the grids for which it holds."""
    found: dict[str, ChecklistRow] = {}
    grids: dict[str, list[str]] = {}
    for code in grid_codes(session, own_grids(actor, Action.RECORD_PATROL), day):
        for row in checklists_of_grid(session, actor, code, day):
            key = f"{row.code}/{row.version}"
            found[key] = row
            grids.setdefault(key, []).append(code)
    for key, row in found.items():
        members = {
            "code": row.code,
            "version": row.version,
            "field": row.field,
            "zh": row.zh,
            "en": row.en,
            "grids": grids[key],
            "aspects": [asdict(one) for one in row.aspects],
            "items": [asdict(one) for one in row.items],
        }
        yield Item.of(key, members)


def _reminders(session: Session, actor: Actor, day: date) -> Iterator[Item]:
    for one in reminders_of(session, actor, after=None, unseen=False, limit=_REMINDERS):
        if local_date(one.made_at) > day - _REMEMBERED:
            members = {
                "duty": one.duty,
                "period": one.period,
                "zh": one.zh,
                "en": one.en,
                "grids": one.grids,
                "made_at": one.made_at,
                "seen_at": one.seen_at,
            }
            yield Item.of(one.reminder_id, members)


WORK: tuple[AnyFeed[Actor], ...] = (Feed("checklists", _checklists), Feed("reminders", _reminders))
