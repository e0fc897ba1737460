"""`bootimage build ARGS` and `cargo disk-image ARGS`: the images of a kernel, compiled already or built now.

The arguments of the text's `builder`, and those of `cargo build`.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from bootimage.commands import shown


def run(
    words: Sequence[str], environ: Mapping[str, str] = os.environ, program: str = "bootimage build"
) -> int:
    """Run the command, which is called `program`."""
    options, rest = _parser(program).parse_known_args(words)
    out_dir = options.out_dir.absolute() if options.out_dir else None
    if options.kernel_binary:
        _of_binary(options, out_dir, environ)
    else:
        manifest = ["--manifest-path", str(options.kernel_manifest)] if options.kernel_manifest else []
        _of_package([*manifest, *rest], out_dir, environ)
    return 0


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        usage=f"{program} [options] [options of cargo build]",
        description="Turn a Rust kernel into disk images which boot on BIOS and UEFI.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--kernel-manifest", "--manifest-path", type=Path, metavar="PATH", help="the kernel's Cargo.toml")
    add("--kernel-binary", type=Path, metavar="PATH", help="a compiled kernel; without it, kernels are built")
    add("--out-dir", type=Path, metavar="DIR", help="where to write the images (default: beside the kernel)")
    return parser


def _of_binary(options: argparse.Namespace, out_dir: Path | None, environ: Mapping[str, str]) -> None:
    from bootimage.builder import find_manifest, open_context
    from bootimage.cargo.manifest import read_package
    from bootimage.image.kernel_images import KernelImages, provide_images

    kernel = options.kernel_binary.absolute()
    package = read_package((options.kernel_manifest or find_manifest(kernel)).absolute())
    asked = KernelImages(package, kernel, out_dir or kernel.parent)
    for disk in provide_images(open_context(package.folder, environ), asked).disks:
        _tell(kernel.stem, disk)


def _of_package(words: Sequence[str], out_dir: Path | None, environ: Mapping[str, str]) -> None:
    from bootimage.commands.making import make

    make(words, environ, _tell, out_dir)


def _tell(_name: str, disk: Path) -> None:
    kind = "UEFI disk image" if disk.name.startswith("bootimage-uefi-") else "disk image"
    print(f"Created {kind} at `{shown(disk)}`", flush=True)
