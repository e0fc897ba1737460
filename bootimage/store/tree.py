"""Folders laid out from the store's contents, at a path that holds the digest of what is in them.

A tree's files are hard links to the store's own (copies where the file system has none), so a sysroot
costs no space twice. A tree is made, checked and mended in place, one file at a time and each in one
step: whoever uses it meanwhile sees whole files only.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from bootimage.base.lazy_dataclass import dataclass
from bootimage.store.blobs import is_whole, make_folder, remove
from bootimage.store.record import Blob
from bootimage.store.session import Session


@dataclass(frozen=True)
class Content:
    """What one file of a tree is to be: a blob, and the whole file that holds it, or its bytes."""

    blob: Blob
    source: Path | bytes


def tree_digest(contents: Mapping[str, Blob]) -> str:
    """The digest of a tree: of each file's path, content and x bit."""
    rows = sorted([path, blob.sha256, blob.executable] for path, blob in contents.items())
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def tree_path(root: Path, digest: str) -> Path:
    """Where the store at `root` keeps the tree with this digest."""
    return root / "trees" / digest


def tree_is_whole(root: Path, digest: str, contents: Mapping[str, Content]) -> bool:
    """True when the tree is there, each file is as it should be, and there is no other file."""
    folder = tree_path(root, digest)
    complete = folder.is_dir() and all(
        _is_good(root, digest, path, content) for path, content in contents.items()
    )
    return complete and not list(_strangers(folder, contents))


def make_tree(root: Path, session: Session, digest: str, contents: Mapping[str, Content]) -> None:
    """Make the tree, or mend what is damaged in it. OSError when the store cannot be written."""
    folder = tree_path(root, digest)
    make_folder(folder)
    for stranger in list(_strangers(folder, contents)):
        remove(stranger)
    for path, content in contents.items():
        if not _is_good(root, digest, path, content):
            _place(session, folder / path, content)


def _is_good(root: Path, digest: str, path: str, content: Content) -> bool:
    placed = tree_path(root, digest) / path
    with suppress(OSError):
        status = placed.lstat()
        if stat.S_ISREG(status.st_mode) and bool(status.st_mode & 0o100) == content.blob.executable:
            # The source was checked when its entry was had; another link to it is the same file.
            source = content.source
            linked = isinstance(source, Path) and os.path.samestat(status, source.stat())
            return linked or is_whole(root, placed, content.blob, _stamp_name(digest, path))
    return False


def _stamp_name(digest: str, path: str) -> str:
    return hashlib.sha256(f"{digest}/{path}".encode()).hexdigest()


def _place(session: Session, path: Path, content: Content) -> None:
    make_folder(path.parent)
    partial = session.partial()
    try:
        _link_or_copy(content, partial)
        if path.is_dir():
            remove(path)
        partial.replace(path)
    finally:
        # Two links to one file: replacing one by the other does nothing, and leaves both.
        partial.unlink(missing_ok=True)


def _link_or_copy(content: Content, partial: Path) -> None:
    if isinstance(content.source, bytes):
        partial.write_bytes(content.source)
    elif content.blob.executable or not _link(content.source, partial):
        shutil.copyfile(content.source, partial)
    else:
        return  # a link has the mode of the store's own file
    partial.chmod(0o555 if content.blob.executable else 0o444)


def _link(source: Path, partial: Path) -> bool:
    partial.unlink()
    try:
        partial.hardlink_to(source)
    except OSError:
        return False
    return True


def _strangers(folder: Path, contents: Mapping[str, Content]) -> Iterator[Path]:
    """Whatever lies in the tree and does not belong there, symbolic links to folders included."""
    folders = {str(parent) for path in contents for parent in Path(path).parents}
    for place, names, files in os.walk(folder):
        for name in [*names, *files]:
            path = Path(place, name)
            inner = str(path.relative_to(folder))
            plain_folder = name in names and not path.is_symlink()
            if not (inner in folders if plain_folder else inner in contents):
                yield path
