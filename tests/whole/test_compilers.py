"""The demo with other compilers than the nightly of the other tests: rustup's stable, Debian's."""

from __future__ import annotations

import pytest
from conftest import Tree, copy_demo
from PIL import Image

pytestmark = [pytest.mark.rust, pytest.mark.boot]

COMPILERS = {
    "stable": {"RUSTUP_TOOLCHAIN": "stable"},
    "debian": {"RUSTC": "/usr/bin/rustc", "CARGO": "/usr/bin/cargo"},
}


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("goal", ["run-qemu", "run-qemu-uefi"])
def test_boots_with(compiler: str, goal: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    tree = Tree(copy_demo(tmp_path_factory.mktemp(compiler) / "demo"), COMPILERS[compiler])
    said = tree.scons("-j2", goal, timeout=1500)
    assert "RUSTC_BOOTSTRAP=1" in said
    picture = next(tree.root.glob("build/x86_64-blog_os/debug/*.png"))
    screen = Image.open(picture).convert("RGB")
    assert screen.getcolors() == [(screen.width * screen.height, (0x90, 0x90, 0x90))]
