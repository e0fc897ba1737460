"""Made-up programs of a loader, with which an image can be written."""

from __future__ import annotations

import struct

STAGE_2 = bytes(range(256)) * 1922 + b"end of 2nd"


def efi_program() -> bytes:
    header = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, 0, 0, 0, 0, 240, 0x22)
    optional = struct.pack("<H", 0x20B).ljust(68, b"\0") + struct.pack("<H", 10)
    return (
        b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x80) + bytes(0x40) + header + optional.ljust(9000, b"e")
    )
