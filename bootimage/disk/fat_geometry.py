"""How a FAT volume of a given size is divided: its type, cluster size and where each part lies.

The type of a volume is a function of its cluster count alone (Microsoft's "FAT File System
Specification", "FAT Type Determination"). Drivers differ by one or a few clusters about the borders, so
volumes made here keep clear of them.
"""

from __future__ import annotations

from bootimage.base.errors import BuildError
from bootimage.base.lazy_dataclass import dataclass

SECTOR = 512
MIB = 1 << 20
ROOT_ENTRIES = 512

# Fewest and most clusters of a volume made here; the type changes at 4085 and 65525 clusters.
_CLUSTERS = {12: (1, 4085 - 17), 16: (4085 + 17, 65525 - 17), 32: (65525 + 17, 0x0FFFFFF4)}
# Sectors per cluster, best first: 4 KiB lets a file system share blocks between a kernel and its image.
_CLUSTER_SECTORS = {
    12: (8, 4, 2, 1, 16, 32, 64),
    16: (8, 4, 2, 1, 16, 32, 64),
    32: (8, 16, 32, 64, 4, 2, 1),
}
# Data begins at a multiple of 64 KiB: a page cache of large pages copies from block to block a fifth faster
# where both files' blocks begin at such a place.
_BLOCK_SECTORS = 128


class NoSuchVolume(BuildError):
    """A size that no volume of the FAT types allowed can have."""


@dataclass(frozen=True)
class Geometry:
    """A volume's division; counts in 512-byte sectors, places relative to the volume's start."""

    kind: int
    sectors: int
    cluster_sectors: int
    reserved: int
    fat_sectors: int
    root_entries: int
    fats: int = 2

    @property
    def root_start(self) -> int:
        """The first sector of the root folder's fixed place (FAT12 and FAT16)."""
        return self.reserved + self.fats * self.fat_sectors

    @property
    def data_start(self) -> int:
        """The first sector of cluster 2, the first one."""
        return self.root_start + -(-self.root_entries * 32 // SECTOR)

    @property
    def clusters(self) -> int:
        """How many clusters there are; they are numbered from 2."""
        return max(0, self.sectors - self.data_start) // self.cluster_sectors

    @property
    def cluster_size(self) -> int:
        """Bytes in a cluster."""
        return self.cluster_sectors * SECTOR

    def offset_of(self, cluster: int) -> int:
        """Bytes from the volume's start to `cluster`."""
        return self.data_start * SECTOR + (cluster - 2) * self.cluster_size

    def clusters_for(self, length: int) -> int:
        """How many clusters `length` bytes take."""
        return -(-length // self.cluster_size)


def kind_by_clusters(clusters: int) -> int:
    """12, 16 or 32: the type of a volume with so many clusters."""
    return 12 if clusters < 4085 else 16 if clusters < 65525 else 32


def usual_size(content: int) -> int:
    """The size of a volume for `content` bytes of files: whole MiB, 1 to 3 MiB of room."""
    return ((content + 65535) // MIB + 1) * MIB + MIB


def divide(size: int, first_sector: int, largest: int) -> Geometry:
    """Divide a volume of `size` bytes that begins at `first_sector` of its disk.

    FAT12 below 5 MiB, FAT16 below 512 MiB, then FAT32; with `largest` 16, FAT16 as far as it goes
    (nearly 2 GiB). Data begins at a multiple of 64 KiB of the disk. Raises NoSuchVolume for a size that no
    division suits.
    """
    if size % SECTOR:
        raise BuildError(f"a volume of {size} bytes is not a whole number of {SECTOR}-byte sectors")
    kind = 12 if size < 5 * MIB else 16 if size < 512 * MIB or largest == 16 else 32
    low, high = _CLUSTERS[kind]
    if size // SECTOR < 1 << 32:
        for cluster_sectors in _CLUSTER_SECTORS[kind]:
            geometry = _divide(kind, size // SECTOR, cluster_sectors, first_sector)
            if low <= geometry.clusters <= high:
                return geometry
    raise NoSuchVolume(f"no FAT{kind} volume can have {size:,} bytes")


def _divide(kind: int, sectors: int, cluster_sectors: int, first_sector: int) -> Geometry:
    reserved, root_entries = (8, 0) if kind == 32 else (1, ROOT_ENTRIES)
    # Enough for the clusters that there would be without the tables: at most a few sectors too long.
    fat_sectors = -(-(sectors // cluster_sectors + 2) * kind // (8 * SECTOR))
    tight = Geometry(kind, sectors, cluster_sectors, reserved, fat_sectors, root_entries)
    gap = -(first_sector + tight.data_start) % _BLOCK_SECTORS
    return Geometry(kind, sectors, cluster_sectors, reserved + gap, fat_sectors, root_entries)
