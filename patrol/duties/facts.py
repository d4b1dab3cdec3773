"""What counts for a duty: kinds of fact and the counters that find them.

A counter answers, for the grids asked about, who did what for which subject and when. A later kind of fact
(comments, meetings, activities, reports) is one such function, made known with `register`; nothing else
changes. A counter whose facts follow rules of their own, as patrols do, also says what they ask for.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy.orm import Session

from core.periods import Period
from patrol.duties.rules import DutyRow, Reach
from patrol.weeks.standing import StandingGrid

Key = tuple[uuid.UUID, int] | uuid.UUID | int | str  # a pair, a household, a grid, a community


@dataclass(frozen=True, slots=True)
class Asked:
    """Which subjects a counter is asked about: those of these grids, in this period, as the day has them."""

    duty: DutyRow
    period: Period
    grids: Mapping[int, StandingGrid]  # by id
    day: date  # today, or the end of the period nearest to it
    moment: datetime
    households: frozenset[uuid.UUID] = frozenset()  # only where these are the subjects


@dataclass(frozen=True, slots=True)
class Done:
    """One fact that counts: what was done for a subject, by whom, and on which day."""

    key: Key
    person_id: uuid.UUID
    day: date


@dataclass(frozen=True, slots=True)
class Measure:
    """What a fact's own rules ask of a subject, and how much can still be reached on given days."""

    required: int
    reach: Reach


@dataclass(frozen=True, slots=True)
class Counted:
    """The answer of a counter. Subjects without a measure follow count and gap of the duty's row."""

    done: Sequence[Done]
    measures: Mapping[Key, Measure] = field(default_factory=dict)


Counter = Callable[[Session, Asked], Counted]


@dataclass(frozen=True, slots=True)
class FactKind:
    """A kind of fact: its code in `duties.fact`, the word for it, and who finds it."""

    code: str
    zh: str  # 次巡查
    en: str
    count: Counter


_KINDS: dict[str, FactKind] = {}


def register(kind: FactKind) -> None:
    """Duties over this kind of fact are measured from now on; a package of a higher layer calls it once."""
    _KINDS[kind.code] = kind


def kind_of(code: str) -> FactKind | None:
    """The kind of fact; None where no package records it."""
    return _KINDS.get(code)
