"""A store of its own for each test, and what the user is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from forged_server import published_files

from bootimage.base import console
from bootimage.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "store", 1 << 30)
    yield opened
    opened.close()


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines that the user is told."""
    lines: list[str] = []
    monkeypatch.setattr(console, "say", lines.append)
    return lines


@pytest.fixture
def filled(tmp_path: Path) -> dict[str, bytes]:
    """What a server has after one machine has built."""
    return published_files(tmp_path)
