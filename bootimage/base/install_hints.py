"""The commands that mend a set-up: for hints, for the table of `scons toolchain`, and for ./sconsw.

Which command installs a missing program on this machine.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping

# Debian's matched set of compiler, cargo, library source, objcopy and linker. Its package `rustc` is of the
# release's own age (1.63 in bookworm), which is too old for -Zbuild-std as kernels need it.
DEBIAN_RUST = ("rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm", "lld-22")
COMPONENTS = ("rust-src", "llvm-tools")


def apt_install(packages: Iterable[str]) -> str:
    """The command that installs Debian's `packages`."""
    return f"apt-get install {' '.join(packages)}"


def add_components(toolchain: str, components: Iterable[str]) -> str:
    """The command that adds `components` to rustup's `toolchain` (`nightly-x86_64-unknown-linux-gnu`)."""
    return f"rustup component add {' '.join(components)} --toolchain {short_name(toolchain)}"


def install_toolchain(name: str) -> str:
    """The command that installs rustup's toolchain `name` with all that a kernel needs."""
    return f"rustup toolchain install {short_name(name)} --profile minimal --component {','.join(COMPONENTS)}"


def short_name(toolchain: str) -> str:
    """A rustup toolchain's name without its host, as people write it."""
    return re.sub(r"-(x86_64|aarch64)-(unknown-linux-(gnu|musl)|apple-darwin)$", "", toolchain)


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
