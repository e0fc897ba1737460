"""The engine without SCons, as a program calls it: build a kernel, make its images.

from bootimage import create_bootimage, locate_bootloader
image = create_bootimage("build/x86_64-blog_os/debug/blog_os")
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from bootimage.cargo_config import read_cargo_config
from bootimage.cargo_settings import build_targets
from bootimage.context import BuildContext
from bootimage.crate import CrateBuild
from bootimage.errors import BuildError
from bootimage.inputs import declared_inputs
from bootimage.jobserver import JobServer
from bootimage.kernel import build_kernel
from bootimage.loader.choose import choose_loader
from bootimage.loader.locate import dependency_manifest
from bootimage.manifest import Package, read_package
from bootimage.pipeline import Extras, Images, read_specification, write_images
from bootimage.process import run
from bootimage.remote_cache import open_remote
from bootimage.store import open_store
from bootimage.sysroot_crates import CRATES, Sysroot
from bootimage.target import Target
from bootimage.toolchain import ToolchainRequest, find_toolchain


@dataclass(frozen=True)
class KernelRequest:
    """Which kernels to build: the package, and what `cargo build` calls --target, --profile and so on.

    `target` is a triple or a target specification; None for the one in the cargo configuration.
    `target_dir` is cargo's (None: `target` in the workspace).
    """

    manifest: Path
    target: str | None = None
    target_dir: Path | None = None
    profile: str = "dev"
    bins: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    default_features: bool = True
    crates: tuple[str, ...] = CRATES


def open_context(project: Path, environ: Mapping[str, str] = os.environ) -> BuildContext:
    """The surroundings of a build of the package in `project`: as many jobs as there are processors."""
    toolchain = find_toolchain(ToolchainRequest(project=project, environ=dict(environ)))
    jobs = JobServer(len(os.sched_getaffinity(0)))
    return BuildContext(toolchain, open_store(environ), open_remote(environ), jobs)


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
    kernel = Path(kernel_binary).absolute()
    if not kernel.is_file():
        raise BuildError(
            "there is no such kernel", file=kernel_binary, hint="build it first: scons, or cargo build"
        )
    manifest = Path(kernel_manifest).absolute() if kernel_manifest else find_manifest(kernel)
    package = read_package(manifest)
    folder = Path(out_dir).absolute() if out_dir else kernel.parent
    return make_images(open_context(package.folder), package, kernel, folder).bios


def locate_bootloader(
    dependency: str = "bootloader", *, kernel_manifest: str | PathLike[str] | None = None
) -> Path:
    """The Cargo.toml of the package that the kernel calls `dependency`, where cargo keeps its source.

    The kernel is the package in the working directory, or `kernel_manifest`. Raises BuildError.
    """
    manifest = read_package(Path(kernel_manifest or "Cargo.toml").absolute()).manifest
    context = open_context(manifest.parent)
    command = [str(context.toolchain.cargo), "metadata", "--format-version=1", "--locked"]
    finished = run([*command, "--manifest-path", str(manifest)], env=context.environment(), quiet=True)
    finished.or_fail("cargo cannot read the package", file=manifest)
    return dependency_manifest(finished.stdout, dependency)


def build_kernels(context: BuildContext, request: KernelRequest) -> dict[str, Path]:
    """Build the package's kernels; their ELF files by the name of the binary."""
    package = read_package(request.manifest)
    target = _target(context, request, package)
    folder = (request.target_dir or package.workspace.folder / "target").absolute()
    custom = target.specification is not None or not context.toolchain.installed_std(target.name)
    build = CrateBuild(
        manifest=package.manifest,
        target=target,
        target_dir=folder,
        workspace_root=package.workspace.folder,
        sysroot=Sysroot(target, request.crates) if custom else None,
        profile=request.profile,
        bins=request.bins or tuple(crate.name for crate in package.binaries),
        features=request.features,
        default_features=request.default_features,
    )
    declared = declared_inputs(package.manifest, skip=[folder]).files
    return build_kernel(context, build, declared, package.workspace.folder)


def make_images(
    context: BuildContext, package: Package, kernel: Path, out_dir: Path, extras: Extras | None = None
) -> Images:
    """Write the images of `kernel`, a binary of `package`, into `out_dir`."""
    loader = choose_loader(package)
    return write_images(context, kernel, loader.version, out_dir, extras)


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
    try:
        return any(crate.name == name for crate in read_package(manifest).binaries)
    except BuildError:  # somebody else's package
        return False


def _candidates(start: Path) -> Iterator[Path]:
    folders = [*(start, *start.parents), *(Path.cwd(), *Path.cwd().parents)]
    for folder in dict.fromkeys(folders[:-1]):
        yield from (path for path in [folder / "Cargo.toml"] if path.is_file())
        if folder.parent != folder:
            yield from sorted(folder.glob("*/Cargo.toml"))


def _target(context: BuildContext, request: KernelRequest, package: Package) -> Target:
    asked = request.target or _configured(context, package)
    if asked.endswith(".json"):
        return read_specification(context, Path(asked).absolute())
    return Target(asked)


def _configured(context: BuildContext, package: Package) -> str:
    config = read_cargo_config(package.folder, context.toolchain.cargo_home())
    targets = package.default_targets or build_targets(config)
    if not targets:
        raise BuildError(
            "nothing says which target the kernel is for",
            file=package.manifest,
            hint="give --target x86_64-your_os.json, or set `build.target` in .cargo/config.toml",
        )
    return targets[0]
