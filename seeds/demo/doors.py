"""Some doors of the member's own grid, each with another reason why it is due or a visit does not count."""

import hashlib
import uuid
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from core.clock import LOCAL_ZONE
from geo.datums import Datum
from patrol.visits.counting import Outcome
from seeds.demo.households import Home
from seeds.demo.workers import Worker

_MONDAY, _TUESDAY, _WEDNESDAY, _SATURDAY = 0, 1, 2, 5
# Per door what was tried: weeks before the running one, weekday, hour, outcome.
_Try = tuple[int, int, int, Outcome]
_ORDINARY: tuple[tuple[_Try, ...], ...] = (
    ((2, _MONDAY, 10, Outcome.NOT_HOME),),  # try in the evening
    ((3, _TUESDAY, 10, Outcome.NOT_HOME), (2, _WEDNESDAY, 19, Outcome.NOT_HOME)),  # then at the weekend
    ((3, _WEDNESDAY, 19, Outcome.NOT_HOME), (2, _SATURDAY, 10, Outcome.NOT_HOME)),  # then by day
    ((2, _TUESDAY, 15, Outcome.REFUSED),),
    ((2, _WEDNESDAY, 10, Outcome.BY_PHONE),),
    ((3, _MONDAY, 9, Outcome.MOVED_AWAY),),
    ((3, _TUESDAY, 16, Outcome.MET),),
    ((2, _TUESDAY, 9, Outcome.MET), (2, _TUESDAY, 17, Outcome.MET)),  # twice on a day
    ((3, _SATURDAY, 9, Outcome.MET),),  # promises to come back
    ((2, _WEDNESDAY, 14, Outcome.WITHDRAWN),),  # entered by mistake
)
_PROMISING = 8
_SPECIAL: tuple[tuple[_Try, ...], ...] = (
    (),
    ((3, _MONDAY, 10, Outcome.NOT_HOME), (2, _TUESDAY, 10, Outcome.NOT_HOME)),
)


def chosen_doors(homes: Sequence[Home]) -> list[tuple[Home, tuple[_Try, ...]]]:
    """The doors of a grid with what was tried at each; nobody else knocks there."""
    ordinary = [home for home in homes if home.tag is None]
    special = [home for home in homes if home.tag is not None]
    return [*zip(ordinary, _ORDINARY, strict=False), *zip(special, _SPECIAL, strict=False)]


def visits_at(doors: Sequence[tuple[Home, tuple[_Try, ...]]], worker: Worker, today: date) -> Iterator[Any]:
    """The rows of what was tried at these doors."""
    monday = today - timedelta(days=today.weekday())
    for number, (home, tries) in enumerate(doors):
        for weeks, weekday, hour, outcome in tries:
            day = monday + timedelta(days=weekday - 7 * weeks)
            row = visit_row(home, worker, datetime.combine(day, time(hour, 20), LOCAL_ZONE), outcome)
            if number == _PROMISING:
                row["follow_up_on"] = today - timedelta(days=2)
            if outcome is Outcome.WITHDRAWN:
                row["revision"] = 2
            yield row


def visit_row(home: Home, worker: Worker, at: datetime, outcome: Outcome) -> dict[str, Any]:
    """A visit as a phone sent it."""
    visit_id = uuid.uuid5(home.household_id, f"visit {at.isoformat()}")
    return {
        "visit_id": visit_id,
        "household_id": home.household_id,
        "person_id": worker.person_id,
        "at": at,
        "received_at": at + timedelta(minutes=2),
        "outcome": outcome.value,
        "theme": "routine",
        "form_id": None,
        "answers": {},
        "note": "",
        "follow_up_on": None,
        "source_datum": Datum.CGCS2000.value,
        "photos": [],
        "body_hash": hashlib.sha256(visit_id.bytes).digest(),
        "revision": 1,
    }


def versions_of(rows: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What the withdrawn ones among these visits said at first, and their correction."""
    for row in rows:
        if row["outcome"] != Outcome.WITHDRAWN.value:
            continue
        same = {name: row[name] for name in ("visit_id", "person_id", "theme", "form_id", "answers", "note")}
        later = row["at"] + timedelta(minutes=25)
        said = ((row["visit_id"], row["at"], Outcome.MET, ""), (None, later, Outcome.WITHDRAWN, "选错了住户"))
        for version_id, made_at, outcome, reason in said:
            own_id = version_id or uuid.uuid5(row["visit_id"], "withdrawn")
            yield {
                **same,
                "version_id": own_id,
                "made_at": made_at,
                "received_at": made_at + timedelta(minutes=2),
                "reason": reason,
                "outcome": outcome.value,
                "body_hash": hashlib.sha256(own_id.bytes).digest(),
            }
