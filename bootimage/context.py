"""What every step of a build shares: the compiler, the store, the network cache and the jobs."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.systems import processors
from bootimage.toolchain.find_compiler import ToolchainRequest
from bootimage.toolchain.toolchain import find_toolchain

if TYPE_CHECKING:
    from bootimage.base.jobserver import JobServer
    from bootimage.store.expected_result import Expected
    from bootimage.store.record import Blob, Entry
    from bootimage.store.remote_cache import RemoteCache
    from bootimage.store.store import Store
    from bootimage.toolchain.toolchain import Toolchain


@dataclass(frozen=True)
class BuildContext:
    """The surroundings of a build, which no result may depend on but for the toolchain."""

    toolchain: Toolchain
    store: Store
    remote: RemoteCache | None
    jobs: JobServer

    def environment(self) -> dict[str, str]:
        """The clean environment for cargo, with the job server's place in it."""
        return {**self.toolchain.environment(), **self.jobs.environment()}

    def perform(
        self, key: str, label: str, build: Callable[[Path], Mapping[str, Path]], expected: Expected
    ) -> Entry:
        """The entry for `key`: from the store, else the network cache, else made by `build`.

        `build` gets an empty folder, makes files in it, and returns the entry's names and their paths. What
        is not as `expected` is not taken from anywhere.
        """
        from bootimage.store.build_once import perform

        return perform(self.store, self.remote, key, label, build, expected)

    def contents_of(
        self, key: str, label: str, build: Callable[[Path], Mapping[str, Path]], expected: Expected
    ) -> Mapping[str, Blob]:
        """The digests of the entry for `key`, by name: as `perform`, but nothing large is fetched for it."""
        from bootimage.store.build_once import contents_of

        return contents_of(self.store, self.remote, key, label, build, expected)


def open_context(project: Path, environ: Mapping[str, str] = os.environ) -> BuildContext:
    """The surroundings of a build of the package in `project`: as many jobs as there are processors."""
    from bootimage.base.jobserver import JobServer
    from bootimage.store.store import open_store

    toolchain = find_toolchain(ToolchainRequest(project=project, environ=dict(environ)))
    jobs = JobServer(processors())
    return BuildContext(toolchain, open_store(environ), _remote(environ), jobs)


def _remote(environ: Mapping[str, str]) -> RemoteCache | None:
    """The network cache; what speaks to it is loaded only where there is one."""
    if not environ.get("RUSTKERNEL_CACHE"):
        return None
    from bootimage.store.remote_cache import open_remote

    return open_remote(environ)
