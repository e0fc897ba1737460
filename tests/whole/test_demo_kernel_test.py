"""The demo's own test, on both firmwares."""

from __future__ import annotations

import pytest
from demo_tree import Tree

pytestmark = [pytest.mark.rust, pytest.mark.boot]


def test_the_demos_test_passes_on_both_firmwares(built: Tree) -> None:
    said = built.scons("-j2", "test-kernel")
    assert "screen (bios): passed" in said and "screen (uefi): passed" in said
    assert "test-kernel: 2 passed, 0 failed" in said
    assert "2 unchanged since they passed" in built.scons("test-kernel")
