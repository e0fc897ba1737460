"""Construction variables, their defaults, and the command line's options."""

from __future__ import annotations

from typing import Any

from bootimage.base import child_processes, console
from bootimage.sysroot.sysroot_crates import CRATES

from .command_options import release_option
from .scons_types import Env

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


MEANINGS: dict[str, str] = {
    "RUST_TARGET": "a built-in triple, or the file of a target specification",
    "RUST_PROFILE": "the cargo profile",
    "RUST_FEATURES": "features of the kernel's package",
    "RUST_BINS": "the binaries to build; empty: all",
    "RUST_SYSROOT_CRATES": "what the sysroot holds beside core",
    "RUST_BUILD_DIR": "the folder for results",
    "RUSTFLAGS": "flags for rustc",
    "CARGOFLAGS": "further arguments of cargo build",
    "RUSTC": "the compiler to use",
    "CARGO": "the cargo to use",
    "RUST_TOOLCHAIN": "a rustup toolchain, or a folder",
    "RUST_SRC": "the folder with the library source to use",
    "OBJCOPY": "LLVM's objcopy",
    "BOOTLOADER_VERSION": "the loader's full version",
    "RAMDISK": "a file that the loader loads beside the kernel",
    "QEMU": "the program that runs guests",
    "QEMUFLAGS": "further arguments for QEMU",
    "OVMF_CODE": "UEFI firmware",
    "OVMF_VARS": "the variable store that belongs to it",
    "KERNEL_TEST_FIRMWARE": "what a test is booted on: bios, uefi",
    "KERNEL_TEST_TIMEOUT": "seconds after which a test counts as hung",
    "KERNEL_TEST_JUNIT": "a file for the results as JUnit XML",
}
"""The variables that can be given as text, on a command line or in a file: words are split at spaces."""


def options(opts: Any) -> None:
    """Add the variables to `opts`, SCons's Variables: `scons RUST_PROFILE=release`, and a help text for each.

    What is not given keeps its default. Variables that hold tables or nodes are for SConstructs alone.
    """
    opts.AddVariables(*MEANINGS.items())


def generate(env: Env) -> None:
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
