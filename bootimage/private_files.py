"""Files that this user alone may write, whatever the umask is, and whether a folder is such a one.

What is remembered from run to run (the store, facts about compilers) is believed, so a folder that others can
write, or that another user made, must not be used for it. Root is trusted: root can do all of it anyway.
"""

from __future__ import annotations

import os
import pwd
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


def why_not_trusted(folder: Path) -> str | None:
    """Who else may have written to the folder; None for nobody, and where there is no such folder.

    One of this user's own that its private group could write (umask 002) is closed to it, without a word.
    """
    try:
        status = folder.stat()
        if status.st_uid not in (0, os.geteuid()):
            return f"it belongs to {user_name(status.st_uid)}"
        writers = _writers(status) or _inner_writers(folder, status)
        if writers == "group" and _is_private_group(status):
            folder.chmod(0o700)
            return None
    except OSError:
        return None
    return {"all": "every user can write to it", "group": "its group can write to it"}.get(writers)


def _writers(status: os.stat_result) -> str:
    return "all" if status.st_mode & 0o002 else "group" if status.st_mode & 0o020 else ""


def _inner_writers(folder: Path, status: os.stat_result) -> str:
    """The same of the folders in it, where others can reach them."""
    if not status.st_mode & 0o011:
        return ""
    with os.scandir(folder) as found:
        inner = [_writers(each.stat()) for each in found if each.is_dir(follow_symlinks=False)]
    return max(inner, key=["", "group", "all"].index, default="")


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
