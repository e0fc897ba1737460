"""The records in the store, when each was used last and how often, and what that saved."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.private_files import private_file
from bootimage.store.blobs import discard, make_folder
from bootimage.store.record import (
    RECORD_LIMIT,
    Record,
    is_digest,
    record_content,
    record_of,
    seal,
    unseal,
)

_MOST_SAVED_S = 1e15


@dataclass(frozen=True)
class Usage:
    """One record of the store: `last_use` in seconds since 1970, `hits` the times that it saved a build."""

    record: Record
    last_use: float
    hits: int


@dataclass(frozen=True)
class History:
    """What results that have left the store saved while they were in it."""

    hits: int = 0
    seconds: float = 0.0


def record_path(root: Path, key: str) -> Path:
    """Where the store at `root` keeps the record of the result with this key."""
    return root / "ac" / key[:2] / f"{key}.json"


def _hits_path(root: Path, key: str) -> Path:
    # One byte for each use, so that many processes can raise the count at once; changed last at the last use.
    return root / "ac" / key[:2] / f"{key}.hits"


def read_record(root: Path, key: str) -> Record | None:
    """The record of `key`, or None. A damaged one is removed."""
    path = record_path(root, key)
    try:
        seen = path.lstat()
    except OSError:
        return None
    try:
        if stat.S_ISREG(seen.st_mode) and seen.st_size <= RECORD_LIMIT:
            return record_of(unseal(path.read_bytes()), key)
    except (FileNotFoundError, PermissionError):
        return None
    except (OSError, ValueError):
        pass
    discard(root, path, seen)
    return None


def write_record(root: Path, record: Record, partial: Path) -> None:
    """Write the record by way of the file `partial`, in one step."""
    path = record_path(root, record.key)
    make_folder(path.parent)
    partial.write_bytes(seal(record_content(record)))
    partial.replace(path)


def count_hit(root: Path, key: str) -> None:
    """Note that the record was used now, and saved a build."""
    with suppress(OSError), open(_hits_path(root, key), "ab", opener=private_file) as file:
        file.write(b".")


def usages(root: Path) -> Iterator[Usage]:
    """Every record of the store. What is damaged, or named like no record, is passed over."""
    for path in root.glob("ac/??/*.json"):
        record = read_record(root, path.stem) if is_digest(path.stem) else None
        if record is not None:
            yield _usage(root, record)


def _usage(root: Path, record: Record) -> Usage:
    hits, last_use = 0, record.created
    with suppress(OSError):
        last_use = record_path(root, record.key).stat().st_mtime
        counted = _hits_path(root, record.key).stat()
        hits, last_use = counted.st_size, max(last_use, counted.st_mtime)
    return Usage(record, last_use, hits)


def remove_record(root: Path, key: str) -> None:
    """Remove a record and the count of its uses."""
    record_path(root, key).unlink(missing_ok=True)
    _hits_path(root, key).unlink(missing_ok=True)


def read_history(root: Path) -> History:
    """What results that have left the store saved."""
    try:
        content = unseal((root / "stats").read_bytes())
        hits, seconds = content["hits"], content["seconds"]
    except (OSError, ValueError, KeyError):
        return History()
    if type(hits) is not int or not isinstance(seconds, int | float):
        return History()
    if not (hits >= 0 and seconds >= 0):  # not so for NaN either
        return History()
    return History(hits, float(min(seconds, _MOST_SAVED_S)))


def add_to_history(root: Path, gone: list[Usage], partial: Path) -> None:
    """Note what the results that leave the store have saved, by way of the file `partial`."""
    past = read_history(root)
    hits = past.hits + sum(usage.hits for usage in gone)
    seconds = past.seconds + sum(usage.hits * usage.record.seconds for usage in gone)
    partial.write_bytes(seal({"hits": hits, "seconds": seconds}))
    partial.replace(root / "stats")


def stored_size(root: Path) -> int:
    """The bytes in the store: contents, and the files of trees that are no links to one."""
    contents = sum(size for folder in _folders(root / "cas") for size, _ in _files(folder))
    return contents + sum(unshared_size(tree) for tree in _folders(root / "trees"))


def unshared_size(tree: Path) -> int:
    """The bytes that a tree takes by itself: those of its files that are no link to a content."""
    return sum(size for place, _, _ in os.walk(tree) for size, links in _files(Path(place)) if links == 1)


def _folders(path: Path) -> list[Path]:
    try:
        return [Path(each.path) for each in os.scandir(path) if each.is_dir(follow_symlinks=False)]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _files(folder: Path) -> Iterator[tuple[int, int]]:
    """Size and number of links of each file in a folder, which others may be changing at the same time."""
    with suppress(OSError):
        for each in os.scandir(folder):
            with suppress(FileNotFoundError):
                status = each.stat(follow_symlinks=False)
                if each.is_file(follow_symlinks=False):
                    yield status.st_size, status.st_nlink
