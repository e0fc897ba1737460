"""Read a disk's partition table, MBR or GPT, whoever wrote it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from itertools import pairwise
from uuid import UUID

from bootimage.base.errors import BuildError
from bootimage.base.file_view import View
from bootimage.base.lazy_dataclass import dataclass
from bootimage.disk import gpt, mbr

SECTOR = 512
_MOST_ENTRIES = 1024


@dataclass(frozen=True)
class FoundPartition:
    """One partition: its number from 1, what the table says of it as text, and its bytes."""

    number: int
    kind: str
    details: tuple[tuple[str, str], ...]
    content: View


@dataclass(frozen=True)
class Table:
    """A partition table: `MBR` or `GPT`, what it says of the disk, and its partitions."""

    scheme: str
    details: tuple[tuple[str, str], ...]
    partitions: tuple[FoundPartition, ...]


def read_table(disk: View) -> Table | None:
    """The partition table of `disk`, or None where there is none.

    Raises BuildError for a table that contradicts itself or tells of bytes beyond the disk.
    """
    sector = disk.read(0, SECTOR)
    if len(sector) < SECTOR or sector[-2:] != mbr.SIGNATURE:
        return None
    entries = [sector[mbr.TABLE_OFFSET + n * 16 :][:16] for n in range(4)]
    if any(entry[0] not in (0, 0x80) for entry in entries):
        return None  # a volume's boot sector, say: code where the table would be
    used = [(number, entry) for number, entry in enumerate(entries, 1) if entry[4]]
    if any(entry[4] == mbr.PROTECTIVE for _number, entry in used):
        return _read_gpt(disk)
    if not used:
        return None
    return Table("MBR", (), _apart(_mbr_partition(disk, *each) for each in used))


def _mbr_partition(disk: View, number: int, entry: bytes) -> FoundPartition:
    active, start, kind, end, first, sectors = struct.unpack("<B3sB3sII", entry)
    details = (
        ("type", f"{kind:#04x}"),
        ("active flag", f"{active:#04x}"),
        ("first sector", str(first)),
        ("sectors", str(sectors)),
        ("cylinder addresses", f"{start.hex()} {end.hex()}"),
    )
    return FoundPartition(number, f"{kind:#04x}", details, _sectors(disk, number, first, sectors))


def _read_gpt(disk: View) -> Table:
    header = disk.read(SECTOR, gpt.HEADER.size)
    if len(header) < gpt.HEADER.size or header[:8] != gpt.SIGNATURE:
        raise _damaged("it has no header")
    fields = gpt.HEADER.unpack(header)
    guid, table, count, size = fields[9:13]
    if not gpt.ENTRY.size <= size <= 4096 or count > _MOST_ENTRIES:
        raise _damaged("its header makes no sense")
    entries = disk.read(table * SECTOR, count * size)
    if zlib.crc32(entries) != fields[13] or gpt.header_checksum(header) != fields[3]:
        raise _damaged("a checksum is wrong")
    used = [
        (n + 1, entries[n * size :][: gpt.ENTRY.size]) for n in range(count) if any(entries[n * size :][:16])
    ]
    details = (("GUID", str(UUID(bytes_le=guid))), ("sectors", str(disk.size // SECTOR)))
    return Table("GPT", details, _apart(_gpt_partition(disk, *each) for each in used))


def _apart(partitions: Iterable[FoundPartition]) -> tuple[FoundPartition, ...]:
    """The partitions, which must not be on top of each other."""
    found = tuple(partitions)
    extents = sorted((*each.content.extents[0], each.number) for each in found)
    for (start, size, number), (next_start, _, following) in pairwise(extents):
        if start + size > next_start:
            raise _damaged(f"the partitions {number} and {following} are on top of each other")
    return found


def _gpt_partition(disk: View, number: int, entry: bytes) -> FoundPartition:
    kind, guid, first, last, attributes, name = gpt.ENTRY.unpack(entry)
    details = (
        ("type", str(UUID(bytes_le=kind))),
        ("GUID", str(UUID(bytes_le=guid))),
        ("first sector", str(first)),
        ("last sector", str(last)),
        ("attributes", f"{attributes:#x}"),
        ("name", name.decode("utf-16-le", "replace").rstrip("\0")),
    )
    content = _sectors(disk, number, first, last - first + 1)
    return FoundPartition(number, str(UUID(bytes_le=kind)), details, content)


def _sectors(disk: View, number: int, first: int, sectors: int) -> View:
    if first <= 0 or sectors <= 0 or (first + sectors) * SECTOR > disk.size:
        raise _damaged(f"partition {number} is no part of the disk")
    return disk.part(first * SECTOR, sectors * SECTOR)


def _damaged(what: str) -> BuildError:
    return BuildError(f"the partition table cannot be read: {what}")
