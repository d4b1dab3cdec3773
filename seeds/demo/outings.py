"""One patrol of the demo street to be recorded, and how it goes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from seeds.demo.street import DemoGrid
from seeds.demo.workers import Duty, Worker


class Manner(Enum):
    """How a round goes; what becomes of it is for the rules to say."""

    SOUND = auto()
    JUMPY = auto()  # sound, but a few positions fly off between high buildings
    SHORT = auto()
    ELSEWHERE = auto()  # in another grid
    CORNER = auto()  # up and down one corner of the grid
    RIDDEN = auto()  # on an electric bicycle, too fast to see anything
    SILENT = auto()  # the phone slept most of the time
    INACCURATE = auto()
    MOCKED = auto()
    FROZEN = auto()
    HELPING = auto()  # a head goes round a member's grid
    LATE = auto()  # sound, but the phone found no network for more than a week
    TWO_TRAILS = auto()  # two phones recorded one patrol
    CONSTANT = auto()  # the same accuracy all the time
    REPLAYED = auto()  # the recording of an earlier round, sent again with new times
    KILLED = auto()  # sound, but the phone ended the app for some minutes; and so on for other reasons
    NO_PERMISSION = auto()
    FLAT = auto()
    NO_FIX = auto()
    PAUSED = auto()
    CLOCK_OFF = auto()  # sound, but the phone's clock was some minutes wrong
    CLOCK_WRONG = auto()
    STAIRS = auto()  # sound, with the plates of a house in whose stairs the phone found no position
    PLATES = auto()  # sound, with check-ins of every kind that prove nothing
    BY_PLATES = auto()  # one corner of the grid, but its plates were visited
    FAR_PLATE = auto()  # elsewhere, with a photograph of a plate
    TOGETHER = auto()  # beside somebody else's round
    COPIED = auto()  # an own earlier round once more, with a little noise
    LENT = auto()  # sound, on the phone of somebody who was out the same day
    UNDER_WAY = auto()  # sound so far, not finished


@dataclass(frozen=True, slots=True)
class Outing:
    """One patrol to be recorded; the number makes its recording unlike any other."""

    number: int
    duty: Duty
    grid: DemoGrid  # usually that of the duty
    starts_at: datetime
    minutes: float
    manner: Manner = Manner.SOUND
    offline_hours: float = 0.0  # how late the phone found a network
    original: "Outing | None" = None  # whose positions these are, nearly
    phone_of: Worker | None = None  # whose phone it was, if not the worker's own

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + timedelta(minutes=self.minutes)

    @property
    def received_at(self) -> datetime:
        return self.ends_at + timedelta(hours=self.offline_hours)
