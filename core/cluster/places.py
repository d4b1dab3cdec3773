"""As whom the server runs, and in which folders."""

import contextlib
import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from core.cluster.errors import ClusterFailed

POINTER_NAME = "postgres.location"
LOG_NAME = "postgres.log"
LOG_CAP_BYTES = 5 * 1024 * 1024
# Where the data goes when the home is closed to the server's account; what need not last goes to /tmp.
ELSEWHERE = Path("/var/lib/xunge")
TEMPORARY = Path("/tmp")  # not TMPDIR: a socket path must stay below 107 bytes

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Account:
    """The system user the server runs as: oneself, but never root."""

    uid: int
    gid: int

    def drop(self) -> dict[str, Any]:
        """Arguments that make subprocess run a command as this user."""
        if os.geteuid() == self.uid:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def take(self, folder: Path) -> None:
        """The folder belongs to this user alone."""
        if os.geteuid() != self.uid:
            os.chown(folder, self.uid, self.gid)
        folder.chmod(0o700)

    def can(self, access: str, folder: Path) -> bool:
        """Whether this user itself passes `test <access>`; modes alone would miss ACLs and mounts."""
        command = ["test", access, str(folder)]
        return subprocess.run(command, cwd="/", check=False, **self.drop()).returncode == 0


@dataclass(frozen=True, slots=True)
class Places:
    """Everything on disk that belongs to the cluster of one home."""

    home: Path
    folder: Path
    account: Account

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.home / LOG_NAME

    @property
    def name(self) -> str:
        """Tells this cluster's processes from all others in their titles."""
        return f"xunge-{short_hash(self.folder)}"


def short_hash(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def settle(home: Path, *, durable: bool) -> Places:
    """The folder for the data exists, and the account that runs the server can write there."""
    pointer = home / POINTER_NAME
    folder = Path(pointer.read_text().strip()) if pointer.exists() else home / "postgres"
    account = _choose_account(home, folder)
    if (folder / "data").exists():
        _require_access(folder, account)
        return Places(home, folder, account)
    if pointer.exists():
        raise ClusterFailed(f"{pointer} names {folder}, which is gone: delete the former to begin anew.")
    if not _prepare(folder, account):
        folder = _go_elsewhere(home, account, durable=durable)
    return Places(home, folder, account)


def make_socket_folder(places: Places) -> Path:
    """A short folder that only the account can enter, even if somebody else took the name first."""
    account = places.account
    folder = TEMPORARY / f"xunge-{account.uid}-{short_hash(places.folder)}"
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid not in (account.uid, os.geteuid()):
            folder = Path(tempfile.mkdtemp(prefix="xunge-", dir=TEMPORARY))
    account.take(folder)
    return folder


def open_log(places: Places) -> int:
    """Descriptor of the server's log; a log that has grown past its cap is kept as `.1`."""
    if places.log.exists() and places.log.stat().st_size > LOG_CAP_BYTES:
        places.log.replace(places.log.with_name(f"{LOG_NAME}.1"))
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
    descriptor = os.open(places.log, flags, 0o640)
    if os.geteuid() == 0:
        home = places.home.stat()
        os.fchown(descriptor, home.st_uid, home.st_gid)
    return descriptor


def remove(places: Places) -> None:
    """Nothing of the cluster is left on disk."""
    shutil.rmtree(places.folder)
    for path in (places.home / POINTER_NAME, places.log, places.log.with_name(f"{LOG_NAME}.1")):
        path.unlink(missing_ok=True)


def _choose_account(home: Path, folder: Path) -> Account:
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    for owned in (folder / "data", home):
        owner = owned.stat().st_uid if owned.exists() else 0
        if owner != 0 and _is_known(owner):
            return Account(owner, pwd.getpwuid(owner).pw_gid)
    try:
        postgres = pwd.getpwnam("postgres")
    except KeyError:
        raise ClusterFailed(
            "PostgreSQL does not run as root and there is no user postgres: "
            "sudo apt-get install postgresql-common, or run as an ordinary user."
        ) from None
    return Account(postgres.pw_uid, postgres.pw_gid)


def _is_known(uid: int) -> bool:
    """initdb refuses a user without an entry, such as the owner of a folder mounted into a container."""
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _require_access(folder: Path, account: Account) -> None:
    """Existing data is never left behind for an empty cluster somewhere else."""
    owner = (folder / "data").stat().st_uid
    if owner != account.uid:
        raise ClusterFailed(
            f"{folder / 'data'} belongs to user id {owner}: run as that user or as root, "
            "or set XUNGE_HOME to another folder."
        )
    if not account.can("-w", folder):
        closed = [path for path in reversed(folder.parents) if not account.can("-x", path)]
        raise ClusterFailed(
            f"User id {account.uid} no longer reaches {folder}: "
            f"sudo chmod o+x {closed[0] if closed else folder}"
        )


def _prepare(folder: Path, account: Account) -> bool:
    """Whether the folder exists now and the account can work in it."""
    try:
        folder.mkdir(exist_ok=True)
        account.take(folder)
    except PermissionError:
        return False
    if account.can("-w", folder):
        return True
    with contextlib.suppress(OSError):
        folder.rmdir()
    return False


def _go_elsewhere(home: Path, account: Account, *, durable: bool) -> Path:
    """A folder outside the home, which the home names from now on.

    A home below a closed folder, such as a checkout in /root, cannot be entered by the account; opening
    folders of the user to others is not ours to do.
    """
    if os.geteuid() != 0:
        raise ClusterFailed(f"{home} is not writable: set XUNGE_HOME to a folder of your own.")
    base = ELSEWHERE if durable else TEMPORARY
    base.mkdir(mode=0o711, parents=True, exist_ok=True)
    prefix = f"xunge-{short_hash(home)}-" if base == TEMPORARY else f"{short_hash(home)}-"
    abandoned = [str(path) for path in base.glob(f"{prefix}*")]
    if abandoned and durable:
        log.warning("cluster.abandoned", home=str(home), folders=abandoned, hint="delete them to free space")
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=base))
    if not _prepare(folder, account):
        raise ClusterFailed(f"User id {account.uid} can use neither {home} nor {base}: sudo chmod o+x {base}")
    (home / POINTER_NAME).write_text(f"{folder}\n")
    log.info("cluster.elsewhere", home=str(home), folder=str(folder), reason="home closed to the account")
    return folder
