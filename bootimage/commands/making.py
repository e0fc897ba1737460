"""Build kernels and make their images: what `cargo bootimage` and `cargo disk-image` have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from bootimage import report
from bootimage.builder import nearest_manifest, open_context
from bootimage.cargo.arguments import CargoArguments, parse_cargo_arguments
from bootimage.cargo.build import Executable, build, prepare
from bootimage.cargo.manifest import locate_manifest, read_package
from bootimage.commands.ahead import loader_ahead
from bootimage.errors import BuildError
from bootimage.image.kernel_images import USUAL, KernelImages, provide_images

Tell = Callable[[str, Path], None]
"""Called with a kernel's name and each disk that was made of it."""


def make(
    words: Sequence[str], environ: Mapping[str, str], tell: Tell, out_dir: Path | None = None
) -> list[Executable]:
    """Build what `cargo build WORDS` builds here, and the images of each kernel; the kernels.

    The images are written beside the kernel, or to `out_dir`.
    """
    here = Path.cwd()
    arguments = parse_cargo_arguments(words, here)
    manifest = chosen_manifest(arguments, here, environ)
    context = open_context(here, environ)
    report.output("Building kernel\n")
    with loader_ahead(context, manifest, partial(prepare, context, manifest, arguments, here, environ)):
        kernels = build(context, manifest, arguments, here, environ)
    if not kernels:
        raise BuildError("no executables built", file=manifest, hint="a kernel is a binary: src/main.rs")
    for kernel in kernels:
        report.output("Building bootloader\n")
        for disk in provide_images(context, _images(kernel, arguments, out_dir)).disks:
            tell(kernel.path.stem, disk)
    return kernels


def chosen_manifest(arguments: CargoArguments, here: Path, environ: Mapping[str, str]) -> Path:
    """The Cargo.toml that the arguments name, else the nearest. None there is a BuildError."""
    if arguments.manifest:
        return locate_manifest(arguments.manifest)
    if named := environ.get("CARGO_MANIFEST_DIR"):
        return locate_manifest(Path(named))
    manifest = nearest_manifest(here)
    if manifest is None:
        raise BuildError(
            "there is no Cargo.toml here or in a folder above", file=here, hint="cd to the kernel's folder"
        )
    return manifest


def _images(kernel: Executable, arguments: CargoArguments, out_dir: Path | None) -> KernelImages:
    package = read_package(kernel.manifest)
    return KernelImages(
        package,
        kernel.path,
        out_dir or kernel.path.parent,
        features=arguments.features_of(package),
        default_features=arguments.default_features,
        target=kernel.target or USUAL,
    )
