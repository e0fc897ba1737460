"""The Rust toolchain's missing parts: through rustup where there is one, else Debian's packages."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from bootimage.base import install_hints
from bootimage.base.errors import BuildError
from bootimage.base.user_folders import home_folder
from bootimage.set_up.commands import announce, apt_install, apt_knows, apt_owns, apt_update, install
from bootimage.set_up.note import Note
from bootimage.toolchain.find_compiler import MissingCompiler, ToolchainRequest
from bootimage.toolchain.rustup import Rustup, find_rustup
from bootimage.toolchain.toolchain import Toolchain, find_toolchain

# Debian's own compiler, for releases that have no `rustc-web`.
_DEBIAN_PLAIN = ("rustc", "cargo", "rust-src", "llvm", "lld")
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
    if shutil.which("cc", path=environ.get("PATH")) is None:
        apt_install("installing a linker for build scripts", _HOST_LINKER, environ)
    if missing := _missing(found):
        _add_parts(found, missing, environ)
        found = find_toolchain(request)
    if found.rustup_name and not found.installed_std(_UEFI):
        _add_uefi(found.rustup_name, environ)
    note.there(
        found.rustc, found.cargo, found.library_source() / "Cargo.lock", found.objcopy(), found.linker()
    )
    note.unchanged(_toolchains(environ))


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
            apt_install("installing Rust", _debian_packages(request.environ), request.environ)
    return find_toolchain(request)


def _install_toolchain(rustup: Rustup, name: str, environ: Mapping[str, str]) -> None:
    command = install_hints.install_toolchain(name)
    install(f"installing Rust's {name}", command.split(), _for_rustup(rustup, environ))


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
        install(f"installing {', '.join(components)}", command.split(), _for_rustup(rustup, environ))
    elif toolchain.sysroot == Path("/usr"):
        web = apt_owns(install_hints.DEBIAN_RUST[0], toolchain.rustc, environ)
        packages = install_hints.DEBIAN_RUST if web else _DEBIAN_PLAIN
        wanted = dict(zip(_PARTS, packages[2:], strict=True))
        apt_install(f"installing {', '.join(missing)}", [wanted[part] for part in missing], environ)


def _add_uefi(name: str, environ: Mapping[str, str]) -> None:
    rustup = find_rustup(environ)
    assert rustup is not None
    command = f"rustup target add {_UEFI} --toolchain {install_hints.short_name(name)}"
    try:
        install(f"installing Rust's library for {_UEFI}", command.split(), _for_rustup(rustup, environ))
    except BuildError:  # it only saves time
        announce(f"going on without Rust's library for {_UEFI}", "it will be built instead")


def _debian_packages(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Compiler, cargo, library source, objcopy and linker: the packages' names in this release."""
    if not apt_knows(_DEBIAN_PLAIN[0], environ):  # no lists at all, as in a container
        apt_update(environ)
    return install_hints.DEBIAN_RUST if apt_knows(install_hints.DEBIAN_RUST[0], environ) else _DEBIAN_PLAIN


def _for_rustup(rustup: Rustup, environ: Mapping[str, str]) -> dict[str, str]:
    """rustup's environment: with its folder said, since it looks for it in HOME alone."""
    place = f"{rustup.program.parent}:" if rustup.program else ""
    path = place + environ.get("PATH", "")
    return {**environ, "HOME": str(home_folder(environ)), "RUSTUP_HOME": str(rustup.home), "PATH": path}


def _toolchains(environ: Mapping[str, str]) -> Path:
    rustup = find_rustup(environ)
    return (rustup.home if rustup else home_folder(environ) / ".rustup") / "toolchains"
