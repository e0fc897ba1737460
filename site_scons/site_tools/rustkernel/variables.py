"""Construction variables, their defaults, and the command line's options."""

from __future__ import annotations

from typing import Any

import SCons.Errors
import SCons.Script

from bootimage import report, running
from bootimage.cargo.sysroot_crates import CRATES

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
        report.be_silent()
    running.watch_signals()  # under -j, only here in the main thread can that be begun
    env.SetDefault(**{name: _own(value) for name, value in DEFAULTS.items()})
    env.SetDefault(RUST_PROFILE="release" if _release() else "dev")


def _own(value: Any) -> Any:
    return value.copy() if isinstance(value, (list, dict)) else value


def _release() -> bool:
    try:
        SCons.Script.AddOption(
            "--release",
            dest="rust_release",
            action="store_true",
            default=False,
            help="Build Rust kernels with optimizations (the cargo profile `release`).",
        )
    except Exception as error:  # SCons's own optparse: a name that is taken already
        if "conflict" not in type(error).__name__.lower():
            raise
    return bool(SCons.Script.GetOption("rust_release"))
