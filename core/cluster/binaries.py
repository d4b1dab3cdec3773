"""Which PostgreSQL of this machine runs the cluster."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from core.cluster.errors import ClusterFailed, PostgisMissing

MINIMUM_MAJOR = 15
EXTENSIONS = ("postgis", "btree_gist")
DEBIAN_ROOT = Path("/usr/lib/postgresql")


@dataclass(frozen=True, slots=True)
class Binaries:
    """One installed PostgreSQL."""

    folder: Path
    major: int

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def missing_extensions(self) -> list[str]:
        shared = Path(_output(self.path("pg_config"), "--sharedir"))
        return [name for name in EXTENSIONS if not (shared / "extension" / f"{name}.control").exists()]


def find_binaries(bindir: Path | None, data: Path) -> Binaries:
    """The newest PostgreSQL that has PostGIS; for existing data, the one of the same major version."""
    installed = _installed(bindir)
    wanted = _major_of(data)
    if wanted is not None:
        installed = [binaries for binaries in installed if binaries.major == wanted]
        if not installed:
            raise ClusterFailed(
                f"{data} was made by PostgreSQL {wanted}, which is not installed: "
                f"sudo apt-get install postgresql-{wanted}-postgis-3"
            )
    if not installed:
        where = f"in {bindir}" if bindir else "on this machine"
        raise PostgisMissing(
            f"PostgreSQL {MINIMUM_MAJOR} or newer was not found {where}: "
            "sudo apt-get install postgresql-postgis"
        )
    for binaries in installed:
        if not binaries.missing_extensions():
            return binaries
    newest = installed[0]
    raise PostgisMissing(
        f"PostgreSQL {newest.major} has no {' and no '.join(newest.missing_extensions())}: "
        f"sudo apt-get install postgresql-{newest.major}-postgis-3"
    )


def _installed(bindir: Path | None) -> list[Binaries]:
    """Newest first."""
    if bindir is not None:
        folders = [bindir]
    else:
        folders = list(DEBIAN_ROOT.glob("*/bin"))
        on_path = shutil.which("postgres")
        if on_path is not None:
            folders.append(Path(on_path).resolve().parent)
    found = {
        Binaries(folder, _major_version(folder))
        for folder in folders
        if (folder / "postgres").exists() and (folder / "initdb").exists()
    }
    usable = [binaries for binaries in found if binaries.major >= MINIMUM_MAJOR]
    return sorted(usable, key=lambda binaries: (-binaries.major, str(binaries.folder)))


def _major_version(folder: Path) -> int:
    match = re.search(r"\(PostgreSQL\) (\d+)", _output(str(folder / "postgres"), "--version"))
    return int(match[1]) if match else 0


def _major_of(data: Path) -> int | None:
    try:
        return int((data / "PG_VERSION").read_text())
    except FileNotFoundError:
        return None


def _output(*argv: str) -> str:
    """What the command prints; nothing when it cannot run."""
    try:
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
