"""What SCons must not keep of a kernel that was just built: as up to date, or in its CacheDir for others.

SCons takes the digests of sources before a build and records them with what comes of it, even if somebody
has edited a source in between; and whoever has equal sources takes the result from CacheDir.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import SCons.Node.FS
import SCons.Util

from bootimage import report

from . import face

if TYPE_CHECKING:
    from bootimage.cargo.crate import CrateBuild


def keep_to_this_machine(env: Any, targets: face.Nodes, build: CrateBuild) -> None:
    """Keep kernels that hold something of this machine out of CacheDir."""
    if not env.get_CacheDir().is_enabled():
        return
    from bootimage.kernel_key import reason_to_keep

    reason = reason_to_keep(face.context(env), build, [Path(node.abspath) for node in targets])
    if reason:
        report.say(f"Not kept in CacheDir: {reason}")
        _no_cache(targets)


def distrust_edited(targets: face.Nodes) -> None:
    """Where a source of `targets` was edited while they were built, have the next run build them again."""
    edited = [node for node in targets[0].all_children() if _is_edited(node)]
    for node in edited:
        report.say(f"{node} was edited while {targets[0]} was built: the next run builds that again")
        known = node.get_ninfo()
        known.csig, known.timestamp = "edited during a build", 0
    if edited:
        _no_cache(targets)


def _is_edited(node: Any) -> bool:
    """Whether the file is not what SCons has seen before the build."""
    if not isinstance(node, SCons.Node.FS.File):
        return False
    before, path = node.stat(), node.get_abspath()
    try:
        now = os.stat(path)  # noqa: PTH116 (of every input)
    except OSError:
        return before is not None
    if before is not None and (before.st_mtime_ns, before.st_size) == (now.st_mtime_ns, now.st_size):
        return False
    known = getattr(node.get_ninfo(), "csig", None)
    return known is None or bool(SCons.Util.hash_file_signature(path) != known)


def _no_cache(targets: face.Nodes) -> None:
    for node in targets:
        node.set_nocache()
