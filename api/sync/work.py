"""The week in a pocket: what to look at on a patrol, and what the worker was reminded of."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict
from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from access.roles import Action
from access.scope import Actor
from api.sync.ground import own_grids, top_grids
from core.clock import local_date
from core.sync.feeds import AnyFeed, Feed, Item, LargeFeed, digest_of
from patrol.checklists.lists import ChecklistRow, Entry, holding
from patrol.checklists.models import Checklist
from patrol.checklists.queries import row_of
from patrol.duties.reminding import reminders_of

_REMINDERS = 50
_REMEMBERED = timedelta(days=30)
_SOME = Entry("", "", "")


def _held(session: Session, actor: Actor, day: date) -> dict[str, list[str]]:
    """The versions that hold, each with its grids. Their items stay unread: a version never changes."""
    empty = func.jsonb_array_length(Checklist.items) == 0
    columns = (Checklist.checklist_id, Checklist.code, Checklist.version, Checklist.path, Checklist.kind)
    rows = [
        ChecklistRow(*row[:5], row.valid_from, "", "", "", "", (), () if row.empty else (_SOME,))
        for row in session.execute(select(*columns, Checklist.valid_from, empty.label("empty")))
    ]
    grids: dict[str, list[str]] = {}
    for grid in top_grids(session, own_grids(actor, Action.RECORD_PATROL), day):
        for row in holding(rows, path=grid.path, kind=grid.kind, day=day):
            grids.setdefault(f"{row.code}/{row.version}", []).append(grid.code)
    return grids


def _checklist_digests(session: Session, actor: Actor, day: date) -> Mapping[str, bytes]:
    return {key: digest_of(f"{key} {grids}".encode()) for key, grids in _held(session, actor, day).items()}


def _checklist_bodies(
    session: Session, actor: Actor, day: date, wanted: Collection[str]
) -> Mapping[str, bytes]:
    grids, bodies = _held(session, actor, day), {}
    for stored in session.scalars(select(Checklist)):
        key = f"{stored.code}/{stored.version}"
        if key in wanted and key in grids:
            row = row_of(stored)
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
            bodies[key] = Item.of(key, members).body
    return bodies


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


WORK: tuple[AnyFeed[Actor], ...] = (
    LargeFeed("checklists", _checklist_digests, _checklist_bodies),
    Feed("reminders", _reminders),
)
