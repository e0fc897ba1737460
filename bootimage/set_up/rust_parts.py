"""The Rust toolchain's missing parts: through rustup where there is one, else Debian's packages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from bootimage.base import install_hints
from bootimage.base.errors import BuildError
from bootimage.base.private_programs import search_path
from bootimage.base.user_folders import home_folder
from bootimage.set_up.debian import Wanted, first_offered, owns, provide
from bootimage.set_up.finished_note import Note
from bootimage.set_up.install import announce, install
from bootimage.toolchain.find_compiler import MissingCompiler, ToolchainRequest
from bootimage.toolchain.rustup import Rustup, find_rustup
from bootimage.toolchain.toolchain import Toolchain, find_toolchain

# Compiler, cargo, library source, objcopy and linker: Debian's newest first. The second is of Debian 12
# without its updates, the last of releases that have no `rustc-web`.
_DEBIANS = (
    install_hints.DEBIAN_RUST,
    ("rustc-web", "cargo-web", "rust-web-src", "llvm-19", "lld-19"),
    ("rustc", "cargo", "rust-src", "llvm", "lld"),
)
# rustc links build scripts and procedural macros with the system's `cc`.
_HOST_LINKER = ("gcc", "libc6-dev")
_PARTS = ("rust-src", "llvm-tools", "rust-lld")
# With its compiled library installed, the loader's UEFI program needs no sysroot of its own (20 s).
_UEFI = "x86_64-unknown-uefi"


def ensure_rust(
    project: Path, environ: Mapping[str, str], note: Note, *, toolchain: str | None = None
) -> None:
    """See to it that the toolchain for `project`, or rustup's `toolchain`, is there with all its parts."""
    request = ToolchainRequest(project, toolchain=toolchain, environ=environ)
    found = _ensure_compiler(request)
    if shutil.which("cc", path=search_path(environ)) is None:
        provide(Wanted("installing a linker for build scripts", _HOST_LINKER, copy="linker"), environ)
    if missing := _missing(found):
        _add_parts(found, missing, environ)
        found = find_toolchain(request)
    if found.rustup_name and not found.installed_std(_UEFI):
        _add_uefi(found.rustup_name, environ)
    note.there(
        found.rustc, found.cargo, found.library_source() / "Cargo.lock", found.objcopy(), found.linker()
    )
    note.unchanged(_toolchains(environ))


def ensure_debians_rust(project: Path, environ: Mapping[str, str], note: Note) -> None:
    """See to it that Debian's Rust is there with all its parts, whatever else is: the tests try it, too."""
    if debians_rust(environ) is None:
        names = first_offered(_DEBIANS, environ)
        provide(Wanted("installing Debian's Rust for the tests", names, copy="rust"), environ)
    ensure_rust(project, {**environ, **(debians_rust(environ) or {})}, note)


def debians_rust(environ: Mapping[str, str]) -> dict[str, str] | None:
    """RUSTC and CARGO of Debian's packages, the system's or a private copy's; None where there are none.

    What lies beside a `rustup` is rustup's.
    """
    for folder in map(Path, search_path(environ).split(os.pathsep)):
        if all((folder / name).exists() for name in ("rustc", "cargo")) and not (folder / "rustup").exists():
            return {"RUSTC": str(folder / "rustc"), "CARGO": str(folder / "cargo")}
    return None


def _ensure_compiler(request: ToolchainRequest) -> Toolchain:
    try:
        return find_toolchain(request)
    except MissingCompiler as error:
        rustup = find_rustup(request.environ)
        if rustup and rustup.program:
            _install_toolchain(rustup, error.toolchain, request.environ)
        elif error.named:
            raise
        else:
            names = first_offered(_DEBIANS, request.environ)
            provide(Wanted("installing Rust", names, copy="rust"), request.environ)
    return find_toolchain(request)


def _install_toolchain(rustup: Rustup, name: str, environ: Mapping[str, str]) -> None:
    command = install_hints.install_toolchain(name)
    install(f"installing Rust's {name}", command.split(), for_rustup(rustup, environ))


def _missing(toolchain: Toolchain) -> list[str]:
    missing = []
    for part, ask in zip(
        _PARTS, (toolchain.library_source, toolchain.objcopy, toolchain.linker), strict=True
    ):
        try:
            ask()
        except BuildError:
            missing.append(part)
    return missing


def _add_parts(toolchain: Toolchain, missing: list[str], environ: Mapping[str, str]) -> None:
    rustup = find_rustup(environ)
    components = [part for part in missing if part in install_hints.COMPONENTS]
    if toolchain.rustup_name and rustup and components:
        command = install_hints.add_components(toolchain.rustup_name, components)
        install(f"installing {', '.join(components)}", command.split(), for_rustup(rustup, environ))
    elif toolchain.sysroot == Path("/usr"):
        choices = [names for names in _DEBIANS if owns(names[0], toolchain.rustc, environ)]
        whole = first_offered(choices or _DEBIANS[-1:], environ)
        wanted = dict(zip(_PARTS, whole[2:], strict=True))
        names = tuple(wanted[part] for part in missing)
        provide(Wanted(f"installing {', '.join(missing)}", names, copy="rust", copied=whole), environ)


def _add_uefi(name: str, environ: Mapping[str, str]) -> None:
    rustup = find_rustup(environ)
    assert rustup is not None
    command = f"rustup target add {_UEFI} --toolchain {install_hints.short_name(name)}"
    try:
        install(f"installing Rust's library for {_UEFI}", command.split(), for_rustup(rustup, environ))
    except BuildError:  # it only saves time
        announce(f"going on without Rust's library for {_UEFI}", "it will be built instead")


def for_rustup(rustup: Rustup, environ: Mapping[str, str]) -> dict[str, str]:
    """rustup's environment: with its folder said, since it looks for it in HOME alone."""
    place = f"{rustup.program.parent}:" if rustup.program else ""
    path = place + environ.get("PATH", "")
    return {**environ, "HOME": str(home_folder(environ)), "RUSTUP_HOME": str(rustup.home), "PATH": path}


def _toolchains(environ: Mapping[str, str]) -> Path:
    rustup = find_rustup(environ)
    return (rustup.home if rustup else home_folder(environ) / ".rustup") / "toolchains"
