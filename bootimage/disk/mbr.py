"""The partition table of a master boot record, and the protective one in front of a GPT.

Addresses are given both ways, as sector numbers and as cylinder, head and sector of the usual 255 heads
with 63 sectors each: some BIOSes guess a USB stick's geometry from the latter.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from bootimage.base.errors import BuildError
from bootimage.base.lazy_dataclass import dataclass

SECTOR = 512
TABLE_OFFSET = 446
ENTRY_SIZE = 16
SIGNATURE = b"\x55\xaa"
PROTECTIVE = 0xEE

_HEADS, _SECTORS_PER_TRACK, _CYLINDERS = 255, 63, 1024
_MOST_SECTORS = 0xFFFFFFFF


@dataclass(frozen=True)
class Partition:
    """One entry of the table: `kind` is its type byte, `first` its first sector, `active` 0x80 or 0."""

    kind: int
    first: int
    sectors: int
    active: bool = False


def with_partitions(boot_sector: bytes, partitions: Sequence[Partition]) -> bytes:
    """Return `boot_sector` with up to four partitions in its empty table.

    Raises BuildError for a sector that is not 512 bytes with the boot signature, or whose table is in use.
    """
    if len(boot_sector) != SECTOR:
        raise BuildError(f"the boot sector has {len(boot_sector)} bytes instead of {SECTOR}")
    if boot_sector[-2:] != SIGNATURE:
        raise BuildError("the boot sector does not end with the signature 55 AA")
    if any(boot_sector[TABLE_OFFSET:-2]):
        raise BuildError("the partition table of the boot sector is in use: its code is too long")
    return boot_sector[:TABLE_OFFSET] + _table(partitions) + SIGNATURE


def protective(disk_sectors: int) -> bytes:
    """The master boot record of a GPT disk: one partition over all of it, for tools that know no GPT."""
    last = _cylinder_head_sector(disk_sectors - 1, beyond=b"\xff\xff\xff")
    sectors = min(disk_sectors - 1, _MOST_SECTORS)
    entry = struct.pack("<B3sB3sII", 0, b"\x00\x02\x00", PROTECTIVE, last, 1, sectors)
    return bytes(TABLE_OFFSET) + entry.ljust(4 * ENTRY_SIZE, b"\0") + SIGNATURE


def _table(partitions: Sequence[Partition]) -> bytes:
    return b"".join(map(_entry, partitions)).ljust(4 * ENTRY_SIZE, b"\0")


def _entry(partition: Partition) -> bytes:
    last = partition.first + partition.sectors - 1
    if last > _MOST_SECTORS:
        raise BuildError("a partition beyond 2 TiB cannot stand in a master boot record")
    return struct.pack(
        "<B3sB3sII",
        0x80 if partition.active else 0,
        _cylinder_head_sector(partition.first),
        partition.kind,
        _cylinder_head_sector(last),
        partition.first,
        partition.sectors,
    )


def _cylinder_head_sector(sector: int, beyond: bytes = b"\xfe\xff\xff") -> bytes:
    """The packed address, or `beyond` for a sector that has no cylinder below 1024."""
    track, in_track = divmod(sector, _SECTORS_PER_TRACK)
    cylinder, head = divmod(track, _HEADS)
    if cylinder >= _CYLINDERS:
        return beyond
    return bytes([head, in_track + 1 | cylinder >> 2 & 0xC0, cylinder & 0xFF])
