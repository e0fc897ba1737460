"""The workspace that a cargo package belongs to, found by cargo's rules: what its members inherit."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from bootimage.base.errors import BuildError
from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.toml_file import Key, TomlFile, read_toml

_BUILT_IN_PROFILES = ("bench", "dev", "release", "test")


@dataclass(frozen=True)
class Workspace:
    """The workspace whose root manifest is `file`; a package on its own is a workspace of one."""

    file: TomlFile

    @property
    def manifest(self) -> Path:
        """The root's Cargo.toml."""
        return self.file.path

    @property
    def folder(self) -> Path:
        """The root folder, where Cargo.lock lies."""
        return self.file.path.parent

    @property
    def lock(self) -> Path:
        """Where the lock file lies, whether it exists or not."""
        return self.folder / "Cargo.lock"

    @property
    def profiles(self) -> tuple[str, ...]:
        """The profiles that `--profile` takes: cargo's own four and the root manifest's."""
        return tuple(sorted({*_BUILT_IN_PROFILES, *self.file.table("profile")}))

    def excludes(self, manifest: Path) -> bool:
        """True when `workspace.exclude` names a folder of `manifest` and `workspace.members` does not."""

        def named(key: str) -> bool:
            return any(
                manifest.is_relative_to(self.folder / entry) for entry in self.file.strings("workspace", key)
            )

        return named("exclude") and not named("members")


def find_workspace(file: TomlFile, cargo_home: Path | None = None) -> Workspace:
    """The workspace of the package or workspace manifest `file`.

    Like cargo: `[workspace]` in the file itself, then `package.workspace`, then the nearest folder
    above with a workspace that does not exclude it. The search does not leave `cargo_home`.
    """
    pointer = file.get(str, "package", "workspace") if "package" in file.data else None
    if "workspace" in file.data:
        if pointer is not None:
            raise file.error(
                "a manifest has either `[workspace]` or `package.workspace`", "package", "workspace"
            )
        return Workspace(file)
    if pointer is not None:
        return _pointed_at(file, pointer)
    for above in _manifests_above(file.path, cargo_home):
        root = _root_named_by(read_toml(above))
        if root is not None and not root.excludes(file.path):
            return root
    return Workspace(file)


def _root_named_by(file: TomlFile) -> Workspace | None:
    """The workspace that a manifest further up is the root of, or points at."""
    if "workspace" in file.data:
        return Workspace(file)
    pointer = file.get(str, "package", "workspace") if "package" in file.data else None
    return None if pointer is None else _pointed_at(file, pointer)


def _pointed_at(file: TomlFile, pointer: str) -> Workspace:
    manifest = Path(os.path.normpath(file.path.parent / pointer / "Cargo.toml"))
    if not manifest.is_file():
        raise file.error(f"there is no workspace at {manifest}", "package", "workspace")
    root = read_toml(manifest)
    if "workspace" not in root.data:
        raise file.error(
            f"`package.workspace` must name the root of a workspace, but {manifest} has no `[workspace]`",
            "package",
            "workspace",
        )
    return Workspace(root)


def _manifests_above(manifest: Path, cargo_home: Path | None) -> Iterator[Path]:
    folder = manifest.parent
    while folder != folder.parent and folder != cargo_home:
        folder = folder.parent
        # Packages that `cargo package` unpacked stand on their own.
        if folder.parts[-2:] == ("target", "package"):
            return
        if os.path.isfile(f"{folder}/Cargo.toml"):  # noqa: PTH113 (half the cost of Path.is_file)
            yield folder / "Cargo.toml"


def check_inherited(workspace: Workspace, asking: TomlFile, asked_at: tuple[Key, ...], *keys: Key) -> None:
    """Raise a BuildError at `asked_at` in `asking` unless the workspace has a value at `workspace.KEYS`."""
    if workspace.file.value("workspace", *keys) is None:
        wanted = ".".join(str(key) for key in ("workspace", *keys))
        raise asking.error(
            f"`{asked_at[-1]}` is to come from the workspace, but {workspace.manifest} has no `{wanted}`",
            *asked_at,
        )


def wants_inheritance(found: object) -> bool:
    """True for `KEY.workspace = true`."""
    return isinstance(found, Mapping) and found.get("workspace") is True


def no_package(file: TomlFile) -> BuildError:
    """The error for a manifest without a package, which names the workspace's members where it has some."""
    if "workspace" not in file.data:
        return BuildError("this manifest has no `[package]`", file=file.path)
    members = ", ".join(file.strings("workspace", "members")) or "it has none"
    message, hint = "this manifest holds a workspace and no package", f"name one of its members: {members}"
    return BuildError(message, file=file.path, hint=hint)
