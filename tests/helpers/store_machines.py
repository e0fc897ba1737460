"""Machines that share a network cache: each has a store, and counts how often it had to build."""

from __future__ import annotations

from pathlib import Path

from stores import GIB, KEY, build

from bootimage.store.build_once import perform
from bootimage.store.record import Entry
from bootimage.store.remote_cache import RemoteCache
from bootimage.store.remote_settings import remote_settings
from bootimage.store.store import Store


def remote(url: str, mode: str = "write", **more: str) -> RemoteCache:
    """A cache object of its own, as another machine would have."""
    environ = {"RUSTKERNEL_CACHE": url, "RUSTKERNEL_CACHE_MODE": mode, "RUSTKERNEL_CACHE_TIMEOUT": "5"}
    settings = remote_settings({"NETRC": "/nonexistent", **environ, **more})
    assert settings is not None
    return RemoteCache(settings)


class Machine:
    """One machine: its store, its way to the network cache, and how often it has built."""

    def __init__(self, folder: Path, cache: RemoteCache | None) -> None:
        self.store = Store(folder, GIB)
        self.cache = cache
        self.built = 0

    def make(self, key: str = KEY) -> Entry:
        return perform(self.store, self.cache, key, "core", self._build)

    def _build(self, folder: Path) -> dict[str, Path]:
        self.built += 1
        files = build(folder)
        files["liba.rlib"].chmod(0o755)
        return files
