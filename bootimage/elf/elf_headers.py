"""What an ELF file says of itself, with nothing believed unchecked.

Only linked 64-bit x86 programs pass. A file that lies (tables or sections beyond its end, names beyond
the string table, sections on top of each other) is refused with the lie named; sizes are compared with
the file before anything is read, so a lie costs neither memory nor time.
Source of the format: System V Application Binary Interface, chapter 4; its structures are pyelftools'.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from bootimage.base.errors import BuildError
from bootimage.base.file_view import View, view_of
from bootimage.base.lazy_dataclass import dataclass

Result = TypeVar("Result")

_HEADER_SIZE, _SEGMENT_SIZE, _SECTION_SIZE = 64, 56, 64
# A linked program has some dozens; the format allows 2**64.
_MOST_HEADERS = 16384
_LONGEST_NAME = 4096

_OTHER_FORMATS = (
    (b"MZ", "a Windows or UEFI program (PE)"),
    (b"!<arch>", "a static library (ar)"),
    (b"!<thin>", "a static library (ar)"),
    (b"#!", "a script"),
    (b"\0asm", "a WebAssembly module"),
    (b"\xcf\xfa\xed\xfe", "a macOS program (Mach-O)"),
    (b"BC\xc0\xde", "LLVM bitcode"),
)
_UNLINKED = {
    "ET_REL": "an object file that no linker has seen yet",
    "ET_CORE": "a core dump",
    "ET_NONE": "of no type",
}


@dataclass(frozen=True)
class Section:
    """One section: `kind` as in `SHT_PROGBITS`; `offset` and `size` in the file."""

    name: str
    kind: str
    flags: int
    address: int
    offset: int
    size: int

    @property
    def in_file(self) -> int:
        """How many bytes of the file it takes (`.bss` takes none)."""
        return 0 if self.kind in ("SHT_NOBITS", "SHT_NULL") else self.size


@dataclass(frozen=True)
class Segment:
    """One program header: `kind` as in `PT_LOAD`, flags 1 to execute, 2 to write, 4 to read."""

    kind: str
    flags: int
    offset: int
    address: int
    file_size: int
    memory_size: int
    alignment: int


@dataclass(frozen=True)
class Elf:
    """A linked 64-bit x86 program."""

    size: int
    kind: str
    entry: int
    segments: tuple[Segment, ...]
    sections: tuple[Section, ...]

    def loads(self) -> tuple[Segment, ...]:
        """The segments that are put into memory."""
        return tuple(segment for segment in self.segments if segment.kind == "PT_LOAD")

    def section(self, name: str) -> Section | None:
        """The first section of that name."""
        return next((section for section in self.sections if section.name == name), None)

    def debug_size(self) -> int:
        """How many bytes of the file are debug information."""
        return sum(each.in_file for each in self.sections if each.name.startswith((".debug_", ".zdebug_")))


def read_elf(path: Path) -> Elf:
    """Read the headers of the file at `path`. Raises BuildError, with `path` in it, if it is refused."""
    return _read(path, read_elf_view)


def check_elf(path: Path) -> None:
    """Raise BuildError for a file that is no 64-bit ELF file by its first bytes, whatever its size."""
    _read(path, lambda view: _check_identity(view.read(0, _HEADER_SIZE)))


def _read(path: Path, reader: Callable[[View], Result]) -> Result:
    with view_of(path) as view:
        try:
            return reader(view)
        except BuildError as error:
            raise BuildError(error.message, file=path, hint=error.hint) from None


def is_elf(view: View) -> bool:
    """True for bytes that begin as an ELF file does."""
    return view.read(0, 4) == b"\x7fELF"


def read_elf_view(view: View) -> Elf:
    """Read the headers of an ELF file that is all of `view`. Raises BuildError: see the module."""
    _check_identity(view.read(0, _HEADER_SIZE))
    # Everything that pyelftools is given has its full size by now, so it has nothing to complain about.
    structs = _structs()
    header = structs.Elf_Ehdr.parse(view.read(0, _HEADER_SIZE))
    _check_header(header)
    segments = tuple(map(_segment, _table(view, structs.Elf_Phdr, header, "ph", _SEGMENT_SIZE)))
    for number, segment in enumerate(segments):
        _check_inside(view, f"program header {number}", segment.offset, segment.file_size)
    sections = _sections(view, structs, header)
    return Elf(view.size, header.e_type, header.e_entry, segments, sections)


@cache
def _structs() -> Any:
    # 50 ms to import, so only here.
    from elftools.elf.structs import ELFStructs

    structs = ELFStructs(little_endian=True, elfclass=64)
    structs.create_basic_structs()
    structs.create_advanced_structs(e_machine="EM_X86_64")
    return structs


def _check_identity(start: bytes) -> None:
    """Refuse what is no 64-bit little-endian ELF file, by its first 64 bytes."""
    if start[:4] != b"\x7fELF":
        raise _no_kernel(_what_else(start))
    if len(start) < _HEADER_SIZE:
        raise _no_kernel(f"a truncated ELF file of {len(start)} bytes")
    if start[4] != 2:
        raise _no_kernel("a 32-bit ELF file" if start[4] == 1 else "an ELF file of no known class")
    if start[5] != 1:
        raise _no_kernel("a big-endian ELF file")


def _what_else(start: bytes) -> str:
    if not start:
        return "an empty file"
    known = (what for magic, what in _OTHER_FORMATS if start.startswith(magic))
    return next(known, f"no ELF file (it begins with {start[:4].hex(' ')})")


def _check_header(header: Any) -> None:
    if header.e_machine != "EM_X86_64":
        raise _no_kernel(f"for another machine ({header.e_machine})")
    if header.e_type not in ("ET_EXEC", "ET_DYN"):
        raise _no_kernel(_UNLINKED.get(header.e_type, f"of the unknown type {header.e_type}"))
    if header.e_ehsize != _HEADER_SIZE:
        raise _lie(f"its header is said to have {header.e_ehsize} bytes instead of {_HEADER_SIZE}")


def _table(view: View, struct: Any, header: Any, prefix: str, size: int) -> Iterator[Any]:
    """The entries of the program headers (`ph`) or section headers (`sh`)."""
    what = {"ph": "program headers", "sh": "section headers"}[prefix]
    offset, count = header[f"e_{prefix}off"], header[f"e_{prefix}num"]
    if count and header[f"e_{prefix}entsize"] != size:
        raise _lie(f"its {what} are said to have {header[f'e_{prefix}entsize']} bytes each, not {size}")
    if count > _MOST_HEADERS:
        raise _lie(f"it claims {count:,} {what}")
    _check_inside(view, f"the table of {what}", offset if count else 0, count * size)
    data = view.read(offset, count * size)
    return (struct.parse(data[place : place + size]) for place in range(0, len(data), size))


def _segment(header: Any) -> Segment:
    return Segment(
        str(header.p_type),
        header.p_flags,
        header.p_offset,
        header.p_vaddr,
        header.p_filesz,
        header.p_memsz,
        header.p_align,
    )


def _sections(view: View, structs: Any, header: Any) -> tuple[Section, ...]:
    raw = list(_table(view, structs.Elf_Shdr, header, "sh", _SECTION_SIZE))
    if not raw:
        return ()
    if header.e_shstrndx >= len(raw):
        raise _lie(f"section names are in section {header.e_shstrndx} of {len(raw)}")
    names = raw[header.e_shstrndx]
    if names.sh_type != "SHT_STRTAB":
        raise _lie(f"section names are in section {header.e_shstrndx}, which is no table of names")
    _check_inside(view, "the table of section names", names.sh_offset, names.sh_size)
    sections = tuple(
        Section(
            _name(view, names, each.sh_name, number),
            str(each.sh_type),
            each.sh_flags,
            each.sh_addr,
            each.sh_offset,
            each.sh_size,
        )
        for number, each in enumerate(raw)
    )
    _check_sections(view, sections)
    return sections


def _name(view: View, names: Any, index: int, number: int) -> str:
    if index >= names.sh_size:
        if index == 0:
            return ""
        raise _lie(f"the name of section {number} is beyond the table of section names")
    data = view.read(names.sh_offset + index, min(names.sh_size - index, _LONGEST_NAME))
    name, end, _rest = data.partition(b"\0")
    if not end:
        raise _lie(f"the name of section {number} has no end")
    return name.decode("utf-8", "backslashreplace")


def _check_sections(view: View, sections: tuple[Section, ...]) -> None:
    filled = sorted((each for each in sections if each.in_file), key=lambda each: each.offset)
    for section in filled:
        _check_inside(view, f"section {section.name!r}", section.offset, section.size)
    for before, after in pairwise(filled):
        if before.offset + before.size > after.offset:
            raise _lie(f"the sections {before.name!r} and {after.name!r} lie on top of each other")


def _check_inside(view: View, what: str, offset: int, size: int) -> None:
    if offset + size > view.size:
        raise _lie(f"{what} ends at byte {offset + size:,}, the file at byte {view.size:,}")


def _no_kernel(what: str) -> BuildError:
    return BuildError(
        f"the kernel must be a linked 64-bit x86 ELF program; this is {what}",
        hint="build the kernel for an x86_64 target, and name the program that cargo reports",
    )


def _lie(what: str) -> BuildError:
    return BuildError(f"the ELF file contradicts itself or is truncated: {what}", hint="build it again")
