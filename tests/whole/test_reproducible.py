"""The same inputs give the same bytes: in another folder, for another user, a week later."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Tree
from telltale import User

from bootimage.image_diff import describe_difference

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
    bo = User(tmp_path / "home of bo", days=7, locale="de_DE.UTF-8", jobs=3).build(
        tmp_path / "bø's things" / "deeper" / "clone"
    )
    assert differences(ann, bo) == {}
