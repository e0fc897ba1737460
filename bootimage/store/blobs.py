"""The contents in the store: one file for each digest, never believed before it has been checked.

A file that was hashed once need not be hashed again while its stamp (inode, size, times of change) is
as it was then; `stamps/` holds the stamps. A blob that does not match its digest is removed at once.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import time
from contextlib import suppress
from pathlib import Path

from bootimage.base.private_files import make_private_folder, private_file
from bootimage.store.file_locks import locked
from bootimage.store.record import Blob

# The clock of a file system ticks: a file that was changed this short a time ago could be changed
# again with no new time of change, so its stamp would prove nothing.
_TICK_NS = 100_000_000


def blob_path(root: Path, digest: str) -> Path:
    """Where the store at `root` keeps the content with this digest."""
    return root / "cas" / digest[:2] / digest


def stamp_path(root: Path, name: str) -> Path:
    """Where the store at `root` keeps the stamp of the file known as `name` (64 hexadecimal digits)."""
    return root / "stamps" / name[:2] / name


def digest_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def has_blob(root: Path, blob: Blob) -> bool:
    """True when the store holds the blob, whole. A damaged one is removed."""
    return is_whole(root, blob_path(root, blob.sha256), blob, blob.sha256)


def is_whole(root: Path, path: Path, blob: Blob, stamp_name: str) -> bool:
    """True when the file at `path` is `blob`, by its stamp or by its digest. A damaged one is removed."""
    try:
        # O_NONBLOCK: whatever lies there, opening it must not wait for another process.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return False
    except OSError:  # a symbolic link, a socket
        discard(root, path, path.lstat())
        return False
    try:
        before = os.fstat(descriptor)
        if _matches(root, descriptor, before, blob, stamp_name):
            return True
    finally:
        os.close(descriptor)
    discard(root, path, before)
    return False


def _matches(root: Path, descriptor: int, status: os.stat_result, blob: Blob, stamp_name: str) -> bool:
    if not stat.S_ISREG(status.st_mode) or status.st_size != blob.size:
        return False
    stamp = stamp_path(root, stamp_name)
    if _read(stamp) == _stamp(status):
        return True
    started = time.time_ns()
    if _hash(descriptor) != blob.sha256:
        return False
    after = os.fstat(descriptor)
    if _stamp(after) == _stamp(status) and started - after.st_ctime_ns > _TICK_NS:
        _write(stamp, _stamp(after))
    return True


def _stamp(status: os.stat_result) -> str:
    return f"{status.st_ino} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


def _hash(descriptor: int) -> str:
    with suppress(OSError), os.fdopen(os.dup(descriptor), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
    return "unreadable"


def _read(stamp: Path) -> str:
    with suppress(OSError):
        return stamp.read_text(encoding="ascii", errors="replace")
    return ""


def _write(stamp: Path, text: str) -> None:
    # Half a stamp matches no file, so this needs no care; where it cannot be written there is none.
    with suppress(OSError):
        make_folder(stamp.parent)
        with open(stamp, "w", encoding="ascii", opener=private_file) as file:
            file.write(text)


def keep(root: Path, path: Path, blob: Blob) -> None:
    """Move the file at `path` (in this store's file system, its content checked) into the store as `blob`."""
    home = blob_path(root, blob.sha256)
    if has_blob(root, blob):
        path.unlink()
        return
    make_folder(home.parent)
    path.chmod(0o444)
    with locked(root / "changing"):
        path.replace(home)


def discard(root: Path, path: Path, seen: os.stat_result) -> None:
    """Remove what lies at `path` if it still is what was `seen` there, and not its whole successor."""
    with suppress(OSError), locked(root / "changing"):
        if os.path.samestat(path.lstat(), seen):
            remove(path)


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it; no matter when there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def make_folder(path: Path) -> None:
    """Make the folder `path` in the store, in place of whatever else may lie there."""
    try:
        make_private_folder(path)
    except (FileExistsError, NotADirectoryError):
        next(each for each in (path.parent, path) if each.exists() and not each.is_dir()).unlink()
        make_private_folder(path)
