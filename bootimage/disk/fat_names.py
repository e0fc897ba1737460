"""Names in a FAT volume: what FAT forbids, short aliases, long names and their directory entries.

Source of the format: Microsoft's "FAT File System Specification", sections "Directory Structure" and
"Long File Name Implementation".
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Sequence

from bootimage.base.errors import BuildError
from bootimage.base.lazy_dataclass import dataclass

ENTRY_SIZE = 32
READ_ONLY, HIDDEN, SYSTEM, VOLUME_LABEL, FOLDER, ARCHIVE = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
LONG_NAME = READ_ONLY | HIDDEN | SYSTEM | VOLUME_LABEL
# 1 January 1980, 00:00: the first moment that FAT knows. Images must not depend on the day.
CONSTANT_DATE, CONSTANT_TIME = 0x0021, 0x0000

_FORBIDDEN = frozenset('"*/:<>?\\|\x7f') | {chr(code) for code in range(0x20)}
_SHORT = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'()-@^_`{}~")
_LONGEST = 255
_PER_ENTRY = 13


@dataclass(frozen=True)
class Name:
    """One name in a folder: `long` as the user wrote it, `short` its alias as 8 + 3 bytes."""

    long: str
    short: bytes

    @property
    def entries(self) -> int:
        """How many directory entries the name takes, the file's own included."""
        if shown(self.short) == self.long:
            return 1
        return 1 - -len(_units(self.long)) // (2 * _PER_ENTRY)


def check_name(name: str) -> None:
    """Raise BuildError for a name that cannot stand in a FAT folder."""
    if name in ("", ".", ".."):
        raise BuildError(f"{name!r} is not a file name")
    bad = sorted(_FORBIDDEN.intersection(name))
    if bad:
        raise BuildError(f"the file name {name!r} holds {bad[0]!r}, which a FAT volume forbids")
    if name[-1] in ". " or name[0] == " ":
        raise BuildError(
            f"the file name {name!r} begins or ends with a space or ends with a dot, which FAT drops"
        )
    if any(0xD800 <= ord(char) < 0xE000 for char in name):
        raise BuildError(f"the file name {name!r} is not valid text")
    if len(_units(name)) // 2 > _LONGEST:
        raise BuildError(f"the file name {name[:40]!r}... is longer than FAT's {_LONGEST} UTF-16 units")


def folded(name: str) -> str:
    """`name` as FAT compares it: letters of either case are the same."""
    return "".join(upper if len(upper := char.upper()) == 1 else char for char in name)


def with_aliases(names: Sequence[str]) -> list[Name]:
    """Give every name of one folder its 8.3 alias: its own where it has that form, else NAME~1.

    The names must already differ under `folded`. The aliases depend on the names and their order only.
    """
    taken = {own for name in names if (own := _own_alias(name))}
    counts: dict[tuple[str, str], int] = {}
    result = []
    for name in names:
        alias = _own_alias(name) or _numbered_alias(name, taken, counts)
        taken.add(alias)
        result.append(Name(name, alias))
    return result


def entry_bytes(name: Name, attributes: int, first_cluster: int, size: int) -> bytes:
    """The directory entries of one file or folder: its long name's, if it needs one, then its own."""
    long = _long_entries(name) if name.entries > 1 else b""
    return long + short_entry(name.short, attributes, first_cluster, size)


def short_entry(short: bytes, attributes: int, first_cluster: int, size: int) -> bytes:
    """One 32-byte directory entry with the constant time stamp."""
    return struct.pack(
        "<11sBBBHHHHHHHI",
        short,
        attributes,
        0,
        0,
        CONSTANT_TIME,
        CONSTANT_DATE,
        CONSTANT_DATE,
        first_cluster >> 16,
        CONSTANT_TIME,
        CONSTANT_DATE,
        first_cluster & 0xFFFF,
        size,
    )


def checksum(short: bytes) -> int:
    """The checksum of an alias that ties long-name entries to their file."""
    total = 0
    for byte in short:
        total = ((total >> 1) | (total << 7)) + byte & 0xFF
    return total


def shown(short: bytes) -> str:
    """An alias as a user sees it: `KERNEL~1`, `BOOTX64.EFI`."""
    stem, extension = short[:8].decode("ascii").rstrip(), short[8:].decode("ascii").rstrip()
    return f"{stem}.{extension}" if extension else stem


def label_bytes(text: str) -> bytes:
    """A volume label of 11 bytes made from `text`.

    Every character that a label cannot hold becomes `_`, spaces too: the boot loader's stage 2 reads
    the label as a file's name and stumbles over a space in its extension.
    """
    label = "".join(char if char in _SHORT else "_" for char in text.upper())[:11]
    return (label or "NO_NAME").ljust(11).encode("ascii")


def _units(name: str) -> bytes:
    return name.encode("utf-16-le")


def _own_alias(name: str) -> bytes | None:
    """The alias of a name that has the 8.3 form but for its letters' case, else None."""
    if not name.isascii():
        return None
    stem, dot, extension = name.upper().partition(".")
    if not 1 <= len(stem) <= 8 or len(extension) > 3 or bool(dot) != bool(extension):
        return None
    return _pack(stem, extension) if _SHORT.issuperset(stem + extension) else None


def _numbered_alias(name: str, taken: set[bytes], counts: dict[tuple[str, str], int]) -> bytes:
    stem, _dot, extension = name.lstrip(".").rpartition(".")
    if not stem:
        stem, extension = extension, ""
    stem, extension = _short_characters(stem)[:8], _short_characters(extension)[:3]
    # Numbers go on where the last alias of the same start left off: a thousand similar names must not
    # take a million tries.
    start = (stem[:6], extension)
    for number in itertools.count(counts.get(start, 0) + 1):
        tail = f"~{number}"
        alias = _pack(stem[: 8 - len(tail)] + tail, extension)
        if alias not in taken:
            counts[start] = number
            return alias
    raise AssertionError("unreachable")


def _short_characters(text: str) -> str:
    kept = (char for char in text.upper() if char not in ". ")
    return "".join(char if char in _SHORT else "_" for char in kept)


def _pack(stem: str, extension: str) -> bytes:
    return (stem.ljust(8) + extension.ljust(3)).encode("ascii")


def _long_entries(name: Name) -> bytes:
    units = _units(name.long)
    count = name.entries - 1
    if len(units) % (2 * _PER_ENTRY):
        units = (units + b"\0\0").ljust(count * 2 * _PER_ENTRY, b"\xff")
    parts = [_long_entry(units, index, count, checksum(name.short)) for index in range(count)]
    return b"".join(reversed(parts))


def _long_entry(units: bytes, index: int, count: int, alias_checksum: int) -> bytes:
    part = units[index * 2 * _PER_ENTRY :][: 2 * _PER_ENTRY]
    order = index + 1 | (0x40 if index == count - 1 else 0)
    return struct.pack(
        "<B10sBBB12sH4s", order, part[:10], LONG_NAME, 0, alias_checksum, part[10:22], 0, part[22:]
    )
