"""Keep the store within its limit: what was used longest ago goes first, what is in use never."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from bootimage.store.blobs import blob_path, remove, stamp_path
from bootimage.store.file_locks import locked_within
from bootimage.store.record import is_digest
from bootimage.store.record_files import (
    Usage,
    add_to_history,
    remove_record,
    stored_size,
    unshared_size,
    usages,
)
from bootimage.store.session import Session, in_use

# How far below its limit the store is brought, so that not every new result has to push one out.
_ROOM = 0.9
# Counting the files takes milliseconds, so it is not done each time.
_RECOUNT_S = 10.0
_PATIENCE_S = 0.5


class Bound:
    """The limit of the store at `root`, in bytes, and what is known of its size."""

    def __init__(self, root: Path, limit: int) -> None:
        self._root = root
        self._limit = limit
        self._size = 0
        self._look_at = 0  # the size at which to look again
        self._look_by = float("-inf")  # the time, too, since others add to the store as well

    def added(self, size: int, session: Session) -> None:
        """Note that `size` bytes were added; make room when the store has outgrown its limit."""
        self._size += size
        if self._size > self._look_at or time.monotonic() > self._look_by:
            self._look(session)

    def _look(self, session: Session) -> None:
        self._size = stored_size(self._root)
        if self._size > self._limit:
            self._size = make_room(self._root, int(self._limit * _ROOM), session)
        # Where all of it is in use, do not try again for every small thing that comes.
        self._look_at = max(self._limit, self._size + self._limit // 10 if self._size > self._limit else 0)
        self._look_by = time.monotonic() + _RECOUNT_S


def make_room(root: Path, wanted: int, session: Session) -> int:
    """Remove the results used longest ago until the store holds at most `wanted` bytes; return what it holds.

    Nothing is removed that a living process uses, and nothing while others read or write: then the
    next process that adds to the store will do it.
    """
    with locked_within(root / "lock", _PATIENCE_S) as ours:
        if ours:
            _evict(root, wanted, session)
    return stored_size(root)


def _evict(root: Path, wanted: int, session: Session) -> None:
    busy = in_use(root)
    kept = sorted(usages(root), key=lambda usage: usage.last_use)
    needed = Counter(digest for usage in kept for digest in _digests(usage)) + Counter(busy)
    _remove_unneeded(root, needed)
    gone: list[Usage] = []
    size = stored_size(root)
    for usage in kept:
        if size <= wanted:
            break
        if usage.record.key not in busy:
            size -= _remove_result(root, usage, needed)
            gone.append(usage)
    _remove_trees(root, busy)
    add_to_history(root, gone, session.partial())


def _digests(usage: Usage) -> set[str]:
    return {blob.sha256 for blob in usage.record.blobs.values()}


def _remove_result(root: Path, usage: Usage, needed: Counter[str]) -> int:
    """Remove a record and the contents that no other record needs; return the bytes of these."""
    remove_record(root, usage.record.key)
    needed.subtract(_digests(usage))
    sizes = {blob.sha256: blob.size for blob in usage.record.blobs.values()}
    unneeded = [digest for digest in sizes if needed[digest] <= 0]
    for digest in unneeded:
        _remove_content(root, digest)
    return sum(sizes[digest] for digest in unneeded)


def _remove_unneeded(root: Path, needed: Counter[str]) -> None:
    """Remove contents and stamps that a killed process left without a record."""
    for path in [*root.glob("cas/??/*"), *root.glob("stamps/??/*")]:
        if path.name not in needed:
            remove(path)


def _remove_content(root: Path, digest: str) -> None:
    with suppress(OSError):
        remove(blob_path(root, digest))
        remove(stamp_path(root, digest))


def _remove_trees(root: Path, busy: set[str]) -> None:
    """Remove trees that hold on to what has left the store, and stray ones."""
    for tree in _trees(root):
        if tree.name not in busy and (not is_digest(tree.name) or unshared_size(tree) > 0):
            remove(tree)


def _trees(root: Path) -> Iterator[Path]:
    with suppress(FileNotFoundError, NotADirectoryError):
        yield from list((root / "trees").iterdir())
