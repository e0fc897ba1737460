"""Build kernels and make their images: what `cargo bootimage` and `cargo disk-image` have in common.

The loader, begun while the kernel is being compiled.

In a project's first build both take long, and one cargo alone seldom keeps all processors busy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Thread

from bootimage.base import child_processes, console
from bootimage.base.errors import BuildError
from bootimage.base.toml_file import read_toml
from bootimage.cargo.find_manifest import nearest_manifest
from bootimage.cargo.manifest import locate_manifest, read_package
from bootimage.cargo.workspace import find_workspace
from bootimage.cargo_cli.build_as_cargo import CargoBuild, Executable, build, prepare
from bootimage.cargo_cli.cargo_arguments import CargoArguments, parse_cargo_arguments
from bootimage.context import BuildContext, open_context
from bootimage.image.kernel_images import USUAL, KernelImages, provide_images, provide_loader

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
    console.output("Building kernel\n")
    with loader_ahead(context, manifest, partial(prepare, context, manifest, arguments, here, environ)):
        kernels = build(context, manifest, arguments, here, environ)
    if not kernels:
        raise BuildError("no executables built", file=manifest, hint="a kernel is a binary: src/main.rs")
    for kernel in kernels:
        console.output("Building bootloader\n")
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


@contextmanager
def loader_ahead(context: BuildContext, manifest: Path, find_out: Callable[[], CargoBuild]) -> Iterator[None]:
    """While the body builds the kernel of `manifest`, have its loader made, if nothing was ever built here.

    `find_out` tells what the body builds. Where the body fails, what was begun is ended. An error of the
    loader's is left to who needs it next.
    """
    asked = None if (find_workspace(read_toml(manifest)).folder / "target").exists() else find_out()
    if asked is None or asked.target_dir.exists():
        yield
        return
    child_processes.watch_signals()  # only here, in the main thread, can that be begun
    helper = Thread(target=_prepare, args=(context, asked))
    helper.start()
    try:
        yield
    except BaseException:
        child_processes.end_running()
        raise
    finally:
        helper.join()


def _prepare(context: BuildContext, asked: CargoBuild) -> None:
    with suppress(BuildError, OSError):
        package = read_package(asked.file.path)
        arguments = asked.arguments
        images = KernelImages(
            package,
            asked.target_dir / package.name,
            asked.target_dir,
            features=arguments.features_of(package),
            default_features=arguments.default_features,
            target=asked.target,
        )
        provide_loader(context, images)
