"""Child processes that do not outlive the process that started them."""

import shutil
import threading
import time
from collections.abc import Callable, Sequence


def dying_with_parent(argv: Sequence[str], signal_name: str) -> list[str]:
    """The same command; the kernel sends it the signal when its parent dies, even by kill -9.

    setpriv asks for this after any change of user (which would clear it) and leaves the process id as it is,
    and no Python code has to run between fork and exec. Linux ties it to the *thread* that forked, so a
    command started outside the main thread, which may end long before the process does, goes without.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None or threading.current_thread() is not threading.main_thread():
        return list(argv)
    return [setpriv, "--pdeathsig", signal_name, "--", *argv]


def wait_until(condition: Callable[[], bool], timeout_s: float, *, pause_s: float = 0.02) -> bool:
    """Whether the condition came true in time."""
    give_up_at = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() >= give_up_at:
            return False
        time.sleep(pause_s)
    return True
