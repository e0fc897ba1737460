"""Pictures of a guest's screen: read QEMU's screendumps, compare them, write PNG files."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path

from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.write_files import write_output

# Largest character cell of a text screen: 9 x 16 pixels in VGA text mode, 8 x 19 in UEFI.
_CELL_WIDTH, _CELL_HEIGHT = 9, 19


@dataclass(frozen=True)
class Picture:
    """A picture of `height` rows of `width` pixels, each three bytes: red, green, blue."""

    width: int
    height: int
    pixels: bytes

    def pixel(self, x: int, y: int) -> tuple[int, int, int]:
        """The colour of the pixel in column `x` of row `y`, counted from 0 at the top left."""
        at = (y * self.width + x) * 3
        red, green, blue = self.pixels[at : at + 3]
        return red, green, blue

    def row(self, y: int) -> bytes:
        """The bytes of row `y`."""
        return self.pixels[y * self.width * 3 : (y + 1) * self.width * 3]

    def is_black(self) -> bool:
        """True when nothing at all is to be seen."""
        return not any(self.pixels)


def parse_ppm(data: bytes) -> Picture:
    """The picture in a binary PPM file ("P6", one byte a sample), which is what QEMU's screendump writes.

    Raises ValueError for anything else, a file cut short included.
    """
    header = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data)
    if header is None:
        raise ValueError("not a binary PPM file with 255 levels")
    width, height = int(header[1]), int(header[2])
    pixels = data[header.end() :]
    if not pixels or len(pixels) != width * height * 3:
        raise ValueError(f"{len(pixels)} bytes of pixels, where {width} x {height} need {width * height * 3}")
    return Picture(width, height, pixels)


def same_but_for_a_cursor(one: Picture, other: Picture) -> bool:
    """True when two pictures differ nowhere outside one character cell: a cursor may blink there."""
    if (one.width, one.height) != (other.width, other.height):
        return False
    if one.pixels == other.pixels:
        return True
    rows = [y for y in range(one.height) if one.row(y) != other.row(y)]
    if rows[-1] - rows[0] >= _CELL_HEIGHT:
        return False
    columns = [x for y in rows for x in range(one.width) if one.pixel(x, y) != other.pixel(x, y)]
    return max(columns) - min(columns) < _CELL_WIDTH


def png(picture: Picture) -> bytes:
    """The picture as a PNG file (ISO/IEC 15948): 8 bits a sample, no filter, no interlace."""
    rows = b"".join(b"\0" + picture.row(y) for y in range(picture.height))
    header = struct.pack(">IIBBBBB", picture.width, picture.height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(rows, 6))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def save_png(picture: Picture, path: Path) -> None:
    """Write the picture to `path`. Raises BuildError where that fails."""
    write_output(path, png(picture))
