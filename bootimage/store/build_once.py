"""Build once: a result comes from the store, else from the network cache, else it is made and shared.

Files whose place is the build folder (kernels, images), shared over the network.

The store keeps none of them: each edit of a kernel makes new ones, and who has the build folder has them.
Any machine would make the same bytes, so whoever has made them first may make them for all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bootimage.base.errors import BuildError
from bootimage.base.file_digest import digest_of_file
from bootimage.base.lazy_dataclass import dataclass
from bootimage.store.expected_result import ANYTHING, Expected
from bootimage.store.record import Blob, Entry, Record
from bootimage.store.room import LITTLE_ROOM, room

if TYPE_CHECKING:
    from bootimage.store.remote_cache import RemoteCache
    from bootimage.store.store import Store


def perform(
    store: Store,
    remote: RemoteCache | None,
    key: str,
    label: str,
    build: Callable[[Path], Mapping[str, Path]],
    expected: Expected = ANYTHING,
) -> Entry:
    """The result for `key`, called `label`; made by `build` where neither store nor network cache has it.

    `build` gets an empty folder, makes files, and returns the result's names and their paths. When several
    processes or threads want the same result, one makes it and the others wait. What `build` raises is
    passed on, and nothing is kept. What others have made is used only if it is as `expected`.
    """
    if entry := _known(store, remote, key, expected):
        return entry
    with store.building(key, label):
        if entry := _known(store, remote, key, expected):  # another has made it while we waited
            return entry
        if remote is not None and (entry := remote.fetch(store, key, label, expected)):
            return entry
        entry = _make(store, key, label, build)
    if remote is not None:
        remote.publish(store, entry)
    return entry


def _known(store: Store, remote: RemoteCache | None, key: str, expected: Expected) -> Entry | None:
    """What the store has, whoever made it; the network cache gets it too if it takes results."""
    entry = store.get(key, expected)
    if entry is not None and remote is not None:
        remote.offer(store, entry)
    return entry


def contents_of(
    store: Store,
    remote: RemoteCache | None,
    key: str,
    label: str,
    build: Callable[[Path], Mapping[str, Path]],
    expected: Expected = ANYTHING,
) -> Mapping[str, Blob]:
    """What the files of the result for `key` hold, by name: like `perform`, but none of them is fetched."""
    if remote is not None and store.get(key, expected) is None:
        record = remote.record(key, store.limit, expected)
        if record is not None:
            return record.blobs
    return perform(store, remote, key, label, build, expected).blobs


def _make(store: Store, key: str, label: str, build: Callable[[Path], Mapping[str, Path]]) -> Entry:
    """Made in the store's file system; where that is full, once more in a private folder."""

    def made(folder: Path) -> Entry:
        started = time.monotonic()
        files = build(folder)
        return store.put(key, files, label, time.monotonic() - started)

    while True:
        with store.work(label) as folder:
            try:
                return made(folder)
            except (BuildError, OSError) as problem:  # compilers do not tell us that they had no room
                if store.set_aside_if_full(folder):
                    continue
                if (left := room(folder)) < LITTLE_ROOM:
                    raise _no_room(folder, left) from problem
                raise


def _no_room(folder: Path, left: int) -> BuildError:
    return BuildError(
        f"the disk is full here: {left >> 20} MiB are left for what is built",
        file=folder.parent,
        hint="make room, or name a folder with room by RUSTKERNEL_STORE and TMPDIR",
    )


@dataclass(frozen=True)
class SharedFiles:
    """What is to be made: `outputs` (name -> path), called `label` before users.

    `key` gives the digest of all that they depend on; it is asked for only where there is a network cache.
    """

    label: str
    outputs: Mapping[str, Path]
    key: Callable[[], str]


def provide_files(
    store: Store,
    remote: RemoteCache | None,
    wanted: SharedFiles,
    make: Callable[[], bool],
    *,
    ask: bool = True,
) -> bool:
    """Make the files, or take them from the network cache; True where `make` had to make them.

    `make` writes all of them, and returns whether they may be shared. What it raises is passed on. With
    `ask` false the cache is known not to have them.
    """
    if remote is None:
        make()
        return True
    key = wanted.key()
    if ask and remote.fetch_files(store, key, wanted.label, wanted.outputs):
        return False
    started = time.monotonic()
    # Whoever edits a file during the build must not have it shared as made from what was there before.
    if make() and remote.writes and wanted.key() == key:
        seconds = time.monotonic() - started
        remote.offer(store, _entry(key, wanted, seconds))
    return True


def _entry(key: str, made: SharedFiles, seconds: float) -> Entry:
    blobs = {name: _blob(path) for name, path in made.outputs.items()}
    return Entry(Record(key, made.label, seconds, time.time(), blobs), made.outputs)


def _blob(path: Path) -> Blob:
    return Blob(digest_of_file(path), path.stat().st_size, bool(path.stat().st_mode & 0o100))
