"""JSON that others wrote: any text is a value or a ValueError, and no other exception.

Python's own reader has two more: RecursionError for what is nested deeply, and OverflowError, later, for
numbers that no float takes. A target specification has a reader with positions: `json_positions`.
"""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

MEMORY_LIMIT = 8 << 20
"""Bytes; a larger file is none that we wrote to remember something."""


def parse_json(text: str | bytes) -> Any:
    """The value that `text` spells. Raises ValueError for anything that is not JSON."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("JSON that is nested too deeply") from None


def parse_object(text: str | bytes) -> dict[str, Any]:
    """The same for an object. Raises ValueError for any other value too."""
    value = parse_json(text)
    if not isinstance(value, dict):
        raise ValueError("JSON, but no object")
    return value


def read_object(file: Path, limit: int = MEMORY_LIMIT) -> dict[str, Any]:
    """The object in `file`, or an empty one: what cannot be read, or is none, counts as never written.

    For what is only a memory or an offer. A file of more than `limit` bytes, a folder, a pipe count as none.
    """
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > limit:
            return {}
        with file.open("rb") as stream:
            return parse_object(stream.read(limit))
    except (OSError, ValueError):
        return {}
