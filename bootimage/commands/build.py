"""`bootimage build ARGS` and `cargo disk-image ARGS`: the images of a kernel, compiled already or built now.

The arguments of the text's `builder`, and those of `cargo build`.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from bootimage.base import console
from bootimage.base.console import shown
from bootimage.base.errors import BuildError, closest
from bootimage.base.write_files import check_folder

_OURS = ("--kernel-manifest", "--kernel-binary", "--target-dir", "--out-dir")


def run(
    words: Sequence[str], environ: Mapping[str, str] = os.environ, program: str = "bootimage build"
) -> int:
    """Run the command, which is called `program`."""
    options, rest = parser(program).parse_known_args(words)
    out_dir = options.out_dir.absolute() if options.out_dir else None
    if out_dir:
        check_folder(out_dir)
    if options.kernel_binary:
        _of_binary(options, rest, out_dir, environ)
    else:
        manifest = ["--manifest-path", str(options.kernel_manifest)] if options.kernel_manifest else []
        _of_package([*manifest, *rest], out_dir, environ)
    return 0


def parser(program: str = "bootimage build") -> argparse.ArgumentParser:
    """The options that are not cargo's."""
    made = argparse.ArgumentParser(
        prog=program,
        usage=f"{program} [options] [options of cargo build]",
        description="Turn a Rust kernel into disk images which boot on BIOS and UEFI.",
        allow_abbrev=False,
    )
    add = made.add_argument
    add("--kernel-manifest", "--manifest-path", type=Path, metavar="PATH", help="the kernel's Cargo.toml")
    add("--kernel-binary", type=Path, metavar="PATH", help="a compiled kernel; without it, kernels are built")
    add("--out-dir", type=Path, metavar="DIR", help="where to write the images (default: beside the kernel)")
    return made


def _of_binary(
    options: argparse.Namespace, rest: Sequence[str], out_dir: Path | None, environ: Mapping[str, str]
) -> None:
    from bootimage.cargo.find_manifest import find_manifest
    from bootimage.cargo.manifest import read_package
    from bootimage.cargo_cli.cargo_arguments import parse_cargo_arguments
    from bootimage.context import open_context
    from bootimage.image.kernel_images import KernelImages, provide_images

    arguments = parse_cargo_arguments(rest, Path.cwd())
    _refuse_unknown(arguments.rest)
    kernel = options.kernel_binary.absolute()
    package = read_package((options.kernel_manifest or find_manifest(kernel)).absolute())
    asked = KernelImages(
        package,
        kernel,
        out_dir or kernel.parent,
        features=arguments.features_of(package),
        default_features=arguments.default_features,
    )
    for disk in provide_images(open_context(package.folder, environ), asked).disks:
        _tell(kernel.stem, disk)


# What scripts say of the kernel that they have built, or to the builder of a loader 0.10. The features reach
# the loader, and the rest changes no image of a kernel that is there already.
_WITH_VALUE = ("--features", "--profile", "--firmware", "--color")
_SWITCHES = (
    *("--release", "--no-default-features", "--all-features", "--locked", "--offline", "--frozen"),
    *("-r", "-q", "--quiet", "-v", "--verbose"),
)


def _refuse_unknown(words: Sequence[str]) -> None:
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        if word in _WITH_VALUE:
            if not waiting:
                raise BuildError(f"{word} needs a value")
            waiting.pop(0)
        elif word not in _SWITCHES and word.partition("=")[0] not in _WITH_VALUE:
            raise _unknown(word)


def _unknown(word: str) -> BuildError:
    name = word.partition("=")[0]
    near = closest(name, (*_WITH_VALUE, *_SWITCHES, *_OURS)) if name.startswith("--") else None
    return BuildError(
        f"`{word}` means nothing beside --kernel-binary: that kernel is compiled already",
        hint=f"did you mean {near}?" if near else "leave it out; `bootimage build --help` lists the options",
    )


def _of_package(words: Sequence[str], out_dir: Path | None, environ: Mapping[str, str]) -> None:
    from bootimage.cargo_cli.build_images import make

    make(words, environ, _tell, out_dir)


def _tell(_name: str, disk: Path) -> None:
    kind = "UEFI disk image" if disk.name.startswith("bootimage-uefi-") else "disk image"
    console.output(f"Created {kind} at `{shown(disk)}`\n")
