"""Stores for one process alone, in the folder for temporary files; those of killed processes are removed.

A name is not believed: only a folder with our mark in it is taken for a temporary store.
"""

from __future__ import annotations

import os
import stat
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

from bootimage.base.abandoned_folders import opened_folder, remove_abandoned
from bootimage.store.file_locks import try_lock

_PREFIX = "rustkernel-private-"
_MARK = "temporary-store"
_ABANDONED_S = 3600.0


def make_temporary_store() -> Path:
    """A new folder for this process, which this user alone can enter. OSError where there is no room."""
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    (folder / _MARK).touch()
    return folder


def remove_abandoned_stores() -> None:
    """Remove the temporary stores of processes that were killed more than an hour ago."""
    remove_abandoned(_PREFIX, lambda folder, _name: nullcontext(_is_abandoned(folder)))


def _is_abandoned(folder: int) -> bool:
    """True for a temporary store, an hour old, that nobody else can enter and no process uses."""
    status = os.fstat(folder)
    marked = stat.S_ISREG(os.stat(_MARK, dir_fd=folder, follow_symlinks=False).st_mode)
    old = time.time() - status.st_mtime > _ABANDONED_S
    return not status.st_mode & 0o077 and marked and old and not _is_in_use(folder)


def _is_in_use(folder: int) -> bool:
    """True while one of its sessions holds its lease (see session.py)."""
    with opened_folder("tmp", folder) as sessions:
        return any(_is_locked(f"{name}/lease", sessions) for name in os.listdir(sessions))  # noqa: PTH208


def _is_locked(lease: str, sessions: int) -> bool:
    try:
        descriptor = os.open(lease, os.O_RDWR | os.O_NOFOLLOW, dir_fd=sessions)
    except FileNotFoundError:
        return False
    try:
        return not try_lock(descriptor)
    finally:
        os.close(descriptor)
