from __future__ import annotations

from pathlib import Path

import pytest

from bootimage.base.errors import BuildError
from bootimage.base.toml_file import read_toml
from bootimage.cargo.config import read_cargo_config
from bootimage.cargo_cli.build_as_cargo import choose_target


def choose(folder: Path, package: str = "", build: str = "", asked: tuple[str, ...] = ()) -> str:
    (folder / ".cargo").mkdir()
    (folder / ".cargo/config.toml").write_text(f"[build]\n{build}\n")
    (folder / "Cargo.toml").write_text(f'[package]\nname = "os"\n{package}\n')
    return choose_target(read_toml(folder / "Cargo.toml"), read_cargo_config(folder, folder), asked)


@pytest.mark.parametrize(
    ("package", "build", "asked", "chosen"),
    [
        ("", 'target = "config"', (), "config"),
        ("", 'target = ["config"]', (), "config"),
        ("", 'target = "config"', ("asked",), "asked"),
        ('default-target = "own"', "", (), "own"),
        ('default-target = "own"', 'target = "config"', (), "config"),
        ('forced-target = "own"', 'target = "config"', ("asked",), "own"),
    ],
)
def test_cargos_order(tmp_path: Path, package: str, build: str, asked: tuple[str, ...], chosen: str) -> None:
    assert choose(tmp_path, package, build, asked) == chosen


def test_specifications_are_where_they_are_named(tmp_path: Path) -> None:
    assert choose(tmp_path, 'forced-target = "os.json"') == f"{tmp_path}/os.json"


@pytest.mark.parametrize(
    ("asked", "message"), [((), "nothing says which target"), (("a", "b"), "for 2 targets, a, b")]
)
def test_there_must_be_one(tmp_path: Path, asked: tuple[str, ...], message: str) -> None:
    with pytest.raises(BuildError, match=message):
        choose(tmp_path, asked=asked)
