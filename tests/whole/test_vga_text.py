"""The example on loader 0.9, built by its SConstruct: what is made again, and what is not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from demo_tree import CHECKOUT, Tree

pytestmark = pytest.mark.rust

FOLDER = "x86_64-vga_text/debug"
IMAGE = f"{FOLDER}/bootimage-vga_text.bin"
LOADER = f"{FOLDER}/bootloader-0.9.35/vga_text/loader.o"


@pytest.fixture
def example(tmp_path: Path) -> Tree:
    """A copy of the example, where it finds the checkout's tool."""
    (tmp_path / "site_scons").symlink_to(CHECKOUT / "site_scons")
    folder = tmp_path / "examples" / "vga_text"
    ignored = shutil.ignore_patterns("build", "target", ".sconsign*")
    return Tree(Path(shutil.copytree(CHECKOUT / "examples/vga_text", folder, ignore=ignored)))


def test_an_edited_kernel_is_only_linked_again(example: Tree) -> None:
    assert {IMAGE, LOADER} <= example.rebuilt("-j2")
    assert example.rebuilt() == set()
    example.edit("src/main.rs", "Hello World!", "Good morning")
    assert example.rebuilt() == {f"{FOLDER}/vga_text", f"{FOLDER}/vga_text.stripped", IMAGE}
    assert b"Good morning" in (example.root / "build" / IMAGE).read_bytes()


def test_settings_make_another_loader(example: Tree) -> None:
    example.scons()
    example.edit("Cargo.toml", "\n[dep", "\n[package.metadata.bootloader]\nkernel-stack-size = 1\n\n[dep")
    assert {IMAGE, LOADER} <= example.rebuilt()
    example.edit("Cargo.toml", "kernel-stack-size", "kernel-stack-sise")
    told = example.scons(fails=True)
    assert "Cargo.toml:8" in told and "did you mean `kernel-stack-size`?" in told


def test_an_edited_loader_is_compiled_again(example: Tree) -> None:
    example.scons()
    published = (example.root / "build" / LOADER).read_bytes()
    source = next(Path.home().glob(".cargo/registry/src/*/bootloader-0.9.35"))
    mine = shutil.copytree(source, example.root.parent / "mine", ignore=shutil.ignore_patterns(".cargo*"))
    depend_on_mine(example)
    example.scons()
    assert (example.root / "build" / LOADER).read_bytes() == published
    stage = Path(mine, "src/stage_1.s")
    assert "Booting (first stage)..." in stage.read_text()
    stage.write_text(stage.read_text().replace("Booting (first stage)...", "It begins (here, now)..."))
    assert IMAGE in example.rebuilt()
    assert b"It begins (here, now)..." in (example.root / "build" / IMAGE).read_bytes()


def test_a_kernel_on_loader_0_10(example: Tree) -> None:
    depend_on_mine(example)
    lock = example.root / "Cargo.lock"
    lock.write_text(lock.read_text().replace("0.9.35", "0.10.13"))
    manifest = example.root.parent / "mine/Cargo.toml"
    manifest.parent.joinpath("src").mkdir(parents=True)
    manifest.write_text('[package]\nname = "bootloader"\nversion = "0.10.13"\n')
    manifest.parent.joinpath("src/lib.rs").write_text("#![no_std]\n")
    told = example.scons(fails=True)
    assert "Cargo.toml:8" in told and "(0.10.13), which no current compiler builds" in told
    assert 'bootloader = { package = "bootloader_api", version = "0.11" }' in told


def depend_on_mine(example: Tree) -> None:
    """Let the kernel take its loader from the folder `mine` beside it."""
    example.edit("Cargo.toml", '"0.9.35"', '{ path = "../mine" }')
    lock = example.root / "Cargo.lock"
    kept = [line for line in lock.read_text().splitlines() if not line.startswith(("source", "checksum"))]
    lock.write_text("\n".join([*kept, ""]))
