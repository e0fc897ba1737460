"""Which loader a kernel needs: its lock file says it.

The kernel links a crate that describes what the loader hands over, and the loader of exactly that
version must load it: `bootloader` 0.9 is both crate and loader, `bootloader_api` 0.11 belongs to the
programs of the same version.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from bootimage.base.errors import BuildError
from bootimage.base.lazy_dataclass import dataclass
from bootimage.cargo.dependencies import Dependency, patches
from bootimage.cargo.lock_file import LockedPackage, LockFile, required_lock_file
from bootimage.cargo.manifest import Package, read_package
from bootimage.cargo.versions import order

Family = Literal["0.9", "0.11"]

NEWEST = 'bootloader = { package = "bootloader_api", version = "0.11" }'
_SAME_SOURCE = "the kernel's `use bootloader::{BootInfo, entry_point}` stays as it is"
_FROM_LOCK_FILE = (
    "a loader 0.9 is linked with the kernel's own package: let RustKernel build the kernel, and its "
    "Cargo.lock say which loader"
)


class NoLoader(BuildError):
    """The manifest names no loader at all."""


@dataclass(frozen=True)
class Loader:
    """The loader of one kernel: `package` in exactly this `version`, and where that comes from.

    `source` and `checksum` are the lock file's; a package on this machine has neither, but a `manifest`.
    """

    family: Family
    package: str
    version: str
    source: str | None = None
    checksum: str | None = None
    manifest: Path | None = None

    @property
    def origin(self) -> Literal["registry", "git", "path"]:
        """What kind of place the package comes from."""
        if self.source is None:
            return "path"
        return "git" if self.source.startswith("git+") else "registry"


def choose_loader(package: Package) -> Loader:
    """The loader that the package's lock file names.

    Raises BuildError for a missing lock file, no loader in it or several, and a loader of a family that
    no current compiler builds.
    """
    lock = required_lock_file(package.workspace.lock, package.manifest)
    found = _decide(package, _nearest(lock, _start(lock, package)))
    family = _family(package, found)
    manifest = _manifest(package, found) if found.source is None else None
    return Loader(family, found.name, found.version, found.source, found.checksum, manifest)


def published_loader(version: object) -> Loader:
    """The published loader of the `version` that the user wrote, which must be a full one of loader 0.11."""
    try:
        series = order(version)[:2] if isinstance(version, str) else None
    except ValueError:
        series = None
    if isinstance(version, str) and series == (0, 11):
        return Loader("0.11", "bootloader_api", version)
    raise BuildError(
        f"the version of a boot loader 0.11 is expected, found {version!r}",
        hint=_FROM_LOCK_FILE if series == (0, 9) else "write the full version, such as 0.11.17",
    )


def _start(lock: LockFile, package: Package) -> LockedPackage:
    """The package itself in its lock file; its version there may be older than the manifest's."""
    found = [each for each in lock.find(package.name) if each.source is None]
    if not found:
        raise BuildError(
            f"the lock file does not know the package {package.name}",
            file=lock.path,
            hint=f"cargo update --workspace --manifest-path {package.manifest}",
        )
    return next((each for each in found if each.version == package.version), found[0])


def _nearest(lock: LockFile, start: LockedPackage) -> list[LockedPackage]:
    """The loaders that are the fewest steps away from `start`: what it asks for itself comes first."""
    level, seen = [start], {start}
    while level:
        below = dict.fromkeys(lock.resolve(name) for each in level for name in each.dependencies)
        loaders = [each for each in below if _is_loader(each)]
        if loaders:
            return loaders
        # A host library has its own way to `bootloader_api`, which is not the kernel's.
        level = [each for each in below if each not in seen and each.name != "bootloader"]
        seen.update(below)
    return []


def _is_loader(package: LockedPackage) -> bool:
    """From 0.11 on, `bootloader` is a library for the host (a build dependency), and no kernel links it."""
    return package.name == "bootloader_api" or (package.name == "bootloader" and _series(package) < (0, 11))


def _series(package: LockedPackage) -> tuple[int, int]:
    return order(package.version)[:2]


def _decide(package: Package, found: list[LockedPackage]) -> LockedPackage:
    """The one loader of those found: where there are several, the one that every build has, or whose name
    in the manifest is `bootloader`."""
    if not found:
        raise _no_loader(package)
    for wanted in (lambda _: True, _is_unconditional, lambda each: each.name == "bootloader"):
        declared = [each for each in package.dependencies if each.kind == "normal" and wanted(each)]
        left = [each for each in found if any(_declares(one, each) for one in declared)] or found
        if len(left) == 1:
            return left[0]
    names = " and ".join(f"{each.name} {each.version}" for each in found)
    raise BuildError(
        f"{package.name} depends on several loaders, {names}, and one of them must boot it",
        file=package.manifest,
        hint="call the one to boot with `bootloader` in [dependencies], and the others something else",
    )


def _is_unconditional(dependency: Dependency) -> bool:
    return not dependency.optional and dependency.platform is None


def _declares(dependency: Dependency, found: LockedPackage) -> bool:
    """True when `found` may be what the dependency became in the lock file."""
    if dependency.package != found.name:
        return False
    series = re.match(r"[=^~\s]*([0-9]+)\.([0-9]+)", dependency.version or "")
    return series is None or (int(series[1]), int(series[2])) == _series(found)


def _family(package: Package, found: LockedPackage) -> Family:
    series = _series(found)
    if found.name == "bootloader_api" and series == (0, 11):
        return "0.11"
    if found.name == "bootloader" and series == (0, 9):
        return "0.9"
    if series == (0, 10):
        raise _error(
            package,
            found,
            f"{package.name} is made for the loader 0.10 ({found.version}), which no current compiler builds",
            f"change the dependency to `{NEWEST}`: {_SAME_SOURCE}",
        )
    raise _error(
        package,
        found,
        f"{package.name} is made for the loader {found.version}; loaders 0.9 and 0.11 are known here",
        f'change the dependency to `{NEWEST}`, or for a BIOS kernel as before to `bootloader = "0.9"`',
    )


def _no_loader(package: Package) -> BuildError:
    host = next((each for each in package.dependencies if each.package == "bootloader"), None)
    if host is not None:
        return host.error(
            "from 0.11 on, the package `bootloader` is a library for the host, and no kernel can link it",
            f"change it to `{NEWEST}`: {_SAME_SOURCE}",
        )
    return NoLoader(
        f"{package.name} has no loader among its dependencies, so there is nothing to boot it with",
        file=package.manifest,
        hint=f"add to [dependencies]: {NEWEST}",
    )


def _error(package: Package, found: LockedPackage, message: str, hint: str) -> BuildError:
    """A BuildError where the manifest asks for `found`, or at the manifest as a whole."""
    declared = next((each for each in package.dependencies if _declares(each, found)), None)
    return (
        declared.error(message, hint) if declared else BuildError(message, file=package.manifest, hint=hint)
    )


def _manifest(package: Package, found: LockedPackage) -> Path:
    """Where a package that lies on this machine has its manifest."""
    for each in _folders(package):
        candidate = read_package(each)
        if (candidate.name, candidate.version) == (found.name, found.version):
            return candidate.manifest
    raise BuildError(
        f"{package.name} takes {found.name} {found.version} from a folder that no path dependency names",
        file=package.workspace.lock,
        hint=f"cargo update --workspace --manifest-path {package.manifest}",
    )


def _folders(package: Package) -> Iterator[Path]:
    """Every folder that the package, or what it depends on by path, names; the package's own first."""
    waiting, seen = [package], {package.folder}
    while waiting:
        each = waiting.pop(0)
        for dependency in (*each.dependencies, *patches(each.workspace.file, each.workspace.folder)):
            folder = dependency.folder
            if folder is not None and folder not in seen and (folder / "Cargo.toml").is_file():
                seen.add(folder)
                yield folder
                waiting.append(read_package(folder))
