"""Which command installs a missing program on this machine."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping

# Package manager -> what to type before the package's name.
_MANAGERS = {
    "apt-get": "apt-get install",
    "dnf": "dnf install",
    "pacman": "pacman -S",
    "zypper": "zypper install",
    "apk": "apk add",
    "brew": "brew install",
}

# Debian's name of a package -> what has the same with dnf, pacman, zypper, apk and brew; empty where another
# package of the row above brings it.
_ELSEWHERE = {
    "qemu-system-x86": ("qemu-system-x86", "qemu-system-x86", "qemu-x86", "qemu-system-x86_64", "qemu"),
    "ovmf": ("edk2-ovmf", "edk2-ovmf", "qemu-ovmf-x86_64", "ovmf", "qemu"),
    "gcc": ("gcc", "gcc", "gcc", "gcc", "gcc"),
    "libc6-dev": ("glibc-devel", "glibc", "glibc-devel", "musl-dev", ""),
    "python3-venv": ("python3", "python", "python3", "python3", "python"),
    "rustc-web": ("rustup", "rustup", "rustup", "rustup", "rustup"),
    "gdisk": ("gdisk", "gptfdisk", "gptfdisk", "gptfdisk", "gptfdisk"),
    "fdisk": ("util-linux", "util-linux", "util-linux", "util-linux", "util-linux"),
    "redis-server": ("redis", "redis", "redis", "redis", "redis"),
    **dict.fromkeys(("rustc", "cargo", "rust-src", "llvm", "lld"), ("rustup",) * 5),
    **dict.fromkeys(("cargo-web", "rust-web-src", "rust-web-llvm", "lld-22"), ("",) * 5),
}


def elsewhere(debians: Iterable[str]) -> dict[str, str]:
    """Package manager -> the names that it has for Debian's packages `debians`."""
    names = list(debians)
    found = {"apt-get": " ".join(names)}
    for at, manager in enumerate(list(_MANAGERS)[1:]):
        theirs = [_ELSEWHERE.get(name, (name,) * 5)[at] for name in names]
        found[manager] = " ".join(dict.fromkeys(filter(None, theirs)))
    return found


QEMU = elsewhere(["qemu-system-x86"])
OVMF = elsewhere(["ovmf"])


def install_command(names: Mapping[str, str]) -> str:
    """The command that installs a package, whose name is given for each package manager.

    Where none of them is on PATH, the ways of all are named.
    """
    commands = {manager: f"{_MANAGERS[manager]} {name}" for manager, name in names.items()}
    for manager, command in commands.items():
        if shutil.which(manager):
            return command
    return ", or ".join(commands.values())
