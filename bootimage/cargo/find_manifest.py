"""Which Cargo.toml is meant: the nearest one, or that of a binary or of a dependency."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from bootimage.base.errors import BuildError
from bootimage.cargo.manifest import Package, read_with_crates


def nearest_manifest(folder: Path) -> Path | None:
    """The Cargo.toml in `folder` or the nearest above, as cargo looks for it."""
    above = (each / "Cargo.toml" for each in (folder, *folder.parents))
    return next((manifest for manifest in above if manifest.is_file()), None)


def find_manifest(kernel: Path) -> Path:
    """The Cargo.toml of the package with a binary of the kernel's name: see `create_bootimage`."""
    for manifest in _candidates(kernel.parent):
        if "package" in manifest.read_text(errors="replace") and _has_binary(manifest, kernel.name):
            return manifest
    raise BuildError(
        f"no Cargo.toml near it has a binary `{kernel.name}`, so no lock file tells the kernel's loader",
        file=kernel,
        hint="name it: --kernel-manifest path/to/Cargo.toml",
    )


def _has_binary(manifest: Path, name: str) -> bool:
    package = _readable(manifest)
    return package is not None and any(crate.name == name for crate in package.binaries)


def with_dependency(name: str) -> Path:
    """The Cargo.toml whose dependency `name` is meant; where none has one, the nearest package's."""
    own = Path.cwd() / "Cargo.toml"
    packages = [found for each in _candidates(Path.cwd()) if (found := _readable(each)) is not None]
    if not packages:
        raise BuildError(
            "no package is here, in a folder above or in one below these",
            file=own,
            hint='name it: locate_bootloader(kernel_manifest="path/to/Cargo.toml")',
        )
    # What is asked for is cargo's name of the crate, in which `-` has become `_`.
    having = (each for each in packages if name.replace("-", "_") in _dependencies(each))
    return packages[0].manifest if packages[0].manifest == own else next(having, packages[0]).manifest


def _dependencies(package: Package) -> set[str]:
    return {each.name.replace("-", "_") for each in package.dependencies}


def _readable(manifest: Path) -> Package | None:
    """The package; None for a workspace alone, and for somebody else's that cannot be read."""
    try:
        return read_with_crates(manifest)
    except BuildError:
        return None


def _candidates(start: Path) -> Iterator[Path]:
    folders = [*(start, *start.parents), *(Path.cwd(), *Path.cwd().parents)]
    for folder in dict.fromkeys(folders[:-1]):
        yield from (path for path in [folder / "Cargo.toml"] if path.is_file())
        if folder.parent != folder and not folder.stat().st_mode & stat.S_IWOTH:  # as /tmp: anybody's
            yield from sorted(folder.glob("*/Cargo.toml"))
