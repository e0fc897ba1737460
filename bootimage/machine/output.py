"""Write what a run leaves for the user: pictures, serial output, reports."""

from __future__ import annotations

from pathlib import Path

from bootimage.errors import BuildError
from bootimage.files import write_whole


def write_output(path: Path, content: bytes) -> None:
    """Write `content` to `path` in one step. Raises BuildError where that fails, a full disk included."""
    try:
        write_whole(path, content)
    except OSError as error:
        raise BuildError(f"cannot be written: {error.strerror}", file=path) from error
