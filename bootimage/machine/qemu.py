"""The machine that a guest runs in, as QEMU's command line."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from bootimage.base import install_hints
from bootimage.base.errors import BuildError
from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.private_programs import search_path
from bootimage.machine.guest_environment import guest_environment
from bootimage.machine.uefi_firmware import Firmware

PROGRAM = "qemu-system-x86_64"

# -action, which lets a guest that has come to its end be looked at, came with 6.0.
OLDEST = (6, 0)

# A guest that writes v to this port ends QEMU with the exit code (v << 1) | 1.
DEBUG_EXIT = "isa-debug-exit,iobase=0xf4,iosize=0x04"


@dataclass(frozen=True)
class Machine:
    """One PC: what it boots, and with what.

    `image` is the boot disk, a raw image, which the guest cannot alter: its writes go to a temporary
    file. `firmware` is what boots it: UEFI firmware, or None for BIOS. `memory` is QEMU's -m ("512M"),
    None for QEMU's own default. `display` is QEMU's -display, None to choose by what there is.
    `extra` are the user's own arguments, which come last. With `no_reboot` a guest that resets ends;
    with `isa_debug_exit` it has a port to end QEMU with an exit code.
    """

    program: Path
    image: Path
    firmware: Firmware | None = None
    memory: str | None = None
    accel: str = "tcg"
    display: str | None = None
    extra: tuple[str, ...] = ()
    no_reboot: bool = False
    isa_debug_exit: bool = False

    def arguments(self, vars_copy: Path | None) -> list[str]:
        """The hardware as QEMU's arguments; `vars_copy` is the variable store to write to, with UEFI."""
        return [
            *("-accel", self.accel),
            *(("-m", self.memory) if self.memory else ()),
            *self._firmware_arguments(vars_copy),
            # The id is how the monitor speaks of the disk.
            *("-drive", f"id=image,format=raw,snapshot=on,file={escaped(self.image)}"),
            *(("-device", DEBUG_EXIT) if self.isa_debug_exit and not self._brings_debug_exit() else ()),
            *_without_ours(self.extra),
        ]

    def _firmware_arguments(self, vars_copy: Path | None) -> list[str]:
        if self.firmware is None:
            return []
        assert vars_copy is not None, "UEFI firmware writes to its variable store"
        secure = ["-machine", "q35,smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on"]
        return [
            *(secure if self.firmware.secure_boot else ()),
            *("-drive", self._flash(self.firmware.code, 0) + ",readonly=on"),
            *("-drive", self._flash(vars_copy, 1)),
        ]

    def _flash(self, file: Path, unit: int) -> str:
        assert self.firmware is not None
        return f"if=pflash,unit={unit},format={self.firmware.format},file={escaped(file)}"

    def _brings_debug_exit(self) -> bool:
        return any(argument.startswith("isa-debug-exit") for argument in self.extra)


# What people write for an unattended run, and what we see to ourselves: the serial line goes to
# standard output, and nothing else may read the terminal.
_OURS = (
    ("-serial", "stdio"),
    ("-serial", "mon:stdio"),
    ("-display", "none"),
    ("-nographic",),
)


def _without_ours(extra: tuple[str, ...]) -> list[str]:
    """`extra` without the arguments that we give already and that QEMU does not take twice."""
    kept: list[str] = []
    at = 0
    while at < len(extra):
        ours = next((each for each in _OURS if extra[at : at + len(each)] == each), None)
        if ours is None:
            kept.append(extra[at])
        at += len(ours) if ours else 1
    return kept


def escaped(path: Path) -> str:
    """`path` as a value in QEMU's comma-separated options, where a comma is written twice."""
    return os.fspath(path).replace(",", ",,")


def find_qemu(environ: Mapping[str, str], name: str | None = None) -> Path:
    """The QEMU program: the one the user names (a path, or a name on PATH), else the usual one.

    The user's private copy comes after everything on PATH.

    Raises BuildError where there is none, with the command that installs it.
    """
    wanted = name or PROGRAM
    found = shutil.which(wanted, path=search_path(environ))
    if found is None:
        raise BuildError(
            f"there is no program {wanted}: QEMU is not installed, or not on PATH",
            hint=install_hints.install_command(install_hints.QEMU),
        )
    return Path(found)


def version(program: Path) -> tuple[int, int]:
    """QEMU's major and minor version, as it prints them; (0, 0) where it prints something else."""
    match = re.search(r"version (\d+)\.(\d+)", _told(program, "--version"))
    return (int(match[1]), int(match[2])) if match else (0, 0)


def displays(program: Path) -> frozenset[str]:
    """The display back ends that this QEMU has: "gtk", "sdl", "cocoa", "none", ..."""
    return frozenset(_told(program, "-display", "help").split())


def _told(program: Path, *arguments: str) -> str:
    command = [os.fspath(program), *arguments]
    try:
        env = guest_environment()
        return subprocess.run(
            command, env=env, capture_output=True, text=True, timeout=30, check=False
        ).stdout
    except (OSError, UnicodeDecodeError, subprocess.TimeoutExpired):
        return ""


# What a guest that writes 0x10 to isa-debug-exit ends QEMU with: (0x10 << 1) | 1.
SUCCESS_CODE = 33
