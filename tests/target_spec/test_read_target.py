from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fake_toolchain import rustc

from bootimage.base.errors import BuildError
from bootimage.target_spec.read_target import check_builtin, read_target_named
from bootimage.toolchain.find_compiler import ToolchainRequest
from bootimage.toolchain.toolchain import Toolchain, find_toolchain

TARGETS = '{"x86_64-unknown-none": {}, "aarch64-unknown-none": {}}'


@pytest.fixture
def toolchain(tmp_path: Path) -> Toolchain:
    """A compiler with two targets."""
    program = rustc(tmp_path / "toolchain")
    program.write_text(program.read_text().replace("in ", f"in -Zunstable-options) echo '{TARGETS}';; ", 1))
    environ = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "HOME": str(tmp_path)}
    return find_toolchain(ToolchainRequest(rustc=str(program), project=tmp_path, environ=environ))


def said(toolchain: Toolchain, name: str, folder: Path) -> str:
    with pytest.raises(BuildError) as caught:
        check_builtin(toolchain, name, folder, "--target {}")
    return str(caught.value)


def test_the_compilers_own(toolchain: Toolchain, tmp_path: Path) -> None:
    check_builtin(toolchain, "x86_64-unknown-none", tmp_path, "--target {}")


def test_advice(toolchain: Toolchain, tmp_path: Path) -> None:
    (tmp_path / "mine.json").touch()
    mine, near, other = (said(toolchain, name, tmp_path) for name in ("mine", "x86_64-unknown-non", ""))
    assert mine.endswith("`mine`\n  help: did you mean the file that is here? --target mine.json")
    assert near.endswith("help: did you mean --target x86_64-unknown-none?")
    assert other.startswith("error: rustc 1.97.0-nightly has no built-in target ``\n")
    assert "rustc --print target-list" in other


def test_what_is_installed_or_cannot_be_known_is_not_doubted(toolchain: Toolchain, tmp_path: Path) -> None:
    library = toolchain.sysroot / "lib/rustlib/mine/lib/libcore-0.rlib"
    library.parent.mkdir(parents=True)
    library.touch()
    check_builtin(toolchain, "mine", tmp_path, "--target {}")
    old = replace(toolchain, rustc=rustc(tmp_path / "old"))
    check_builtin(old, "other", tmp_path, "--target {}")


def test_the_compiler_is_asked_once(toolchain: Toolchain, tmp_path: Path) -> None:
    """And not by each run: what it said is remembered while it is the same."""
    check_builtin(toolchain, "x86_64-unknown-none", tmp_path, "--target {}")
    assert "aarch64-unknown-none" in (tmp_path / "cache/rustkernel/probe.json").read_text()


def test_a_target_on_the_command_line(toolchain: Toolchain) -> None:
    context: Any = SimpleNamespace(toolchain=toolchain)
    assert read_target_named(context.toolchain, "aarch64-unknown-none").name == "aarch64-unknown-none"
    with pytest.raises(BuildError, match="no built-in target `arch64-unknown-none`") as caught:
        read_target_named(context.toolchain, "arch64-unknown-none")
    assert caught.value.hint == "did you mean --target aarch64-unknown-none?"
