"""Files whose place is the build folder (kernels, images), shared over the network.

The store keeps none of them: each edit of a kernel makes new ones, and who has the build folder has them.
Any machine would make the same bytes, so whoever has made them first may make them for all.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from bootimage.context import BuildContext
from bootimage.dataclass import dataclass
from bootimage.errors import BuildError
from bootimage.store.record import Record
from bootimage.store.store import Blob, Entry


@dataclass(frozen=True)
class SharedFiles:
    """What is to be made: `outputs` (name -> path), called `label` before users.

    `key` gives the digest of all that they depend on; it is asked for only where there is a network cache.
    """

    label: str
    outputs: Mapping[str, Path]
    key: Callable[[], str]


def provide_files(
    context: BuildContext, wanted: SharedFiles, make: Callable[[], bool], *, ask: bool = True
) -> bool:
    """Make the files, or take them from the network cache; True where `make` had to make them.

    `make` writes all of them, and returns whether they may be shared. What it raises is passed on. With
    `ask` false the cache is known not to have them.
    """
    remote = context.remote
    if remote is None:
        make()
        return True
    key = wanted.key()
    if ask and remote.fetch_files(context.store, key, wanted.label, wanted.outputs):
        return False
    started = time.monotonic()
    # Whoever edits a file during the build must not have it shared as made from what was there before.
    if make() and remote.writes and wanted.key() == key:
        seconds = time.monotonic() - started
        remote.offer(context.store, _entry(key, wanted, seconds))
    return True


def _entry(key: str, made: SharedFiles, seconds: float) -> Entry:
    blobs = {name: _blob(path) for name, path in made.outputs.items()}
    return Entry(Record(key, made.label, seconds, time.time(), blobs), made.outputs)


def _blob(path: Path) -> Blob:
    return Blob(digest_of_file(path), path.stat().st_size, bool(path.stat().st_mode & 0o100))


def digest_of_file(path: Path) -> str:
    """The SHA-256 of a file's bytes. BuildError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BuildError(f"cannot be read: {error.strerror}", file=path) from None


def digest_of_files(named: Iterable[tuple[str, Path]]) -> str:
    """The digest of files and what they are called, in the order of their names; of a folder, all in it."""
    digest = hashlib.sha256()
    for name, path in sorted(named):
        for inner in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if inner.is_file():
                whole = f"{name}/{inner.relative_to(path)}"
                digest.update(f"{whole}\0{digest_of_file(inner)}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()
