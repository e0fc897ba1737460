"""The compiler and the store that all tests share, and a cargo whose start is recorded."""

from __future__ import annotations

import os

import pytest
from sealed_starts import CHECKOUT, record_starts

from bootimage.base.jobserver import JobServer
from bootimage.context import BuildContext
from bootimage.store.store import open_store
from bootimage.toolchain.toolchain import ToolchainRequest, find_toolchain


@pytest.fixture(scope="module")
def base() -> BuildContext:
    """The compiler and the store that all tests share."""
    environ = {**os.environ, "RUSTKERNEL_STORE": str(CHECKOUT / "tests/.work/store")}
    toolchain = find_toolchain(ToolchainRequest(project=CHECKOUT, environ=environ))
    return BuildContext(toolchain, open_store(environ), None, JobServer(2))


@pytest.fixture
def recording(monkeypatch: pytest.MonkeyPatch) -> None:
    """cargo's last start in a sealed build is recorded; the sysroot that it needs is a name alone."""
    record_starts(monkeypatch)
