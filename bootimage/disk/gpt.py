"""A GUID partition table: 128 entries, both copies, deterministic for the GUIDs it is given.

Source of the format: the UEFI specification, chapter "GUID Partition Table (GPT) Disk Layout".
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from uuid import UUID

from bootimage.base.errors import BuildError
from bootimage.base.lazy_dataclass import dataclass
from bootimage.disk import mbr

SECTOR = 512
EFI_SYSTEM = UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")

ENTRIES, ENTRY_SIZE = 128, 128
TABLE_SECTORS = ENTRIES * ENTRY_SIZE // SECTOR
# The protective master boot record, the header and the entries lie before the first usable sector.
FIRST_USABLE = 2 + TABLE_SECTORS
# The entries' second copy and the second header lie after the last one.
BACKUP_SECTORS = TABLE_SECTORS + 1
HEADER = struct.Struct("<8sIIIIQQQQ16sQIII")
ENTRY = struct.Struct("<16s16sQQQ72s")
SIGNATURE = b"EFI PART"
_REVISION = 0x00010000
_LONGEST_NAME = 36


@dataclass(frozen=True)
class Partition:
    """One entry: `first` and `last` are sectors, both of them inside the partition."""

    kind: UUID
    guid: UUID
    first: int
    last: int
    name: str = ""
    attributes: int = 0


def tables(disk_sectors: int, disk_guid: UUID, partitions: Sequence[Partition]) -> tuple[bytes, bytes]:
    """The first 34 and the last 33 sectors of a disk: protective record and table, and the table's copy.

    Raises BuildError for partitions that overlap or lie outside the usable sectors.
    """
    last_usable = disk_sectors - BACKUP_SECTORS - 1
    _check(partitions, last_usable)
    entries = b"".join(map(_entry, partitions)).ljust(ENTRIES * ENTRY_SIZE, b"\0")
    end = disk_sectors - 1
    front = _header(1, end, 2, last_usable, disk_guid, entries)
    back = _header(end, 1, last_usable + 1, last_usable, disk_guid, entries)
    return mbr.protective(disk_sectors) + front + entries, entries + back


def header_checksum(header: bytes) -> int:
    """The checksum that a header of 92 bytes must hold: computed with its own field empty."""
    return zlib.crc32(header[:16] + bytes(4) + header[20 : HEADER.size])


def _header(here: int, other: int, table: int, last_usable: int, guid: UUID, entries: bytes) -> bytes:
    header = HEADER.pack(
        SIGNATURE,
        _REVISION,
        HEADER.size,
        0,
        0,
        here,
        other,
        FIRST_USABLE,
        last_usable,
        guid.bytes_le,
        table,
        ENTRIES,
        ENTRY_SIZE,
        zlib.crc32(entries),
    )
    checksum = struct.pack("<I", header_checksum(header))
    return (header[:16] + checksum + header[20:]).ljust(SECTOR, b"\0")


def _entry(partition: Partition) -> bytes:
    name = partition.name.encode("utf-16-le")
    if len(name) > 2 * _LONGEST_NAME:
        raise BuildError(f"the partition name {partition.name!r} is longer than {_LONGEST_NAME} letters")
    return ENTRY.pack(
        partition.kind.bytes_le,
        partition.guid.bytes_le,
        partition.first,
        partition.last,
        partition.attributes,
        name,
    )


def _check(partitions: Sequence[Partition], last_usable: int) -> None:
    if len(partitions) > ENTRIES:
        raise BuildError(f"a partition table holds {ENTRIES} partitions, not {len(partitions)}")
    free = FIRST_USABLE
    for each in sorted(partitions, key=lambda partition: partition.first):
        if not free <= each.first <= each.last <= last_usable:
            raise BuildError(f"the partition {each.name!r} overlaps another or lies outside the disk")
        free = each.last + 1
