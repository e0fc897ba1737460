"""Locks between processes: flock on small files. The kernel lets go of them when their owner dies.

No lock here is ever inherited by a child process, and each works between the threads of one process too.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_POLL_S = 0.02
_SLOW_POLL_S = 0.1


def open_lock(path: Path) -> int:
    """A descriptor of the lock file at `path`, which is made where it is missing."""
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)


@contextmanager
def locked(path: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold the lock of the file at `path` during the body; wait for it as long as it takes."""
    descriptor = open_lock(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        unlock(descriptor)


@contextmanager
def locked_within(path: Path, seconds: float) -> Iterator[bool]:
    """Hold the lock of the file at `path` during the body; False when it is not to be had in time."""
    descriptor = open_lock(path)
    deadline = time.monotonic() + seconds
    try:
        while not (ours := try_lock(descriptor)) and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        yield ours
    finally:
        unlock(descriptor)


@contextmanager
def locked_by_name(path: Path, waiting: Callable[[], None], patience: float = 1.0) -> Iterator[None]:
    """Hold the lock of `path`, a file that exists only while somebody holds or wants it.

    `waiting` is called once when the lock is not to be had within `patience` seconds.
    """
    while True:
        descriptor = open_lock(path)
        _wait(descriptor, waiting, patience)
        if _is_at(path, descriptor):
            break
        unlock(descriptor)  # its last owner removed it while we waited
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        unlock(descriptor)


def _wait(descriptor: int, waiting: Callable[[], None], patience: float) -> None:
    # Polling, since a thread that sleeps in flock cannot be woken by Ctrl-C.
    deadline = time.monotonic() + patience
    told = False
    while not try_lock(descriptor):
        if not told and time.monotonic() > deadline:
            waiting()
            told = True
        time.sleep(_SLOW_POLL_S if told else _POLL_S)


def try_lock(descriptor: int) -> bool:
    """Take the lock of an open file without waiting; True when it is ours."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def unlock(descriptor: int) -> None:
    """Let go of the lock of an open file, also where a forked child still has it open, and close it."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
