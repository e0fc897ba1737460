"""A cargo package as its Cargo.toml describes it, read without running cargo.

The members of a cargo workspace: those it lists, and the path dependencies of members that lie in it.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from dataclasses import field, replace
from functools import cached_property
from pathlib import Path

from bootimage.base.errors import BuildError
from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.toml_file import TomlFile, read_toml
from bootimage.cargo.crate_names import check_package_name
from bootimage.cargo.crates import Crate, find_crates
from bootimage.cargo.dependencies import Dependency, read_dependencies
from bootimage.cargo.workspace import (
    Workspace,
    check_inherited,
    find_workspace,
    no_package,
    wants_inheritance,
)


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
        return tuple(read_dependencies(self.file, self.workspace))


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
    check_package_name(file, name)
    return Package(file, workspace, name, text("version") or "0.0.0", text("edition") or "2015")


def read_with_crates(manifest: Path) -> Package:
    """As `read_package`; what is wrong with one of its crates is told now, not when they are looked at."""
    package = read_package(manifest)
    _ = package.crates
    return package


def _with_package(file: TomlFile) -> TomlFile:
    """`file`, with `[project]`, the spelling of cargo's first years, as `[package]`."""
    if "package" in file.data:
        return file
    if "project" in file.data:
        return replace(file, data={**file.data, "package": file.data["project"]})
    raise no_package(file)


def member_manifests(workspace: Workspace, cargo_home: Path | None = None) -> tuple[Path, ...]:
    """The manifests of all packages of `workspace`, sorted. BuildError where a listed one is not there."""
    if "workspace" not in workspace.file.data:
        return (workspace.manifest,)
    found: set[Path] = set()
    waiting = [manifest for manifest in _listed(workspace) if not workspace.excludes(manifest)]
    if "package" in workspace.file.data:
        waiting.append(workspace.manifest)
    while waiting:
        manifest = waiting.pop()
        if manifest not in found:
            found.add(manifest)
            needed = (each.folder for each in read_package(manifest, cargo_home).dependencies)
            inside = (folder / "Cargo.toml" for folder in needed if folder is not None)
            waiting += [each for each in inside if _belongs(each, workspace, cargo_home)]
    return tuple(sorted(found))


def _listed(workspace: Workspace) -> Iterator[Path]:
    """The manifests that `workspace.members` names; a pattern stands for the folders it matches."""
    for entry in workspace.file.strings("workspace", "members"):
        path = f"{workspace.folder}/{entry}"
        matches = glob.glob(path, include_hidden=True) if glob.has_magic(entry) else []  # noqa: PTH207
        for folder in filter(os.path.isdir, matches) if matches else [path]:
            yield Path(os.path.normpath(f"{folder}/Cargo.toml"))


def _belongs(manifest: Path, workspace: Workspace, cargo_home: Path | None) -> bool:
    """A path dependency is a member when it lies in the workspace's folder, or names it as its own."""
    if workspace.excludes(manifest):
        return False
    if manifest.is_relative_to(workspace.folder):
        return True
    return find_workspace(read_toml(manifest), cargo_home).manifest == workspace.manifest
