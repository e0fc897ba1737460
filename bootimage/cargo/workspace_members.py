"""The members of a cargo workspace: those it lists, and the path dependencies of members that lie in it."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from pathlib import Path

from bootimage.cargo.manifest import read_package
from bootimage.cargo.toml_file import read_toml
from bootimage.cargo.workspace import Workspace, find_workspace


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
