"""The commands: `bootimage`, `cargo disk-image`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bootimage.errors import BuildError

if TYPE_CHECKING:
    from bootimage.context import BuildContext


def main(arguments: Sequence[str] | None = None) -> int:
    """`bootimage ARGS`: the images of one kernel binary, or of a package's kernels after building them."""
    return _run(lambda: _build(_parser("bootimage").parse_args(arguments)))


def cargo_disk_image(arguments: Sequence[str] | None = None) -> int:
    """`cargo disk-image ARGS`: build the kernels of the package here, and their images."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    # cargo calls its subcommands with their own name first.
    words = words[1:] if words[:1] == ["disk-image"] else words
    return _run(lambda: _build(_parser("cargo disk-image").parse_args(words)))


def _run(command: Callable[[], None]) -> int:
    try:
        command()
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program, description="Turn a Rust kernel into disk images which boot on BIOS and UEFI."
    )
    add = parser.add_argument
    add("--kernel-manifest", "--manifest-path", type=Path, metavar="PATH", help="the kernel's Cargo.toml")
    add("--kernel-binary", type=Path, metavar="PATH", help="a compiled kernel; without it, kernels are built")
    add("--target-dir", type=Path, metavar="DIR", help="cargo's folder for what it builds")
    add("--out-dir", type=Path, metavar="DIR", help="where to write the images (default: beside the kernel)")
    add("--target", metavar="TARGET", help="a triple or a target specification")
    add("--release", action="store_true", help="build with optimizations")
    add("--profile", metavar="NAME", help="build with this cargo profile")
    add("--bin", action="append", default=[], metavar="NAME", help="only this binary (may be repeated)")
    add("--features", action="append", default=[], metavar="LIST", help="features of the kernel's package")
    add("--no-default-features", action="store_true", help="without the features that are on by default")
    return parser


def _build(options: argparse.Namespace) -> None:
    from bootimage.builder import find_manifest, make_images, open_context
    from bootimage.manifest import read_package

    given = options.kernel_manifest
    binary = options.kernel_binary.absolute() if options.kernel_binary else None
    manifest = given or (find_manifest(binary) if binary else _here())
    package = read_package(manifest.absolute())
    context = open_context(package.folder)
    for kernel in [binary] if binary else _kernels(context, options, package.manifest):
        images = make_images(context, package, kernel, _out_dir(options, kernel))
        print(f"Created disk image at `{_shown(images.bios)}`")
        print(f"Created UEFI disk image at `{_shown(images.uefi)}`")


def _here() -> Path:
    """The Cargo.toml of the working directory or the nearest above, as cargo looks for it."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "Cargo.toml").is_file():
            return folder / "Cargo.toml"
    raise BuildError(
        "there is no Cargo.toml here or in a folder above", file=here, hint="cd to the kernel's folder"
    )


def _kernels(context: BuildContext, options: argparse.Namespace, manifest: Path) -> list[Path]:
    from bootimage.builder import KernelRequest, build_kernels

    request = KernelRequest(
        manifest=manifest,
        target=options.target,
        target_dir=options.target_dir or _from_environment("CARGO_TARGET_DIR"),
        profile=options.profile or ("release" if options.release else "dev"),
        bins=tuple(options.bin),
        features=tuple(name for text in options.features for name in text.replace(",", " ").split()),
        default_features=not options.no_default_features,
    )
    return list(build_kernels(context, request).values())


def _from_environment(name: str) -> Path | None:
    return Path(os.environ[name]) if os.environ.get(name) else None


def _out_dir(options: argparse.Namespace, kernel: Path) -> Path:
    return options.out_dir.absolute() if options.out_dir else kernel.parent


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
