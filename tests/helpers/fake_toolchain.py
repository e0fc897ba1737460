"""Toolchains that are made of files and small scripts, to find and to ask."""

from __future__ import annotations

from pathlib import Path

HOST = "x86_64-unknown-linux-gnu"
SINCE = '#[stable(feature = "f{0}", since = "1.{0}.0")]\n'
PLACEHOLDER = '#[stable(feature = "new", since = "CURRENT_RUSTC_VERSION")]\n'


def program(path: Path, script: str = ":") -> Path:
    """An executable shell script at `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def rustc(sysroot: Path, release: str = "1.97.0-nightly") -> Path:
    """A compiler in `sysroot`/bin, with a cargo beside it, that says it is `release`."""
    text = f"rustc {release} (e50aa6fba 2026-05-19)\nbinary: rustc\ncommit-hash: e50aa6fba\n"
    text += f"commit-date: 2026-05-19\nhost: {HOST}\nrelease: {release}\nLLVM version: 22.1.4"
    program(sysroot / "bin/cargo", f"echo cargo {release}")
    own = "${0%/bin/rustc}"  # wherever it may be copied to
    answers = f"case $1 in -vV) echo '{text}';; --print=sysroot) echo \"{own}\";; *) exit 1;; esac"
    (sysroot / "lib/rustlib").mkdir(parents=True, exist_ok=True)
    return program(sysroot / "bin/rustc", answers)


def library(folder: Path, *attributes: str) -> Path:
    """A library source in `folder`/library, whose `core` has these `stable` attributes."""
    source = folder / "library/core/src"
    source.mkdir(parents=True)
    (folder / "library/Cargo.lock").touch()
    (source / "lib.rs").touch()
    (source / "more.rs").write_text("".join(attributes))
    return folder / "library"


def rustup(home: Path, *toolchains: str, default: str = "") -> Path:
    """A rustup in `home`/.rustup and `home`/.cargo/bin, with its shims and the named toolchains."""
    shims = home / ".cargo/bin"
    program(shims / "rustup", "echo the shim was started; exit 1")
    for name in ("rustc", "cargo"):
        (shims / name).symlink_to("rustup")
    folder = home / ".rustup"
    for name in toolchains:
        rustc(folder / "toolchains" / name, "1.97.0-nightly" if "nightly" in name else "1.95.0")
    (folder / "toolchains").mkdir(parents=True, exist_ok=True)
    (folder / "settings.toml").write_text(f'default_toolchain = "{default}"\n' if default else "")
    return folder
