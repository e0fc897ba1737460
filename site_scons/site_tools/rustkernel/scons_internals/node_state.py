"""What SCons must not keep of a kernel that was just built: as up to date, or in its CacheDir for others.

SCons takes the digests of sources before a build and records them with what comes of it, even if somebody
has edited a source in between; and whoever has equal sources takes the result from CacheDir.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import SCons.Node
import SCons.Node.FS
import SCons.Util

from bootimage.base import console

from .. import scons_types
from ..scons_types import Build, Nodes


def distrust_edited(targets: scons_types.Nodes) -> None:
    """Where a source of `targets` was edited while they were built, have the next run build them again."""
    edited = [node for node in targets[0].all_children() if _is_edited(node)]
    for node in edited:
        console.say(f"{node} was edited while {targets[0]} was built: the next run builds that again")
        known = node.get_ninfo()
        known.csig, known.timestamp = "edited during a build", 0
    if edited:
        no_cache(targets)


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


def scan_again(targets: scons_types.Nodes) -> None:
    """Take what the build of `targets` has found as known before it: the next run then finds all as it was.

    The place in CacheDir was chosen without these inputs, so nothing of it goes there.
    """
    executor = targets[0].get_executor()
    for node in targets:
        node.implicit, node.implicit_set = [], set()
        node._children_reset()
        node._memo.pop("get_found_includes", None)
        node.del_binfo()
    executor.scan_sources(targets[0].builder.source_scanner)
    executor.scan_targets(targets[0].get_target_scanner())
    executor._memo.pop("get_contents", None)
    for node in targets:
        node.binfo = node.get_binfo()
    no_cache(targets)


def no_cache(targets: scons_types.Nodes) -> None:
    for node in targets:
        node.set_nocache()


def made_in(folder: Any, skip: Path | None) -> Iterator[Any]:
    """The files that some builder makes in `folder`, and in folders below that are not there yet."""
    for name, entry in list(folder.entries.items()):
        if name in (".", ".."):
            continue
        if not isinstance(entry, SCons.Node.FS.Dir):
            if entry.has_builder():
                yield entry
        elif not os.path.isdir(entry.get_abspath()) and entry.get_abspath() != str(skip):  # noqa: PTH112
            yield from made_in(entry, skip)


class MadeFrom:
    """All nodes that are made from one of `targets`, directly or not, or are one of them."""

    def __init__(self, targets: list[Any]) -> None:
        self._known: dict[Any, bool] = dict.fromkeys(targets, True)

    def __contains__(self, node: Any) -> bool:
        known = self._known.get(node)
        if known is None:
            self._known[node] = False  # for circles
            parts = (each for kind in (node.sources, node.depends, node.implicit) for each in kind or ())
            known = self._known[node] = any(part in self for part in parts)
        return known


def release_side_effects(target: Nodes) -> None:
    """Let a later build of `scons --interactive` have the side effects, which SCons keeps after a failure."""
    for effect in (each for node in target for each in node.side_effects):
        effect.set_state(SCons.Node.no_state)


def make_of(node: Any) -> Build | None:
    """What makes the node's files, where that is an action of ours."""
    made: Build | None = getattr(node.builder.action, "make", None) if node.has_builder() else None
    return made
