"""Slowing down whoever guesses passwords: a limit per client address, and a lock for names that nobody has.

Both live in the process; the lock of a real account lives in its row (access/sign_in.py), for all processes.
"""

import ipaddress
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from core.clock import now
from core.errors import TooMany
from core.settings import AccessSettings

# A guesser with a list of names must not fill the memory; forgetting the oldest costs only equal treatment.
REMEMBERED_NAMES = 10_000


class SignInLocked(TooMany):
    """Too many failed sign-ins under this name; wait."""

    code = "sign-in-locked"

    def __init__(self, until: datetime) -> None:
        wait_s = max(1, round((until - now()).total_seconds()))
        super().__init__(
            f"登录失败过多，请 {-(-wait_s // 60)} 分钟后再试 / too many failures, try again in {wait_s} s",
            retry_after_s=wait_s,
            locked_until=until.isoformat(),
        )


@dataclass(slots=True)
class _Guesses:
    failures: int = 0
    locked_until: datetime | None = None


class SignInThrottle:
    """One per application."""

    def __init__(self, access: AccessSettings) -> None:
        self._access = access
        self._per_address = RateLimitItemPerMinute(access.logins_per_minute)
        self._window = MovingWindowRateLimiter(MemoryStorage())
        self._nobodies: OrderedDict[str, _Guesses] = OrderedDict()
        self._lock = threading.Lock()

    def admit(self, address: str) -> None:
        """Count one sign-in from this address.

        Raises: TooMany when the last minute saw too many.
        """
        key = _neighbourhood(address)
        if self._window.hit(self._per_address, key):
            return
        free_at, _ = self._window.get_window_stats(self._per_address, key)
        wait_s = max(1, round(free_at - now().timestamp()))
        raise TooMany(
            f"该地址登录过于频繁 / too many sign-ins from this address, wait {wait_s} s", retry_after_s=wait_s
        )

    def locked_until(self, username: str) -> datetime | None:
        """Until when a name that nobody has is locked."""
        with self._lock:
            guesses = self._nobodies.get(username)
            return guesses.locked_until if guesses else None

    def count_failure(self, username: str) -> tuple[int, datetime | None]:
        """Counter and lock after one more failure under a name that nobody has."""
        with self._lock:
            guesses = self._nobodies.setdefault(username, _Guesses())
            self._nobodies.move_to_end(username)
            if len(self._nobodies) > REMEMBERED_NAMES:
                self._nobodies.popitem(last=False)
            guesses.failures, guesses.locked_until = after_failure(guesses.failures, self._access)
            return guesses.failures, guesses.locked_until


def after_failure(failures: int, access: AccessSettings) -> tuple[int, datetime | None]:
    """Counter and lock after one more failure: the last allowed one locks, and counting starts anew."""
    if failures + 1 < access.lockout_failures:
        return failures + 1, None
    return 0, now() + timedelta(seconds=access.lockout_s)


def _neighbourhood(address: str) -> str:
    """The address, or for IPv6 its /64: one household holds that many addresses."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
