"""The loader family 0.9: one program with the kernel in it, which is linked anew for every kernel.

The crate's own recipe compiles all of it with the kernel embedded. Here it is compiled once for a version,
its features and settings: in place, from its own source, with its own lock file and build script, as one
relocatable object that lacks only the kernel. The last link, a matter of milliseconds, is in `flat_image`;
it gives the very bytes that the crate's recipe gives.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bootimage import report
from bootimage.cached_action import action_key
from bootimage.cargo_flags import json_target_flags, lock_file_flags
from bootimage.cargo_process import run_cargo
from bootimage.compiler_facts import compiler_facts
from bootimage.context import BuildContext
from bootimage.diagnostics import executables, rendered_errors
from bootimage.errors import BuildError
from bootimage.inputs import declared_inputs
from bootimage.loader.choose import Loader
from bootimage.loader.dependency import source_of
from bootimage.loader.holds import applied_holds, hold_back
from bootimage.loader.settings import Settings
from bootimage.loader.stand_ins import write_stand_ins
from bootimage.manifest import Package, read_package
from bootimage.process import run
from bootimage.remap import remap_flags
from bootimage.rustflags import encoded
from bootimage.store import Entry
from bootimage.sysroot import CRATES, Sysroot, sysroot_folder, with_alloc
from bootimage.target import Target
from bootimage.target_spec import canonical
from bootimage.toolchain import Toolchain

OBJECT, SCRIPT, ARGUMENTS = "loader.o", "linker.ld", "arguments"
"""The files of an entry: the loader, its linker script, and a response file for the linker."""

_RECIPE = "1"
"""Part of every key: to be changed with the way a loader is built."""

# One object with everything in it, each section on its own: what is not needed goes in the last link.
_ONE_OBJECT = "-Clink-args=-r --unique --no-gc-sections"


@dataclass(frozen=True)
class LoaderBuild:
    """The loader for the kernel whose Cargo.toml is `kernel`, with the features and settings that it asks for."""

    loader: Loader
    kernel: Path
    features: tuple[str, ...] = ()
    settings: Settings = Settings()

    @property
    def label(self) -> str:
        """What the user reads while it is built."""
        return f"Compiling {self.loader.package} {self.loader.version}"


def loader_key(toolchain: Toolchain, build: LoaderBuild) -> str:
    """The digest of everything that the loader depends on.

    A published version and a git commit never change, so their source need not be at hand.
    """
    loader = build.loader
    return action_key(
        "loader 0.9",
        {
            "recipe": _RECIPE,
            "compiler": toolchain.identity,
            "package": f"{loader.package} {loader.version}",
            "source": f"{loader.source} {loader.checksum}" if loader.manifest is None else _digest(loader.manifest),
            "features": " ".join(build.features),
            "settings": build.settings.manifest(),
            "holds": " ".join(f"{hold.crate} {hold.version}" for hold in applied_holds(toolchain)),
        },
    )


def provide_loader(context: BuildContext, build: LoaderBuild) -> Entry:
    """The loader without a kernel: an entry with the files OBJECT, SCRIPT and ARGUMENTS."""
    key = loader_key(context.toolchain, build)
    return context.perform(key, build.label, lambda folder: _build(context, build, folder))


def loader_folder(context: BuildContext, build: LoaderBuild) -> Path:
    """A folder that holds the loader's three files under their names."""
    return context.store.tree(provide_loader(context, build), {each: each for each in (OBJECT, SCRIPT, ARGUMENTS)})


def _digest(manifest: Path) -> str:
    """The digest of all that a package on this machine is built from, wherever its folder is."""
    inputs = declared_inputs(manifest)
    ours = set(inputs.files) - {*inputs.configs, inputs.toolchain}
    digest = hashlib.sha256()
    for path in sorted(ours):
        name = os.path.relpath(path, manifest.parent)
        digest.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\0".encode())
    return digest.hexdigest()


def _build(context: BuildContext, build: LoaderBuild, folder: Path) -> Mapping[str, Path]:
    package = read_package(source_of(context, build.kernel, build.loader), context.toolchain.cargo_home())
    specification = _specification(context, package)
    target, link = _without_linking(specification)
    lock = _write_lock(context, package, folder)
    built = _compile(context, build, package, target, lock, folder)
    _strip(context, built, folder / OBJECT)
    arguments = _take_script(package.folder, link, folder)
    (folder / ARGUMENTS).write_text("".join(f'"{each}"\n' for each in arguments))
    return {each: folder / each for each in (OBJECT, SCRIPT, ARGUMENTS)}
