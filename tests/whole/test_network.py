"""What one machine has built, others take from the network cache: a real nginx, and two clones."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Tree, copy_demo

from tests.store.nginx import Nginx

pytestmark = pytest.mark.rust

FOLDER = "build/x86_64-blog_os/debug"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Nginx, Tree]]:
    """A server with all that the demo needs, and the clone that filled it."""
    folder = tmp_path_factory.mktemp("network")
    with Nginx(folder / "nginx") as server:
        variables = {"RUSTKERNEL_CACHE": server.url, "RUSTKERNEL_CACHE_MODE": "write"}
        first = Tree(copy_demo(folder / "first"), variables)
        first.scons("-j2", "image")
        yield server, first


def results(tree: Tree) -> dict[str, str]:
    """The digest of each file in the folder of results."""
    files = [path for path in (tree.root / FOLDER).iterdir() if path.is_file()]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def newcomer(folder: Path, server: str, **environ: str) -> Tree:
    """A fresh clone of the demo for somebody whose store and cargo home are empty, and whose cargo fails."""
    cargo = folder / "bin" / "cargo"
    cargo.parent.mkdir(parents=True)
    cargo.write_text(f'#!/bin/sh\necho "cargo $*" >> "{folder}/ran"\nexit 1\n')
    cargo.chmod(0o755)
    return Tree(
        copy_demo(folder / "another place" / "demo"),
        {
            "CARGO": str(cargo),
            "CARGO_HOME": str(folder / "cargo"),
            "RUSTKERNEL_STORE": str(folder / "store"),
            "RUSTKERNEL_CACHE": server,
            **environ,
        },
    )


def test_a_fresh_clone_compiles_nothing(filled: tuple[Nginx, Tree], tmp_path: Path) -> None:
    server, first = filled
    before = len(server.requests())
    second = newcomer(tmp_path, server.url)
    said = second.scons("-j2", "image")
    assert results(second) == results(first) and len(results(first)) == 5
    assert not (tmp_path / "ran").exists() and not (tmp_path / "cargo").exists()
    assert all("from the network cache" in line for line in said.splitlines() if "Compiling" in line)
    assert not list((tmp_path / "store").rglob("*.rlib")), "the sysroot is not needed"
    asked = [line.split() for line in server.requests()[before:]]
    assert {line[0] for line in asked} == {"GET"} and {line[2] for line in asked} == {"200"}
    assert sum(int(line[3]) for line in asked) < 4 << 20
