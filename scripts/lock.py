"""Lock all packages anew: requirements/*.in → *.txt with hashes, web/package.json → package-lock.json.

Versions that still satisfy the input stay as they are; `--upgrade` takes the newest. No lock names a
registry, so each machine uses its own.
"""

from __future__ import annotations

import argparse
import sys

from setup import npm, uv
from steps import LOG, ROOT, SetupFailed, progress, run, start_log

# In this order: dev.in takes the versions of runtime.txt as constraints.
PYTHON_LOCKS = ("runtime", "dev", "bench", "node", "uv")
OLDEST_PYTHON = "3.11"


def lock_python(name: str, *, upgrade: bool) -> None:
    """Write the lock of one input file, for every platform and every supported Python."""
    form = ["--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--no-header"]
    reach = ["--universal", "--python-version", OLDEST_PYTHON]
    freshness = ["--upgrade"] if upgrade else []
    # Relative, because the lock's comments repeat the input's path.
    source, lock = f"requirements/{name}.in", f"requirements/{name}.txt"
    run(uv(), "pip", "compile", "--quiet", *form, *reach, *freshness, source, "--output-file", lock)


def lock_npm(*, upgrade: bool) -> None:
    """Write web/package-lock.json, and prove that `npm ci` accepts it.

    npm leaves out, without a word, optional builds that the registry lacks; `npm ci` then refuses the lock.
    """
    npm("update" if upgrade else "install", "--package-lock-only", "--no-audit", "--no-fund")
    npm("ci", "--dry-run", "--no-audit", "--no-fund")


def main() -> int:
    """Lock everything; 0 when all locks are written, 1 with the reason when one is not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions the inputs allow")
    upgrade = parser.parse_args().upgrade
    start_log()
    try:
        for name in PYTHON_LOCKS:
            progress.start(f"requirements/{name}.txt")
            lock_python(name, upgrade=upgrade)
            progress.end()
        progress.start("web/package-lock.json")
        lock_npm(upgrade=upgrade)
        progress.end()
    except SetupFailed as failure:
        progress.end("stopped")
        print(f"\nLocking failed: {failure}\nThe full log is in {LOG.relative_to(ROOT)}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
