"""The same inputs give the same bytes: in another folder, for another user, a week later."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from demo_tree import WORK, Tree
from leaky_kernel import User

from bootimage.inspection.image_difference import describe_difference
from bootimage.store.store import Store
from bootimage.store.store_settings import prepare

pytestmark = pytest.mark.rust

RESULTS = (
    "telltale",
    "telltale.stripped",
    "bootimage-bios-telltale.bin",
    "bootimage-uefi-telltale.bin",
    "bootimage-uefi-telltale.efi",
)


def differences(one: Tree, other: Tree) -> dict[str, list[str]]:
    folder = "build/x86_64-blog_os/debug"
    found = {
        name: describe_difference(one.root / folder / name, other.root / folder / name) for name in RESULTS
    }
    return {name: lines for name, lines in found.items() if lines}


def test_two_users_get_the_same_bytes(tmp_path: Path) -> None:
    ann = User(tmp_path / "ann", days=0, locale="C.UTF-8", jobs=1).build(tmp_path / "a" / "telltale")
    (tmp_path / "bo's store").symlink_to(WORK / "store")
    bo = User(tmp_path / "home of bo", days=7, locale="de_DE.UTF-8", jobs=3).build(
        tmp_path / "bø's things" / "deeper" / "clone", RUSTKERNEL_STORE=str(tmp_path / "bo's store")
    )
    assert differences(ann, bo) == {}


SMALL = ("boot-sector.bin", "stage-2.bin")
LOADER = """\
env = Environment(tools=["default", "rustkernel"])
programs = env.BootLoader("0.11.17")
env.Alias("small", [programs["boot-sector"], programs["stage-2"]])
"""


def seeded(folder: Path) -> Path:
    """A store with the sysroot that the small programs need, and without the programs."""
    prepare(folder)
    warm, cold = Store(WORK / "store", 1 << 40), Store(folder, 1 << 40)
    for usage in warm.stats().usages:
        label = usage.record.label
        entry = warm.get(usage.record.key) if label.endswith("for i386-code16") else None
        if entry is not None:
            cold.put(entry.key, entry.files, label)
    warm.close()
    cold.close()
    return folder


def test_two_users_get_the_same_loader(tmp_path: Path, tree: Callable[..., Tree]) -> None:
    """Two of its programs, which share a sysroot; the other three take minutes."""
    first = tree({"SConstruct": LOADER})
    first.scons("small")
    bo = User(tmp_path / "home of bo", days=7, locale="de_DE.UTF-8", jobs=1)
    bo.settle()
    store = str(seeded(tmp_path / "another store"))
    second = Tree(tmp_path / "deeper" / "clone", {**bo.environment(), "RUSTKERNEL_STORE": store})
    shutil.copytree(first.root, second.root, symlinks=True, ignore=shutil.ignore_patterns("build", ".scons*"))
    said = second.scons("small")
    assert "Compiling core" not in said and said.count("Compiling bootloader 0.11.17") == 2
    for name in SMALL:
        one, other = (each.root / "build/bootloader-0.11.17" / name for each in (first, second))
        assert describe_difference(one, other) == []
