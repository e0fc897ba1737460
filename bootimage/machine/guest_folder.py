"""A guest's temporary folder, and what a run that was killed has left of one: its folder and its QEMU.

The run holds a lock on `owner` in the folder; the kernel lets go of it when the run ends, however it does. On
Linux a guest is killed with the thread that has started it, elsewhere by the next run that finds its folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from bootimage.base.abandoned_folders import remove_abandoned
from bootimage.base.errors import BuildError

_PREFIX = "machine-"
_OWNER, _QEMU = "owner", "qemu.pid"
_PR_SET_PDEATHSIG = 1  # prctl(2)


@contextlib.contextmanager
def guest_folder() -> Iterator[Path]:
    """An empty folder for one guest, which goes with it. What killed runs have left is ended and removed."""
    remove_abandoned(_PREFIX, _is_left)
    try:
        folder, owner = _owned_folder()
    except OSError as error:
        raise BuildError(f"cannot make a temporary folder: {error.strerror}", file=error.filename) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(owner)


def _owned_folder() -> tuple[Path, int]:
    """A new folder and the descriptor of its lock, which is held."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        owner = os.open(folder / _OWNER, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(owner, fcntl.LOCK_EX)
        if os.fstat(owner).st_nlink:
            return folder, owner
        os.close(owner)  # another run has removed it, before the lock told that it is in use


def note_guest(folder: Path, pid: int) -> None:
    """Write down which process the guest in `folder` is, for a run that may have to end it."""
    with contextlib.suppress(OSError):  # a full disk is no reason to run no guest
        (folder / _QEMU).write_text(str(pid))


def dies_with_parent() -> Callable[[], None] | None:
    """What a new child has to call to be killed when its parent is; None where there is no such thing."""
    if sys.platform != "linux":
        return None
    import ctypes

    prctl = ctypes.CDLL(None).prctl  # looked up before the fork, after which little is allowed
    return lambda: prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))


@contextlib.contextmanager
def _is_left(folder: int, name: str) -> Iterator[bool]:
    """Whether a killed run has left the folder; its guest is ended then, and nobody else takes the lock."""
    owner = os.open(_OWNER, os.O_RDWR | os.O_NOFOLLOW, dir_fd=folder)
    try:
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _end_guest(folder, name)
        yield True
    finally:
        os.close(owner)


def _end_guest(folder: int, name: str) -> None:
    """Kill the guest of the folder if it still runs: its number may be another process's by now."""
    with contextlib.suppress(OSError, ValueError):
        noted = os.open(_QEMU, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
        with os.fdopen(noted) as file:
            pid = int(file.read())
        if pid > 1 and os.fsencode(Path(tempfile.gettempdir(), name)) in _command_line(pid):
            os.kill(pid, signal.SIGKILL)


def _command_line(pid: int) -> bytes:
    if sys.platform == "linux":  # where a small system may have no `ps`
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    command = ["ps", "-ww", "-o", "args=", "-p", str(pid)]
    return subprocess.run(command, capture_output=True, check=False).stdout
