"""The demo with other compilers than the nightly of the other tests: rustup's stable, Debian's."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from demo_tree import Tree, copy_demo
from PIL import Image

from bootimage.set_up.rust_parts import debians_rust

pytestmark = pytest.mark.rust

COMPILERS = {"stable": {"RUSTUP_TOOLCHAIN": "stable"}, "debian": debians_rust(os.environ) or {}}


@pytest.mark.boot
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("goal", ["run-qemu", "run-qemu-uefi"])
def test_boots_with(compiler: str, goal: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert COMPILERS[compiler], "Debian's Rust is missing"
    tree = Tree(copy_demo(tmp_path_factory.mktemp(compiler) / "demo"), COMPILERS[compiler])
    said = tree.scons("-j2", goal, timeout=1500)
    assert "RUSTC_BOOTSTRAP=1" in said
    picture = next(tree.root.glob("build/x86_64-blog_os/debug/*.png"))
    screen = Image.open(picture).convert("RGB")
    assert screen.getcolors() == [(screen.width * screen.height, (0x90, 0x90, 0x90))]


def test_the_library_source_that_rust_src_names_is_compiled(demo: Tree, tmp_path: Path) -> None:
    found = demo.scons("toolchain")
    match = re.search(r"\S+/lib/rustlib/src/rust/library", found)
    assert match
    library = tmp_path / "mine" / "library"
    shutil.copytree(Path(match[0]), library, symlinks=True)
    core = library / "core/src/lib.rs"
    core.write_text(f'{core.read_text()}\ncompile_error!("of my own");\n')
    demo.edit("SConstruct", 'tools=["rustkernel"]', f'tools=["rustkernel"], RUST_SRC="{library}"')
    assert "of my own" in demo.scons("build/x86_64-blog_os/sysroot.json", fails=True)
    shutil.rmtree(library)
    assert "which holds no library source" in demo.scons("build/x86_64-blog_os/sysroot.json", fails=True)
