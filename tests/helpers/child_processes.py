"""Processes that a test starts, and those that it looks for. None outlives its test, however that ends."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def started(command: list[Any], **options: Any) -> Iterator[subprocess.Popen[Any]]:
    """Start `command`; it is killed at the end of the block if it still runs then.

    The block of a plain `Popen` waits for its process even after a failed assertion, for ever if need be.
    """
    process = subprocess.Popen(command, **options)
    with process:
        try:
            yield process
        finally:
            process.kill()


def wait_until(condition: Callable[[], object], seconds: float = 30) -> None:
    """Return as soon as the condition holds; an error when it does not in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def runs(pid: int) -> bool:
    """Whether the process is there and is not a zombie that its new parent has not fetched yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # the latter where it ends while it is looked at
        return False


def guests(path: Path) -> list[int]:
    """The QEMU processes with `path`, or something below it, on their command line.

    A private copy of QEMU runs as an argument of the dynamic loader that came with it.
    """
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:  # it has ended
            continue
        is_qemu = any(word.rpartition(b"/")[2].startswith(b"qemu-system") for word in words)
        if is_qemu and any(str(path).encode() in word for word in words):
            found.append(int(entry.name))
    return found
