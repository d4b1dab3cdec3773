"""How wrong a phone's clock was: every upload says when it was sent, and the server knows when it came.

The difference is the error of the clock and the time on the way, which is never negative. So of several
uploads under one clock the smallest difference is the nearest, and a jump of the clock shows as two groups.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.errors import FieldError

# Less is the ordinary drift of phones and the time on the way.
TRIFLE_S = 60
# No upload takes longer than this; differences further apart are two settings of the clock.
_SLOWEST_S = 120
# Clocks that start at 1970 are among those met; what is further off is no clock.
MAX_OFFSET_S = 2**31 - 1


def offset_s(sent_at: datetime | None, received_at: datetime) -> int:
    """Seconds to be added to the times of a phone that says it sent at this moment; 0 for a trifle."""
    if sent_at is None:
        return 0
    difference_s = round((received_at - sent_at).total_seconds())
    return difference_s if abs(difference_s) >= TRIFLE_S else 0


def corrected(moment: datetime, clock_offset_s: int) -> datetime:
    """A phone's time on the server's clock, as far as there are such times."""
    try:
        return moment + timedelta(seconds=clock_offset_s)
    except OverflowError:
        return moment


def sent_at_errors(sent_at: datetime | None, received_at: datetime) -> list[FieldError]:
    """What is wrong with the moment of sending: nothing that a clock in use can say."""
    if sent_at is None or abs((received_at - sent_at).total_seconds()) <= MAX_OFFSET_S:
        return []
    told = f"{sent_at.isoformat()} 不合理，请检查手机时钟 / this is no setting of a clock"
    return [FieldError("/sent_at", "impossible-clock", told)]


@dataclass(frozen=True, slots=True)
class Clock:
    """The settings of a phone's clock during a patrol: the smallest offset of each group."""

    settings: tuple[int, ...]

    @classmethod
    def of(cls, offsets: Iterable[int]) -> "Clock":
        settings: list[int] = []
        latest: int | None = None
        for offset in sorted(set(offsets)):
            if latest is None or offset - latest > _SLOWEST_S:
                settings.append(offset)
            latest = offset
        return cls(tuple(settings))

    @property
    def is_wrong(self) -> bool:
        return any(self.settings)

    @property
    def worst_s(self) -> int:
        """The largest error in either direction; 0 for a clock that is right."""
        return max(self.settings, key=abs, default=0)

    def correction_ms(self, clock_offset_s: int) -> int:
        """What is still to be added to times that were corrected by this offset."""
        setting = self.settings[bisect_right(self.settings, clock_offset_s) - 1]
        return (setting - clock_offset_s) * 1000

    def milliseconds(self, moment: datetime, clock_offset_s: int) -> int:
        """A stored moment, corrected by this offset, on the server's clock as well as it is known."""
        more_ms = self.correction_ms(clock_offset_s) if self.is_wrong else 0
        return round(moment.timestamp() * 1000) + more_ms
