"""Processes that a test starts, and those that it looks for. None outlives its test, however that ends."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
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
