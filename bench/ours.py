"""Our side: the demo through SCons, the same program as `cargo bootimage`, and SCons with nothing to do."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from bench.measure import Command
from bench.peers import PROJECT, bootimage
from bench.project import Project, copy_sources, environment

_DEMO = ("SConstruct", "x86_64-blog_os.json", "kernel", "bootimage", "site_scons")
_COMMAND = """\
#!{python}
import sys
sys.path.insert(0, {engine!r})
from bootimage.cli import cargo_bootimage
sys.exit(cargo_bootimage())
"""


def scons(*words: str) -> list[str]:
    """A command line of scons, as `./sconsw` starts it."""
    return [sys.executable, "-m", "SCons", f"-j{os.cpu_count()}", "-Q", *words]


def store_variables(cache: Path) -> dict[str, str]:
    """The variables that give a build a store and caches of its own in the folder `cache`."""
    return {"XDG_CACHE_HOME": str(cache), "RUSTKERNEL_STORE": str(cache / "store")}


def copy_engine(folder: Path) -> None:
    """Put the demo and all that it needs into `folder`, as a clone would."""
    for name in _DEMO:
        source = PROJECT / name
        if source.is_dir():
            copy_sources(source, folder / name)
        else:
            shutil.copy(source, folder)


def demo(folder: Path, env: Mapping[str, str]) -> Project:
    """The demo in `folder`: `scons image`."""
    return Project(
        name="ours",
        folder=folder,
        create=copy_engine,
        manifest="kernel/Cargo.toml",
        argv=scons("image"),
        env=env,
        source="kernel/src/main.rs",
        number_after="SHADE: u8 = ",
        images=["build/*/debug/bootimage-bios-blog_os.bin", "build/*/debug/bootimage-uefi-blog_os.bin"],
    )


def cargo_bootimage(scratch: Path, name: str, cache: Path) -> Project:
    """The example for loader 0.9, built by our `cargo bootimage`, with a store in the folder `cache`."""
    project = bootimage(scratch, name, _programs(scratch))
    return replace(project, env={**project.env, **store_variables(cache)})


def empty_scons(folder: Path) -> Command:
    """SCons's own empty run: an SConstruct with nothing in it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "SConstruct").write_text("")
    return Command(scons(), folder, environment(), folder.with_suffix(".log"))


def install_bootimage(scratch: Path) -> None:
    """Put the engine as it is now, and the program `cargo-bootimage` as pip would make it, into `scratch`."""
    programs = _programs(scratch)
    engine = programs.parent
    shutil.rmtree(engine, ignore_errors=True)
    programs.mkdir(parents=True)
    copy_engine(engine)
    program = programs / "cargo-bootimage"
    program.write_text(_COMMAND.format(python=sys.executable, engine=str(engine)))
    program.chmod(0o755)


def _programs(scratch: Path) -> Path:
    return scratch / "engine" / "bin"
