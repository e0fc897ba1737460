"""A cargo package as its Cargo.toml describes it, read without running cargo."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from bootimage.cargo.crates import Crate, find_crates
from bootimage.cargo.toml_file import Key, TomlFile, read_toml
from bootimage.cargo.workspace import (
    Workspace,
    check_inherited,
    find_workspace,
    no_package,
    wants_inheritance,
)
from bootimage.dataclass import dataclass
from bootimage.errors import BuildError

_MANY_DIGITS = re.compile(r"[0-9]{21}")

DependencyKind = Literal["normal", "dev", "build"]

# Each table's name, and the older spelling that cargo takes where the first is absent.
_DEPENDENCY_TABLES: tuple[tuple[DependencyKind, str, str], ...] = (
    ("normal", "dependencies", "dependencies"),
    ("dev", "dev-dependencies", "dev_dependencies"),
    ("build", "build-dependencies", "build_dependencies"),
)


@dataclass(frozen=True)
class Dependency:
    """One entry of a dependency table, or of `[patch]` or `[replace]`.

    `name` is how the package calls it, `package` how its own manifest does. `platform` is the target
    triple or `cfg(...)` that it is limited to. `folder` is where a path dependency lies.
    """

    name: str
    package: str
    kind: DependencyKind
    file: TomlFile = field(repr=False)
    keys: tuple[Key, ...]
    platform: str | None = None
    folder: Path | None = None
    version: str | None = None
    optional: bool = False

    def error(self, message: str, hint: str | None = None) -> BuildError:
        """A BuildError at the line that declares this dependency."""
        return self.file.error(message, *self.keys, hint=hint)


@dataclass(frozen=True)
class Package:
    """A cargo package: its manifest and the workspace whose root decides about lock file and profiles."""

    file: TomlFile = field(repr=False)
    workspace: Workspace = field(repr=False)
    name: str
    version: str
    edition: str

    @property
    def manifest(self) -> Path:
        """The package's Cargo.toml."""
        return self.file.path

    @property
    def folder(self) -> Path:
        """The folder of Cargo.toml."""
        return self.file.path.parent

    @cached_property
    def crates(self) -> tuple[Crate, ...]:
        """Everything cargo can build of this package."""
        return find_crates(self.file, self.name, self.edition)

    @property
    def library(self) -> Crate | None:
        """The library, where there is one."""
        return next((crate for crate in self.crates if crate.kind == "lib"), None)

    @property
    def binaries(self) -> tuple[Crate, ...]:
        """The binaries: those that the manifest lists, then those found in the folder."""
        return tuple(crate for crate in self.crates if crate.kind == "bin")

    @property
    def tests(self) -> tuple[Crate, ...]:
        """The integration tests."""
        return tuple(crate for crate in self.crates if crate.kind == "test")

    @property
    def build_script(self) -> Crate | None:
        """build.rs or its stand-in, where there is one."""
        return next((crate for crate in self.crates if crate.kind == "build-script"), None)

    @property
    def default_run(self) -> str | None:
        """The binary that `cargo run` runs where there are several."""
        return self.file.get(str, "package", "default-run")

    @property
    def default_targets(self) -> tuple[str, ...]:
        """What the package asks to be compiled for: `forced-target`, else `default-target` (none or one)."""
        forced = self.file.get(str, "package", "forced-target")
        return tuple(filter(None, [forced or self.file.get(str, "package", "default-target")]))

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the features that the manifest declares."""
        return tuple(sorted(self.file.table("features")))

    @cached_property
    def dependencies(self) -> tuple[Dependency, ...]:
        """All dependencies, for whatever platform, with what they inherit from the workspace."""
        return tuple(_dependencies(self.file, self.workspace))


def locate_manifest(path: Path) -> Path:
    """The Cargo.toml that `path` names: itself, or the one in the folder `path`. None there is an error."""
    manifest = path / "Cargo.toml" if path.is_dir() else path
    if manifest.is_file():
        return Path(os.path.normpath(manifest.absolute()))
    if (wrong := manifest.with_name("cargo.toml")).is_file():
        raise BuildError("cargo reads the name Cargo.toml only", file=wrong, hint=f"mv {wrong} {manifest}")
    what = "this folder has no Cargo.toml" if path.is_dir() else "there is no such manifest"
    raise BuildError(what, file=path, hint="name the folder of a package, or make one with `cargo init`")


def read_package(manifest: Path, cargo_home: Path | None = None) -> Package:
    """Read the package whose Cargo.toml, or whose folder, is `manifest`.

    `cargo_home` bounds the search for a workspace. Raises BuildError: no manifest, not TOML, no
    package in it, a key of a wrong type, something to inherit that the workspace does not have.
    """
    file = _with_package(read_toml(locate_manifest(manifest)))
    workspace = find_workspace(file, cargo_home)

    def text(key: str) -> str | None:
        if not wants_inheritance(file.value("package", key)):
            return file.get(str, "package", key)
        check_inherited(workspace, file, ("package", key), "package", key)
        return workspace.file.get(str, "workspace", "package", key)

    name = file.get(str, "package", "name")
    if not name:
        raise file.error("the package has no `name`", "package")
    return Package(file, workspace, name, text("version") or "0.0.0", text("edition") or "2015")


def _with_package(file: TomlFile) -> TomlFile:
    """`file`, with `[project]`, the spelling of cargo's first years, as `[package]`."""
    if "package" in file.data:
        return file
    if "project" in file.data:
        return replace(file, data={**file.data, "package": file.data["project"]})
    raise no_package(file)


def patches(file: TomlFile, folder: Path) -> Iterator[Dependency]:
    """What stands in for other packages: `[patch]` and `[replace]` of a workspace's root manifest or of a
    cargo configuration, and the latter's `paths`. Their paths are relative to `folder`.
    """
    for source in file.table("patch"):
        for name in file.table("patch", source):
            yield _dependency(file, None, "normal", ("patch", source, name), None, folder)
    for entry in file.table("replace"):
        yield _dependency(file, None, "normal", ("replace", entry), None, folder)
    for index, path in enumerate(file.strings("paths")):
        there = Path(os.path.normpath(folder / path))
        yield Dependency(there.name, there.name, "normal", file, ("paths", index), folder=there)


def _dependencies(file: TomlFile, workspace: Workspace) -> Iterator[Dependency]:
    platforms: list[tuple[str | None, tuple[Key, ...]]] = [(None, ())]
    platforms += [(name, ("target", name)) for name in file.table("target")]
    for platform, above in platforms:
        for kind, table, older in _DEPENDENCY_TABLES:
            used = table if file.value(*above, table) is not None else older
            for name in file.table(*above, used):
                keys = (*above, used, name)
                yield _dependency(file, workspace, kind, keys, platform, file.path.parent)


def _dependency(
    file: TomlFile,
    workspace: Workspace | None,
    kind: DependencyKind,
    keys: tuple[Key, ...],
    platform: str | None,
    base: Path,
) -> Dependency:
    """The entry at `keys`, with `workspace.dependencies` filled in where it asks for that.

    `base` is what its path is relative to.
    """
    entry = _entry(file, keys)
    optional = entry.get("optional") is True
    if workspace is not None and entry.get("workspace") is True:
        check_inherited(workspace, file, keys, "dependencies", keys[-1])
        file, keys, base = workspace.file, ("workspace", "dependencies", keys[-1]), workspace.folder
        entry = _entry(file, keys)
    # A key of [replace] is NAME:VERSION.
    name = str(keys[-1]).partition(":")[0]
    path = file.get(str, *keys, "path") if "path" in entry else None
    if "base" in entry and path is not None:
        raise file.error("cargo's path bases are not supported: write the whole path", *keys)
    return Dependency(
        name,
        package=(file.get(str, *keys, "package") if "package" in entry else None) or name,
        kind=kind,
        file=file,
        keys=keys,
        platform=platform,
        folder=None if path is None else Path(os.path.normpath(base / path)),
        version=_version(file, keys) if "version" in entry else None,
        optional=optional,
    )


def _version(file: TomlFile, keys: tuple[Key, ...]) -> str | None:
    """The version requirement of the dependency at `keys`, which may be all that stands there."""
    found = file.value(*keys)
    keys = keys if isinstance(found, str) else (*keys, "version")
    version = file.get(str, *keys)
    if version and _MANY_DIGITS.search(version):
        raise file.error("no version has a number of more than 64 bits", *keys)
    return version


def _entry(file: TomlFile, keys: tuple[Key, ...]) -> Mapping[str, Any]:
    """A dependency's table; a plain string is a version."""
    found = file.value(*keys)
    return {"version": found} if isinstance(found, str) else file.table(*keys)
