"""Files that this user alone may write, whatever the umask is, and whether a folder is such a one.

What is remembered from run to run (the store, facts about compilers) is believed, so a folder that others can
write, or that another user made, must not be used for it. Root is trusted: root can do all of it anyway.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def make_private_folder(path: Path) -> None:
    """Make the folder, and those above it that are missing, each for this user alone."""
    missing = [each for each in (path, *path.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)
    if not missing:
        path.mkdir(exist_ok=True)  # raises where it is no folder


def private_file(path: str, flags: int) -> int:
    """For `open(..., opener=private_file)`: a new file that nobody else may write."""
    return os.open(path, flags, 0o644)


def why_not_trusted(folder: Path, *, deep: bool = False) -> str | None:
    """Who else may have written to the folder, or with `deep` to one below it; None for nobody, or no folder.

    One of this user's own that its private group could write (umask 002) is closed to it, without a word.
    """
    try:
        if belongs_to_another(folder):
            return f"it belongs to {user_name(folder.stat().st_uid)}"
        writers = _writers_of(folder, deep)
        if writers == "group" and _is_private_group(folder.stat()):
            folder.chmod(0o700)
            return None
    except OSError:
        return None
    return {"all": "every user can write to it", "group": "its group can write to it"}.get(writers)


def belongs_to_another(folder: Path) -> bool:
    """True for the folder of a user who is neither this one nor root."""
    return folder.stat().st_uid not in (0, os.geteuid())


def close_to_others(folder: Path) -> None:
    """Let nobody but this user enter the folder, where it is this user's."""
    status = folder.stat()
    if status.st_uid == os.geteuid() and status.st_mode & 0o077:
        folder.chmod(0o700)


_ORDER = ("", "group", "all")


def _writers_of(folder: Path, deep: bool) -> str:
    """Who besides its owner can write to the folder or, with `deep`, to one below it that can be reached."""
    mode = folder.stat().st_mode
    here = "all" if mode & 0o002 else "group" if mode & 0o020 else ""
    reachable = _folders(folder) if deep and mode & 0o011 and here != "all" else ()
    return max((here, *(_writers_of(each, deep) for each in reachable)), key=_ORDER.index)


def _folders(folder: Path) -> Iterator[Path]:
    with suppress(OSError), os.scandir(folder) as found:
        yield from [Path(each.path) for each in found if each.is_dir(follow_symlinks=False)]


def _is_private_group(status: os.stat_result) -> bool:
    """True for a folder of ours with the group that we have alone, as Debian gives each user one."""
    import grp

    with suppress(KeyError):
        group, user = grp.getgrgid(status.st_gid), pwd.getpwuid(os.geteuid())
        ours = status.st_uid == os.geteuid() and group.gr_gid == user.pw_gid
        return ours and group.gr_name == user.pw_name and not group.gr_mem
    return False


def user_name(number: int) -> str:
    """What the user with this number is called."""
    with suppress(KeyError):
        return pwd.getpwuid(number).pw_name
    return f"user {number}"
