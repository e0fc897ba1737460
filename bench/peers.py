"""The peers: the crate `bootloader` 0.11 as its guide sets it up, and the program `cargo bootimage`.

Their crates are fetched before anything is measured; afterwards the network is off (see `environment`).
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bench.measure import Command
from bench.project import Project, copy_sources, environment

HERE = Path(__file__).parent
PROJECT = HERE.parent
BOOTIMAGE = "0.10.5"
_PROGRAMS = ("bios-boot-sector", "bios-stage-2", "bios-stage-3", "bios-stage-4", "uefi")
_PREFETCH = """\
[package]
name = "prefetch"
version = "0.0.0"
edition = "2024"

[workspace]

[dependencies]
"""


def template(scratch: Path) -> Project:
    """Loader 0.11 by an artifact dependency and a build script, with the demo's own kernel."""

    def create(folder: Path) -> None:
        copy_sources(HERE / "peers" / "template", folder)
        copy_sources(PROJECT / "kernel" / "src", folder / "kernel" / "src")

    return Project(
        name="0.11 template",
        folder=scratch / "template",
        create=create,
        manifest="Cargo.toml",
        argv=["cargo", "build"],
        env=environment(),
        source="kernel/src/main.rs",
        number_after="SHADE: u8 = ",
        images=["target/debug/build/template-*/out/bios.img", "target/debug/build/template-*/out/uefi.img"],
    )


def bootimage(scratch: Path, name: str, programs: Path) -> Project:
    """The example for loader 0.9, built by the `cargo bootimage` in the folder `programs`."""
    env = environment()
    return Project(
        name=name,
        folder=scratch / name.replace(" ", "-"),
        create=lambda folder: copy_sources(PROJECT / "examples" / "vga_text", folder),
        manifest="Cargo.toml",
        argv=["cargo", "bootimage"],
        env={**env, "PATH": f"{programs}:{env['PATH']}"},
        source="src/main.rs",
        number_after="* 2 + 1) = ",
        images=["target/*/debug/bootimage-vga_text.bin"],
    )


def bootimage_programs(scratch: Path) -> Path:
    """The folder of the peer's programs, once they are installed."""
    return scratch / f"bootimage-{BOOTIMAGE}" / "bin"


def install_bootimage(scratch: Path) -> None:
    """Install `cargo bootimage` from the cargo registry, once."""
    programs = bootimage_programs(scratch)
    if not (programs / "cargo-bootimage").exists():
        command = ["install", "bootimage", "--version", BOOTIMAGE, "--locked", "--root", str(programs.parent)]
        _cargo(command, scratch, scratch / "install.log")


def fetch(project: Project, scratch: Path) -> None:
    """Have the project's crates in cargo's own folder, those of its loader, and those of `core`."""
    sources = replace(project, folder=scratch / "sources")
    sources.anew()
    manifest = sources.folder / project.manifest
    log = scratch / "fetch.log"
    _cargo(["fetch"], manifest.parent, log)
    for loader in _loaders(manifest, scratch):
        std = ["-Zbuild-std=core", "--target", "x86_64-unknown-none"]
        _cargo(["fetch", "--locked", *std, "--manifest-path", str(loader)], scratch, log)


def _loaders(manifest: Path, scratch: Path) -> list[Path]:
    """The manifests of the loader programs that a kernel with this lock file is booted by."""
    versions = _locked(manifest)
    if "bootloader_api" not in versions:
        return [path for name, path in _packages(manifest.parent, scratch) if name == "bootloader"]
    folder = scratch / "prefetch"
    (folder / "src").mkdir(parents=True, exist_ok=True)
    (folder / "src" / "lib.rs").touch()
    version = versions["bootloader_api"]
    lines = [
        f'bootloader-x86_64-{program} = {{ version = "={version}", artifact = "bin" }}\n'
        for program in _PROGRAMS
    ]
    (folder / "Cargo.toml").write_text(_PREFETCH + "".join(lines))
    names = {f"bootloader-x86_64-{program}" for program in _PROGRAMS}
    return [path for name, path in _packages(folder, scratch) if name in names]


def _locked(manifest: Path) -> Mapping[str, str]:
    """Name -> version in the lock file beside `manifest`."""
    lock = tomllib.loads((manifest.parent / "Cargo.lock").read_text())
    return {package["name"]: package["version"] for package in lock["package"]}


def _packages(folder: Path, scratch: Path) -> list[tuple[str, Path]]:
    """Name and manifest of every package that the one in `folder` needs, downloaded."""
    log = scratch / "metadata.log"
    _cargo(["metadata", "-Zbindeps", "--format-version=1", "--quiet"], folder, log)
    text = log.read_text()
    document = json.loads(text[text.index('{"packages"') :])
    return [(package["name"], Path(package["manifest_path"])) for package in document["packages"]]


def _cargo(arguments: Sequence[str], folder: Path, log: Path) -> None:
    Command(["cargo", *arguments], folder, environment(CARGO_NET_OFFLINE="false"), log).run()
