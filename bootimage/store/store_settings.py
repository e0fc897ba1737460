"""Which folder the store is, whether it may be used, and how large it may become.

`RUSTKERNEL_STORE` names the folder, or `off`; otherwise it is `$XDG_CACHE_HOME/rustkernel/store`, or
`~/.cache/rustkernel/store`. `RUSTKERNEL_STORE_LIMIT` ("10G") bounds it.

What is in the store is believed, so it is made for this user alone.
"""

from __future__ import annotations

import errno
import os
import pwd
import re
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from bootimage.base.errors import BuildError
from bootimage.base.lazy_dataclass import dataclass
from bootimage.base.private_files import make_private_folder, private_file, user_name
from bootimage.base.user_folders import store_is_off

_DEFAULT_LIMIT = "10G"
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_SIZE = re.compile(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*([KMGT]?)(?:i?B)?\s*\Z", re.IGNORECASE)

# The file by which a folder is known to be a store, so that no other folder is ever swept. Its first
# line is the signature of https://bford.info/cachedir/ that keeps caches out of backups.
_MARK = "CACHEDIR.TAG"
_MARK_TEXT = "Signature: 8a477f597d28d172789f06886806bc55\n# The store of rustkernel. It may be removed.\n"
OTHER_ADVICE = "set RUSTKERNEL_STORE to a folder of yours, or to off"


@dataclass(frozen=True)
class StoreChoice:
    """What the user asked for: a folder (None: no lasting store), whether by name, the limit in bytes."""

    root: Path | None
    named: bool
    limit: int


def store_choice(environ: Mapping[str, str]) -> StoreChoice:
    """Read the settings. BuildError for a limit that is no size."""
    limit = parse_size(environ.get("RUSTKERNEL_STORE_LIMIT") or _DEFAULT_LIMIT)
    named = environ.get("RUSTKERNEL_STORE", "")
    if store_is_off(environ):
        return StoreChoice(None, True, limit)
    root = Path(os.path.expanduser(named)).absolute() if named else _default_root(environ)  # noqa: PTH111
    return StoreChoice(root, bool(named), limit)


def _default_root(environ: Mapping[str, str]) -> Path:
    # By the XDG specification a relative path counts for nothing.
    cache = environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(cache):  # noqa: PTH117
        return Path(cache) / "rustkernel/store"
    home = environ.get("HOME") or pwd.getpwuid(os.getuid()).pw_dir
    return Path(home).absolute() / ".cache/rustkernel/store"


def parse_size(text: str) -> int:
    """The bytes of "500M", "10G", "1.5 GiB" (powers of 1024). BuildError for anything else."""
    match = _SIZE.match(text)
    if match is None:
        raise BuildError(
            f"RUSTKERNEL_STORE_LIMIT is {text!r}; expected a size such as 500M, 10G or 1.5T",
            hint=f"unset it for the default of {_DEFAULT_LIMIT}",
        )
    return int(float(match[1]) * _UNITS[match[2].upper()])


def prepare(root: Path) -> None:
    """Make the folder a store if it is none yet.

    OSError when it cannot be made, or is not this user's to write; BuildError when it is not a folder,
    or holds something else than a store.
    """
    try:
        make_private_folder(root)
        found = [each.name for each in root.iterdir()]
    except (FileExistsError, NotADirectoryError):
        raise _not_a_folder(root) from None
    if _MARK in found:
        _check_mark(root)
    elif found and not (root / _MARK).exists():  # looked at again: another process may have just made it
        raise BuildError("this folder holds other files, and no store", file=root, hint=OTHER_ADVICE)
    _check_writable(root)
    with suppress(FileExistsError):
        descriptor = private_file(str(root / _MARK), os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(_MARK_TEXT)


def _not_a_folder(root: Path) -> BuildError:
    wrong = next(
        (each for each in (*reversed(root.parents), root) if each.exists() and not each.is_dir()), root
    )
    return BuildError(
        f"the store is to be in {root}, but this is not a folder",
        file=wrong,
        hint=f"remove that file, or {OTHER_ADVICE}",
    )


def _check_mark(root: Path) -> None:
    # Empty means that another process is about to write it.
    with suppress(OSError):
        text = (root / _MARK).read_text(encoding="utf-8", errors="replace")
        if text and "rustkernel" not in text:
            raise BuildError("this folder is another program's cache", file=root, hint=OTHER_ADVICE)


def _check_writable(root: Path) -> None:
    # Not even root writes in another user's store: what root left there its owner could never remove.
    owner = root.stat().st_uid
    if owner != os.geteuid():
        reason = f"it belongs to {user_name(owner)}, and this is {user_name(os.geteuid())}"
        raise PermissionError(errno.EPERM, reason)
    if os.statvfs(root).f_flag & os.ST_RDONLY:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))
    if not os.access(root, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def is_readable(root: Path) -> bool:
    """True when the folder is there and its contents can be reached."""
    with suppress(OSError):
        return stat.S_ISDIR(root.stat().st_mode) and os.access(root, os.R_OK | os.X_OK)
    return False
