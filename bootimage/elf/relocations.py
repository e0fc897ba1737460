"""The addresses in a kernel that its loader has to fill in: those that loader 0.11 does not know how to.

Source of the rules: `apply_relocation` of `bootloader-x86_64-common` (load_kernel.rs), 0.11.0 to 0.11.17,
which panics; of the format: System V Application Binary Interface, AMD64 supplement, chapter 4.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from bootimage.base.errors import BuildError
from bootimage.base.file_view import View, view_of
from bootimage.elf.elf_headers import Elf, Section

_ENTRY = struct.Struct("<QQq")  # address, symbol and type, addend
_SYMBOL_SIZE = 24
_RELATIVE = 8
_ALLOCATED = 2
_LONGEST_NAME = 4096
_AT_ONCE = 1 << 14  # entries


def check_relocations(path: Path, elf: Elf) -> None:
    """Raise BuildError for the first relocation of the kernel at `path` that loader 0.11 does not apply."""
    if not any(segment.kind == "PT_DYNAMIC" for segment in elf.segments):
        return  # the loader looks for them there alone
    with view_of(path) as view:
        for section in elf.sections:
            if section.kind == "SHT_RELA" and section.flags & _ALLOCATED:
                _check(path, elf, view, section)


def _check(path: Path, elf: Elf, view: View, section: Section) -> None:
    for address, info, _addend in _entries(view, section):
        symbol, kind = info >> 32, info & 0xFFFFFFFF
        if symbol == 0 and kind == _RELATIVE:
            continue
        name = _symbol_name(elf, view, symbol) if symbol else ""
        raise BuildError(
            f"the boot loader cannot load this kernel: it has a relocation {_kind_name(kind)} at {address:#x}"
            f"{f' of the symbol `{name}`' if name else ''}; the loader knows R_X86_64_RELATIVE alone",
            file=path,
            hint=(f"define `{name}`, or link" if name else "link")
            + ' without relocations: RUSTFLAGS=["-Crelocation-model=static"]',
        )


def _entries(view: View, section: Section) -> Iterator[tuple[int, int, int]]:
    end = section.offset + section.size - section.size % _ENTRY.size
    for place in range(section.offset, end, _AT_ONCE * _ENTRY.size):
        yield from _ENTRY.iter_unpack(view.read(place, min(_AT_ONCE * _ENTRY.size, end - place)))


def _kind_name(kind: int) -> str:
    from elftools.elf.enums import ENUM_RELOC_TYPE_x64

    return next((name for name, number in ENUM_RELOC_TYPE_x64.items() if number == kind), f"of type {kind}")


def _symbol_name(elf: Elf, view: View, number: int) -> str:
    """The name, demangled no further; a number where the file has no such symbol."""
    symbols, names = elf.section(".dynsym"), elf.section(".dynstr")
    if symbols is None or names is None or (number + 1) * _SYMBOL_SIZE > symbols.in_file:
        return f"number {number}"
    (at,) = struct.unpack("<I", view.read(symbols.offset + number * _SYMBOL_SIZE, 4))
    if at >= names.in_file:
        return f"number {number}"
    text = view.read(names.offset + at, min(_LONGEST_NAME, names.in_file - at))
    return text.partition(b"\0")[0].decode(errors="replace")
