"""Two projects whose inputs never change: everything that loader 0.11 takes, and a loader 0.9 in a folder."""

from __future__ import annotations

import json
from collections.abc import Mapping

import full_project
from scons_project import LOCK, SPECIFICATION

FULL: Mapping[str, str] = {
    **full_project.FILES,
    "SConstruct": full_project.SCONSTRUCT + 'env.KernelTest("test", kernel)\n',
}
"""A kernel with every kind of input, its images by loader 0.11 with ramdisk and configuration, its tests."""

_LOADER = """\
[package]
name = "bootloader"
version = "0.9.35"
edition = "2018"
build = "build.rs"

[lib]

[[bin]]
name = "bootloader"
required-features = ["binary"]

[features]
binary = []
map_physical_memory = []

[package.metadata.bootloader]
target = "x86_64-bootloader.json"
build-std = "core"
"""

_KERNEL = """\
[package]
name = "my_os"
version = "0.1.0"
edition = "2024"

[dependencies]
bootloader = { path = "../loader", features = ["map_physical_memory"] }

[package.metadata.bootloader]
kernel-stack-size = 64
"""

_LOCK = (
    'version = 4\n\n[[package]]\nname = "bootloader"\nversion = "0.9.35"\n\n'
    '[[package]]\nname = "my_os"\nversion = "0.1.0"\ndependencies = [\n "bootloader",\n]\n'
)

_LOADER_TARGET = {
    **json.loads(SPECIFICATION),
    "linker-flavor": "ld.lld",
    "pre-link-args": {"ld.lld": ["--script=linker.ld", "--gc-sections"]},
}

FLAT: Mapping[str, str] = {
    "SConstruct": full_project.SCONSTRUCT[: full_project.SCONSTRUCT.index("kernel =")]
    + 'image = env.BootImage(env.RustKernel("kernel", RUST_TARGET="x86_64-my_os.json"))\nDefault(image)\n',
    "x86_64-my_os.json": SPECIFICATION,
    "kernel/Cargo.toml": _KERNEL,
    "kernel/Cargo.lock": _LOCK,
    "kernel/src/main.rs": "fn main() {}\n",
    "loader/Cargo.toml": _LOADER,
    "loader/Cargo.lock": LOCK[: LOCK.index("[[package]]")]
    + _LOCK[_LOCK.index("[[") : _LOCK.index('[[package]]\nname = "my_os')],
    "loader/build.rs": "fn main() {}\n",
    "loader/src/lib.rs": "",
    "loader/src/main.rs": "fn main() {}\n",
    "loader/linker.ld": "ENTRY(_start)\n",
    "loader/x86_64-bootloader.json": json.dumps(_LOADER_TARGET, indent=2),
}
"""A kernel that is booted by a loader 0.9, which lies in the project."""
