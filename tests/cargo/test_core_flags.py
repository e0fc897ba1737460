"""The flags of a kernel to which `core` has to fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootimage.base.toml_file import read_toml
from bootimage.cargo.config import read_cargo_config
from bootimage.cargo.core_flags import fitting_flags, profile_flags
from bootimage.cargo.workspace import find_workspace


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["-Copt-level=1", "-Clink-arg=-Tlinker.ld", "--cfg", "x", "-Cpanic=abort"], []),
        (["-Zunstable-options", "-Copt-level=1"], []),
        (
            ["-Zunstable-options", "-Cpanic=immediate-abort"],
            ["-Zunstable-options", "-Cpanic=immediate-abort"],
        ),
        (["-C", "target_feature=+sse3"], ["-Ctarget-feature=+sse3"]),
        (["--codegen=code-model=kernel"], ["-Ccode-model=kernel"]),
        (["-Z", "sanitizer=kcfi", "-Zfunction-return=thunk-extern"], None),
        (["-Zbranch-protection=bti"], ["-Zbranch-protection=bti"]),
        (["-Ctarget-cpu=native"], []),  # another processor on each machine
        (["-Ctarget-cpu=skylake"], ["-Ctarget-cpu=skylake"]),
    ],
)
def test_what_core_has_to_fit_to(flags: list[str], expected: list[str] | None) -> None:
    wanted = ("-Zsanitizer=kcfi", "-Zfunction-return=thunk-extern") if expected is None else tuple(expected)
    assert fitting_flags(flags) == wanted


MANIFEST = """\
[package]
name = "k"
version = "0.1.0"
edition = "2021"

[profile.dev]
panic = "immediate-abort"

[profile.fast]
inherits = "release"

[profile.release]
rustflags = ["-Zsanitizer=kcfi"]
"""
ABORTING = ["-Zunstable-options", "-Cpanic=immediate-abort"]


@pytest.mark.parametrize(
    ("profile", "config", "expected"),
    [
        ("dev", "", ABORTING),
        ("test", "", ABORTING),
        ("fast", "", ["-Zsanitizer=kcfi"]),
        ("dev", 'profile.dev.panic = "abort"', []),
        ("release", 'profile.release.panic = "immediate-abort"', ["-Zsanitizer=kcfi", *ABORTING]),
    ],
)
def test_what_a_profile_stands_for(tmp_path: Path, profile: str, config: str, expected: list[str]) -> None:
    (tmp_path / "Cargo.toml").write_text(MANIFEST)
    (tmp_path / ".cargo").mkdir()
    (tmp_path / ".cargo/config.toml").write_text(config)
    found = read_cargo_config(tmp_path, tmp_path / "home")
    assert profile_flags(find_workspace(read_toml(tmp_path / "Cargo.toml")), found, profile) == expected
