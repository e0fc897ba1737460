"""A kernel's ELF file: its settings for the boot loader, whether that can load it, and a copy to load.

The loader meets a kernel that it cannot load by standing still, often with nothing on the screen; so
whatever it would refuse or do wrong is refused here. Source of the rules: load_kernel.rs of the crate
`bootloader-x86_64-common`, and its ELF reader.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

from bootimage.base.errors import BuildError
from bootimage.base.file_view import view_of
from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.run_program import run
from bootimage.base.write_files import replacing
from bootimage.elf.elf_headers import Elf, Segment, read_elf
from bootimage.elf.loader_config import SECTION, LoaderConfig, check, decode, numbers
from bootimage.elf.relocations import check_relocations

_LONGEST_CONFIG = 4096

_PAGE = 4096
# Memory below 4 GiB that a PC has at most, less the 16 MiB below the place that kernels are loaded to.
MOST_MEMORY = (3584 - 16) << 20
_EXECUTE = 1


@dataclass(frozen=True)
class KernelFile:
    """A kernel's ELF file and the raw bytes of its settings for the loader, if it has any."""

    path: Path
    elf: Elf
    config: bytes | None


def read_kernel(path: Path) -> KernelFile:
    """Read the headers and loader settings of the kernel at `path`. Raises BuildError: see `elf`."""
    elf = read_elf(path)
    section = elf.section(SECTION)
    if section is None or not section.in_file:
        return KernelFile(path, elf, None)
    with view_of(path) as view:
        return KernelFile(path, elf, view.read(section.offset, min(section.size, _LONGEST_CONFIG)))


def read_loader_config(kernel: KernelFile) -> LoaderConfig:
    """Decode the settings of a kernel for a loader 0.11. Raises BuildError where there are none."""
    if kernel.config is None:
        raise BuildError(
            f"the kernel has no section {SECTION}: it is not made for the boot loader "
            "(the `bootloader` crate, 0.11), which would refuse it",
            file=kernel.path,
            hint='add `bootloader = { package = "bootloader_api", version = "0.11" }` to the dependencies in '
            "Cargo.toml and `bootloader::entry_point!(kernel_main);` to the kernel, in place of its `_start`",
        )
    with _about(kernel.path):
        return decode(kernel.config)


def check_bootable(path: Path, loader_version: str) -> LoaderConfig | None:
    """The settings for the loader in the kernel at `path`.

    Raises BuildError if the loader of that version (`0.11.17`) cannot load it. Loaders before 0.11 take their
    settings elsewhere, so only the kernel's segments are checked for them.
    """
    kernel, config = read_kernel(path), None
    if numbers(loader_version) >= (0, 11):
        config = read_loader_config(kernel)
        with _about(path):
            check(config, loader_version, position_independent=kernel.elf.kind == "ET_DYN")
            _check_mappings(config, kernel.elf)
        check_relocations(path, kernel.elf)
    check_loadable(kernel)
    return config


def _check_mappings(config: LoaderConfig, elf: Elf) -> None:
    """What the kernel wants to have mapped at a fixed address must not lie where the kernel itself does."""
    if elf.kind == "ET_DYN":
        return  # the loader chooses a place that is free
    for name, address in config.fixed.items():
        length = config.stack_size if name == "kernel_stack" else 1
        for segment in elf.loads():
            if segment.address < address + length and address < segment.address + segment.memory_size:
                raise BuildError(
                    f"the boot loader would stand still: `mappings.{name}` is {address:#x}, where the "
                    f"kernel's own segment at {segment.address:#x} lies",
                    hint="change it in the BootloaderConfig that is given to `entry_point!`",
                )


def check_loadable(kernel: KernelFile) -> None:
    """Raise BuildError if no loader could put the kernel's segments into memory."""
    with _about(kernel.path, "the boot loader cannot load this kernel: "):
        _check_segments(kernel.elf)


@contextmanager
def _about(path: Path, prefix: str = "") -> Iterator[None]:
    """Errors of the body are about the file at `path`."""
    try:
        yield
    except BuildError as error:
        raise BuildError(prefix + error.message, file=path, hint=error.hint) from None


def strip_debug(objcopy: Path, source: Path, target: Path, env: Mapping[str, str]) -> None:
    """Write `source` without debug information to `target`, which is replaced only when complete.

    Symbols stay. Raises BuildError if llvm-objcopy fails or harms what the loader needs.
    """
    before = read_kernel(source)
    with replacing(target) as partial:
        finished = run([objcopy, "--strip-debug", source, partial], env=env)
        finished.or_fail("cannot take the debug information out of the kernel", file=source)
        with _about(source, f"{objcopy.name} has written no good ELF file: "):
            after = read_kernel(partial)
        same_code = (before.elf.entry, before.config) == (after.elf.entry, after.config)
        if not same_code or len(after.elf.loads()) != len(before.elf.loads()):
            raise BuildError(
                f"{objcopy.name} has changed what the boot loader needs (entry point, segments, {SECTION})",
                file=source,
                hint="use the llvm-objcopy of the Rust toolchain: rustup component add llvm-tools",
            )


def _check_segments(elf: Elf) -> None:
    loads = elf.loads()
    if not loads:
        raise BuildError("it has no PT_LOAD segment, so nothing to be loaded")
    for segment in elf.segments:
        # The loader compares so, one byte stricter than the format.
        if segment.offset + segment.file_size >= elf.size:
            raise BuildError("a segment reaches to the very end of the file", hint="keep the section headers")
    for segment in loads:
        _check_load(segment)
    _check_together(loads)
    if sum(segment.kind == "PT_TLS" for segment in elf.segments) > 1:
        raise BuildError("it has more than one PT_TLS segment")
    if not any(
        each.flags & _EXECUTE and each.address <= elf.entry < each.address + each.memory_size
        for each in loads
    ):
        raise BuildError(
            f"its entry point {elf.entry:#x} is in none of its executable segments",
            hint="the linker found no `_start`: is `entry_point!` in the program's main.rs?",
        )


def _check_load(segment: Segment) -> None:
    where = f"the segment at {segment.address:#x}"
    if segment.memory_size < segment.file_size:
        raise BuildError(f"{where} has more bytes in the file than in memory")
    if segment.alignment > 1 and (segment.address - segment.offset) % segment.alignment:
        raise BuildError(f"{where} is not where its alignment of {segment.alignment:#x} puts it")
    if (segment.address - segment.offset) % _PAGE:
        raise BuildError(
            f"{where} does not lie in the file as it does in a page of memory",
            hint="link without -n, -N and --omagic, or with -z max-page-size=4096",
        )
    end = segment.address + max(segment.memory_size, 1) - 1
    if end >= 1 << 64 or end >> 47 not in (0, (1 << 17) - 1) or segment.address >> 47 != end >> 47:
        raise BuildError(f"{where} is not at a 48-bit address of the x86 processor")


def _check_together(loads: tuple[Segment, ...]) -> None:
    needed = sum(segment.memory_size for segment in loads)
    if needed > MOST_MEMORY:
        raise BuildError(f"it needs {needed:,} bytes of memory; below 4 GiB there are {MOST_MEMORY:,}")
    ordered = sorted((each for each in loads if each.memory_size), key=lambda each: each.address)
    for before, after in pairwise(ordered):
        if (before.address + before.memory_size - 1) // _PAGE >= after.address // _PAGE:
            raise BuildError(
                f"its segments at {before.address:#x} and {after.address:#x} share a page of memory",
                hint="align the sections in the linker script to 4 KiB where their access rights change",
            )
