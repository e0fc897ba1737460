"""A process's own corner of a store: scratch folders, and the list of what it uses.

Each process that works with a store has a folder `tmp/SESSION/`. In it lies `lease`, which the process
keeps locked while it lives and to which it adds the name of every entry and tree that it uses. So the
others see what is in use, and when the owner dies, be it by kill -9, the lock falls and the folder may go.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import threading
import time
from pathlib import Path

from bootimage.base.private_files import make_private_folder
from bootimage.store.file_locks import try_lock, unlock

# A folder this young may belong to a process that is about to lock its lease.
_YOUNG_S = 60.0


class Session:
    """The corner of this process in the store at `root`. OSError when the store cannot be written."""

    def __init__(self, root: Path) -> None:
        make_private_folder(root / "tmp")
        self.folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=root / "tmp"))
        self._lease = os.open(self.folder / "lease", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        fcntl.flock(self._lease, fcntl.LOCK_EX)
        os.write(self._lease, b"locked\n")
        self.owner = os.getpid()
        self._leased: set[str] = set()
        self._guard = threading.Lock()

    def lease(self, name: str) -> bool:
        """Tell the others that `name` (a key, or a tree's digest) is in use; True the first time."""
        with self._guard:
            if name in self._leased:
                return False
            os.write(self._lease, f"{name}\n".encode())
            self._leased.add(name)
            return True

    def scratch(self, label: str) -> Path:
        """A new, empty folder in the store's file system; `label` helps whoever looks in."""
        slug = "".join(each if each.isascii() and each.isalnum() else "-" for each in label[:40])
        return Path(tempfile.mkdtemp(prefix=f"work-{slug}-", dir=self.folder))

    def partial(self) -> Path:
        """A name for a file that is being made, in the store's file system. The file exists and is empty."""
        descriptor, name = tempfile.mkstemp(prefix="partial-", dir=self.folder)
        os.fchmod(descriptor, 0o644)
        os.close(descriptor)
        return Path(name)

    def close(self) -> None:
        """Give up everything that was leased and remove the folder; nothing in a forked child."""
        if self.owner != os.getpid():
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        unlock(self._lease)


def in_use(root: Path) -> set[str]:
    """The names that living processes use. What dead processes left behind is removed on the way."""
    names: set[str] = set()
    for folder in _sessions(root):
        names |= _leases_of(folder)
    return names


def sweep(root: Path) -> None:
    """Remove the folders of processes that have ended without doing so."""
    in_use(root)


def _sessions(root: Path) -> list[Path]:
    try:
        return list((root / "tmp").iterdir())
    except FileNotFoundError:
        return []


def _leases_of(folder: Path) -> set[str]:
    young = abs(time.time() - _changed(folder)) < _YOUNG_S
    try:
        descriptor = os.open(folder / "lease", os.O_RDWR)
    except OSError:
        if not young:
            _remove(folder)
        return set()
    try:
        ended = try_lock(descriptor)
        names = set(_read_all(descriptor).split())
    finally:
        os.close(descriptor)
    if ended and (names or not young):
        _remove(folder)
    return set() if ended else names


def _read_all(descriptor: int) -> str:
    with os.fdopen(os.dup(descriptor), "rb") as file:
        return file.read().decode("ascii", errors="replace")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _changed(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except FileNotFoundError:
        return time.time()
