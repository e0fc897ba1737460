from __future__ import annotations

from pathlib import Path

import pytest

from bootimage.base.errors import BuildError
from bootimage.machine import qemu
from bootimage.machine.qemu import Machine
from bootimage.machine.uefi_firmware import Firmware

PLAIN = Machine(Path("/bin/qemu"), Path("disk.img"))


def arguments(vars_copy: Path | None = None, **options: object) -> list[str]:
    return Machine(PLAIN.program, PLAIN.image, **options).arguments(vars_copy)


DISK = ["-drive", "id=image,format=raw,snapshot=on,file=disk.img"]
FLASH = [
    *("-drive", "if=pflash,unit=0,format=raw,file=/c.fd,readonly=on"),
    *("-drive", "if=pflash,unit=1,format=raw,file=/tmp/v.fd"),
]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["-accel", "tcg", *DISK]),
        ({"memory": "1G", "accel": "kvm"}, ["-accel", "kvm", "-m", "1G", *DISK]),
        ({"firmware": Firmware(Path("/c.fd"), Path("/v.fd"))}, ["-accel", "tcg", *FLASH, *DISK]),
        (
            {"isa_debug_exit": True, "extra": ("-smp", "2")},
            ["-accel", "tcg", *DISK, "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04", "-smp", "2"],
        ),
        (
            {"isa_debug_exit": True, "extra": ("-device", "isa-debug-exit,iobase=0xf8,iosize=0x04")},
            ["-accel", "tcg", *DISK, "-device", "isa-debug-exit,iobase=0xf8,iosize=0x04"],
        ),
        (
            {"extra": ("-serial", "stdio", "-s", "-display", "none", "-nographic", "-serial", "null")},
            ["-accel", "tcg", *DISK, "-s", "-serial", "null"],
        ),
    ],
)
def test_arguments(options: dict, expected: list[str]) -> None:
    assert arguments(Path("/tmp/v.fd"), **options) == expected


def test_secure_boot_needs_system_management_mode() -> None:
    firmware = Firmware(Path("/c.fd"), Path("/v.fd"), secure_boot=True)
    assert "q35,smm=on" in arguments(Path("/tmp/v.fd"), firmware=firmware)


def test_commas_are_doubled() -> None:
    assert qemu.escaped(Path("a,b,,c")) == "a,,b,,,,c"


def fake_qemu(folder: Path, told: str) -> Path:
    program = folder / qemu.PROGRAM
    program.write_text(f"#!/bin/sh\nprintf '{told}'\n")
    program.chmod(0o755)
    return program


def test_found_on_path_or_by_name(tmp_path: Path) -> None:
    program = fake_qemu(tmp_path, "")
    assert qemu.find_qemu({"PATH": str(tmp_path)}) == program
    assert qemu.find_qemu({"PATH": ""}, str(program)) == program


@pytest.mark.parametrize("name", [None, "qemu-of-mine", "/nowhere/qemu"])
def test_a_missing_qemu_names_the_command(tmp_path: Path, name: str | None) -> None:
    with pytest.raises(BuildError, match="there is no program") as caught:
        qemu.find_qemu({"PATH": str(tmp_path), "HOME": str(tmp_path)}, name)
    assert "qemu" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("told", "version"),
    [
        ("QEMU emulator version 7.2.22 (Debian 1:7.2)", (7, 2)),
        ("QEMU emulator version 10.0.50", (10, 0)),
        ("something else", (0, 0)),
    ],
)
def test_version(tmp_path: Path, told: str, version: tuple[int, int]) -> None:
    assert qemu.version(fake_qemu(tmp_path, told)) == version


def test_version_of_a_program_that_cannot_run(tmp_path: Path) -> None:
    assert qemu.version(tmp_path / "nothing") == (0, 0)


def test_displays(tmp_path: Path) -> None:
    program = fake_qemu(tmp_path, "Available display backend types:\\nnone\\ngtk\\n")
    assert {"none", "gtk"} <= qemu.displays(program)
