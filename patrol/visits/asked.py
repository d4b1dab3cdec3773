"""What the duties ask of a grid's households on a day: how often, in which period, by which outcomes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from core.periods import Period
from patrol.duties.queries import stored_duties
from patrol.duties.rules import DutyRow, SubjectKind, duty_for

_VISITS = "visits"  # the kind of fact (patrol/duties/facts.py)


@dataclass(frozen=True, slots=True)
class Asked:
    """So many visits in a period that began before the day; `kinds` are those of households."""

    count: int
    period: Period
    outcomes: tuple[str, ...]
    kinds: tuple[str, ...]
    min_gap_days: int


@dataclass(frozen=True, slots=True)
class AskedOfHouseholds:
    """What is asked of special households and of all; None where a deployment switched it off."""

    special: Asked | None
    full: Asked | None

    @property
    def outcomes(self) -> frozenset[str]:
        return frozenset(one for asked in (self.special, self.full) if asked for one in asked.outcomes)

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(one for asked in (self.special, self.full) if asked for one in asked.kinds)


def asked_of_households(session: Session, path: str, kind: str, day: date) -> AskedOfHouseholds:
    """What the duties that hold for this grid, or for a whole part of the tree, ask on the day."""
    rows = [
        row for row in stored_duties(session) if row.fact == _VISITS and row.subject is SubjectKind.HOUSEHOLD
    ]
    return AskedOfHouseholds(
        special=_asked((row for row in rows if row.options.special_only), path, kind, day),
        full=_asked((row for row in rows if not row.options.special_only), path, kind, day),
    )


def _asked(rows: Iterable[DutyRow], path: str, kind: str, day: date) -> Asked | None:
    """The row that asks for most within its period, of those whose duty holds here; codes apart."""
    by_code: dict[str, list[DutyRow]] = {}
    for row in rows:
        by_code.setdefault(row.code, []).append(row)
    held = [
        (found, period)
        for named in by_code.values()
        for period in {Period.of(row.period, day) for row in named}
        if (found := duty_for(named, path=path, kind=kind, period=period)) is not None
        and Period.of(found.period, day) == period
    ]
    if not held:
        return None
    row, period = max(held, key=lambda one: (one[0].count, one[0].code))
    options = row.options
    return Asked(row.count, period, options.outcomes, options.kinds, options.min_gap_days)
