"""The loader family 0.9: one program with the kernel in it, which is linked anew for every kernel.

The crate's own recipe compiles all of it with the kernel embedded. Here it is compiled once for a version,
its features and settings, without a kernel (`relocatable`), and kept in the store; for each kernel there
is only the last link (`flat_image`). The bytes are the very ones that the crate's recipe gives.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Mapping
from pathlib import Path

from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.toml_file import TomlFile, read_toml
from bootimage.cargo.crate_sources import NO_SOURCES, CrateSources, crate_sources
from bootimage.cargo.declared_inputs import declared_inputs
from bootimage.cargo.manifest import read_package
from bootimage.cargo.metadata_tables import BootloaderSettings, bootloader_settings
from bootimage.context import BuildContext
from bootimage.kernel.crate_build import CrateBuild
from bootimage.loader.choose_loader import Loader
from bootimage.loader.compile_0_9 import RELOCATABLE, Recipe, compile_relocatable, settings_manifest
from bootimage.loader.loader_source import active_features, source_of
from bootimage.loader.pinned_crates import holds_key
from bootimage.store.expected_result import exactly
from bootimage.store.keys import action_key
from bootimage.store.recipes import recipe_number
from bootimage.store.record import Entry
from bootimage.toolchain.toolchain import Toolchain

_LARGEST = 64 << 20
_MAPS_MEMORY = "map_physical_memory"


@dataclass(frozen=True)
class FlatLoader:
    """The loader for the kernel whose Cargo.toml is `kernel`, with the features and settings it asks for."""

    loader: Loader
    kernel: Path
    features: tuple[str, ...]
    settings: BootloaderSettings
    sources: CrateSources = NO_SOURCES

    @property
    def label(self) -> str:
        """What the user reads while it is built."""
        return f"Compiling {self.loader.package} {self.loader.version}"


def flat_loader(context: BuildContext, build: CrateBuild, loader: Loader) -> FlatLoader:
    """The `loader` as this build of a kernel needs it. Asks cargo for the features."""
    features = active_features(context, build, loader)
    settings = _settings(read_toml(build.manifest), features)
    sources = crate_sources(build.manifest.parent, context.toolchain.cargo_home())
    return FlatLoader(loader, build.manifest, features, settings, sources)


def _settings(manifest: TomlFile, features: Collection[str]) -> BootloaderSettings:
    settings = bootloader_settings(manifest)
    if settings.physical_memory_offset is not None and _MAPS_MEMORY not in features:
        raise manifest.error(
            f"`physical-memory-offset` needs the loader's feature `{_MAPS_MEMORY}`",
            *("package", "metadata", "bootloader", "physical-memory-offset"),
            hint=f'in [dependencies]: bootloader = {{ version = "0.9", features = ["{_MAPS_MEMORY}"] }}',
        )
    return settings


def loader_key(toolchain: Toolchain, flat: FlatLoader) -> str:
    """The digest of everything that the loader depends on; nothing of the kernel's own.

    A published version and a git commit never change, so their source need not be at hand.
    """
    loader = flat.loader
    vendored = flat.sources.identity()
    source = _digest(loader.manifest) if loader.manifest else f"{loader.source} {loader.checksum}"
    return action_key(
        "loader 0.9",
        {
            "recipe": recipe_number("loader 0.9"),
            "compiler": toolchain.identity,
            **({"objcopy": named} if (named := toolchain.objcopy_digest()) else {}),
            "package": f"{loader.package} {loader.version}",
            "source": source,
            **({"vendored": vendored} if vendored else {}),
            "features": " ".join(flat.features),
            "settings": settings_manifest(flat.settings),
            "holds": holds_key(toolchain, loader.version),
        },
    )


def provide_loader(context: BuildContext, flat: FlatLoader) -> Entry:
    """The loader without a kernel, as the files that `relocatable` describes."""
    key = loader_key(context.toolchain, flat)

    def make(folder: Path) -> Mapping[str, Path]:
        manifest = source_of(context, flat.kernel, flat.loader)
        package = read_package(manifest, context.toolchain.cargo_home())
        recipe = Recipe(package, flat.features, flat.settings, flat.label, flat.sources)
        return compile_relocatable(context, recipe, folder)

    return context.perform(key, flat.label, make, exactly(*RELOCATABLE, largest=_LARGEST))


def _digest(manifest: Path) -> str:
    """The digest of all that a package on this machine is built from, wherever its folder is."""
    inputs = declared_inputs(manifest)
    digest = hashlib.sha256()
    for path in sorted({*inputs.files} - {*inputs.configs, inputs.toolchain}):
        name = os.path.relpath(path, manifest.parent)
        digest.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\0".encode())
    return digest.hexdigest()
