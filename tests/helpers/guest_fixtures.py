"""Fixtures for tests that boot a sector of their own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from boot_sectors import sector
from child_processes import guests

from bootimage.machine import qemu
from bootimage.machine.qemu import Machine


@pytest.fixture
def guest_of(tmp_path: Path) -> Callable[..., Machine]:
    """Makes the machine that boots a sector of the given code."""

    def make(*code: bytes, **options: object) -> Machine:
        image = tmp_path / "guest, with a comma.img"
        image.write_bytes(sector(*code))
        return Machine(qemu.find_qemu(os.environ), image, extra=("-nic", "none"), **options)

    return make


@pytest.fixture
def empty_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files, where whatever is left behind can be seen."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


@pytest.fixture
def running_guests(tmp_path: Path) -> Callable[[], list[int]]:
    """Tells which QEMU processes still run an image in this test's folder."""
    return partial(guests, tmp_path)
