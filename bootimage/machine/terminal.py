"""The user's terminal, kept as it was: a QEMU that is killed cannot put its modes back."""

from __future__ import annotations

import os
import termios
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def terminal_kept() -> Iterator[None]:
    """Put the modes of the terminal on standard input, if it is one, back as they were before the body."""
    if not os.isatty(0):
        yield
        return
    before = termios.tcgetattr(0)
    try:
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)
