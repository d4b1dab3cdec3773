"""How much a tracker may send, and how often anybody may try tokens that open nothing. Both per process."""

import uuid

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from core.clock import now
from core.errors import TooMany
from core.settings import SyncSettings

# Tokens cannot be guessed; this keeps whoever tries, or has an ended one, from costing a query each time.
_REFUSED_PER_MINUTE = 60


class TrackerThrottle:
    """One per application. A tracker that is told to wait sends the same again later."""

    def __init__(self, sync: SyncSettings) -> None:
        self._per_tracker = RateLimitItemPerMinute(sync.tracker_fixes_per_minute)
        self._per_address = RateLimitItemPerMinute(_REFUSED_PER_MINUTE)
        self._window = FixedWindowRateLimiter(MemoryStorage())

    def admit(self, tracker_id: uuid.UUID, fixes: int) -> None:
        """Count positions of one tracker. Raises: TooMany."""
        if not self._window.hit(self._per_tracker, "tracker", tracker_id.hex, cost=max(fixes, 1)):
            raise self._too_many(self._per_tracker, "tracker", tracker_id.hex)

    def count_refused(self, address: str) -> None:
        """Count a token that opened nothing. Raises: TooMany."""
        if not self._window.hit(self._per_address, "refused", address):
            raise self._too_many(self._per_address, "refused", address)

    def _too_many(self, item: RateLimitItemPerMinute, *key: str) -> TooMany:
        free_at, _ = self._window.get_window_stats(item, *key)
        return TooMany(retry_after_s=max(1, round(free_at - now().timestamp())))
