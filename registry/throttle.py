"""Slowing down whoever guesses short codes: so many misses a person, then a wait. Lives in the process."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from limits import RateLimitItemPerDay, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from core.clock import now
from core.errors import TooMany
from registry.problems import PlateUnknown

# A code has 35 bits: at 1,000 checkpoints so many misses a day find one in four centuries.
MISSES_PER_MINUTE = 20
MISSES_PER_DAY = 200


class GuessThrottle:
    """One per application."""

    def __init__(self) -> None:
        self._window = MovingWindowRateLimiter(MemoryStorage())
        self._limits = (RateLimitItemPerMinute(MISSES_PER_MINUTE), RateLimitItemPerDay(MISSES_PER_DAY))

    def admit(self, person_id: uuid.UUID) -> None:
        """Let a person try. Raises: TooMany after too many misses."""
        for limit in self._limits:
            if not self._window.test(limit, str(person_id)):
                free_at, _ = self._window.get_window_stats(limit, str(person_id))
                wait_s = max(1, round(free_at - now().timestamp()))
                raise TooMany(
                    f"短码输错过多，请 {wait_s} 秒后再试 / too many unknown short codes, wait {wait_s} s",
                    retry_after_s=wait_s,
                )

    @contextmanager
    def guarding(self, person_id: uuid.UUID) -> Iterator[None]:
        """Let a person look a code up, and count it when no plate has it. Raises: TooMany."""
        self.admit(person_id)
        try:
            yield
        except PlateUnknown:
            self.count_miss(person_id)
            raise

    def count_miss(self, person_id: uuid.UUID) -> None:
        """One more code that no plate has."""
        for limit in self._limits:
            self._window.hit(limit, str(person_id))
