"""A project, a toolchain of scripts and the commands, run as a shell runs them but in this process."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cargo_tree import named, tree
from cli_shell import Shell, recorder
from fake_toolchain import program, rustc

from bootimage.image.image_files import Images
from bootimage.image.kernel_images import KernelImages

LOCK = 'version = 4\n[[package]]\nname = "os"\nversion = "0.1.0"\n'
CONFIG = '[build]\ntarget = "x86_64-unknown-none"\n'


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """A shell in a project on loader 0.9, with a cargo that only says that it built the kernel."""
    folder = tree(
        tmp_path / "project",
        {"Cargo.toml": named("os"), "src/main.rs": "", "Cargo.lock": LOCK, ".cargo/config.toml": CONFIG},
    )
    log = tmp_path / "calls"
    found = Shell(folder, log, capsys)
    sysroot = tmp_path / "toolchain"
    rustc(sysroot)
    library = sysroot / "lib/rustlib/x86_64-unknown-none/lib/libcore-0.rlib"
    library.parent.mkdir(parents=True)
    library.touch()
    program(sysroot / "lib/rustlib/x86_64-unknown-linux-gnu/bin/rust-lld")
    message = {"reason": "compiler-artifact", "executable": str(found.binary())}
    message |= {"manifest_path": str(folder / "Cargo.toml"), "package_id": f"path+file://{folder}#0.1.0"}
    message |= {"target": {"kind": ["bin"], "name": "k"}, "profile": {"test": False}, "filenames": []}
    recorder(sysroot / "bin/cargo", log, f"print({json.dumps(message)!r})")
    for name in list(os.environ):
        if name.startswith(("CARGO", "RUST")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CARGO", str(sysroot / "bin/cargo"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("RUSTKERNEL_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(folder)
    return found


@pytest.fixture
def images(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], list[Path]]:
    """Replace the making of images: they get the bytes given, and the kernels asked for are kept."""

    def prepare(content: bytes = b"") -> list[Path]:
        asked: list[Path] = []

        def provide(_context: object, wanted: KernelImages, _extras: object = None) -> Images:
            asked.append(wanted.kernel)
            bios = wanted.out_dir / f"bootimage-{wanted.kernel.stem}.bin"
            bios.write_bytes(content)
            return Images(bios)

        monkeypatch.setattr("bootimage.image.kernel_images.provide_images", provide)
        monkeypatch.setattr("bootimage.cargo_cli.build_images.provide_images", provide)
        return asked

    return prepare
