"""The nearest built-in target: of the same machine and object format, the most alike first."""

from __future__ import annotations

import pytest
from fake_compiler import TARGETS

from bootimage.target_spec.target_nearest import machine, nearest


@pytest.mark.parametrize(
    ("llvm_target", "name"),
    [
        ("x86_64-unknown-none", "x86_64-unknown-none"),
        ("x86_64-unknown-none-elf", "x86_64-unknown-none"),
        ("x86_64-unknown-none-gnu", "x86_64-unknown-none"),
        ("x86_64-unknown-linux-gnu", "x86_64-unknown-linux-gnu"),
        ("x86_64-linux-gnu", "x86_64-unknown-linux-gnu"),
        ("x86_64-blog_os", "x86_64-unknown-none"),
        ("amd64-unknown-none", "x86_64-unknown-none"),
        ("x86_64-unknown-windows", "x86_64-unknown-uefi"),
        ("x86_64-pc-windows-msvc19", "x86_64-unknown-uefi"),
        ("x86_64-pc-windows-elf", "x86_64-unknown-none"),
        ("i386-unknown-none-code16", "i686-unknown-linux-gnu"),
        ("i586-unknown-none", "i686-unknown-linux-gnu"),
        ("x86_64-unknown-linux-gnux32", None),
        ("x86_64-apple-macosx10.12.0", None),
        ("i686-unknown-uefi", None),
        ("m68k-unknown-none", None),
        ("", None),
    ],
)
def test_nearest(llvm_target: str, name: str | None) -> None:
    near = nearest(llvm_target, TARGETS)
    assert (near.name if near else None) == name


def test_layouts_are_those_of_the_kind() -> None:
    near = nearest("x86_64-unknown-none", TARGETS)
    assert near is not None
    assert near.layouts == {TARGETS["x86_64-unknown-none"]["data-layout"]}


def test_machines() -> None:
    assert [machine(each) for each in ("i386-x", "i986", "x86_64h-apple", "amd64", "x86", "armv7-none")] == [
        *("i686", "i686", "x86_64", "x86_64", "x86", "armv7")
    ]
