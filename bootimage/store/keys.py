"""The digest of all that a result depends on.

The engine's own files: what was remembered by another state of them is not to be trusted.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

# To be changed whenever the same inputs come to give another result than before.
_ENGINE = "rustkernel 1"


def action_key(kind: str, inputs: Mapping[str, str]) -> str:
    """The digest of all that a result depends on: what `kind` it is, and each input by name."""
    text = json.dumps([_ENGINE, kind, sorted(inputs.items())], separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


_HERE = str(Path(__file__).parents[1])


@cache
def newest_module() -> Path:
    """The module that was changed last; with its time stamp it stands for this state of the engine."""
    return Path(max(_files(_HERE), key=lambda file: file.stat().st_mtime_ns).path)


@cache
def engine_digest() -> str:
    """The SHA-256 of the engine's own files, which tells its states apart on every machine."""
    return code_digest(_HERE)


def code_digest(*folders: str) -> str:
    """The SHA-256 of the names and contents of all code below `folders`."""
    digest = hashlib.sha256()
    for folder in folders:
        for file in sorted(_files(folder), key=lambda file: file.path):
            # On the way of every run: pathlib, or a buffer, would take twice as long.
            with open(file.path, "rb", buffering=0) as opened:  # noqa: PTH123
                digest.update(file.path[len(folder) :].encode() + b"\0" + opened.read() + b"\0")
    return digest.hexdigest()


def _files(folder: str) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith((".py", ".toml")):
                yield entry
            elif entry.is_dir() and entry.name != "__pycache__":
                yield from _files(entry.path)
