"""Write a FAT12, FAT16 or FAT32 volume into an open file, in one pass.

The same entries give the same bytes in any folder and on any day. Files lie in one piece each, the
largest one first and the others in the caller's order. What is not written is left as a hole; memory does
not depend on the files' sizes.
Source of the format: Microsoft's "FAT File System Specification".
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator, Mapping

from bootimage.base.errors import BuildError
from bootimage.base.lazy_dataclass import dataclass
from bootimage.disk import fat_geometry, fat_tree
from bootimage.disk.copy_ranges import copy_file, write_all
from bootimage.disk.fat_geometry import MIB, SECTOR, Geometry
from bootimage.disk.fat_names import label_bytes
from bootimage.disk.fat_tree import Node, Source

VOLUME_ID = 0x12345678
_NO_LABEL = b"NO NAME    "
_MEDIA = 0xF8
_SECTORS_PER_TRACK, _HEADS = 32, 64
_BACKUP_SECTOR = 6
_END_OF_CHAIN = {12: 0xFFF, 16: 0xFFFF, 32: 0x0FFFFFFF}
# Entries of the allocation table made at a time; even, since two FAT12 entries share three bytes.
_TABLE_BLOCK = 1 << 16
# int 0x18 ("no disk to boot from: try the next one"), then halt for ever.
_BOOT_CODE = b"\xcd\x18\xf4\xeb\xfd"


@dataclass(frozen=True)
class Volume:
    """A planned volume: everything is checked and placed, nothing is written yet.

    One without a `label` has no numbers of drive and volume in its boot sector either.
    """

    geometry: Geometry
    label: bytes
    root: Node
    used_clusters: int

    @property
    def size(self) -> int:
        """Bytes in the volume."""
        return self.geometry.sectors * SECTOR


def plan_volume(
    entries: Mapping[str, Source],
    *,
    label: str,
    first_sector: int = 0,
    size: int | None = None,
    largest: int = 32,
    spare: int = 0,
) -> Volume:
    """Lay out a volume with `entries` (path in the volume -> contents), which begins at `first_sector`.

    Without `size` (in bytes) it has the usual room to spare and always suffices. `largest` is the largest
    FAT type allowed (16 or 32); `spare` bytes at the end stay free. Raises BuildError: see
    `fat_tree.build`, and for a root folder that is full or a size that is too small.
    """
    root = fat_tree.build(entries)
    content = sum(node.length for node in root.walk() if node.source is not None)
    geometry = fat_geometry.divide(size or fat_geometry.usual_size(content), first_sector, largest)
    while missing := _missing(geometry, root, spare):
        if size is not None:
            raise BuildError(
                f"the volume of {size:,} bytes is too small: {missing:,} bytes more are needed",
                hint="name a larger size, or none, so that it is computed",
            )
        larger = geometry.sectors * SECTOR + -(-missing // MIB) * MIB
        geometry = fat_geometry.divide(larger, first_sector, largest)
    _check_root(geometry, root)
    return Volume(geometry, label_bytes(label), root, _place(geometry, root))


def write_volume(volume: Volume, target: int, offset: int) -> None:
    """Write `volume` into the file descriptor `target` at `offset` bytes.

    That part of the file must read as zeros so far. Raises OSError where the disk is full or fails, and
    BuildError for a source that has changed since it was planned.
    """
    geometry = volume.geometry
    for sector, data in _boot_sectors(volume):
        write_all(target, data, offset + sector * SECTOR)
    place = offset + geometry.reserved * SECTOR
    for block in _table_blocks(volume):
        for fat in range(geometry.fats):
            write_all(target, block, place + fat * geometry.fat_sectors * SECTOR)
        place += len(block)
    _write_folder(volume, volume.root, None, target, offset)


def _missing(geometry: Geometry, root: Node, spare: int) -> int:
    """How many bytes the volume is too small for the tree and `spare` free bytes; 0 if it suffices."""
    needed = sum(geometry.clusters_for(length) for length in _lengths(geometry, root))
    room = geometry.clusters - geometry.clusters_for(spare)
    return max(0, needed - room) * geometry.cluster_size


def _lengths(geometry: Geometry, root: Node) -> Iterator[int]:
    return (node.length for node in root.walk() if node is not root or geometry.kind == 32)


def _check_root(geometry: Geometry, root: Node) -> None:
    taken = root.length // 32
    if geometry.kind != 32 and taken > geometry.root_entries:
        raise BuildError(
            f"the root folder of the image needs {taken} entries (a long name takes several); "
            f"FAT{geometry.kind} allows {geometry.root_entries}",
            hint="put the files into a folder, or shorten their names",
        )


def _place(geometry: Geometry, root: Node) -> int:
    """Give every node its first cluster; return how many clusters are used.

    The largest file gets the best aligned place, the first one.
    """
    following = 2
    files = [node for node in root.walk() if node.source is not None]
    largest = max(files, key=lambda node: node.length, default=None)
    for node in sorted(root.walk(), key=lambda node: node is not largest):
        if node.length and (node is not root or geometry.kind == 32):
            node.first = following
            following += geometry.clusters_for(node.length)
    return following - 2


def _write_folder(volume: Volume, folder: Node, parent: Node | None, target: int, offset: int) -> None:
    data = fat_tree.folder_bytes(folder, parent, volume.label)
    write_all(target, data, offset + _offset_of(volume.geometry, folder))
    for child in folder.children.values():
        place = offset + _offset_of(volume.geometry, child)
        if child.source is None:
            _write_folder(volume, child, folder, target, offset)
        elif isinstance(child.source, bytes):
            write_all(target, child.source, place)
        else:
            copy_file(child.source, child.length, target, place)


def _offset_of(geometry: Geometry, node: Node) -> int:
    return geometry.offset_of(node.first) if node.first else geometry.root_start * SECTOR


def _boot_sectors(volume: Volume) -> Iterator[tuple[int, bytes]]:
    boot = _boot_sector(volume)
    yield 0, boot
    if volume.geometry.kind == 32:
        information = _information_sector(volume)
        yield 1, information
        yield _BACKUP_SECTOR, boot
        yield _BACKUP_SECTOR + 1, information


def _boot_sector(volume: Volume) -> bytes:
    geometry = volume.geometry
    small = geometry.sectors < 0x10000 and geometry.kind != 32
    common = struct.pack(
        "<8sHBHBHHBHHHII",
        b"RUSTKERN",
        SECTOR,
        geometry.cluster_sectors,
        geometry.reserved,
        geometry.fats,
        geometry.root_entries,
        geometry.sectors if small else 0,
        _MEDIA,
        0 if geometry.kind == 32 else geometry.fat_sectors,
        _SECTORS_PER_TRACK,
        _HEADS,
        0,  # hidden sectors
        0 if small else geometry.sectors,
    )
    if geometry.kind == 32:
        # Flags (both tables are kept alike), version 0.0, root cluster, places of the other sectors.
        common += struct.pack("<IHHIHH12x", geometry.fat_sectors, 0, 0, volume.root.first, 1, _BACKUP_SECTOR)
    name = f"FAT{geometry.kind}".ljust(8).encode()
    # Drive number, whether there are a volume number and a label, and the former.
    numbers = (0x80, 0, 0x29, VOLUME_ID) if volume.label else (0, 0, 0, 0)
    common += struct.pack("<BBBI11s8s", *numbers, volume.label or _NO_LABEL, name)
    jump = bytes([0xEB, len(common) + 1, 0x90])
    return (jump + common + _BOOT_CODE).ljust(SECTOR - 2, b"\0") + b"\x55\xaa"


def _information_sector(volume: Volume) -> bytes:
    """FAT32's count of free clusters, and where to look for one."""
    free = volume.geometry.clusters - volume.used_clusters
    following = 2 + volume.used_clusters
    head = b"RRaA".ljust(484, b"\0")
    return head + struct.pack("<4sII12xI", b"rrAa", free, following, 0xAA550000)


def _table_blocks(volume: Volume) -> Iterator[bytes]:
    """The used part of an allocation table: each entry names its successor or ends a file."""
    geometry = volume.geometry
    ends = sorted(
        node.first + geometry.clusters_for(node.length) - 1 for node in volume.root.walk() if node.first
    )
    total = 2 + volume.used_clusters
    end_of_chain = _END_OF_CHAIN[geometry.kind]
    position = 0
    for low in range(0, total, _TABLE_BLOCK):
        high = min(low + _TABLE_BLOCK, total)
        block = array("I" if geometry.kind == 32 else "H", range(low + 1, high + 1))
        if low == 0:
            block[0], block[1] = end_of_chain & ~0xFF | _MEDIA, end_of_chain
        while position < len(ends) and ends[position] < high:
            block[ends[position] - low] = end_of_chain
            position += 1
        yield _packed(block, geometry.kind)


def _packed(entries: array[int], kind: int) -> bytes:
    if kind == 12:
        return _packed_in_threes(entries)
    if sys.byteorder == "big":
        entries.byteswap()
    return entries.tobytes()


def _packed_in_threes(entries: array[int]) -> bytes:
    """FAT12: two entries of 12 bits in three bytes."""
    pairs = zip(entries[0::2], [*entries[1::2], 0], strict=False)
    return b"".join((low | high << 12).to_bytes(3, "little") for low, high in pairs)
