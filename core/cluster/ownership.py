"""Who runs the cluster of a home: one lock file, held by the owner for as long as it lives."""

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from core.child_process import wait_until
from core.clock import now
from core.cluster.errors import ClusterFailed, ClusterInUse

LOCK_NAME = "cluster.lock"
# Looking at the lock takes it for a moment, so a start has to try for longer than a look lasts.
ACQUIRE_S = 1.0
ATTACH_S = 60.0


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that runs the cluster; `url` is empty until the server accepts connections."""

    pid: int
    since: str
    url: str


class OwnerLock:
    """The right to run the cluster of one home; the kernel takes it back when the owner dies."""

    def __init__(self, home: Path) -> None:
        self._path = home / LOCK_NAME
        self._descriptor: int | None = None
        self._folder_descriptor: int | None = None
        self._since = ""

    def acquire(self) -> None:
        """This process is the owner; ClusterInUse names the other one."""
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        except OSError as error:
            raise ClusterFailed(
                f"{self._path}: {error.strerror}; set XUNGE_HOME to a folder of your own"
            ) from error
        if not wait_until(lambda: _try_lock(descriptor), ACQUIRE_S):
            os.close(descriptor)
            raise self._refusal()
        self._descriptor = descriptor
        if os.geteuid() == 0:
            # started once with sudo, the home must stay usable without
            home = self._path.parent.stat()
            os.fchown(descriptor, home.st_uid, home.st_gid)
        self._since = now().isoformat(timespec="seconds")
        self.publish("")

    def guard(self, folder: Path) -> None:
        """No copy of this home that points at the same data can run it beside us."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        self._folder_descriptor = descriptor
        if not wait_until(lambda: _try_lock(descriptor), ACQUIRE_S):
            raise ClusterInUse(f"The database in {folder} is in use by another home: stop that one first.")

    def publish(self, url: str) -> None:
        """Other processes find the server at this URL."""
        if self._descriptor is None:
            raise RuntimeError("publish needs the lock")
        record = json.dumps(asdict(Owner(os.getpid(), self._since, url))).encode()
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, record, 0)

    def release(self) -> None:
        # The file stays: unlinking it would let two later owners lock two different files.
        for descriptor in (self._descriptor, self._folder_descriptor):
            if descriptor is not None:
                os.close(descriptor)
        self._descriptor = self._folder_descriptor = None

    def _refusal(self) -> ClusterInUse:
        home = self._path.parent
        owner = _read(self._path)
        if owner is None:
            return ClusterInUse(f"The database in {home} is in use: stop the other process first.")
        return ClusterInUse(
            f"The database in {home} is in use by process {owner.pid} since {owner.since}: "
            "stop that process, or set XUNGE_HOME to another folder.",
            pid=owner.pid,
            since=owner.since,
        )


def attach(home: Path) -> str | None:
    """URL of the cluster that another live process runs for this home; None when none runs.

    An owner that is still starting is waited for.
    """
    path = home.resolve() / LOCK_NAME
    owner: Owner | None = None

    def is_settled() -> bool:
        nonlocal owner
        if not _is_locked(path):
            owner = None
            return True
        owner = _read(path)
        return owner is not None and owner.url != ""

    if not wait_until(is_settled, ATTACH_S, pause_s=0.1):
        raise ClusterFailed(f"The owner of {path} is still not ready: look at postgres.log beside it.")
    return owner.url if owner else None


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_locked(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    except PermissionError as error:
        raise ClusterFailed(f"{path} is closed to this user: run as the user who owns it.") from error
    return False


def _read(path: Path) -> Owner | None:
    """The record of the owner; None while it is being written."""
    try:
        return Owner(**json.loads(path.read_bytes()))
    except (ValueError, TypeError):
        return None
