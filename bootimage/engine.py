"""The engine's own files: what was remembered by another state of them is not to be trusted."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path


@cache
def newest_module() -> Path:
    """The module that was changed last; with its time stamp it stands for this state of the engine."""
    return max(Path(__file__).parent.rglob("*.py"), key=lambda file: file.stat().st_mtime_ns)


@cache
def engine_digest() -> str:
    """The SHA-256 of the engine's own files, which tells its states apart on every machine."""
    root = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted([*root.rglob("*.py"), *root.rglob("*.toml")]):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
