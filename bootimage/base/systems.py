"""What differs from one operating system to another: Linux and macOS are supported, Windows through WSL 2."""

from __future__ import annotations

import os
import sys

WINDOWS = (
    "rustkernel does not run on Windows itself; it runs in WSL 2, with the images in reach of Windows: "
    "`wsl --install`, and then the same commands there"
)


def is_windows() -> bool:
    """Whether this is Windows' own Python."""
    return sys.platform == "win32"


def processors() -> int:
    """How many processors this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
