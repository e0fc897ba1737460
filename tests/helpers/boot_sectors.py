"""Guests of a few bytes: boot sectors in machine code, for tests that need a guest of a certain kind.

The BIOS loads the 512 bytes to 0x7c00 and jumps there in real mode, with the data segment at 0.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image

# cli; hlt; jmp to the hlt
HALT = bytes.fromhex("fa f4 ebfd")
# jmp to itself
SPIN = bytes.fromhex("ebfe")
# lidt [0x7df0], which holds zeros; int3: no handler, none for that, none for that either
TRIPLE_FAULT = bytes.fromhex("fa 31c0 8ed8 0f011ef07d cc")
# mov al, 0xfe; out 0x64, al: the keyboard controller pulls the reset line
RESET = bytes.fromhex("b0fe e664") + HALT
# mov dx, 0x604; mov ax, 0x2000; out dx, ax: ACPI sleep state S5, on QEMU's pc
SHUT_DOWN = bytes.fromhex("ba0406 b80020 ef") + HALT
# mov dx, 0x3f8; mov al, "x"; out dx, al; jmp to the out
ENDLESS_SERIAL = bytes.fromhex("baf803 b078 ee ebfd")
# mov dx, 0x3fd; wait for bit 0 of its byte; read a byte from 0x3f8, write it back;
# again unless it was a line feed
ECHO_LINE = bytes.fromhex("bafd03 ec a801 74fb baf803 ec ee 3c0a 75ef")
# mov ax, 0xb800; mov es, ax; inc word [es:0]; jmp to the inc: a screen that never stands still
FLICKER = bytes.fromhex("b800b8 8ec0 26ff060000 ebf9")


def exit_with(value: int) -> bytes:
    """Write `value` to isa-debug-exit: mov al, value; out 0xf4, al."""
    return bytes([0xB0, value, 0xE6, 0xF4]) + HALT


def serial(text: str) -> bytes:
    """Write `text` to the first serial port: mov dx, 0x3f8; then mov al, sign; out dx, al for each."""
    return b"\xba\xf8\x03" + b"".join(bytes([0xB0, sign, 0xEE]) for sign in text.encode())


def paint(colour: int) -> bytes:
    """Fill the screen of 320 x 200 pixels with one colour of the palette: mode 0x13, rep stosb."""
    return bytes.fromhex("b81300 cd10 b800a0 8ec0 31ff b900fa b0") + bytes([colour]) + b"\xf3\xaa"


def is_painted(file: Path, red: int, green: int, blue: int) -> bool:
    """True for a picture of `paint`, in the colour; QEMU has rounded the palette in more than one way."""
    with Image.open(file) as image:
        [(_count, found)] = image.getcolors()
        return image.size == (640, 400) and all(
            abs(a - b) < 4 for a, b in zip(found, (red, green, blue), strict=True)
        )


def wait(seconds: float) -> bytes:
    """Let the BIOS wait: int 0x15, ah 0x86, microseconds in cx:dx."""
    micros = int(seconds * 1_000_000)
    return b"\xb4\x86\xb9" + (micros >> 16).to_bytes(2, "little") + b"\xba" + _low(micros) + b"\xcd\x15"


def _low(number: int) -> bytes:
    return (number & 0xFFFF).to_bytes(2, "little")


def read_disk() -> bytes:
    """Read the first sector of the first hard disk to 0x8000: int 0x13, ah 2."""
    return bytes.fromhex("31c0 8ec0 bb0080 b80102 b90100 ba8000 cd13")


def write_disk() -> bytes:
    """Write what is at 0x8000 to the first sector of the first hard disk: int 0x13, ah 3."""
    return read_disk().replace(b"\xb8\x01\x02", b"\xb8\x01\x03")


def sector(*code: bytes) -> bytes:
    """A boot sector of `code`."""
    program = b"".join(code)
    assert len(program) <= 0x1F0
    return program.ljust(510, b"\0") + b"\x55\xaa"
