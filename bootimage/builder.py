"""The engine without SCons, as a program calls it: make the images of a kernel.

from bootimage import create_bootimage, locate_bootloader
image = create_bootimage("build/x86_64-blog_os/debug/blog_os")
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from bootimage.cargo.manifest import Package, read_package
from bootimage.context import BuildContext
from bootimage.errors import BuildError
from bootimage.files import check_folder
from bootimage.toolchain.toolchain import ToolchainRequest, find_toolchain

if TYPE_CHECKING:
    from bootimage.store.remote_cache import RemoteCache


def open_context(project: Path, environ: Mapping[str, str] = os.environ) -> BuildContext:
    """The surroundings of a build of the package in `project`: as many jobs as there are processors."""
    from bootimage.jobserver import JobServer
    from bootimage.store.store import open_store

    toolchain = find_toolchain(ToolchainRequest(project=project, environ=dict(environ)))
    jobs = JobServer(len(os.sched_getaffinity(0)))
    return BuildContext(toolchain, open_store(environ), _remote(environ), jobs)


def _remote(environ: Mapping[str, str]) -> RemoteCache | None:
    """The network cache; what speaks to it is loaded only where there is one."""
    if not environ.get("RUSTKERNEL_CACHE"):
        return None
    from bootimage.store.remote_cache import open_remote

    return open_remote(environ)


def create_bootimage(
    kernel_binary: str | PathLike[str],
    *,
    kernel_manifest: str | PathLike[str] | None = None,
    out_dir: str | PathLike[str] | None = None,
) -> Path:
    """Make the images of the compiled kernel `kernel_binary` and return the path of the BIOS disk.

    The loader is the one that the lock file of `kernel_manifest` names (by default the Cargo.toml that
    has a binary of that name: above the kernel or the working directory, or one folder below these).
    All images are written to `out_dir`, by default beside the kernel. Raises BuildError.
    """
    from bootimage.image.kernel_images import KernelImages, provide_images

    kernel = Path(kernel_binary).absolute()
    if not kernel.is_file():
        raise BuildError(
            "there is no such kernel", file=kernel_binary, hint="build it first: scons, or cargo build"
        )
    manifest = Path(kernel_manifest).absolute() if kernel_manifest else find_manifest(kernel)
    package = read_package(manifest)
    folder = Path(out_dir).absolute() if out_dir else kernel.parent
    check_folder(folder)
    return provide_images(open_context(package.folder), KernelImages(package, kernel, folder)).bios


def locate_bootloader(
    dependency: str = "bootloader", *, kernel_manifest: str | PathLike[str] | None = None
) -> Path:
    """The Cargo.toml of the package that the kernel calls `dependency`, where cargo keeps its source.

    The kernel is `kernel_manifest`, else the package in the working directory, else the nearest one that has
    such a dependency: in a folder above, or one folder below these. Raises BuildError.
    """
    from bootimage.loader.locate import dependency_manifest
    from bootimage.process import run

    named = Path(kernel_manifest).absolute() if kernel_manifest else _with_dependency(dependency)
    manifest = read_package(named).manifest
    context = open_context(manifest.parent)
    command = [str(context.toolchain.cargo), "metadata", "--format-version=1", "--locked"]
    environment = context.toolchain.fetch_environment()
    finished = run([*command, "--manifest-path", str(manifest)], env=environment, quiet=True)
    finished.or_fail("cargo cannot read the package", file=manifest)
    return dependency_manifest(finished.stdout, dependency)


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


def _with_dependency(name: str) -> Path:
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
        return read_package(manifest)
    except BuildError:
        return None


def _candidates(start: Path) -> Iterator[Path]:
    folders = [*(start, *start.parents), *(Path.cwd(), *Path.cwd().parents)]
    for folder in dict.fromkeys(folders[:-1]):
        yield from (path for path in [folder / "Cargo.toml"] if path.is_file())
        if folder.parent != folder:
            yield from sorted(folder.glob("*/Cargo.toml"))
