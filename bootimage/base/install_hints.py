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
