"""Small ELF files made by hand: kernels as the boot loader wants them, and ones that lie."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

CONFIG_ID = bytes.fromhex("743ca961093646a0bb555c158915253d")
BASE = 0x200000
PROGBITS, STRTAB, RELA, NOBITS = 1, 3, 4, 8
DYNAMIC = 2


def config(version: tuple[int, int, int] = (0, 11, 17), length: int = 133) -> bytes:
    """The loader settings that `entry_point!` of that version writes."""
    return (CONFIG_ID + struct.pack("<HHHBQ", *version, 0, 80 * 1024)).ljust(length, b"\0")


@dataclass
class Layout:
    """What is written into the headers; the defaults are a kernel that boots."""

    sections: dict[str, bytes] = field(
        default_factory=lambda: {
            ".text": b"\xf4\xeb\xfd".ljust(64, b"\x90"),
            ".bootloader-config": config(),
            ".debug_info": b"d" * 300,
        }
    )
    kind: int = 2
    machine: int = 62
    entry: int = BASE + 0x1000
    headers: dict[str, int] = field(default_factory=dict)
    segment: dict[str, int] = field(default_factory=dict)
    more_segments: list[dict[str, int]] = field(default_factory=list)


def elf(layout: Layout | None = None, **wishes: object) -> bytes:
    """The bytes of an ELF file: headers, the code at 0x1000, other sections, names, section headers."""
    layout = layout or Layout(**wishes)  # type: ignore[arg-type]
    data = bytearray(0x1000)
    names, table = bytearray(b"\0"), [struct.pack("<IIQQQQIIQQ", *[0] * 10)]
    for name, content in {**layout.sections, ".shstrtab": b""}.items():
        at = len(names)
        names += name.encode() + b"\0"
        content = bytes(names) if name == ".shstrtab" else content
        flags = 6 if name == ".text" else 2 if name.startswith(".rela") else 0
        kind = STRTAB if name == ".shstrtab" else RELA if name.startswith(".rela") else PROGBITS
        address = BASE + len(data) if flags else 0
        table.append(
            struct.pack("<IIQQQQIIQQ", at, kind, flags, address, len(data), len(content), 0, 0, 1, 0)
        )
        data += content
        data += bytes(-len(data) % 16)
    text = len(layout.sections.get(".text", b""))
    segments = [segment(**{"file_size": text, "memory_size": text, **layout.segment})]
    segments += [segment(**each) for each in layout.more_segments]
    numbers = {
        "phoff": 64 if segments else 0,
        "shoff": len(data),
        "ehsize": 64,
        "phentsize": 56,
        "phnum": len(segments),
        "shentsize": 64,
        "shnum": len(table),
        "shstrndx": len(table) - 1,
        **layout.headers,
    }
    places = numbers.pop("phoff"), numbers.pop("shoff")
    fields = (layout.kind, layout.machine, 1, layout.entry, *places, 0, *numbers.values())
    data[:64] = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + struct.pack("<HHIQQQIHHHHHH", *fields)
    data[64 : 64 + 56 * len(segments)] = b"".join(segments)
    return bytes(data + b"".join(table))


def segment(
    kind: int = 1,
    flags: int = 5,
    offset: int = 0x1000,
    address: int = BASE + 0x1000,
    file_size: int = 64,
    memory_size: int = 64,
    alignment: int = 0x1000,
) -> bytes:
    """One program header."""
    return struct.pack("<IIQQQQQQ", kind, flags, offset, address, address, file_size, memory_size, alignment)
