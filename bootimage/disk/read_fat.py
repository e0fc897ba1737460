"""Read a FAT volume, whoever wrote it: boot sector, allocation tables, folders and files.

Nothing that the volume says is believed before it is checked: damage ends in a BuildError that names
the structure, never in an endless chain or in a read beyond the volume.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from bootimage.base.errors import BuildError
from bootimage.base.file_view import View
from bootimage.base.lazy_dataclass import dataclass
from bootimage.disk import fat_names
from bootimage.disk.fat_geometry import SECTOR, Geometry, kind_by_clusters
from bootimage.disk.fat_names import ENTRY_SIZE

_LARGEST_FOLDER = 2 << 20
_DEEPEST = 64
_LOWER_CASE_STEM, _LOWER_CASE_EXTENSION = 0x08, 0x10
_DELETED, _LAST = 0xE5, 0x00


@dataclass(frozen=True)
class Entry:
    """One file or folder: path, alias, raw attributes and time stamps, and where its bytes lie."""

    path: str
    alias: str
    attributes: int
    stamps: bytes
    content: View

    @property
    def is_folder(self) -> bool:
        """True for a folder; `content` is its directory entries then."""
        return bool(self.attributes & fat_names.FOLDER)


class FatVolume:
    """The structures of the FAT volume that is all of `view`. Raises BuildError for anything else."""

    def __init__(self, view: View) -> None:
        sector = view.read(0, SECTOR)
        self.view = view
        self.geometry = _geometry(sector, view.size)
        end = 62 if self.geometry.kind != 32 else 90
        self.volume_id, label = struct.unpack("<I11s8x", sector[end - 23 : end])
        self.label = _text(label).rstrip()
        self._root_cluster = struct.unpack_from("<I", sector, 44)[0]
        self._table = _Table(self.table(0), self.geometry.kind)

    def reserved(self) -> View:
        """The reserved sectors: boot sector, FAT32's information sector, and their copies."""
        return self.view.part(0, self.geometry.reserved * SECTOR)

    def table(self, number: int) -> View:
        """Allocation table `number`, from 0."""
        size = self.geometry.fat_sectors * SECTOR
        return self.view.part(self.geometry.reserved * SECTOR + number * size, size)

    def root(self) -> View:
        """The root folder's directory entries."""
        if self.geometry.kind == 32:
            return self._folder(self._root_cluster, "/", self._none_taken())
        return self.view.part(self.geometry.root_start * SECTOR, self.geometry.root_entries * ENTRY_SIZE)

    def entries(self) -> Iterator[Entry]:
        """Every file and folder below the root, folders before what they hold.

        A cluster belongs to one of them alone: what shares one, or runs in a circle, is damage.
        """
        return self._entries_in("", self.root(), 0, self._none_taken())

    def _none_taken(self) -> bytearray:
        return bytearray(self.geometry.clusters + 2)

    def _entries_in(self, path: str, content: View, depth: int, taken: bytearray) -> Iterator[Entry]:
        if depth > _DEEPEST:
            raise _damaged(f"its folders are nested without end ({path[:60]!r}...)")
        for name, raw in _named_entries(content.read(0, _LARGEST_FOLDER)):
            entry = self._entry(f"{path}/{name}".lstrip("/"), raw, taken)
            yield entry
            if entry.is_folder:
                yield from self._entries_in(entry.path, entry.content, depth + 1, taken)

    def _entry(self, path: str, raw: bytes, taken: bytearray) -> Entry:
        alias, attributes, created, high, written, low, size = struct.unpack("<11sBx7sH4sHI", raw)
        first = high << 16 | low if self.geometry.kind == 32 else low
        is_folder = attributes & fat_names.FOLDER
        content = self._folder(first, path, taken) if is_folder else self._file(first, size, path, taken)
        return Entry(path, _alias(alias), attributes, created + written, content)

    def _file(self, first: int, size: int, path: str, taken: bytearray) -> View:
        count = self.geometry.clusters_for(size)
        clusters = self._chain(first, count, path, taken) if count else []
        if len(clusters) < count:
            raise _damaged(f"the chain of clusters of {path!r} is too short")
        return self._joined(clusters).part(0, size)

    def _folder(self, first: int, path: str, taken: bytearray) -> View:
        most = _LARGEST_FOLDER // self.geometry.cluster_size
        clusters = self._chain(first, most + 1, path, taken)
        if not 1 <= len(clusters) <= most:
            raise _damaged(f"the chain of clusters of the folder {path!r} has no end")
        return self._joined(clusters)

    def _chain(self, first: int, most: int, path: str, taken: bytearray) -> list[int]:
        """The clusters that hang together from `first`, at most so many; they are `taken` from then on."""
        clusters: list[int] = []
        for cluster in self._table.chain(first, self.geometry.clusters):
            if len(clusters) == most:
                break
            if taken[cluster]:
                raise _damaged(f"{path!r} has a cluster that is taken already")
            taken[cluster] = True
            clusters.append(cluster)
        return clusters

    def _joined(self, clusters: list[int]) -> View:
        """The bytes of `clusters`, neighbours joined into one extent."""
        runs: list[list[int]] = []
        for cluster in clusters:
            if runs and runs[-1][1] == cluster:
                runs[-1][1] += 1
            else:
                runs.append([cluster, cluster + 1])
        size = self.geometry.cluster_size
        parts = (self.view.part(self.geometry.offset_of(low), (high - low) * size) for low, high in runs)
        return View(self.view.file, [extent for part in parts for extent in part.extents])


class _Table:
    """An allocation table, read in blocks: only the block in use is in memory."""

    _BLOCK = 4096 * 3  # whole entries of 12, 16 and 32 bits

    def __init__(self, view: View, kind: int) -> None:
        self._view, self._kind = view, kind
        self._number, self._block = -1, b""

    def chain(self, first: int, clusters: int) -> Iterator[int]:
        """The clusters that hang together from `first`, until one that is no cluster of the volume.

        A chain that runs in a circle has no end: the caller takes as many as make sense.
        """
        cluster = first
        while 2 <= cluster < clusters + 2:
            yield cluster
            cluster = self._successor(cluster)

    def _successor(self, cluster: int) -> int:
        number, inside = divmod(cluster * self._kind // 8, self._BLOCK)
        if number != self._number:
            self._number, self._block = number, self._view.read(number * self._BLOCK, self._BLOCK)
        found = int.from_bytes(self._block[inside : inside + (self._kind + 7) // 8], "little")
        if self._kind == 12:
            return found >> 4 if cluster & 1 else found & 0xFFF
        return found & (0xFFFF if self._kind == 16 else 0x0FFFFFFF)


def _geometry(sector: bytes, size: int) -> Geometry:
    if len(sector) < SECTOR or sector[510:] != b"\x55\xaa":
        raise _damaged("its boot sector has no signature")
    fields = struct.unpack_from("<HBHBHHBHHHII", sector, 11)
    sector_size, cluster_sectors, reserved, fats, root_entries, small, _media, fat_sectors = fields[:8]
    if sector_size != SECTOR or not cluster_sectors or not reserved or not fats:
        raise _damaged("its boot sector makes no sense (only 512-byte sectors are known)")
    sectors = small or fields[-1]
    fat_sectors = fat_sectors or struct.unpack_from("<I", sector, 36)[0]
    found = Geometry(0, sectors, cluster_sectors, reserved, fat_sectors, root_entries, fats)
    kind = kind_by_clusters(found.clusters)
    enough = fat_sectors * SECTOR * 8 >= (found.clusters + 2) * kind
    if sectors * SECTOR > size or not found.clusters or not enough:
        raise _damaged(f"its boot sector tells of {sectors:,} sectors that cannot be")
    return Geometry(kind, sectors, cluster_sectors, reserved, fat_sectors, root_entries, fats)


def _named_entries(data: bytes) -> Iterator[tuple[str, bytes]]:
    """(name, entry) of every file and folder in a folder's bytes; `.`, `..` and labels left out."""
    long: list[bytes] = []
    for offset in range(0, len(data) - ENTRY_SIZE + 1, ENTRY_SIZE):
        raw = data[offset : offset + ENTRY_SIZE]
        if raw[0] == _LAST:
            return
        if raw[11] & 0x3F == fat_names.LONG_NAME and raw[0] != _DELETED:
            long.append(raw)
            continue
        if raw[0] not in (_DELETED, ord(".")) and not raw[11] & fat_names.VOLUME_LABEL:
            yield _long_name(long, raw[:11]) or _short_name(raw), raw
        long = []


def _long_name(parts: list[bytes], short: bytes) -> str | None:
    """The name that the long entries before a file spell, or None where they are not this file's."""
    orders = [part[0] & 0x3F for part in parts]
    if not parts or orders != list(range(len(parts), 0, -1)):
        return None
    if any(part[13] != fat_names.checksum(short) for part in parts):
        return None
    units = b"".join(part[1:11] + part[14:26] + part[28:32] for part in reversed(parts))
    return units.decode("utf-16-le", "replace").split("\0")[0].rstrip("\uffff").replace("/", "\ufffd")


def _short_name(raw: bytes) -> str:
    stem, extension = _text(raw[:8]).rstrip(), _text(raw[8:11]).rstrip()
    stem = stem.lower() if raw[12] & _LOWER_CASE_STEM else stem
    extension = extension.lower() if raw[12] & _LOWER_CASE_EXTENSION else extension
    return f"{stem}.{extension}" if extension else stem


def _alias(short: bytes) -> str:
    stem, extension = _text(short[:8]).rstrip(), _text(short[8:]).rstrip()
    return f"{stem}.{extension}" if extension else stem


def _text(data: bytes) -> str:
    return data.decode("ascii", "replace").replace("/", "\ufffd")


def _damaged(what: str) -> BuildError:
    return BuildError(f"this is no FAT volume that can be read: {what}")
