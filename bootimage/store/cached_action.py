"""Build once: a result comes from the store, else from the network cache, else it is made and shared."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bootimage.store.action_key import action_key

if TYPE_CHECKING:
    from bootimage.store.remote_cache import RemoteCache
    from bootimage.store.store import Blob, Entry, Store

__all__ = ["action_key", "contents_of", "perform"]


def perform(
    store: Store,
    remote: RemoteCache | None,
    key: str,
    label: str,
    build: Callable[[Path], Mapping[str, Path]],
) -> Entry:
    """The result for `key`, called `label`; made by `build` where neither store nor network cache has it.

    `build` gets an empty folder, makes files, and returns the result's names and their paths. When several
    processes or threads want the same result, one makes it and the others wait. What `build` raises is
    passed on, and nothing is kept.
    """
    entry = store.get(key)
    if entry is not None:
        if remote is not None:
            remote.offer(store, entry)
        return entry
    with store.building(key, label):
        entry = store.get(key)  # another may have made it while we waited
        if entry is None and remote is not None:
            entry = remote.fetch(store, key, label)
        if entry is not None:
            return entry
        entry = _make(store, key, label, build)
    if remote is not None:
        remote.publish(store, entry)
    return entry


def contents_of(
    store: Store,
    remote: RemoteCache | None,
    key: str,
    label: str,
    build: Callable[[Path], Mapping[str, Path]],
) -> Mapping[str, Blob]:
    """What the files of the result for `key` hold, by name: like `perform`, but none of them is fetched."""
    if remote is not None and store.get(key) is None:
        record = remote.record(key, store.limit)
        if record is not None:
            return record.blobs
    return perform(store, remote, key, label, build).blobs


def _make(store: Store, key: str, label: str, build: Callable[[Path], Mapping[str, Path]]) -> Entry:
    with store.work(label) as folder:
        started = time.monotonic()
        files = build(folder)
        return store.put(key, files, label, time.monotonic() - started)
