"""`scons verify-reproducible`: silent about what is reproducible, and telling about what is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from demo_tree import Tree
from leaky_kernel import telltale

pytestmark = pytest.mark.rust

FOLDER = "build/x86_64-blog_os/debug"
# What a build script may put into a kernel, and whether it is the same the second time.
STAMPS = {
    "the time": 'format!("{:?}", std::time::SystemTime::now())',
    "the folder": 'std::env::var("CARGO_MANIFEST_DIR").unwrap()',
    "the home": 'std::env::var("HOME").unwrap()',
}


def stamped(root: Path, expression: str) -> Tree:
    """The project, with a build script that writes the value of `expression` into the kernel."""
    tree = Tree(telltale(root))
    write = (
        f"let stamp: String = {expression}; "
        'let bytes = format!("{:64.64}", stamp); '
        'std::fs::write(format!("{folder}/stamp.rs"), '
        'format!("#[used] static STAMP: [u8; 64] = *b{bytes:?};")).unwrap();'
    )
    tree.edit("kernel/build.rs", "    let text", f"    {write}\n    let text")
    generated = 'include!(concat!(env!("OUT_DIR"), "/generated.rs"));'
    tree.edit("kernel/src/main.rs", generated, generated + generated.replace("generated", "stamp"))
    return tree


def test_what_is_reproducible(tmp_path: Path) -> None:
    tree = Tree(telltale(tmp_path / "telltale"))
    said = tree.scons("verify-reproducible")
    assert said.endswith("Reproducible: 4 files came out the same to the last bit\n")
    assert "differs" not in said


@pytest.mark.parametrize("what", STAMPS)
def test_what_is_not(tmp_path: Path, what: str) -> None:
    tree = stamped(tmp_path / "telltale", STAMPS[what])
    said = tree.scons("verify-reproducible", fails=True).splitlines()
    for name in ("telltale", "telltale.stripped"):
        assert f"{FOLDER}/{name}: section .rodata differs" in said
    assert (
        f"{FOLDER}/bootimage-bios-telltale.bin: partition 2: file kernel-x86_64: section .rodata differs"
        in said
    )
    assert f"{FOLDER}/bootimage-uefi-telltale.bin: ESP: file kernel-x86_64: section .rodata differs" in said
    assert "Not reproducible: of 4 files, 4 came out differently" in said
    assert said[-1] == "scons: *** [verify-reproducible] not reproducible"
