"""What cargo would be started with in a sealed build: recorded in place of starting it."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cargo_configurations import Configuration

from bootimage.base.errors import BuildError
from bootimage.cargo import sealed_build
from bootimage.cargo.crate_sources import crate_sources
from bootimage.cargo.manifest import read_package
from bootimage.cargo.metadata_tables import BootloaderSettings
from bootimage.context import BuildContext
from bootimage.loader import compile_0_9, compile_0_11, loader_source
from bootimage.loader.choose_loader import Loader
from bootimage.loader.compile_0_9 import Recipe
from bootimage.loader.loader_0_9 import FlatLoader, loader_key
from bootimage.loader.loader_0_11 import BY_NAME, program_key
from bootimage.loader.loader_release import Release
from bootimage.sysroot import build_sysroot
from bootimage.sysroot.build_sysroot import sysroot_key
from bootimage.sysroot.sysroot_crates import Sysroot
from bootimage.target_spec.target import Target

CHECKOUT = Path(__file__).resolve().parents[2]
_OF_NO_RESULT = ("TERM", "TMPDIR")  # where partial files are, and colours


class Recorded(Exception):
    """What cargo would have been started with, in place of starting it."""


def _everything(argv: list[str], env: dict[str, str], cwd: Path) -> dict[str, Any]:
    """All that a cargo has to go by: its words, its variables, its folder, its configuration."""
    words = [argv[0], "-Zunstable-options", "config", "get"]
    asked = subprocess.run(
        words, env={**env, "RUSTC_BOOTSTRAP": "1"}, cwd=cwd, capture_output=True, text=True, check=True
    )
    files = {
        str(path.relative_to(cwd)): hashlib.sha256(path.read_bytes()).hexdigest()
        for part in ("source", "crates")
        for path in sorted((cwd / part).rglob("*"))
        if path.is_file()
    }
    kept = {name: value for name, value in env.items() if name not in _OF_NO_RESULT}
    plain = repr((argv, sorted(kept.items()), asked.stdout)).replace(str(cwd), "@")
    return {"started": plain, "files": files}


def outcome(
    kind: str, context: BuildContext, project: Path, folder: Path, published: Path
) -> tuple[str, Any]:
    """The key of a sealed build, and all that cargo would be started with; or that it is refused."""
    toolchain = context.toolchain
    target = Target("x86_64-unknown-none")
    loader_source._located.clear()
    try:
        sources = crate_sources(project, toolchain.cargo_home())
        if kind == "core":
            sysroot = Sysroot(target)
            key = sysroot_key(toolchain, sysroot)
            build_sysroot._build(context, sysroot, folder)
        elif kind == "0.9":
            package = read_package(published)
            loader = Loader("0.9", "bootloader", "0.9.35", "registry", "c0ffee")
            settings = BootloaderSettings()
            flat = FlatLoader(loader, project / "Cargo.toml", (), settings, sources)
            key = loader_key(toolchain, flat)
            compile_0_9.compile_relocatable(
                context, Recipe(package, (), settings, "a loader", sources), folder
            )
        else:
            release = Release("0.11.17", sources=sources)
            key = program_key(toolchain, release, BY_NAME["stage-4"])
            compile_0_11._build(context, release, BY_NAME["stage-4"], folder, "a program")
    except Recorded as recorded:
        return key, recorded.args[0]
    except BuildError as error:
        return "refused", error.message
    raise AssertionError("cargo was not started")


def tried(
    made: Configuration, kind: str, base: BuildContext, root: Path, published: Path, vendored: Path
) -> tuple[str, Any]:
    """The outcome under a configuration, whose files are written below `root`."""
    home = made.write(root, vendored, base.toolchain.cargo_home())
    environ = {**base.toolchain.environ, **made.shell, "CARGO_HOME": str(home)}
    context = replace(base, toolchain=replace(base.toolchain, environ=environ))
    return outcome(kind, context, root / "p/kernel", root / "b/work", published)


def record_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """cargo's last start in a sealed build is recorded; the sysroot that it needs is a name alone."""

    def record(argv: list[str], *, env: dict[str, str], cwd: Path, step: object) -> None:
        raise Recorded(_everything(argv, env, cwd))

    monkeypatch.setattr(sealed_build, "run_cargo", record)
    for module in (compile_0_9, compile_0_11):
        monkeypatch.setattr(
            module, "sysroot_folder", lambda _context, wanted: Path("/sysroot", wanted.target.name)
        )
