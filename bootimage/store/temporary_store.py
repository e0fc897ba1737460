"""Stores for one process alone, in the folder for temporary files; those of killed processes are removed.

Others may write to that folder, so nothing in it is believed by its name: only a real folder of this user's,
with our mark in it, is removed, and only by descriptors, so that what a link leads to is never touched.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

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
    with suppress(OSError), _opened_folder(tempfile.gettempdir()) as place:
        for name in os.listdir(place):  # noqa: PTH208 - by its descriptor
            if name.startswith(_PREFIX):
                with suppress(OSError):
                    _remove_if_abandoned(name, place)


def _remove_if_abandoned(name: str, place: int) -> None:
    with _opened_folder(name, place) as folder:
        if not _is_ours(folder) or _is_in_use(folder):
            return
        for inner in os.listdir(folder):  # noqa: PTH208
            shutil.rmtree(inner, ignore_errors=True, dir_fd=folder)
            with suppress(OSError):
                os.unlink(inner, dir_fd=folder)
    os.rmdir(name, dir_fd=place)


def _is_ours(folder: int) -> bool:
    """True for a temporary store of this user's, an hour old, that nobody else can enter."""
    status = os.fstat(folder)
    private = status.st_uid == os.geteuid() and not status.st_mode & 0o077
    marked = stat.S_ISREG(os.stat(_MARK, dir_fd=folder, follow_symlinks=False).st_mode)
    return private and marked and time.time() - status.st_mtime > _ABANDONED_S


def _is_in_use(folder: int) -> bool:
    """True while one of its sessions holds its lease (see session.py)."""
    with _opened_folder("tmp", folder) as sessions:
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


@contextmanager
def _opened_folder(name: str, place: int | None = None) -> Iterator[int]:
    """A descriptor of a folder that is no link. OSError for anything else."""
    descriptor = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=place)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
