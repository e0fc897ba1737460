"""Two builds' files: the structure that differs is named, once."""

from __future__ import annotations

import os
import struct
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from elf_bytes import config, elf
from fat_oracles import call
from loader_parts import STAGE_2, efi_program

from bootimage.disk.fat_geometry import MIB
from bootimage.image.disk_images import BiosStages, Contents, write_bios_disk, write_uefi_disk
from bootimage.inspection.image_difference import describe_difference, section_digests

CODE = b"\x90" * 64


def build(folder: Path, firmware: str, **changes: Any) -> Path:
    """One disk; `changes` replace parts of what goes into it."""
    folder.mkdir()
    parts = {
        "boot_sector": b"\xfa".ljust(510, b"\0") + b"\x55\xaa",
        "stage_2": STAGE_2,
        "stage_3": b"3" * 1000,
        "stage_4": b"4" * 1000,
        "efi": efi_program(),
        "kernel": elf(sections={".text": CODE, ".bootloader-config": config()}),
        "ramdisk": b"ramdisk",
        **{name: value for name, value in changes.items() if isinstance(value, bytes)},
    }
    for name, data in parts.items():
        (folder / name).write_bytes(data)
    contents = Contents(folder / "kernel", changes.get("kernel_name", "blog_os"), folder / "ramdisk")
    contents = replace(contents, files=dict.fromkeys(changes.get("files", []), folder / "ramdisk"))
    if firmware == "uefi":
        write_uefi_disk(folder / "disk", folder / "efi", contents)
    else:
        stages = ("boot_sector", "stage_2", "stage_3", "stage_4")
        write_bios_disk(
            folder / "disk", BiosStages("0.11.17", *(folder / stage for stage in stages)), contents
        )
    return folder / "disk"


def kernel(code: bytes = CODE, **sections: bytes) -> bytes:
    return elf(sections={".text": code, ".bootloader-config": config(), **sections})


FILE = "file kernel-x86_64"
CASES: list[tuple[str, dict[str, Any], list[str]]] = [
    ("uefi", {}, []),
    ("bios", {}, []),
    ("uefi", {"kernel": kernel(b"\xcc" * 64)}, [f"ESP: {FILE}: section .text differs"]),
    ("bios", {"kernel": kernel(b"\xcc" * 64)}, [f"partition 2: {FILE}: section .text differs"]),
    (
        "uefi",
        {"kernel": kernel(**{".comment": b"rustc"})},
        [
            f"ESP: {FILE}: section .comment is only in the second",
            f"ESP: {FILE}: section .shstrtab differs (36 and 45 bytes)",
        ],
    ),
    ("bios", {"ramdisk": b"other!!"}, ["partition 2: file ramdisk differs"]),
    ("bios", {"ramdisk": b"longer one"}, ["partition 2: file ramdisk differs (7 and 10 bytes)"]),
    ("bios", {"stage_2": STAGE_2[:-1] + b"!"}, ["partition 1 differs"]),
    (
        "bios",
        {"boot_sector": b"\xfb".ljust(510, b"\0") + b"\x55\xaa"},
        ["master boot record: the boot code differs"],
    ),
    (
        "uefi",
        {"efi": efi_program() + b"!"},
        ["ESP: file efi/boot/bootx64.efi differs (9,152 and 9,153 bytes)"],
    ),
    ("uefi", {"files": ["a b"]}, ["ESP: file a b is only in the second"]),
]


@pytest.mark.parametrize(("firmware", "changes", "expected"), CASES)
def test_one_change(tmp_path: Path, firmware: str, changes: dict[str, Any], expected: list[str]) -> None:
    first, second = build(tmp_path / "1", firmware), build(tmp_path / "2", firmware, **changes)
    assert describe_difference(first, second) == expected


def test_another_name_changes_label_and_identity(tmp_path: Path) -> None:
    first, second = build(tmp_path / "1", "uefi"), build(tmp_path / "2", "uefi", kernel_name="other")
    lines = describe_difference(first, second)
    assert [line.partition(" is ")[0] for line in lines] == [
        "partition table: GUID",
        "partition table: partition 1: GUID",
        "ESP: volume: label",
    ]


def test_other_firmware(tmp_path: Path) -> None:
    first, second = build(tmp_path / "1", "uefi"), build(tmp_path / "2", "bios")
    assert describe_difference(first, second) == ["partition table: GPT and MBR"]


def test_time_stamps_and_order_by_mtools(tmp_path: Path) -> None:
    for name, order, day in (("a", "xy", 1), ("b", "xy", 1_000_000_000), ("c", "yx", 1)):
        with (tmp_path / name).open("wb") as file:
            file.truncate(2 * MIB)
        call("mkfs.fat", "--invariant", tmp_path / name)
        for each in order:
            (tmp_path / each).write_bytes(each.encode())
            os.utime(tmp_path / each, (day, day))
            call("mcopy", "-m", "-i", tmp_path / name, tmp_path / each, "::")
    assert describe_difference(tmp_path / "a", tmp_path / "b") == [
        "file x: the time stamps differ",
        "file y: the time stamps differ",
    ]
    assert "the files are in another order" in describe_difference(tmp_path / "a", tmp_path / "c")


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (3, "ESP: boot sector differs"),
        (4000 * 512, "ESP: bytes outside every known structure differ"),
    ],
)
def test_bytes_behind_every_file(tmp_path: Path, place: int, expected: str) -> None:
    first, second = build(tmp_path / "1", "uefi"), build(tmp_path / "2", "uefi")
    with second.open("r+b") as file:
        file.seek(MIB + place)
        file.write(b"!")
    assert describe_difference(first, second) == [expected]


def test_plain_files_and_programs(tmp_path: Path) -> None:
    files = {
        "a": b"text",
        "b": b"tEXt",
        "c": b"texts",
        "k": kernel(),
        "m": kernel(entry := b"\xcc" * 64),
        "e": b"",
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    assert entry != CODE

    def told(first: str, second: str) -> list[str]:
        return describe_difference(tmp_path / first, tmp_path / second)

    assert told("a", "a") == told("e", "e") == []
    assert told("a", "b") == ["differs"]
    assert told("a", "c") == ["differs (4 and 5 bytes)"]
    assert told("e", "a") == ["differs (0 and 4 bytes)"]
    assert told("k", "a") == [f"differs ({len(kernel()):,} and 4 bytes)"]
    assert told("k", "m") == ["section .text differs"]
    names = [name for name, _size, _digest in section_digests(tmp_path / "k")]
    assert names == [".text", ".bootloader-config", ".shstrtab"]


def test_large_images_are_compared_quickly(tmp_path: Path) -> None:
    ramdisk = os.urandom(MIB) * 64 + b"?"
    first = build(tmp_path / "1", "uefi", ramdisk=ramdisk)
    second = build(tmp_path / "2", "uefi", ramdisk=ramdisk[:-1] + b"!")
    start = time.monotonic()
    assert describe_difference(first, second) == ["ESP: file ramdisk differs"]
    assert time.monotonic() - start < 5


def test_small_files_take_no_long_time(tmp_path: Path) -> None:
    """Thousands of sections of one name, and a disk whose partitions are disks, hundreds of them deep."""
    sections = {f"s{number}": b"" for number in range(5000)}
    for name in ("one", "other"):
        program = bytearray(elf(sections=sections))
        for place in range(len(program) - 64 * 5002, len(program), 64):
            program[place : place + 4] = bytes(4)  # no section has a name
        disks = bytearray(512 * 400)
        for number in range(399):
            entry = struct.pack("<B3sB3sII", 0, b"", 0x0C, b"", 1, 399 - number)
            disks[number * 512 + 446 : number * 512 + 462] = entry
            disks[number * 512 + 510 : number * 512 + 512] = b"\x55\xaa"
        (tmp_path / f"{name}.elf").write_bytes(program + name.encode())
        (tmp_path / f"{name}.disk").write_bytes(disks + name.encode().ljust(512))
    began = time.process_time()
    for kind in ("elf", "disk"):
        assert describe_difference(tmp_path / f"one.{kind}", tmp_path / f"other.{kind}")
    assert time.process_time() - began < 5
