"""Kernels on loader 0.9, built with the real compiler against the store that all tests share."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bootimage.base.jobserver import JobServer
from bootimage.cargo.manifest import read_package
from bootimage.context import BuildContext
from bootimage.kernel.crate_build import CrateBuild, build_crate
from bootimage.loader.choose_loader import choose_loader
from bootimage.loader.loader_0_9 import FlatLoader, flat_loader
from bootimage.store.store import open_store
from bootimage.sysroot.sysroot_crates import Sysroot
from bootimage.target_spec.read_target import read_specification
from bootimage.toolchain.find_compiler import ToolchainRequest
from bootimage.toolchain.toolchain import find_toolchain

CHECKOUT = Path(__file__).resolve().parents[2]
EXAMPLE = CHECKOUT / "examples" / "vga_text"


@dataclass(frozen=True)
class Kernel:
    """A cargo project with a kernel in it, and how it is built."""

    context: BuildContext
    build: CrateBuild

    @property
    def folder(self) -> Path:
        """The project's folder."""
        return self.build.manifest.parent

    def elf(self) -> Path:
        """The kernel, built now."""
        return build_crate(self.context, self.build)["vga_text"]

    def loader(self) -> FlatLoader:
        """What its lock file, manifest and features ask for."""
        return flat_loader(self.context, self.build, choose_loader(read_package(self.build.manifest)))

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace `old`, which must be there, in a file of the project."""
        path = self.folder / name
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    def with_features(self, *features: str) -> Kernel:
        """The same with these features of its own."""
        return replace(self, build=replace(self.build, features=features))


def make_context(store: Path, **environ: str) -> BuildContext:
    """A context with its own store; `environ` is added to this process's environment."""
    mixed = {**os.environ, "RUSTKERNEL_STORE": str(store), **environ}
    toolchain = find_toolchain(ToolchainRequest(project=CHECKOUT, environ=mixed))
    return BuildContext(toolchain, open_store(mixed), None, JobServer(2))


@pytest.fixture(scope="session")
def context() -> BuildContext:
    """The compiler that a user without wishes gets, and the tests' shared store."""
    return make_context(CHECKOUT / "tests/.work/store")


def copy_example(context: BuildContext, folder: Path) -> Kernel:
    """The example vga_text as a project in `folder`."""
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("target", "build"))
    target = read_specification(context.toolchain, folder / "x86_64-vga_text.json")
    manifest = folder / "Cargo.toml"
    return Kernel(context, CrateBuild(manifest, target, folder / "target", folder, Sysroot(target)))


@pytest.fixture
def kernel(context: BuildContext, tmp_path: Path) -> Kernel:
    """A copy of the example vga_text, not built yet."""
    return copy_example(context, tmp_path / "vga_text")
