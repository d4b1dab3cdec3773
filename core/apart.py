"""Read files from outside in a process of its own: whatever they do to a library, it ends as an error here.

GDAL and calamine are native code; a file made for it can make them crash, loop or ask for all memory. The
child has limits, no secrets in its environment, and answers in a format that cannot carry code.
"""

import importlib
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

_ROOT = Path(__file__).resolve().parent.parent
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child may use up."""

    memory_mib: int = 1536  # of address space: libraries alone take some hundred
    seconds: int = 60
    result_mib: int = 512


class Apart(Exception):
    """The child gave no answer."""


class TookTooLong(Apart):
    """It ran into its time limit."""


class Crashed(Apart):
    """It died: a crash, too little memory, or a result that is too large."""


def run_apart(
    task: str, request: Any, *, limits: Limits = Limits(), environment: Mapping[str, str] | None = None
) -> Any:
    """What the function `package.module:name` answers to the request, computed in a child process.

    Request and answer are plain data (msgpack): dicts, lists, texts, bytes, numbers. Raises: Apart.
    """
    settings = {"PYTHONPATH": str(_ROOT), "OPENBLAS_NUM_THREADS": "1", **(environment or {})}
    argv = [sys.executable, "-P", "-m", "core.apart", task]
    argv += [str(limits.memory_mib), str(limits.seconds), str(limits.result_mib)]
    with tempfile.TemporaryFile() as answer:
        try:
            # Errors of libraries are not told: they name folders and repeat what the file holds.
            done = subprocess.run(
                argv,
                input=msgspec.msgpack.encode(request),
                stdout=answer,
                stderr=subprocess.DEVNULL,
                env=settings,
                timeout=limits.seconds * 2,  # the child's own limit counts only seconds of work
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise TookTooLong from None
        if done.returncode == -_SIGXCPU:
            raise TookTooLong
        answer.seek(0)
        if done.returncode != 0:
            raise Crashed
        return msgspec.msgpack.decode(answer.read())


_SIGXCPU = 24


def _limit(memory_mib: int, seconds: int, result_mib: int) -> None:
    """From here on the kernel holds this process to its limits."""
    for kind, most in (
        (resource.RLIMIT_AS, memory_mib * _MIB),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, result_mib * _MIB),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most + 1 if kind == resource.RLIMIT_CPU else most))


def _answer(task: str, request: Any) -> bytes:
    module, _, name = task.partition(":")
    return msgspec.msgpack.encode(getattr(importlib.import_module(module), name)(request))


def _main() -> None:
    """The child's side: request on its input, answer on its output."""
    task, *limits = sys.argv[1:]
    _limit(*map(int, limits))
    request = msgspec.msgpack.decode(sys.stdin.buffer.read())
    sys.stdout.buffer.write(_answer(task, request))


if __name__ == "__main__":
    _main()
