"""Names for what is being written, and what killed processes have left under such names.

`.NAME.PLACE-PID-RANDOM` lies beside NAME until it is whole. PLACE stands for the machine (or container) in
which the number PID means a process. What a process has left that is no more is removed when NAME is written
again, and by `scons -c`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_NAME = re.compile(r"\.(.+)\.([0-9a-f]{6})-([0-9]{1,10})-[0-9a-f]{8}", re.S)
# Of processes elsewhere nothing is known; what they write is whole long before so many seconds.
_OLD_S = 86_400.0


def partial_path(path: Path) -> Path:
    """A new name beside `path`, under which this process may write what is to become `path`."""
    return path.with_name(f".{path.name}.{_place()}-{os.getpid()}-{os.urandom(4).hex()}")


def left_in(folder: Path, name: str | None = None) -> Iterator[Path]:
    """What processes that are no more have left in `folder`; with `name`, only what was to become that."""
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            match = _NAME.fullmatch(entry.name)
            if match and name in (None, match[1]) and _is_left(entry, match[2], int(match[3])):
                yield Path(entry.path)


def remove_left(path: Path) -> None:
    """Remove what was to become `path` and never will."""
    for each in left_in(path.parent, path.name):
        with contextlib.suppress(OSError):
            if each.is_dir() and not each.is_symlink():
                shutil.rmtree(each)
            else:
                each.unlink()


def _is_left(entry: os.DirEntry[str], place: str, pid: int) -> bool:
    if place == _place():
        return not _lives(pid)
    return time.time() - entry.stat(follow_symlinks=False).st_mtime > _OLD_S


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # somebody else's
        return True
    return True


@cache
def _place() -> str:
    """Where the numbers of processes are as here: this machine, or this container of it."""
    try:
        numbers = str(Path("/proc/self/ns/pid").readlink())
    except OSError:  # not Linux
        numbers = ""
    return hashlib.sha256(f"{os.uname().nodename} {numbers}".encode()).hexdigest()[:6]
