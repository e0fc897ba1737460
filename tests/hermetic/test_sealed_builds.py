"""Nothing of a user's configuration reaches loaders and `core` but what their keys cover.

What cargo is started with, and what it makes of that (`cargo config get`), is compared with that of a user
without any configuration. What a real cargo then does is the same, since it has nothing else to go by.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hermetic.configurations import Configuration, configuration

from bootimage.base.errors import BuildError
from bootimage.base.jobserver import JobServer
from bootimage.cargo import sealed_build
from bootimage.cargo.crate_sources import copy_crates, crate_sources
from bootimage.cargo.manifest import read_package
from bootimage.cargo.metadata_tables import BootloaderSettings
from bootimage.context import BuildContext
from bootimage.loader import compile_0_9, compile_0_11, loader_source
from bootimage.loader.choose_loader import Loader
from bootimage.loader.compile_0_9 import Recipe
from bootimage.loader.loader_0_9 import FlatLoader, loader_key
from bootimage.loader.loader_0_11 import BY_NAME, program_key
from bootimage.loader.loader_release import Release
from bootimage.store.store import open_store
from bootimage.sysroot import build_sysroot
from bootimage.sysroot.build_sysroot import sysroot_key
from bootimage.sysroot.sysroot_crates import Sysroot
from bootimage.target_spec.target import Target
from bootimage.toolchain.toolchain import ToolchainRequest, find_toolchain

pytestmark = pytest.mark.rust

CHECKOUT = Path(__file__).resolve().parents[2]
_OF_NO_RESULT = ("TERM", "TMPDIR")  # where partial files are, and colours
KINDS = ("core", "0.9", "0.11")


class Recorded(Exception):
    """What cargo would have been started with, in place of starting it."""


@pytest.fixture(scope="module")
def base() -> BuildContext:
    """The compiler and the store that all tests share."""
    environ = {**os.environ, "RUSTKERNEL_STORE": str(CHECKOUT / "tests/.work/store")}
    toolchain = find_toolchain(ToolchainRequest(project=CHECKOUT, environ=environ))
    return BuildContext(toolchain, open_store(environ), None, JobServer(2))


@pytest.fixture(scope="module")
def published(base: BuildContext, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The manifest of the loader 0.9.35, where cargo keeps it."""
    found = loader_source.locate_published(base, {"bootloader": "0.9.35"})
    return found["bootloader"]


@pytest.fixture(scope="module")
def vendored(base: BuildContext, published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The crates of the loader 0.9.35 as `cargo vendor` puts them beside a kernel."""
    folder = tmp_path_factory.mktemp("vendored")
    source = sealed_build.copy_source(published.parent, folder)
    shutil.copyfile(published.parent / "Cargo.lock", source / "Cargo.lock")
    sources = crate_sources(folder, base.toolchain.cargo_home())
    copy_crates(base, sources, source / "Cargo.toml", folder)
    return folder / "crates"


@pytest.fixture
def recording(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """cargo's last start in a sealed build is recorded; the sysroot that it needs is a name alone."""

    def record(argv: list[str], *, env: dict[str, str], cwd: Path, step: object) -> None:
        raise Recorded(_everything(argv, env, cwd))

    monkeypatch.setattr(sealed_build, "run_cargo", record)
    for module in (compile_0_9, compile_0_11):
        monkeypatch.setattr(
            module, "sysroot_folder", lambda _context, wanted: Path("/sysroot", wanted.target.name)
        )
    yield


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


@pytest.mark.parametrize("count", [30, pytest.param(200, marks=pytest.mark.long("configurations"))])
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_or_another_key(
    kind: str,
    count: int,
    base: BuildContext,
    recording: None,
    tmp_path: Path,
    published: Path,
    vendored: Path,
) -> None:
    expected = tried(Configuration(), kind, base, tmp_path / "plain", published, vendored)
    assert expected[0] != "refused", expected[1]
    same = refused = others = 0
    for number in range(count):
        made = configuration(number)
        key, found = tried(made, kind, base, tmp_path / str(number), published, vendored)
        if key == expected[0]:
            assert found == expected[1], made
            same += 1
        elif key == "refused":
            refused += 1
        else:
            others += 1
        shutil.rmtree(tmp_path / str(number))
    assert same > count * 0.7, (same, others, refused)
    print(f"{kind}: {same} the same, {others} under another key, {refused} refused")
