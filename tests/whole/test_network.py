"""What one machine has built, others take from the network cache: a real nginx, and two clones."""

from __future__ import annotations

import hashlib
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from bad_server import serving
from demo_tree import CHECKOUT, Tree, copy_demo
from nginx import Nginx

from bootimage.toolchain.find_compiler import ToolchainRequest
from bootimage.toolchain.toolchain import find_toolchain

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
    rustc = cargo.with_name("rustc")
    rustc.symlink_to(find_toolchain(ToolchainRequest(project=CHECKOUT)).rustc)
    cargo.write_text(f'#!/bin/sh\necho "cargo $*" >> "{folder}/ran"\nexit 1\n')
    cargo.chmod(0o755)
    return Tree(
        copy_demo(folder / "another place" / "demo"),
        {
            "RUSTC": str(rustc),
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


def test_an_edited_kernel_needs_the_sysroot(filled: tuple[Nginx, Tree], tmp_path: Path) -> None:
    """It is asked for once, and what follows from it is not asked for at all."""
    server, first = filled
    tree = Tree(
        copy_demo(tmp_path / "demo"),
        {"RUSTKERNEL_CACHE": server.url, "RUSTKERNEL_STORE": str(tmp_path / "store")},
    )
    tree.edit("kernel/src/main.rs", "0x90", "0x91")
    before = len(server.requests())
    said = tree.scons("-j2", "image").splitlines()
    assert "Compiling blog_os for x86_64-blog_os" in said
    compiled = [line for line in said if line.startswith("Compiling") and "blog_os for" not in line]
    assert all("from the network cache" in line for line in compiled) and len(compiled) == 6
    missed = [line for line in server.requests()[before:] if " 404 " in line]
    assert len(missed) == 1 and results(tree) != results(first)


@contextmanager
def dead(_filled: Nginx, _folder: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    yield f"http://127.0.0.1:{port}/cache"


@contextmanager
def lying(filled: Nginx, folder: Path) -> Iterator[str]:
    """It sends other contents than its records promise."""
    with Nginx(folder / "lying") as server:
        shutil.copytree(filled.root, server.root, dirs_exist_ok=True)
        for path in (server.root / "cas").iterdir():
            path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])
        yield server.url


@contextmanager
def silent(_filled: Nginx, _folder: Path) -> Iterator[str]:
    with serving(lambda line, method, path, body: time.sleep(30)) as server:
        yield server.url


@pytest.mark.parametrize("trouble", [dead, lying, silent])
def test_a_server_in_trouble_costs_one_warning(
    trouble: Callable[[Nginx, Path], AbstractContextManager[str]],
    filled: tuple[Nginx, Tree],
    tmp_path: Path,
) -> None:
    server, first = filled
    with trouble(server, tmp_path) as url:
        tree = Tree(copy_demo(tmp_path / "demo"), {"RUSTKERNEL_CACHE": url, "RUSTKERNEL_CACHE_TIMEOUT": "1"})
        said = tree.scons("image")
    assert said.count("warning") == said.count(f"warning: network cache {url}: ") == 1
    assert results(tree) == results(first)


def test_a_kernel_of_this_machine_alone_is_not_shared(filled: tuple[Nginx, Tree], tmp_path: Path) -> None:
    server, _first = filled
    variables = {"RUSTKERNEL_CACHE": server.url, "RUSTKERNEL_CACHE_MODE": "write"}
    tree = Tree(copy_demo(tmp_path / "demo"), variables)
    here = '#[used]\nstatic HERE: &str = env!("CARGO_MANIFEST_DIR");\n'
    tree.edit("kernel/src/main.rs", "entry_point!(kernel_main);\n", f"entry_point!(kernel_main);\n{here}")
    before = len(server.requests("PUT"))
    said = tree.scons(f"{FOLDER}/blog_os")
    reason = f"blog_os holds the path {tree.root}"
    assert f"Not shared with other machines: {reason}" in said
    assert len(server.requests("PUT")) == before
