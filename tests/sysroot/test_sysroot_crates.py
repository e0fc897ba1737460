from __future__ import annotations

from pathlib import Path

import pytest

from bootimage.cargo.config import CargoConfig, read_cargo_config
from bootimage.sysroot.sysroot_crates import crates_for, features_for


def config(folder: Path, text: str) -> CargoConfig:
    (folder / ".cargo").mkdir()
    (folder / ".cargo/config.toml").write_text(text)
    return read_cargo_config(folder, folder / "home")


@pytest.mark.parametrize(
    ("text", "asked", "more"),
    [
        ("", [], ()),
        ('[unstable]\nbuild-std = ["core", "compiler_builtins"]', [], ()),
        ('[unstable]\nbuild-std = ["core", "alloc", "compiler_builtins"]', [], ("alloc",)),
        ('[unstable]\nbuild-std = "core,alloc"', [], ("alloc",)),
        ("[unstable]\nbuild-std = true", ["alloc", "core"], ("alloc",)),
        ('[build]\nbuild-std = "always"', [], ()),
        ('[build]\nbuild-std = "never"', [], ()),
        ('[build]\nbuild-std = ["core", "alloc"]', [], ("alloc",)),
        ('[build]\nbuild-std.crates = ["alloc"]', [], ("alloc",)),
        ('[build.build-std]\nwhen = "always"\ncrates = "alloc"', [], ("alloc",)),
        (
            '[target.x86_64-my_os]\nbuild-std.crates = ["alloc"]\n[unstable]\nbuild-std = ["test"]',
            [],
            ("alloc", "test"),
        ),
    ],
)
def test_crates(tmp_path: Path, text: str, asked: list[str], more: tuple[str, ...]) -> None:
    assert crates_for(config(tmp_path, text), asked) == ("core", "compiler_builtins", *more)


def test_features(tmp_path: Path) -> None:
    found = config(tmp_path, '[unstable]\nbuild-std-features = ["small", "compiler-builtins-mem"]')
    assert features_for(found) == ("compiler-builtins-mem", "small")
