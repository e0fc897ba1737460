"""Dependency tables of a manifest, with `[patch]` and `[replace]`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, Literal

from bootimage.base.errors import BuildError
from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.toml_file import Key, TomlFile
from bootimage.cargo.workspace import Workspace, check_inherited

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


def read_dependencies(file: TomlFile, workspace: Workspace) -> Iterator[Dependency]:
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
