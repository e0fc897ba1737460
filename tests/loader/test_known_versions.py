"""Which loader is advised where one does not build."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, cast

import pytest

from bootimage.loader.known_versions import advice, nearest_known
from bootimage.toolchain import rule_files
from bootimage.toolchain.toolchain import Toolchain

TABLE = """
[[tried]]
release = "1.97.0-nightly"
commit_date = "2026-05-19"
loaders = ["0.11.17", "0.11.15", "0.11.10"]

[[tried]]
release = "1.84.0"
commit_date = "2025-01-07"
loaders = ["0.11.9", "0.11.8"]

[[tried]]
release = "1.97.0"
commit_date = "2026-06-01"
loaders = []
"""


class Compiler(NamedTuple):
    """All of a toolchain that is looked at."""

    commit_date: str
    environ: Mapping[str, str] = MappingProxyType({"HOME": "/nowhere"})


def table(monkeypatch: pytest.MonkeyPatch, path: Path, text: str) -> None:
    path.write_text(f'written = "2026-11-26"\n{text}')
    monkeypatch.setattr(rule_files, "SHIPPED", path)


@pytest.mark.parametrize(
    ("date", "version", "expected"),
    [
        ("2026-05-19", "0.11.16", "0.11.17"),  # as near as 0.11.15, and newer
        ("2026-05-19", "0.11.12", "0.11.10"),
        ("2026-05-19", "0.11.14", "0.11.15"),
        ("2026-05-19", "0.11.0", "0.11.10"),
        ("2026-05-19", "0.11.17", "0.11.15"),  # known to build, and yet it did not
        ("2027-01-01", "0.11.13", "0.11.15"),
        ("2025-02-01", "0.11.13", "0.11.9"),
        ("unknown", "0.11.13", "0.11.15"),
        ("2026-06-01", "0.11.13", "0.11.15"),  # nothing has been tried with the one of that day
        ("2026-05-19", "0.11.18-beta.1", "0.11.17"),
    ],
)
def test_the_nearest(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, date: str, version: str, expected: str
) -> None:
    table(monkeypatch, tmp_path / "known.toml", TABLE)
    compiler = cast(Toolchain, Compiler(date))
    assert nearest_known(compiler, version) == expected
    assert advice(compiler, version).endswith(f"cargo update -p bootloader_api --precise {expected}")


@pytest.mark.parametrize(
    "text", ["", '[[tried]]\nrelease = "1.97.0"\ncommit_date = "2026-05-19"\nloaders = []\n']
)
def test_where_nothing_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str) -> None:
    table(monkeypatch, tmp_path / "known.toml", text)
    compiler = cast(Toolchain, Compiler("2026-05-19"))
    assert nearest_known(compiler, "0.11.17") is None
    assert "docs/loaders.md" in advice(compiler, "0.11.17")


def test_the_table_that_is_shipped() -> None:
    assert nearest_known(cast(Toolchain, Compiler("2026-05-19")), "0.11.18") == "0.11.17"
