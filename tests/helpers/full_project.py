"""A project with everything that a kernel can be made from, for the table of rebuilds."""

from __future__ import annotations

from collections.abc import Mapping

from scons_project import LOCK, SPECIFICATION

SCONSTRUCT = """\
env = Environment(tools=["default", "rustkernel"])
kernel = env.RustKernel(
    "kernel",
    RUST_TARGET="x86_64-my_os.json",
    RUST_INPUTS=["notes.txt"],
    CARGO_ENV={"KERNEL_GREETING": "hello"},
)
image = env.BootImage(
    kernel, RAMDISK="initrd", BOOT_CONFIG={"log_level": "Debug"}, BOOT_FILES={"font.psf": "font.psf"}
)
env.Alias("image", image)
env.RunQemu("run", image, QEMUFLAGS=["-m", "256"])
Default("image")
"""

WORKSPACE = """\
[workspace]
members = ["kernel"]

[workspace.dependencies]
shared = { path = "shared" }

[patch.crates-io]
patched = { path = "patched" }

[profile.dev]
opt-level = 1
"""

KERNEL = """\
[package]
name = "my_os"
version = "0.1.0"
edition = "2024"

[dependencies]
bootloader = { package = "bootloader_api", version = "0.11.16" }
plain = { path = "../plain" }
shared.workspace = true
patched = "1"

[target.'cfg(target_arch = "x86_64")'.dependencies]
limited = { path = "../limited" }

[build-dependencies]
builder = { path = "../builder" }

[dev-dependencies]
tester = { path = "../tester" }
"""

_PACKAGES = ("plain", "deeper", "shared", "patched", "limited", "builder", "tester")
_READ = (
    *(f"../{name}/src/lib.rs" for name in _PACKAGES if name != "tester"),
    *("build.rs", "tables/sine.txt", "linker.ld", "src/logo.bin"),
)


def _manifest(name: str) -> str:
    more = '\n[dependencies]\ndeeper = { path = "../deeper" }\n' if name == "plain" else ""
    return f'[package]\nname = "{name}"\nversion = "1.0.0"\nedition = "2024"\n{more}'


def _locked(name: str) -> str:
    more = 'dependencies = [\n "deeper",\n]\n' if name == "plain" else ""
    return f'\n[[package]]\nname = "{name}"\nversion = "1.0.0"\n{more}'


FILES: Mapping[str, str] = {
    "SConstruct": SCONSTRUCT,
    "x86_64-my_os.json": SPECIFICATION,
    "Cargo.toml": WORKSPACE,
    "Cargo.lock": LOCK.replace(
        ' "bootloader_api",\n',
        "".join(f' "{name}",\n' for name in sorted(["bootloader_api", *_PACKAGES])),
    )
    + "".join(map(_locked, _PACKAGES)),
    ".cargo/config.toml": '[target.x86_64-my_os]\nrustflags = ["-Cforce-frame-pointers"]\n',
    "kernel/Cargo.toml": KERNEL,
    "kernel/src/main.rs": "".join(f"// reads {name}\n" for name in _READ) + "fn main() {}\n",
    "kernel/src/unused.rs": "fn unused() {}\n",
    "kernel/build.rs": "fn main() {}\n",
    "kernel/tables/sine.txt": "0 1\n",
    "kernel/linker.ld": "ENTRY(_start)\n",
    "kernel/src/logo.bin": "logo\n",
    **{f"{name}/Cargo.toml": _manifest(name) for name in _PACKAGES},
    **{f"{name}/src/lib.rs": "pub fn one() {}\n" for name in _PACKAGES},
    "notes.txt": "notes\n",
    "initrd": "ramdisk\n",
    "font.psf": "font\n",
    "README": "nothing that is read\n",
}

PLACES: Mapping[str, str] = {
    "specification": "x86_64-my_os/x86_64-my_os.json",
    "sysroot": "x86_64-my_os/sysroot.json",
    "kernel": "x86_64-my_os/debug/my_os",
    "stripped": "x86_64-my_os/debug/my_os.stripped",
    "boot sector": "bootloader-0.11.17/boot-sector.bin",
    "stage 2": "bootloader-0.11.17/stage-2.bin",
    "stage 3": "bootloader-0.11.17/stage-3.bin",
    "stage 4": "bootloader-0.11.17/stage-4.bin",
    "EFI loader": "bootloader-0.11.17/bootx64.efi",
    "BIOS disk": "x86_64-my_os/debug/bootimage-bios-my_os.bin",
    "UEFI disk": "x86_64-my_os/debug/bootimage-uefi-my_os.bin",
    "EFI program": "x86_64-my_os/debug/bootimage-uefi-my_os.efi",
}
"""Where each column of the table lies in the build folder."""
