"""Made-up cargo packages for tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

PACKAGE = '[package]\nname = "my-kernel"\nversion = "1.2.3"\nedition = "2021"\n'


def named(name: str) -> str:
    """The shortest manifest of a package called `name`."""
    return f'[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2021"\n'


def tree(folder: Path, files: Mapping[str, str]) -> Path:
    """Write `files` (path below `folder` -> text) and return `folder`."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder
