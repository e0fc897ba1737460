"""What the tools need that `./sconsw bench` compares with: parts of rustup's nightly that we do without."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bootimage.base import install_hints
from bootimage.base.errors import BuildError
from bootimage.set_up.finished_note import Note
from bootimage.set_up.install import install
from bootimage.set_up.rust_parts import ensure_rust, for_rustup
from bootimage.toolchain.find_compiler import ToolchainRequest
from bootimage.toolchain.rustup import find_rustup
from bootimage.toolchain.toolchain import Toolchain, find_toolchain

_NIGHTLY = "nightly"
# The target whose compiled library the template's kernel is built with.
_TARGET = "x86_64-unknown-none"


def ensure_peers(project: Path, environ: Mapping[str, str], note: Note) -> None:
    """See to it that the peers can be built with the network off. Raises BuildError without rustup."""
    rustup = find_rustup(environ)
    if rustup is None or rustup.program is None:
        raise BuildError(
            "the tools that are compared with need rustup and its nightly, and there is no rustup",
            hint=install_hints.install_command(install_hints.elsewhere(["rustup"])),
        )
    ensure_rust(project, environ, note, toolchain=_NIGHTLY)
    nightly = find_toolchain(ToolchainRequest(project, toolchain=_NIGHTLY, environ=environ))
    theirs = for_rustup(rustup, environ)
    tools = nightly.sysroot / "lib/rustlib" / nightly.host / "bin/llvm-objcopy"
    if not tools.exists():  # theirs look for it there alone
        command = install_hints.add_components(_NIGHTLY, ["llvm-tools"])
        install("installing llvm-tools", command.split(), theirs)
    if not nightly.installed_std(_TARGET):
        command = f"rustup target add {_TARGET} --toolchain {_NIGHTLY}"
        install(f"installing Rust's library for {_TARGET}", command.split(), theirs)
    _fetch_library(nightly, environ)
    note.there(tools, nightly.sysroot / "lib/rustlib" / _TARGET)


def _fetch_library(nightly: Toolchain, environ: Mapping[str, str]) -> None:
    """Download the crates of the library's own lock file: cargo looks for all of them, whatever it builds."""
    manifest = nightly.library_source() / "Cargo.toml"
    command = [str(nightly.cargo), "fetch", "--locked", "--manifest-path", str(manifest)]
    path = f"{nightly.rustc.parent}:{environ.get('PATH', '')}"
    shown = "cargo fetch --locked"
    install("downloading the crates of Rust's library", command, {**environ, "PATH": path}, shown=shown)
