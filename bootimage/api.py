"""The engine without SCons, as a program calls it: make the images of a kernel.

from bootimage import create_bootimage, locate_bootloader
image = create_bootimage("build/x86_64-blog_os/debug/blog_os")
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from bootimage.base.errors import BuildError
from bootimage.base.write_files import check_folder
from bootimage.cargo.find_manifest import find_manifest, with_dependency
from bootimage.cargo.manifest import read_package
from bootimage.context import open_context


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
    from bootimage.base.run_program import run
    from bootimage.loader.loader_source import dependency_manifest

    named = Path(kernel_manifest).absolute() if kernel_manifest else with_dependency(dependency)
    manifest = read_package(named).manifest
    context = open_context(manifest.parent)
    command = [str(context.toolchain.cargo), "metadata", "--format-version=1", "--locked"]
    environment = context.toolchain.fetch_environment()
    finished = run([*command, "--manifest-path", str(manifest)], env=environment, quiet=True)
    finished.or_fail("cargo cannot read the package", file=manifest)
    return dependency_manifest(finished.stdout, dependency)
