"""SCons's CacheDir, whose entries are believed only while they are what was once stored.

SCons takes a file from there as it lies, whatever a full disk or another hand has made of it. So beside each
entry of ours is the digest of what it holds, which is written first: who sees an entry may ask for it.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import SCons.CacheDir

from bootimage.base import console

_unwritable: set[str] = set()


def is_sound(node: Any) -> bool:
    """Whether the entry for `node` may be used; one that is damaged is told of and removed.

    Where there is no entry, or a class of the user's keeps entries elsewhere, SCons decides.
    """
    entry = _entry(node)
    if entry is None or not entry.exists() or _holds_what_was_stored(node, entry):
        return True
    console.say(f"warning: CacheDir: {entry} is not what was stored for {node}, which is built here")
    if _may_write():
        _remove(entry)
    return False


def prepare_entry(node: Any) -> bool:
    """Store the digest for an entry that `node` is about to become; False where nothing can be stored."""
    entry, file = _entry(node), Path(node.get_abspath())
    if entry is None or not _may_write() or not file.is_file():
        return True
    if entry.exists() and _digest_file(entry).exists():
        return True
    try:
        entry.unlink(missing_ok=True)  # one without a digest, which SCons would leave as it is
        from bootimage.base.write_files import write_whole

        write_whole(_digest_file(entry), f"{_digest(file)}\n")
    except OSError as error:
        _tell_once(entry.parent.parent, error)
        return False
    return True


def _entry(node: Any) -> Path | None:
    path = node.get_build_env().get_CacheDir().cachepath(node)[1]
    return Path(path) if path else None


def _digest_file(entry: Path) -> Path:
    return entry.with_name(f"{entry.name}.sha256")


def _may_write() -> bool:
    return bool(SCons.Action.execute_actions) and not SCons.CacheDir.cache_readonly


def _holds_what_was_stored(node: Any, entry: Path) -> bool:
    known = _digest_file(entry)
    try:
        same = known.read_text().strip() == _digest_of_contents(node, entry)
    except Exception:  # whatever a class of the user's raises for what it cannot unpack
        return False
    if same and _may_write():
        _touch(known)
    return same


def _digest_of_contents(node: Any, entry: Path) -> str:
    """The digest of what SCons would make of `entry`: a class of the user's may keep it packed."""
    env = node.get_build_env()
    copy = env.get_CacheDir().copy_from_cache
    if getattr(copy, "__func__", None) is SCons.CacheDir.CacheDir.copy_from_cache.__func__:
        return _digest(entry)
    with tempfile.TemporaryDirectory() as folder:
        copy(env, str(entry), f"{folder}/{node.name}")
        return _digest(Path(folder, node.name))


def _digest(file: Path) -> str:
    from bootimage.base.file_digest import digest_of_file

    return digest_of_file(file)


def _touch(known: Path) -> None:
    """Let it look used, as SCons does with the entry: who removes old files must not take one of the two."""
    with suppress(OSError):
        os.utime(known)


def _remove(entry: Path) -> None:
    try:
        entry.unlink(missing_ok=True)
        _digest_file(entry).unlink(missing_ok=True)
    except OSError as error:
        _tell_once(entry.parent.parent, error)


def _tell_once(cache: Path, error: OSError) -> None:
    if str(cache) not in _unwritable:
        _unwritable.add(str(cache))
        console.say(
            f"warning: CacheDir: {cache} cannot be written: {error.strerror}; nothing is stored there"
        )
