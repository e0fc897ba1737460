"""Which command installs a missing program on this machine."""

from __future__ import annotations

import shutil
from collections.abc import Mapping

# Package manager -> what to type before the package's name.
_MANAGERS = {
    "apt-get": "apt-get install",
    "dnf": "dnf install",
    "pacman": "pacman -S",
    "zypper": "zypper install",
    "brew": "brew install",
}

QEMU = {
    "apt-get": "qemu-system-x86",
    "dnf": "qemu-system-x86",
    "pacman": "qemu-system-x86",
    "zypper": "qemu-x86",
    "brew": "qemu",
}
OVMF = {
    "apt-get": "ovmf",
    "dnf": "edk2-ovmf",
    "pacman": "edk2-ovmf",
    "zypper": "qemu-ovmf-x86_64",
    "brew": "qemu",  # QEMU's own package brings the firmware
}


def install_command(names: Mapping[str, str]) -> str:
    """The command that installs a package, whose name is given for each package manager.

    Where none of them is on PATH, the ways of all are named.
    """
    commands = {manager: f"{_MANAGERS[manager]} {name}" for manager, name in names.items()}
    for manager, command in commands.items():
        if shutil.which(manager):
            return command
    return ", or ".join(commands.values())
