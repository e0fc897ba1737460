"""What the build of a cargo package may read, known before the build and without running anything.

Declaring too much costs a needless rebuild, declaring too little is found out after the build
(dep_info.py). So this follows every path dependency, whatever its platform or feature.

Not declared: the manifests of workspace members that the package does not depend on. cargo reads them,
but all they can change is Cargo.lock.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from bootimage.base.errors import BuildError
from bootimage.base.generated_files import holds_results, is_marked
from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.toml_file import TomlFile, read_toml
from bootimage.cargo.config import CargoConfig, read_cargo_config
from bootimage.cargo.config_values import all_rustflags, linkers
from bootimage.cargo.dependencies import Dependency, patches
from bootimage.cargo.link_scripts import link_scripts, linker_arguments
from bootimage.cargo.lock_file import LockFile, read_lock_file
from bootimage.cargo.manifest import Package, read_package
from bootimage.cargo.package_files import identity, is_of_system, package_files
from bootimage.toolchain.rustup import cargo_home


@dataclass(frozen=True)
class Inputs:
    """What the build of a package may read; every tuple is sorted.

    `files` is all of it. `directories` are the folders that were searched, so that whoever makes
    files there during the build can be known. `packages` are the folders of the package and of its
    path dependencies; `lock`, `configs` and `toolchain` are the named ones among `files`.
    """

    files: tuple[Path, ...]
    directories: tuple[Path, ...]
    packages: tuple[Path, ...]
    manifests: tuple[Path, ...]
    lock: Path | None
    configs: tuple[Path, ...]
    toolchain: Path | None


def declared_inputs(
    manifest: Path, *, skip: Iterable[Path] = (), environ: Mapping[str, str] = os.environ
) -> Inputs:
    """The inputs of the package whose Cargo.toml (or folder) is `manifest`.

    `skip` are folders that hold what is built. Raises BuildError: a manifest or lock file or
    configuration that cannot be read, a path dependency that is not there, packages that need
    themselves.
    """
    home = cargo_home(environ)
    package = read_package(manifest, home)
    config = read_cargo_config(package.folder, home)
    lock = read_lock_file(package.workspace.lock)
    packages = _followed(package, [*_replacements(package, config, lock)], home)
    skipped = {mark for path in (*skip, home) if (mark := identity(path)) is not None}
    found = [package_files(str(each.folder), skipped) for each in packages]
    manifests = {str(file) for each in packages for file in (each.manifest, each.workspace.manifest)}
    toolchain = _toolchain_file(package.folder)
    named = {str(path) for path in (*config.files, lock and lock.path, toolchain) if path}
    files = {path for listed, _ in found for path in listed if not _is_ours(path)}
    return Inputs(
        files=_paths(manifests | named | files | {*_linked_with(package, config)}),
        directories=_paths({path for _, folders in found for path in folders}),
        packages=_paths({str(each.folder) for each in packages}),
        manifests=_paths(manifests),
        lock=lock.path if lock else None,
        configs=_paths({str(path) for path in config.files}),
        toolchain=toolchain,
    )


def _linked_with(package: Package, config: CargoConfig) -> Iterator[str]:
    """The linker and the linker scripts that the configuration names, unless they are the system's."""
    scripts = link_scripts(linker_arguments(all_rustflags(config)), package.workspace.folder)
    for path in (*scripts, *map(Path, linkers(config))):
        if path.is_absolute() and path.is_file() and not is_of_system(str(path)):
            yield str(path)


def _is_ours(path: str) -> bool:
    """Whether a file is one that we wrote for editors, or with the results of tests: no build reads it."""
    if holds_results(path):
        return True
    return path.endswith("/.cargo/config.toml") and is_marked(read_toml(Path(path)).text)


def _replacements(package: Package, config: CargoConfig, lock: LockFile | None) -> Iterator[Dependency]:
    """The packages on this machine that stand in for others: those that the lock file says are used."""
    for file, folder in _may_replace(package, config):
        for each in patches(file, folder):
            if each.keys[0] != "patch" or _uses(lock, package.name, each.package):
                yield each


def _may_replace(package: Package, config: CargoConfig) -> Iterator[tuple[TomlFile, Path]]:
    yield package.workspace.file, package.workspace.folder
    for layer in config.layers:
        for file in layer.files:
            yield file, file.path.parent.parent


@lru_cache
def _uses(lock: LockFile | None, name: str, patch: str) -> bool:
    """Whether the package `name` needs `patch` from this machine; True where the lock file says nothing."""
    known = lock.find(name) if lock else ()
    start = next((each for each in known if each.source is None), None)
    if lock is None or start is None:
        return True
    return any(each.name == patch and each.source is None for each in lock.reachable(start))


def _followed(start: Package, more: list[Dependency], home: Path) -> list[Package]:
    """`start` and the packages it needs that lie on this machine, directly or not, and `more`."""
    first = identity(start.manifest)
    found = {first: start}
    # The packages on the way to the one that is looked at, as marks: a chain of them may be long.
    waiting = [((first,), iter((*start.dependencies, *more)))]
    while waiting:
        chain, needed = waiting[-1]
        each = next(needed, None)
        if each is None:
            waiting.pop()
            continue
        # Only the tests of the package itself are ever built.
        if each.folder is None or (each.kind == "dev" and len(waiting) > 1):
            continue
        mark = identity(each.folder / "Cargo.toml")
        if mark is None:
            raise _missing(each)
        # What is optional or for tests alone may well lead back.
        hard = () if each.optional or each.kind == "dev" else chain
        if mark in hard:
            raise _circle(each, [found[above] for above in hard[hard.index(mark) :]])
        if mark not in found:
            found[mark] = read_package(each.folder, home)
            waiting.append(((*hard, mark), iter(found[mark].dependencies)))
    return list(found.values())


def _missing(dependency: Dependency) -> BuildError:
    assert dependency.folder is not None
    there = "has no Cargo.toml" if dependency.folder.is_dir() else "does not exist"
    message = f"the path dependency `{dependency.name}` is not there: {dependency.folder} {there}"
    return dependency.error(message)


def _circle(dependency: Dependency, chain: list[Package]) -> BuildError:
    names = " -> ".join(package.name for package in (*chain, chain[0]))
    hint = "cargo builds no such circle: move what both need into a package of its own"
    return dependency.error(f"these packages need each other: {names}", hint=hint)


def _toolchain_file(folder: Path) -> Path | None:
    """The file that tells rustup which toolchain to use in `folder`."""
    for above in (folder, *folder.parents):
        for name in ("rust-toolchain", "rust-toolchain.toml"):
            if os.path.isfile(f"{above}/{name}"):  # noqa: PTH113 (a hot path)
                return above / name
    return None


def _paths(found: set[str]) -> tuple[Path, ...]:
    return tuple(map(Path, sorted(found)))
