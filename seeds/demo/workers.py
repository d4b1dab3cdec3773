"""People of the demo street and what they do there."""

import uuid
from dataclasses import dataclass, field, replace
from datetime import date

from access.absences import AbsenceReason
from access.positions import Affiliation, Position
from access.roles import Role
from seeds.demo.street import DemoGrid
from seeds.demo.walks import Phone


@dataclass(frozen=True, slots=True, eq=False)
class Worker:
    """A person of the demo, with the phone and the habits that shape the tracks."""

    person_id: uuid.UUID
    name: str
    phone: Phone
    diligence: float  # how much likelier than others of the community to make the two patrols of a week


@dataclass(frozen=True, slots=True, eq=False)
class Duty:
    """A worker's role on a grid, or for staff on a part of the tree."""

    worker: Worker
    role: Role
    grid: DemoGrid | None
    path: str | None  # staff only; a grid's path is known once it is stored
    valid_from: date
    valid_to: date | None = None
    position: Position | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Leave:
    """Somebody is away from the only grid, and somebody else walks it."""

    duty: Duty
    substitute: Worker
    valid_from: date
    valid_to: date
    reason: AbsenceReason

    def covers(self, day: date) -> bool:
        return self.valid_from <= day < self.valid_to

    @property
    def stand_in(self) -> Duty:
        """What the substitute does meanwhile; no assignment is stored for it."""
        return replace(self.duty, worker=self.substitute, valid_from=self.valid_from, valid_to=self.valid_to)


@dataclass(slots=True)
class Crew:
    """Everybody, who employs them, who is away, and the account name of those who can sign in."""

    duties: list[Duty] = field(default_factory=list)
    accounts: dict[str, Worker] = field(default_factory=dict)
    clerks: list[Worker] = field(default_factory=list)  # without a grid
    affiliations: dict[Worker, Affiliation] = field(default_factory=dict)
    leaves: list[Leave] = field(default_factory=list)

    @property
    def workers(self) -> list[Worker]:
        return list(dict.fromkeys([*(duty.worker for duty in self.duties), *self.clerks]))

    def leave_on(self, duty: Duty, day: date) -> Leave | None:
        """The absence from this duty on that day."""
        return next((one for one in self.leaves if one.duty is duty and one.covers(day)), None)
