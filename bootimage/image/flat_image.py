"""The last link of a loader 0.9: loader and kernel become one flat disk image.

The kernel goes in as the loader's own recipe has it (build.rs of the crate `bootloader` 0.9): without debug
information, as a section `.kernel` between the symbols by which the loader finds it.
"""

from __future__ import annotations

import os
from pathlib import Path

from bootimage.base.errors import BuildError
from bootimage.base.run_program import Argument, run
from bootimage.base.write_files import copy_whole
from bootimage.context import BuildContext
from bootimage.elf.elf_headers import Elf, Segment
from bootimage.elf.kernel_file import check_loadable, read_kernel
from bootimage.loader.compile_0_9 import ARGUMENTS, OBJECT, SCRIPT
from bootimage.loader.loader_0_9 import FlatLoader, provide_loader

SECTOR = 512

_MOST_HEADERS = 32
_PAGE = 4096
# The loader lies in memory from here on, first its page tables, then the image up to the kernel ...
_LOADER_AT = 0x1000
_IMAGE_AT = 0x7C00
# ... and maps all that, and the screen's memory, for itself: a kernel's segments cannot be mapped there too.
_SCREEN = (0xA0000, 0xC0000)

# A position-independent kernel is linked at 0, a static one at 2 MiB; and `core` is compiled to fit.
_STATIC = (
    'RUSTFLAGS=["-Crelocation-model=static"]; or "relocation-model": "static" in its target specification, '
    "or among the `rustflags` of .cargo/config.toml"
)
_HIGHER = 'link it at 1 MiB or higher: RUSTFLAGS=["-Clink-arg=--image-base=0x200000"]'


def write_flat_image(context: BuildContext, loader: Path, kernel: Path, out: Path) -> None:
    """Link the loader in the folder `loader` with the ELF file `kernel`, and write the disk image to `out`.

    Raises BuildError for a kernel that the loader could not load; `out` then stays as it is.
    """
    facts = read_kernel(kernel)
    check_loadable(facts)
    _check_headers(kernel, facts.elf)
    with context.store.work("flat image") as folder:
        _wrap(context, kernel, folder)
        _link(context, loader, folder)
        flat = folder / "flat"
        kernel_at = flat.stat().st_size - (folder / "kernel").stat().st_size
        _check_shape(flat, kernel_at)
        _check_places(kernel, facts.elf, _IMAGE_AT + kernel_at)
        _pad(flat)
        copy_whole(flat, out)


def _wrap(context: BuildContext, kernel: Path, folder: Path) -> None:
    """Make `kernel` (without debug information) and `kernel.o` (that as a section) in `folder`."""
    objcopy = context.toolchain.objcopy()
    _run(context, folder, [objcopy, "--strip-debug", kernel.absolute(), "kernel"])
    symbols = {"start": "_kernel_start_addr", "end": "_kernel_end_addr", "size": "_kernel_size"}
    renamed = [
        word for old, new in symbols.items() for word in ("--redefine-sym", f"_binary_kernel_{old}={new}")
    ]
    into = ["-I", "binary", "-O", "elf64-x86-64", "--binary-architecture=i386:x86-64"]
    _run(
        context, folder, [objcopy, *into, "--rename-section", ".data=.kernel", *renamed, "kernel", "kernel.o"]
    )


def _link(context: BuildContext, loader: Path, folder: Path) -> None:
    """Make the image `flat` in `folder`, from its `kernel.o` and the loader's files."""
    linker: list[Argument] = [
        context.toolchain.linker(),
        "-flavor",
        "gnu",
        "--oformat=binary",
        "-o",
        folder / "flat",
    ]
    _run(context, loader, [*linker, f"@{ARGUMENTS}", OBJECT, folder / "kernel.o"])


def _run(context: BuildContext, folder: Path, command: list[Argument]) -> None:
    run(command, env=context.toolchain.objcopy_environment(), cwd=folder, quiet=True).or_fail(
        "kernel and loader cannot be linked"
    )


def _pad(flat: Path) -> None:
    """Fill the last sector with zeros; an image is data, whatever the linker takes it for."""
    os.truncate(flat, -(-flat.stat().st_size // SECTOR) * SECTOR)
    flat.chmod(0o644)


def _check_shape(flat: Path, kernel_at: int) -> None:
    """Fail if a section that the linker script does not know has come before or after all others."""
    with flat.open("rb") as file:
        begins = file.read(SECTOR).endswith(b"\x55\xaa")
        file.seek(kernel_at)
        ends = file.read(4) == b"\x7fELF"
    if not (begins and ends):
        raise BuildError(
            "the linked image does not begin with a boot sector and end with the kernel",
            hint="this loader's linker script does not name all of its sections: use a published version",
        )


def _check_headers(kernel: Path, elf: Elf) -> None:
    if len(elf.segments) > _MOST_HEADERS:
        raise BuildError(
            f"the kernel has {len(elf.segments)} program headers, loader 0.9 takes {_MOST_HEADERS} at most",
            file=kernel,
            hint="join sections of the same access rights in the linker script",
        )
    relocations = elf.section(".rela.dyn")
    if elf.kind == "ET_DYN" and relocations is not None and relocations.size:
        raise BuildError(
            "the kernel is position-independent and has addresses to fill in; loader 0.9 fills in none",
            file=kernel,
            hint=_STATIC,
        )


def _check_places(kernel: Path, elf: Elf, loader_end: int) -> None:
    for segment in elf.loads():
        for start, end in ((_LOADER_AT, loader_end), _SCREEN):
            if segment.memory_size and _shares_page(segment, start, end):
                raise BuildError(
                    f"the kernel's segment at {segment.address:#x} lies in memory that loader 0.9 needs "
                    f"itself ({start:#x} to {end:#x})",
                    file=kernel,
                    hint=_STATIC if elf.kind == "ET_DYN" else _HIGHER,
                )


def _shares_page(segment: Segment, start: int, end: int) -> bool:
    first, last = segment.address // _PAGE, (segment.address + segment.memory_size - 1) // _PAGE
    return first <= (end - 1) // _PAGE and last >= start // _PAGE


def provide_flat_image(context: BuildContext, flat: FlatLoader, kernel: Path, out: Path) -> None:
    """Write the disk image that boots the ELF file `kernel` to `out`.

    It is flat: boot sector, loader and kernel without debug information, one after the other, padded
    to whole sectors. Raises BuildError where the loader does not build or could not load the kernel.
    """
    loader = provide_loader(context, flat)
    folder = context.store.tree(loader, {name: name for name in (OBJECT, SCRIPT, ARGUMENTS)})
    write_flat_image(context, folder, kernel, out)
