"""The places in cargo's messages are such as the user can open."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootimage.base import console
from bootimage.cargo.run_cargo import run_cargo

ROOT = Path("/")


@pytest.fixture
def manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A manifest in a folder of the user's, who is above it."""
    path = tmp_path / "my kernel/Cargo.toml"
    path.parent.mkdir()
    path.write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VERBOSE", raising=False)
    return path


def shown(line: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the user sees of a line of cargo's, which runs in the root folder."""
    texts: list[str] = []
    monkeypatch.setattr(console, "write_error", texts.append)
    run_cargo(["sh", "-c", 'printf "%s\\n" "$0" >&2', line], env={"PATH": "/usr/bin:/bin"}, cwd=ROOT)
    return "".join(texts).rstrip("\n")


@pytest.mark.parametrize("arrow", ["  --> ", "  \x1b[1m\x1b[94m--> \x1b[0m", " ::: "])
def test_a_manifest_is_named_from_the_users_folder(
    arrow: str, manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = f"{arrow}{manifest.relative_to('/')}:8:5"
    assert shown(place, monkeypatch) == f"{arrow}my kernel/Cargo.toml:8:5"
    monkeypatch.chdir("/proc/self")
    assert shown(place, monkeypatch) == f"{arrow}{manifest}:8:5"


@pytest.mark.parametrize("line", ["  --> src/main.rs:1:2", "  --> lost/Cargo.toml:1:2", "a --> b.toml:1"])
def test_other_lines_stay(line: str, manifest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(line, monkeypatch) == line
