"""What differs between two builds' files, by structure: partition table, volume, file, ELF section.

A difference is told once, where it begins: a kernel's section, not also the file, its directory entry
and the volume around it. Structures are compared by digest, so memory does not depend on the sizes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from bootimage.base.errors import BuildError
from bootimage.base.file_view import View, view_of
from bootimage.base.lazy_dataclass import dataclass
from bootimage.disk.read_fat import Entry, FatVolume
from bootimage.disk.read_partitions import FoundPartition, Table, read_table
from bootimage.elf.elf_headers import Elf, is_elf, read_elf_view

_EFI_SYSTEM = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
_FAT_ATTRIBUTES = 0x3F
# A disk, a volume, a file that is a disk, its volume, a program. Each is read at every depth around it.
_DEEPEST = 5


def describe_difference(first: Path, second: Path) -> list[str]:
    """One line for each structure that differs: `ESP: file kernel-x86_64: section .text differs`.

    Disks (MBR or GPT), FAT volumes, ELF files and any other file; an empty list for equal bytes.
    Raises BuildError for a file that cannot be read.
    """
    with view_of(first) as one, view_of(second) as other:
        return _content(one, other, 0)


def section_digests(path: Path) -> list[tuple[str, int, str]]:
    """(name, size, SHA-256) of each section of the ELF file at `path` that takes room in the file."""
    with view_of(path) as view:
        sections = read_elf_view(view).sections
        return [
            (each.name, each.size, view.part(each.offset, each.size).digest())
            for each in sections
            if each.in_file
        ]


def _content(one: View, other: View, depth: int) -> list[str]:
    """The differences of two views, told as closely as what both of them are allows."""
    if _same(one, other):
        return []
    for compare in (_disks, _volumes, _programs) if depth < _DEEPEST else ():
        # What cannot be read as a disk, a volume or a program is compared as bytes.
        with suppress(BuildError):
            lines = compare(one, other, depth + 1)
            if lines is not None:
                return lines or ["bytes outside every known structure differ"]
    return ["differs" if one.size == other.size else f"differs ({one.size:,} and {other.size:,} bytes)"]


def _same(one: View, other: View) -> bool:
    return one.size == other.size and one.digest() == other.digest()


def _disks(one: View, other: View, depth: int) -> list[str] | None:
    tables = read_table(one), read_table(other)
    if tables[0] is None or tables[1] is None:
        return None
    return list(_tables(one, other, tables[0], tables[1], depth))


def _tables(one: View, other: View, first: Table, second: Table, depth: int) -> Iterator[str]:
    if first.scheme != second.scheme:
        yield f"partition table: {first.scheme} and {second.scheme}"
        return
    if one.read(0, 440) != other.read(0, 440):
        yield "master boot record: the boot code differs"
    yield from _details("partition table", first.details, second.details)
    partitions = {each.number: each for each in first.partitions}
    others = {each.number: each for each in second.partitions}
    yield from _only("partition table: partition", partitions, others)
    for number in partitions.keys() & others.keys():
        mine, its = partitions[number], others[number]
        yield from _details(f"partition table: partition {number}", mine.details, its.details)
        yield from _under(_title(mine), _content(mine.content, its.content, depth))


def _title(partition: FoundPartition) -> str:
    return "ESP" if partition.kind == _EFI_SYSTEM else f"partition {partition.number}"


def _volumes(one: View, other: View, depth: int) -> list[str]:
    first, second = FatVolume(one), FatVolume(other)
    entries = {entry.path: entry for entry in first.entries()}
    others = {entry.path: entry for entry in second.entries()}
    lines = [*_headers(first, second), *_only("file", entries, others)]
    for path in entries:
        if path in others:
            lines += _entries(entries[path], others[path], depth)
    if list(entries) != list(others) and entries.keys() == others.keys():
        lines.append("the files are in another order")
    # Where every file is the same, the difference is in what holds the files together.
    return lines or list(_bones(first, second))


def _headers(first: FatVolume, second: FatVolume) -> Iterator[str]:
    facts = [
        (
            ("type", f"FAT{volume.geometry.kind}"),
            ("size in sectors", str(volume.geometry.sectors)),
            ("sectors per cluster", str(volume.geometry.cluster_sectors)),
            ("volume id", f"{volume.volume_id:08X}"),
            ("label", volume.label),
        )
        for volume in (first, second)
    ]
    yield from _details("volume", *facts)


def _entries(one: Entry, other: Entry, depth: int) -> list[str]:
    what = f"{'folder' if one.is_folder else 'file'} {one.path}"
    lines = list(
        _details(
            what,
            (("alias", one.alias), ("attributes", f"{one.attributes & _FAT_ATTRIBUTES:#x}")),
            (("alias", other.alias), ("attributes", f"{other.attributes & _FAT_ATTRIBUTES:#x}")),
        )
    )
    if one.stamps != other.stamps:
        lines.append(f"{what}: the time stamps differ")
    if not one.is_folder and not other.is_folder:
        lines += _under(what, _content(one.content, other.content, depth))
    return lines


def _bones(first: FatVolume, second: FatVolume) -> Iterator[str]:
    parts = [
        {
            "boot sector": volume.reserved(),
            **{f"allocation table {n + 1}": volume.table(n) for n in range(volume.geometry.fats)},
            "root folder": volume.root(),
        }
        for volume in (first, second)
    ]
    for name, view in parts[0].items():
        if name in parts[1] and not _same(view, parts[1][name]):
            yield f"{name} differs"


def _programs(one: View, other: View, _depth: int) -> list[str] | None:
    if not (is_elf(one) and is_elf(other)):
        return None
    first, second = read_elf_view(one), read_elf_view(other)
    return [*_elf_headers(first, second), *_sections(_Program(first, one), _Program(second, other))]


def _elf_headers(first: Elf, second: Elf) -> Iterator[str]:
    facts = [
        (("type", elf.kind), ("entry point", f"{elf.entry:#x}"), ("segments", str(len(elf.segments))))
        for elf in (first, second)
    ]
    yield from _details("ELF header", *facts)
    if len(first.segments) == len(second.segments) and first.segments != second.segments:
        yield "program headers differ"


@dataclass(frozen=True)
class _Program:
    elf: Elf
    view: View

    def sections(self) -> dict[str, View]:
        """Each section's bytes; of sections with one name the second is `.text (2)`."""
        found: dict[str, View] = {}
        counts: dict[str, int] = {}  # from where they were, so that no name is tried twice
        for section in self.elf.sections:
            name = section.name
            while name in found:
                counts[section.name] = counts.get(section.name, 1) + 1
                name = f"{section.name} ({counts[section.name]})"
            found[name] = self.view.part(section.offset, section.in_file)
        return found


def _sections(first: _Program, second: _Program) -> Iterator[str]:
    mine, its = first.sections(), second.sections()
    yield from _only("section", mine, its)
    for name, view in mine.items():
        if name in its and not _same(view, its[name]):
            sizes = "" if view.size == its[name].size else f" ({view.size:,} and {its[name].size:,} bytes)"
            yield f"section {name} differs{sizes}"


def _only(
    what: str, first: Mapping[str, object] | Mapping[int, object], second: Iterable[object]
) -> Iterator[str]:
    others = set(second)
    yield from (f"{what} {name} is only in the first" for name in first if name not in others)
    yield from (f"{what} {name} is only in the second" for name in second if name not in first)


def _details(what: str, first: Iterable[tuple[str, str]], second: Iterable[tuple[str, str]]) -> Iterator[str]:
    others = dict(second)
    for name, value in first:
        if others[name] != value:
            yield f"{what}: {name} is {value} and {others[name]}"


def _under(what: str, lines: Iterable[str]) -> list[str]:
    """`lines` about the structure `what`."""
    return [f"{what} {line}" if line.startswith("differs") else f"{what}: {line}" for line in lines]
