"""Which loader 0.11 is to be built: a published version, or the one in a checkout of its repository.

A kernel whose `bootloader_api` is a path or git dependency gets the loader from the same checkout: the
programs lie in the same cargo workspace.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bootimage.base.errors import BuildError
from bootimage.base.lazy_dataclass import dataclass
from bootimage.cargo.crate_sources import NO_SOURCES, CrateSources, crate_sources
from bootimage.cargo.declared_inputs import declared_inputs
from bootimage.cargo.manifest import member_manifests, read_package
from bootimage.cargo.workspace import Workspace
from bootimage.loader.choose_loader import Loader
from bootimage.toolchain.rustup import cargo_home

if TYPE_CHECKING:
    from bootimage.context import BuildContext


@dataclass(frozen=True)
class Release:
    """The loader `version`; `loader` says where it comes from when that is not the registry.

    `kernel` is the Cargo.toml of the kernel, as whose dependency cargo knows that place. `sources` is where
    the crates that the loader needs come from.
    """

    version: str
    loader: Loader | None = None
    kernel: Path | None = None
    sources: CrateSources = NO_SOURCES

    @property
    def name(self) -> str:
        """The version, with something that tells apart two checkouts that call themselves the same."""
        if self.loader is None and self.sources.directory is None:
            return self.version
        elsewhere = self.loader and (self.loader.source or self.loader.manifest)
        place = str(elsewhere or self.sources.directory)
        return f"{self.version}-{hashlib.sha256(place.encode()).hexdigest()[:8]}"


def release_of(loader: Loader, kernel: Path) -> Release:
    """What to build for the kernel whose Cargo.toml is `kernel` and whose lock file names `loader`.

    A loader of which nothing but the version is known is a published one.
    """
    sources = NO_SOURCES
    with suppress(BuildError):  # a configuration that cannot be read is an error of the kernel's own build
        sources = crate_sources(kernel.parent, cargo_home(os.environ))
    is_elsewhere = loader.manifest is not None or loader.origin == "git"
    if is_elsewhere:
        return Release(loader.version, loader, kernel, sources)
    return Release(loader.version, sources=sources)


def identity(release: Release, crate: str) -> str:
    """What tells the sources of the program `crate` apart in two releases.

    A published version and a git commit never change, so their source need not be at hand.
    """
    vendored = release.sources.identity()
    return f"{_identity(release, crate)} {vendored}" if vendored else _identity(release, crate)


def _identity(release: Release, crate: str) -> str:
    if release.loader is None:
        return release.version
    if release.loader.manifest is None:
        return f"{release.version} {release.loader.source}"
    return f"{release.version} {_digest(release, crate)}"


def own_files(release: Release, crate: str) -> tuple[Path, ...]:
    """The files that the program `crate` is built from, sorted, where they lie in a folder of the user's."""
    if release.loader is None or release.loader.manifest is None:
        return ()
    workspace = read_package(release.loader.manifest).workspace
    inputs = declared_inputs(_member(workspace, crate))
    specifications = workspace.folder.glob("*.json")
    return tuple(sorted({*inputs.files, *specifications} - {*inputs.configs, inputs.toolchain}))


def checkout(context: BuildContext, release: Release, crate: str) -> tuple[Workspace, Path]:
    """The workspace of a release that does not come from the registry, and the manifest of `crate` in it.

    Raises BuildError where that is not there.
    """
    from bootimage.loader.loader_source import source_of

    assert release.loader is not None and release.kernel is not None
    manifest = source_of(context, release.kernel, release.loader)
    # cargo keeps git checkouts below its home, where no configuration of the user's is looked for.
    workspace = read_package(manifest, context.toolchain.cargo_home()).workspace
    return workspace, _member(workspace, crate)


def _member(workspace: Workspace, crate: str) -> Path:
    for manifest in member_manifests(workspace):
        if read_package(manifest).name == crate:
            return manifest
    raise BuildError(
        f"`bootloader_api` comes from this workspace, and the loader's `{crate}` is not in it",
        file=workspace.manifest,
        hint="depend on a checkout of the loader's whole repository, or on a published version",
    )


def _digest(release: Release, crate: str) -> str:
    assert release.loader is not None and release.loader.manifest is not None
    top = release.loader.manifest.parent
    digest = hashlib.sha256()
    for path in own_files(release, crate):
        name = os.path.relpath(path, top)
        digest.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\0".encode())
    return digest.hexdigest()
