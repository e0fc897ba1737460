"""A kernel that says in every way where and when it was built, and users who build it.

Panic locations and `file!()` in its own code, a path dependency beside its folder, a registry crate, code
from a build script's OUT_DIR, code from a procedural macro, and debug information for all of them.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from demo_tree import CHECKOUT, Tree

from bootimage.toolchain.find_compiler import ToolchainRequest
from bootimage.toolchain.toolchain import find_toolchain

_SCONSTRUCT = """\
env = Environment(tools=["default", "rustkernel"])
kernel = env.RustKernel("kernel", RUST_TARGET="x86_64-blog_os.json")
env.Alias("image", env.BootImage(kernel))
Default("image")
"""
_MAIN = """\
#![no_std]
#![no_main]

use bootloader_api::{BootInfo, entry_point};

include!(concat!(env!("OUT_DIR"), "/generated.rs"));

#[derive(named::Named)]
struct Telltale;

entry_point!(kernel_main);

fn kernel_main(boot_info: &'static mut BootInfo) -> ! {
    core::hint::black_box((file!(), Telltale::NAME, shelf::place()));
    core::hint::black_box(generated(boot_info.memory_regions.len()));
    core::hint::black_box(shelf::checked(&[1, 2, 3], boot_info.memory_regions.len()));
    panic!("done");
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo) -> ! {
    core::hint::black_box(info.location());
    loop {}
}
"""
_BUILD_SCRIPT = """\
fn main() {
    let folder = std::env::var("OUT_DIR").unwrap();
    let text = "fn generated(n: usize) -> u8 { let bytes: &[u8] = b\\"generated\\"; \\
        if n > 1000 { panic!(\\"{}\\", file!()) }; bytes[n] }";
    std::fs::write(format!("{folder}/generated.rs"), text).unwrap();
    println!("cargo::rerun-if-changed=build.rs");
}
"""
_MACRO = """\
use proc_macro::TokenStream;

#[proc_macro_derive(Named)]
pub fn named(_item: TokenStream) -> TokenStream {
    r#"impl Telltale { const NAME: &'static str = concat!("Telltale in ", file!()); }"#.parse().unwrap()
}
"""
_SHELF = """\
#![no_std]

pub fn place() -> &'static core::panic::Location<'static> {
    core::panic::Location::caller()
}

pub fn checked<T: Copy>(items: &[T], index: usize) -> T {
    assert!(index < items.len(), "{} in {}", index, file!());
    items[index]
}
"""


def _manifest(name: str, more: str) -> str:
    return f'[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2024"\n{more}\n[workspace]\n'


def _lock() -> str:
    """The demo's lock file, with this project's packages for the demo's own."""
    published = (CHECKOUT / "kernel/Cargo.lock").read_text().split("[[package]]\n")
    ours = [
        'name = "named"\nversion = "0.1.0"\n\n',
        'name = "shelf"\nversion = "0.1.0"\n\n',
        'name = "telltale"\nversion = "0.1.0"\n'
        'dependencies = [\n "bootloader_api",\n "named",\n "shelf",\n]\n\n',
    ]
    kept = [part for part in published[1:] if 'name = "blog_os"' not in part]
    packages = sorted([*ours, *(part.rstrip() + "\n\n" for part in kept)])
    return ("[[package]]\n".join([published[0], *packages])).rstrip() + "\n"


def telltale(folder: Path) -> Path:
    """Put the project into `folder`, as a clone of it would be."""
    depends = (
        '[dependencies]\nbootloader_api = "0.11.17"\nnamed = { path = "../named" }\n'
        'shelf = { path = "../shelf" }'
    )
    files = {
        "SConstruct": _SCONSTRUCT,
        "x86_64-blog_os.json": (CHECKOUT / "x86_64-blog_os.json").read_text(),
        "kernel/Cargo.toml": _manifest("telltale", depends),
        "kernel/Cargo.lock": _lock(),
        "kernel/build.rs": _BUILD_SCRIPT,
        "kernel/src/main.rs": _MAIN,
        "named/Cargo.toml": _manifest("named", "[lib]\nproc-macro = true"),
        "named/src/lib.rs": _MACRO,
        "shelf/Cargo.toml": _manifest("shelf", ""),
        "shelf/src/lib.rs": _SHELF,
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "site_scons").symlink_to(CHECKOUT / "site_scons")
    return folder


@dataclass(frozen=True)
class User:
    """Somebody with a home, a cargo home and a locale of their own, whose clock is `days` ahead."""

    home: Path
    days: int
    locale: str
    jobs: int

    def settle(self) -> None:
        """Make the home, with links to the toolchain and to the downloaded crates."""
        (self.home / "cargo").mkdir(parents=True)
        person = Path.home()
        registry = Path(os.environ.get("CARGO_HOME", person / ".cargo")) / "registry"
        (self.home / "cargo/registry").symlink_to(registry)
        (self.home / "rustup").symlink_to(os.environ.get("RUSTUP_HOME", person / ".rustup"))
        # The loader of programs would take a space for the end of the name.
        clock, cargo = self.home.parent / f"clock-{self.days}.so", self.home / "bin/cargo"
        source, ahead = Path(__file__).with_name("clock.c"), self.days * 86400
        compile_it = ["cc", "-shared", "-fPIC", "-Wall", "-Werror", f"-DAHEAD={ahead}", source, "-o", clock]
        subprocess.run(compile_it, check=True)
        real = find_toolchain(ToolchainRequest(project=CHECKOUT)).cargo
        cargo.parent.mkdir()
        cargo.write_text(f'#!/bin/sh\nLD_PRELOAD="{clock}" exec {real} "$@"\n')
        cargo.chmod(0o755)

    def environment(self) -> dict[str, str]:
        """What makes this user's builds different from others'."""
        return {
            "HOME": str(self.home),
            "USER": self.home.name,
            "LOGNAME": self.home.name,
            "CARGO_HOME": str(self.home / "cargo"),
            "RUSTUP_HOME": str(self.home / "rustup"),
            "CARGO": str(self.home / "bin/cargo"),
            "CARGO_NET_OFFLINE": "true",
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "LANG": self.locale,
            "LC_ALL": self.locale,
            "TZ": "Asia/Tokyo" if self.days else "America/Lima",
        }

    def build(self, folder: Path, *goals: str, **environ: str) -> Tree:
        """Clone the project to `folder` and build it."""
        self.settle()
        tree = Tree(telltale(folder), {**self.environment(), **environ})
        tree.scons(f"-j{self.jobs}", *goals)
        return tree
