"""Construction variables, their defaults, and the command line's options."""

from __future__ import annotations

from typing import Any

from bootimage.base import child_processes, console
from bootimage.sysroot.sysroot_crates import CRATES

from .command_options import release_option

DEFAULTS: dict[str, Any] = {
    # What to compile, and with what
    "RUST_TARGET": "x86_64-unknown-none",
    "RUST_FEATURES": [],
    "RUST_DEFAULT_FEATURES": True,
    "RUST_BINS": [],
    "RUST_INPUTS": [],
    "RUST_SYSROOT_CRATES": list(CRATES),
    "RUSTFLAGS": [],
    "CARGOFLAGS": [],
    "CARGO_ENV": {},
    # Where results lie
    "RUST_BUILD_DIR": "build",
    # Images
    "BOOT_CONFIG": {},
    "BOOT_FILES": {},
    # Machines
    "QEMUFLAGS": [],
    # Command lines: empty for one plain line per node
    "RUSTSPECCOMSTR": "",
    "RUSTSYSROOTCOMSTR": "",
    "RUSTKERNELCOMSTR": "",
    "RUSTSTRIPCOMSTR": "",
    "BOOTLOADERCOMSTR": "",
    "BOOTIMAGECOMSTR": "",
    "BOOTFLATLOADERCOMSTR": "",
    "BOOTFLATIMAGECOMSTR": "",
}
"""Every variable that has a default. Without one, and looked for when needed: RUSTC, CARGO,
RUST_TOOLCHAIN, RUST_SRC, OBJCOPY, RUST_PROFILE, BOOTLOADER_VERSION, RAMDISK, QEMU, OVMF_CODE, OVMF_VARS."""


def generate(env: Any) -> None:
    """Set the defaults, never over what the user has set, and heed the command line's options."""
    if env.GetOption("silent"):
        console.be_silent()
    child_processes.watch_signals()  # under -j, only here in the main thread can that be begun
    env.SetDefault(**{name: _own(value) for name, value in DEFAULTS.items()})
    env.SetDefault(RUST_PROFILE="release" if release_option() else "dev")


def _own(value: Any) -> Any:
    return value.copy() if isinstance(value, (list, dict)) else value


_DEFAULTS: dict[str, Any] = {
    "KERNEL_TEST_FIRMWARE": ["bios", "uefi"],
    "CONVERSATIONS": {},
    "RUSTKERNELTESTCOMSTR": "",
    "KERNELTESTCOMSTR": "",
}
