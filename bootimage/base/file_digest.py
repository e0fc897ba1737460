"""SHA-256 of a file, and of files with their names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from bootimage.base.errors import BuildError


def digest_of_file(path: Path) -> str:
    """The SHA-256 of a file's bytes. BuildError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BuildError(f"cannot be read: {error.strerror}", file=path) from None


def digest_of_files(named: Iterable[tuple[str, Path]]) -> str:
    """The digest of files and what they are called, in the order of their names; of a folder, all in it."""
    digest = hashlib.sha256()
    for name, path in sorted(named):
        for inner in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if inner.is_file():
                whole = f"{name}/{inner.relative_to(path)}"
                digest.update(f"{whole}\0{digest_of_file(inner)}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()
