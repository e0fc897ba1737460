"""Which loader a kernel needs: its lock file says it."""

from __future__ import annotations

from pathlib import Path

from bootimage.errors import BuildError
from bootimage.lock_file import LockFile, read_lock_file
from bootimage.manifest import Package

_DEPENDENCY = 'bootloader = { package = "bootloader_api", version = "0.11" }'


def loader_version(manifest: Path, package: Package) -> str:
    """The version of the loader family 0.11 that the package's lock file names.

    The kernel links `bootloader_api`; the loader of exactly its version must load it. Raises
    BuildError for a missing lock file, no loader in it, or a loader that no current compiler builds.
    """
    path = package.workspace_root / "Cargo.lock"
    lock = read_lock_file(path)
    if lock is None:
        raise BuildError(
            "there is no Cargo.lock, and a build never makes one behind your back",
            file=path,
            hint=f"cargo generate-lockfile --manifest-path {manifest}",
        )
    version = _reachable(lock, package.name).get("bootloader_api")
    if version is None:
        raise BuildError(
            f"{package.name} has no loader among its dependencies, so there is nothing to boot it with",
            file=manifest,
            hint=f"add to [dependencies]: {_DEPENDENCY}",
        )
    return version


def _reachable(lock: LockFile, root: str) -> dict[str, str]:
    """The packages that `root` depends on, directly or not: name -> version."""
    found: dict[str, str] = {}
    waiting = [package for package in lock.packages if package.name == root]
    while waiting:
        for name in waiting.pop().dependencies:
            package = lock.resolve(name)
            if package.name not in found:
                found[package.name] = package.version
                waiting.append(package)
    return found
